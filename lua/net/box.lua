--[[
net.box: a client of Tarantool's binary protocol.

A remote is what connect() returns. What it does on the wire is its transport: a
socket (C), one fiber that reads and one that writes, the requests that wait for
an answer by their numbers, and a state:

    initial -> auth -> fetch_schema -> active
    any of them -> error (or error_reconnect -> initial ...) ; any -> closed

The fibers hold the transport, never the remote: a remote that nobody uses any
more is collected, and takes its transport along.
]]

local _, lib = ...

local fiber = require('fiber')
local schema = require('net.box.schema')
local uri = require('uri')

local TIMEOUT_INFINITY = 500 * 365 * 86400
local CONNECT_TIMEOUT = 10
local TYPE_ERROR, TYPE_CHUNK = 0x8000, 128

local function new_error(code, reason)
    return box.error.new({code = code, reason = reason})
end

local function timeout_error()
    return box.error.new(box.error.TIMEOUT)
end

local function no_connection(reason)
    return new_error(box.error.NO_CONNECTION, reason)
end

-- Errors of the caller's code have the place of the caller.
local function check_remote(remote, method)
    if type(remote) ~= 'table' then
        error(('Use remote:%s(...) instead of remote.%s(...):'):format(method, method), 3)
    end
end

-- Futures: an answer that may not be there yet.

local future = {}
local future_mt = {__index = future, __metatable = false}

-- What the reply's body is, by the kind of the request.
local decoders = {}

function decoders.none()
    return true
end

function decoders.values(conn)
    return conn:body_values()
end

function decoders.tuples(conn, request)
    return conn:body_tuples(request.format)
end

function decoders.tuple(conn, request)
    return conn:body_tuples(request.format)[1]
end

function decoders.get(conn, request)
    local tuples = conn:body_tuples(request.format)
    if tuples[2] ~= nil then
        error(box.error.new(box.error.MORE_THAN_ONE_TUPLE))
    end
    return tuples[1]
end

function decoders.count(conn)
    local values = conn:body_values()
    return values[1][1]
end

function future:is_ready()
    return self.is_done
end

--- The result; nil and an error.
function future:result()
    if not self.is_done then
        return nil, box.error.new(box.error.PROC_LUA, 'Response is not ready')
    elseif self.error ~= nil then
        return nil, self.error
    end
    return self.response
end

function future:wait_result(timeout)
    if timeout == nil then
        timeout = TIMEOUT_INFINITY
    elseif type(timeout) ~= 'number' or timeout < 0 then
        error('Usage: future:wait_result(timeout)')
    end
    local deadline = fiber.clock() + timeout
    while not self.is_done do
        local left = deadline - fiber.clock()
        if left <= 0 or not self.cond:wait(left) and not self.is_done then
            return nil, timeout_error()
        end
    end
    return self:result()
end

--- Forget the request: its answer will be dropped.
function future:discard()
    if not self.is_done then
        self.transport.requests[self.id] = nil
        self.is_done = true
        self.error = box.error.new(box.error.PROC_LUA, 'Response is discarded')
        self.cond:broadcast()
    end
end

--- for i, message in future:pairs(): what was pushed, then the result.
function future:pairs(timeout)
    if timeout == nil then
        timeout = TIMEOUT_INFINITY
    elseif type(timeout) ~= 'number' or timeout < 0 then
        error('Usage: future:pairs(timeout)')
    end
    local function next_message(request, i)
        if i == nil then
            return nil
        end
        local pushes = request.on_push_ctx
        local deadline = fiber.clock() + timeout
        while true do
            if pushes[i + 1] ~= nil then
                return i + 1, pushes[i + 1]
            elseif request.is_done then
                break
            end
            local left = deadline - fiber.clock()
            if left <= 0 or not request.cond:wait(left) and pushes[i + 1] == nil
                and not request.is_done then
                return box.NULL, timeout_error()
            end
        end
        if i > #pushes then
            return nil
        elseif request.error ~= nil then
            return box.NULL, request.error
        end
        return i + 1, request.response
    end
    return next_message, self, 0
