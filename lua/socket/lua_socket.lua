-- LuaSocket's tcp objects on top of ours: socket.tcp(), bind(), connect().
-- Their results follow LuaSocket: 1, or nil and a text.
local errno = require('errno')

local emulation = {}
local socket, create

local function strip(text, tail)
    return text:sub(-#tail) == tail and text:sub(1, -#tail - 1) or text
end

local function fail(self)
    if self._errno == errno.ETIMEDOUT or self._errno == errno.EAGAIN then
        return nil, 'Timeout'
    end
    return nil, errno.strerror(self._errno or errno())
end

local function result(self, ok)
    if not ok then
        return fail(self)
    end
    return 1
end

local tcp = {}
local tcp_mt

-- The object keeps a socket of ours in `s`; `state` is master, server or client.
local function make(s, state)
    return setmetatable({s = s, state = state, timeout = nil}, tcp_mt)
end

function tcp:settimeout(seconds)
    self.timeout = seconds
    return 1
end

function tcp:bind(host, port)
    return result(self.s, self.s:bind(host, port))
end

function tcp:listen(backlog)
    self.state = 'server'
    return result(self.s, self.s:listen(backlog))
end

function tcp:connect(host, port)
    local s = socket.tcp_connect(host, port, self.timeout)
    if s == nil then
        return nil, errno.strerror()
    end
    self.s:close()
    self.s, self.state = s, 'client'
    return 1
end

function tcp:accept()
    if not self.s:readable(self.timeout) then
        return nil, 'Timeout'
    end
    local client = self.s:accept()
    if client == nil then
        return fail(self.s)
    end
    return make(client, 'client')
end

function tcp:send(data, first, last)
    data = tostring(data):sub(first or 1, last or -1)
    local n = self.s:write(data, self.timeout)
    if n == nil then
        return fail(self.s)
    end
    return (first or 1) + n - 1
end

-- '*l' (default): a line without its end; '*a': all; a number: so many bytes.
function tcp:receive(pattern, prefix)
    prefix = prefix or ''
    pattern = pattern or '*l'
    local text
    if pattern == '*l' or pattern == 'l' then
        text = self.s:read('\n', self.timeout)
        if text ~= nil and text:sub(-1) == '\n' then
            return prefix .. strip(text:sub(1, -2), '\r')
        end
    elseif pattern == '*a' or pattern == 'a' then
        text = self.s:read({}, self.timeout)
        if text ~= nil then
            return prefix .. text
        end
    elseif type(pattern) == 'number' then
        text = self.s:read(pattern, self.timeout)
        if text ~= nil and #text == pattern then
            return prefix .. text
        end
    else
        error("Usage: socket:receive(pattern, [, prefix])", 2)
    end
    if text == nil then
        return fail(self.s)
    end
    return nil, 'closed', prefix .. text
end

function tcp:setoption(name, value)
    if name == 'tcp-nodelay' then
        return result(self.s, self.s:setsockopt('tcp', 'TCP_NODELAY', value))
    elseif name == 'linger' then
        return result(self.s, self.s:linger(value.on, value.timeout) ~= nil)
    end
    return result(self.s, self.s:setsockopt('SOL_SOCKET', 'SO_' .. name:upper(), value))
end

function tcp:shutdown(how)
    local known = {send = 'W', receive = 'R', both = 'RW'}
    return result(self.s, self.s:shutdown(known[how or 'both']))
end

function tcp:close()
    self.s:close()
    return 1
end

local function address(self, a)
    if a == nil then
        return fail(self.s)
    end
    return a.host, tostring(a.port), a.family == 'AF_INET6' and 'inet6' or 'inet'
end

function tcp:getsockname()
    return address(self, self.s:name())
end

function tcp:getpeername()
    return address(self, self.s:peer())
end

function tcp:getfd()
    return self.s:fd()
end

tcp_mt = {
    __index = tcp,
    __tostring = function(self)
        local closed = self.s._gc_socket.fd < 0
        return string.format('tcp{%s}: %s', self.state,
                             closed and 'closed' or 'fd=' .. self.s:fd())
    end,
}

function emulation.tcp()
    local s = create(nil, 'AF_INET', 'SOCK_STREAM', 'tcp')
    if s == nil then
        return nil, errno.strerror()
    end
    return make(s, 'master')
end

function emulation.bind(host, port, backlog)
    local list = socket.getaddrinfo(host, port, {type = 'SOCK_STREAM', flags = 'AI_PASSIVE'})
    for _, a in ipairs(list or {}) do
        local s = create(nil, a.family, a.type, a.protocol)
        if s ~= nil then
            s:setsockopt('SOL_SOCKET', 'SO_REUSEADDR', true)
            if s:bind(a.host, a.port) and s:listen(backlog) then
                return make(s, 'server')
            end
            local number = s:errno()
            s:close()
            errno(number)
        end
    end
    return nil, errno.strerror()
end

function emulation.connect(host, port, timeout)
    local s = socket.tcp_connect(host, port, timeout)
    if s == nil then
        return nil, errno.strerror()
    end
    return make(s, 'client')
end

function emulation.set_up(from)
    socket, create = from.socket, from.create
end

return emulation
