--[[
net.box.transport: what a remote does on the wire: a socket (C), one fiber that
reads and one that writes, the requests that wait for an answer by their numbers,
and a state:

    initial -> auth -> fetch_schema -> active
    any of them -> error (or error_reconnect -> initial ...) ; any -> closed

The fibers hold the transport, never the remote: a remote that nobody uses any
more is collected, and takes its transport along.
]]

local fiber = require('fiber')
local schema = require('net.box.schema')

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
            schema.install(remote, rows[1], rows[2], rows[3], self.lib)
            remote.schema_version = self.schema_version
            run_triggers(remote._on_schema_reload, remote)
        end
    until remote_of(self) == nil or self.schema_version == self.server_schema_version
    self.schema_cond:broadcast()
end

function transport:open()
    local timeout = self.opts.connect_timeout or CONNECT_TIMEOUT
    local conn, protocol, version, uuid = self.lib.connect(self.host, self.port, timeout)
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

--- A transport of the remote; it does nothing until start().
local function new(remote, lib)
    return setmetatable({
        weak = setmetatable({remote = remote}, {__mode = 'v'}),
        lib = lib,
        host = remote.host,
        port = remote.port,
        opts = remote.opts,
        state = 'initial',
        requests = {},
        next_id = 1,
        cond = fiber.cond(),
        write_cond = fiber.cond(),
        schema_cond = fiber.cond(),
    }, transport_mt)
end

return {
    TIMEOUT_INFINITY = TIMEOUT_INFINITY,
    final_states = final_states,
    new = new,
    new_error = new_error,
    new_request = new_request,
    no_connection = no_connection,
    timeout_error = timeout_error,
}