end

local function complete(request, response, err)
    request.is_done = true
    request.response = response
    request.error = err
    request.cond:broadcast()
end

-- Transport.

local transport = {}
local transport_mt = {__index = transport}

local final_states = {error = true, closed = true}

-- The remote, while it is alive; the fields that users read are kept there.
local function remote_of(t)
    return t.weak.remote
end

local function run_triggers(list, ...)
    for i = #list, 1, -1 do
        local ok, err = pcall(list[i], ...)
        if not ok then
            require('log').error('%s', tostring(err))
        end
    end
end

function transport:set_state(state, err)
    self.state = state
    self.error = err
    local remote = remote_of(self)
    local was_active = remote ~= nil and remote._is_connected
    if remote ~= nil then
        remote.state = state
        remote.error = err and tostring(err) or nil
    end
    if state ~= 'active' and state ~= 'fetch_schema' and state ~= 'auth' then
        local requests = self.requests
        self.requests = {}
        for _, request in pairs(requests) do
            complete(request, nil, err or no_connection('Connection closed'))
        end
    end
    if state == 'active' and not was_active and remote ~= nil then
        remote._is_connected = true
        run_triggers(remote._on_connect, remote)
    elseif was_active and state ~= 'active' then
        remote._is_connected = false
        run_triggers(remote._on_disconnect, remote)
    end
    self.cond:broadcast()
end

--- Wait until the state is one of the table's keys. The value found there, or false.
function transport:wait_state(states, timeout)
    local deadline = fiber.clock() + (timeout or TIMEOUT_INFINITY)
    while states[self.state] == nil do
        local left = deadline - fiber.clock()
        if final_states[self.state] or left <= 0 then
            return false
        end
        self.cond:wait(left)
    end
    return states[self.state]
end

-- Encode a request and let it be written. Raises when it cannot be encoded.
function transport:send(request, method, ...)
    local id = self.next_id
    self.conn[method](self.conn, id, ...)
    self.next_id = id + 1
    request.id = id
    request.transport = self
    self.requests[id] = request
    self.write_cond:signal()
    return request
end

local function new_request(decoder, format)
    return setmetatable({
        decode = decoders[decoder],
        format = format,
        cond = fiber.cond(),
        is_done = false,
    }, future_mt)
end

local function writer_loop(self, conn)
    while self.conn == conn do
        if conn:pending() == 0 then
            self.write_cond:wait()
        else
            local ok = conn:flush()
            if not ok then
                break
            end
        end
    end
end

-- Read one reply and hand it to its request.
function transport:read_reply(timeout)
    local conn = self.conn
    local id, kind, schema_version = conn:next(timeout)
    if id == nil then
        return nil, kind
    end
    local request = self.requests[id]
    if kind == TYPE_CHUNK then
        if request ~= nil then
            request.on_push(request.on_push_ctx, conn:body_values()[1])
            request.cond:broadcast()
        end
        return true
    end
    self.requests[id] = nil
    if request ~= nil then
        if kind >= TYPE_ERROR then
            complete(request, nil, conn:body_error(kind))
        else
            local ok, response = pcall(request.decode, conn, request)
            complete(request, ok and response or nil, not ok and response or nil)
        end
    end
    self.server_schema_version = schema_version
    return true
end

-- Send a request of the transport itself and read until it is answered.
function transport:ask(decoder, method, ...)
    local request = self:send(new_request(decoder), method, ...)
    while not request.is_done do
        local ok, err = self:read_reply()
        if not ok then
            error(no_connection(err))
        end
    end
    return request
end

