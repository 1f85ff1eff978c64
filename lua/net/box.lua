--[[
net.box: a client of Tarantool's binary protocol. A remote is what connect()
returns: requests, states and triggers for users. The wire is
lua/net/box/transport.lua, the remote's spaces are lua/net/box/schema.lua.
]]

local _, lib = ...

local fiber = require('fiber')
local schema = require('net.box.schema')
local transport = require('net.box.transport')
local uri = require('uri')

local TIMEOUT_INFINITY = transport.TIMEOUT_INFINITY
local final_states = transport.final_states
local new_error, timeout_error = transport.new_error, transport.timeout_error
local no_connection = transport.no_connection

-- Errors of the caller's code have the place of the caller.
local function check_remote(remote, method)
    if type(remote) ~= 'table' then
        error(('Use remote:%s(...) instead of remote.%s(...):'):format(method, method), 3)
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
    local request = transport.new_request(decoder, format)
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

-- The methods of spaces, in net/box/schema.lua, make their requests so.
schema.set_request(function(remote, ...)
    return remote:_request(...)
end)

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
    local remote = setmetatable({
        host = host,
        port = port,
        opts = opts,
        state = 'initial',
        _deadlines = setmetatable({}, {__mode = 'k'}),
        _on_connect = {},
        _on_disconnect = {},
        _on_schema_reload = {},
        _is_connected = false,
    }, remote_mt)
    if opts.call_16 then
        remote.call, remote.eval = remote_methods.call_16, remote_methods.eval_16
    end
    local t = transport.new(remote, lib)
    remote._transport = t
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