-- Fetch the schema into the remote; called by the fiber that reads.
function transport:fetch_schema()
    repeat
        local requests = {}
        for i, space_id in ipairs(schema.views) do
            requests[i] = self:send(new_request('values'), 'select', space_id, 0, 2, 0,
                0xffffffff, {})
        end
        for _, request in ipairs(requests) do
            while not request.is_done do
                local ok, err = self:read_reply()
                if not ok then
                    error(no_connection(err))
                end
            end
        end
        local rows = {}
        for i, request in ipairs(requests) do
            -- The view of collations is missing in old servers.
            if request.error ~= nil and i < 3 then
                error(request.error)
            end
            rows[i] = request.response or {}
        end
        self.schema_version = self.server_schema_version
        local remote = remote_of(self)
        if remote ~= nil then
            schema.install(remote, rows[1], rows[2], rows[3], lib)
            remote.schema_version = self.schema_version
            run_triggers(remote._on_schema_reload, remote)
        end
    until remote_of(self) == nil or self.schema_version == self.server_schema_version
    self.schema_cond:broadcast()
end

function transport:open()
    local timeout = self.opts.connect_timeout or CONNECT_TIMEOUT
    local conn, protocol, version, uuid = lib.connect(self.host, self.port, timeout)
    if conn == nil then
        error(no_connection(protocol))
    elseif protocol ~= 'Binary' then
        error(no_connection('Unsupported protocol: ' .. protocol))
    elseif self.state == 'closed' then
        conn:close()
        return
    end
    self.conn = conn
    local remote = remote_of(self)
    if remote ~= nil then
        local major, minor, patch = version:match('^(%d+)%.(%d+)%.?(%d*)')
        remote.protocol = protocol
        remote.peer_uuid = uuid
        remote.peer_version_id = (tonumber(major) or 0) * 65536 + (tonumber(minor) or 0) * 256
            + (tonumber(patch) or 0)
    end
    remote = nil -- luacheck: ignore (it must not stay on this fiber's stack)
    fiber.create(writer_loop, self, conn)
end

-- One life of the connection, to its end.
function transport:serve()
    self:set_state('initial')
    self:open()
    if self.state == 'closed' then
        return
    end
    local user, password = self.opts.user, self.opts.password
    if user ~= nil then
        self:set_state('auth')
        if password == nil and user ~= 'guest' then
            password = ''
        end
        local request = self:ask('none', 'auth', user, password)
        if request.error ~= nil then
            self.is_refused = true
            error(request.error)
        end
    end
    self:set_state('fetch_schema')
    self:fetch_schema()
    self:set_state('active')
    while true do
        local ok, err = self:read_reply()
        if not ok then
            error(no_connection(err))
        end
        if self.server_schema_version ~= self.schema_version then
            self:fetch_schema()
        end
    end
end

function transport:drop()
    local conn = self.conn
    self.conn = nil
    if conn ~= nil then
        conn:close()
    end
    self.write_cond:broadcast()
end

function transport:run()
    while self.state ~= 'closed' do
        local ok, err = pcall(self.serve, self)
        self:drop()
        if ok or self.state == 'closed' then
            break
        end
        local pause = self.opts.reconnect_after
        if pause == nil or pause < 0 or self.is_refused then
            self:set_state('error', err)
            break
        end
        -- Once, not at each attempt.
        if self.logged ~= tostring(err) then
            self.logged = tostring(err)
            require('log').warn('%s:%s: %s', self.host, self.port, self.logged)
        end
        self:set_state('error_reconnect', err)
        fiber.sleep(pause)
    end
end

function transport:start(name)
    local worker = fiber.create(function()
        fiber.yield() -- let connect() return when it does not wait
        self:run()
    end)
    worker:name(name, {truncate = true})
    self.worker = worker
end

function transport:stop()
    if not final_states[self.state] then
        self:set_state('closed', no_connection('Connection closed'))
        self:drop()
        if self.worker:status() ~= 'dead' and self.worker ~= fiber.self() then
            self.worker:wakeup()
        end
    elseif self.state == 'error' then
        self:set_state('closed', no_connection('Connection closed'))
    end
end

-- Remotes.

local remote_methods = {}
local remote_mt = {
    __index = remote_methods,
    __metatable = false,
    __serialize = function(self)
        return {
            host = self.host,
            port = self.port,
            opts = next(self.opts) and self.opts or nil,
            state = self.state,
            error = self.error,
            protocol = self.protocol,
            schema_version = self.schema_version,
            peer_uuid = self.peer_uuid,
            peer_version_id = self.peer_version_id,
        }
    end,
}

local function request_timeout(remote, opts)
    local deadline = remote._deadlines[fiber.self()]
    if opts ~= nil and opts.timeout ~= nil then
        return opts.timeout + 0
    elseif deadline ~= nil then
        return math.max(0, deadline - fiber.clock())
    end
    return TIMEOUT_INFINITY
end

local function push_to_table(list, message)
    list[#list + 1] = message
end

local function prepare_request(opts, decoder, format)
    if opts ~= nil and (opts.buffer ~= nil or opts.skip_header ~= nil) then
        error("net.box: option 'buffer' is built into Tarantool but not into tarantella yet", 4)
    end
    local request = new_request(decoder, format)
    if opts ~= nil and opts.is_async then
        if opts.on_push ~= nil or opts.on_push_ctx ~= nil then
            error('To handle pushes in an async request use future:pairs()', 4)
        end
        request.on_push = push_to_table
        request.on_push_ctx = {}
    else
        request.on_push = opts ~= nil and opts.on_push or function() end
        request.on_push_ctx = opts ~= nil and opts.on_push_ctx or nil
        if type(request.on_push) ~= 'function' then
            error('on_push must be a function', 4)
        end
    end
    return request
end

-- Until the connection is active; raises when it will not be, or is too late.
local function wait_active(t, deadline)
    while t.state ~= 'active' do
        local left = deadline - fiber.clock()
        if final_states[t.state] then
            error(t.error)
        elseif left <= 0 then
            error(t.state == 'error_reconnect' and t.error or timeout_error())
        end
        t.cond:wait(left)
    end
end

--- Send a request; the future when opts.is_async, else wait for the answer.
function remote_methods:_request(opts, decoder, format, method, ...)
    local request = prepare_request(opts, decoder, format)
    local t = self._transport
    if opts ~= nil and opts.is_async then
        if t.state ~= 'active' then
            error(t.error or no_connection('Connection is not established, state is "'
                .. t.state .. '"'))
        end
        return t:send(request, method, ...)
    end
    local timeout = request_timeout(self, opts)
    local deadline = fiber.clock() + timeout
    if t.state ~= 'active' then
        wait_active(t, deadline)
    end
    t:send(request, method, ...)
    while not request.is_done do
        local left = deadline - fiber.clock()
        if left <= 0 then
            t.requests[request.id] = nil
            error(timeout_error())
        end
        request.cond:wait(left)
        fiber.testcancel()
    end
    if request.error ~= nil then
        error(request.error)
    elseif request.response ~= nil then
        return request.response
    end
end

function remote_methods:ping(opts)
    check_remote(self, 'ping')
    if opts ~= nil and opts.is_async then
        return self:_request(opts, 'none', nil, 'ping')
    end
    return (pcall(self._request, self, opts, 'none', nil, 'ping'))
end

local function unpack_values(opts, values)
    if opts ~= nil and opts.is_async or type(values) ~= 'table' then
        return values
    end
    return unpack(values)
end

local function check_args(what, call, args)
    if args ~= nil and type(args) ~= 'table' and not box.tuple.is(args) then
        error(('Use remote:%s(%s, {arg1, arg2, ...}, opts) instead of '
            .. 'remote:%s(%s, arg1, arg2, ...)'):format(call, what, call, what), 3)
    end
end

function remote_methods:call(name, args, opts)
    check_remote(self, 'call')
    check_args('func_name', 'call', args)
    local res = self:_request(opts, 'values', nil, 'call', tostring(name), args)
    return unpack_values(opts, res)
end

--- As in protocol 1.6: the results are tuples.
function remote_methods:call_16(name, ...)
    check_remote(self, 'call')
    return self:_request(nil, 'tuples', nil, 'call_16', tostring(name), {...})
end

function remote_methods:eval(text, args, opts)
    check_remote(self, 'eval')
    check_args('expression', 'eval', args)
    local res = self:_request(opts, 'values', nil, 'eval', text, args)
    return unpack_values(opts, res)
end

function remote_methods:eval_16(text, ...)
    check_remote(self, 'eval')
    return unpack(self:_request(nil, 'values', nil, 'eval', text, {...}))
end

for _, name in ipairs({'execute', 'prepare', 'unprepare'}) do
    remote_methods[name] = function()
        error(("net.box: '%s' is built into Tarantool but not into tarantella yet"):format(name),
            2)
    end
end

function remote_methods:close()
    check_remote(self, 'close')
    self._transport:stop()
end

function remote_methods:is_connected()
    check_remote(self, 'is_connected')
    local state = self.state
    return state == 'active' or state == 'fetch_schema'
end

function remote_methods:wait_connected(timeout)
    check_remote(self, 'wait_connected')
    return self._transport:wait_state({active = true}, timeout)
end

--- Wait for a state, or for one of the keys of a table.
function remote_methods:wait_state(state, timeout)
    check_remote(self, 'wait_state')
    if type(state) == 'table' then
        return self._transport:wait_state(state, timeout)
    end
    return self._transport:wait_state({[state] = true}, timeout)
end

--- Deadline of the requests of this fiber (an old way to give a timeout).
function remote_methods:timeout(timeout)
    check_remote(self, 'timeout')
    self._deadlines[fiber.self()] = timeout ~= nil and fiber.clock() + timeout or nil
    return self
end

function remote_methods:reload_schema()
    check_remote(self, 'reload_schema')
    local t = self._transport
    -- Whatever the version is: the next reply makes the reader fetch it anew.
    t.schema_version = nil
    self:_request(nil, 'none', nil, 'ping')
    while t.schema_version == nil and not final_states[t.state] do
        t.schema_cond:wait()
    end
end

-- Trigger lists, as box.session.on_connect() takes its arguments.
local function set_trigger(list, name, new, old)
    for _, f in ipairs({new, old}) do
        if type(f) ~= 'function' and f ~= nil and f ~= box.NULL then
            error(('Usage: %s(callable)'):format(name), 3)
        end
    end
    if new == nil and old == nil then
        return list
    end
    for i, f in ipairs(list) do
        if f == old then
            list[i] = new
            if new == nil then
                table.remove(list, i)
            end
            return old
        end
    end
    if new ~= nil then
        list[#list + 1] = new
    end
    return new
end

for _, name in ipairs({'on_connect', 'on_disconnect', 'on_schema_reload'}) do
    remote_methods[name] = function(self, new, old)
        check_remote(self, name)
        local res = set_trigger(self['_' .. name], name, new, old)
        return res
    end
end

-- Fetches _request for net/box/schema.lua, whose methods it needs.
schema.set_request(function(remote, ...)
    return remote:_request(...)
end)

local options = {user = true, password = true, wait_connected = true, reconnect_after = true,
    call_16 = true, console = true, connect_timeout = true, default_timeout = true}

-- connect(uri[, opts]) or connect(host, port[, opts]): host, port, opts.
local function parse_args(...)
    local n = select('#', ...)
    local first, second, third = ...
    local host, port, opts
    if type(second) == 'number' or type(second) == 'string' then
        host, port, opts = first, second, third
    else
        local parsed = type(first) == 'number' and {service = tostring(first)}
            or type(first) == 'string' and uri.parse(first) or nil
        opts = second
        if parsed == nil or parsed.service == nil then
            host = nil
        else
            host, port = parsed.host or 'localhost', parsed.service
            if parsed.login ~= nil then
                opts = table.copy(opts or {})
                opts.user, opts.password = parsed.login, parsed.password
            end
        end
    end
    if n < 1 or type(host) ~= 'string' or opts ~= nil and type(opts) ~= 'table' then
        error('usage: connect(uri[, opts] | host, port[, opts])', 3)
    end
    return host, tostring(port), opts or {}
end

local function new_remote(host, port, opts)
    if opts.password ~= nil and opts.user == nil then
        error('net.box: user is not defined', 3)
    end
    if opts.console then
        error("net.box: option 'console' is built into Tarantool but not into tarantella yet", 3)
    end
    local weak = setmetatable({}, {__mode = 'v'})
    local t = setmetatable({
        weak = weak,
        host = host,
        port = port,
        opts = opts,
        state = 'initial',
        requests = {},
        next_id = 1,
        cond = fiber.cond(),
        write_cond = fiber.cond(),
        schema_cond = fiber.cond(),
    }, transport_mt)
    local remote = setmetatable({
        host = host,
        port = port,
        opts = opts,
        state = 'initial',
        _transport = t,
        _deadlines = setmetatable({}, {__mode = 'k'}),
        _on_connect = {},
        _on_disconnect = {},
        _on_schema_reload = {},
        _is_connected = false,
    }, remote_mt)
    if opts.call_16 then
        remote.call, remote.eval = remote_methods.call_16, remote_methods.eval_16
    end
    weak.remote = remote
    -- LuaJIT's tables have no __gc; a proxy goes when its remote goes.
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = function()
        if not final_states[t.state] then
            t.state = 'closed'
            t:drop()
        end
    end
    remote._proxy = proxy
    return remote
end

local function connect(...)
    local host, port, opts = parse_args(...)
    local remote = new_remote(host, port, opts)
    local name = host .. ':' .. port .. ' (net.box)'
    remote._transport:start(name)
    if opts.wait_connected ~= false then
        local timeout = type(opts.wait_connected) == 'number' and opts.wait_connected or nil
        remote:wait_connected(timeout)
    end
    return remote
end

-- net.box.self: the same interface without a wire.

local self_remote = {}

local function local_result(ok, ...)
    if not ok then
        local err = ...
        if type(err) == 'cdata' then
            error(err)
        end
        error(box.error.new(box.error.PROC_LUA, tostring(err)))
    end
    return ...
end

local function find_function(name)
    local value, object = _G, nil
    for separator, part in ('.' .. tostring(name)):gmatch('([.:])([^.:]+)') do
        object = separator == ':' and value or nil
        value = type(value) == 'table' and value[part] or nil
    end
    if value == nil then
        error(new_error(box.error.NO_SUCH_PROC,
            ("Procedure '%s' is not defined"):format(tostring(name))))
    end
    return value, object
end

function self_remote:ping()
    check_remote(self, 'ping')
    return true
end

function self_remote:call(name, args, opts)
    check_remote(self, 'call')
    check_args('func_name', 'call', args)
    if opts ~= nil and opts.is_async then
        error('net.box.self does not support async requests', 2)
    end
    local f, object = find_function(name)
    args = args or {}
    if object ~= nil then
        return local_result(pcall(f, object, unpack(args)))
    end
    return local_result(pcall(f, unpack(args)))
end

function self_remote:eval(text, args)
    check_remote(self, 'eval')
    check_args('expression', 'eval', args)
    local f, err = loadstring(text)
    if f == nil then
        f, err = loadstring('return ' .. text)
    end
    if f == nil then
        error(box.error.new(box.error.PROC_LUA, err))
    end
    return local_result(pcall(f, unpack(args or {})))
end

function self_remote:is_connected()
    return true
end

function self_remote:wait_connected()
    return true
end

function self_remote:timeout()
    return self
end

function self_remote:reload_schema()
end

function self_remote:close()
end

setmetatable(self_remote, {
    __metatable = false,
    __index = function(_, key)
        if key == 'space' then
            return box.space
        end
        return nil
    end,
})

return {
    connect = connect,
    new = connect,
    self = self_remote,
}
