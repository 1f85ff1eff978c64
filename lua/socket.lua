-- socket: descriptors that make their fiber wait, not the process.
local ffi = require('ffi')
local errno = require('errno')
local fiber = require('fiber')

local _, internal = ...

local TIMEOUT_INFINITY = 100 * 365 * 86400

-- Closes a descriptor that nobody closed.
ffi.cdef('struct gc_socket { int fd; };')
local gc_socket_t = ffi.metatype('struct gc_socket', {
    __gc = function(self)
        if self.fd >= 0 then
            internal.close(self.fd)
            self.fd = -1
        end
    end,
})

local methods = {}
local socket_mt

-- The descriptor of an open socket object.
local function check_socket(self)
    local gc = type(self) == 'table' and rawget(self, '_gc_socket')
    if not gc then
        local msg = 'Usage: socket:method()'
        if self ~= nil then
            msg = msg .. ', called with non-socket'
        end
        error(msg, 3)
    end
    if gc.fd < 0 then
        error('attempt to use closed socket', 3)
    end
    return gc.fd
end

local function make_socket(fd, itype)
    return setmetatable({_gc_socket = gc_socket_t(fd), itype = itype}, socket_mt)
end

-- Keep the errno of a call that failed for s:errno() and s:error().
local function note(self, ok, ...)
    self._errno = not ok and errno() or nil
    return ok, ...
end

-- A number, or a name of the table; nil otherwise.
local function to_number(value, known)
    if value == nil then
        return nil
    end
    return tonumber(value) or known[value]
end

-- nil, a number, a name or an array of names, as bits; nil when one is unknown.
local function to_bits(names, known)
    if names == nil then
        return 0
    end
    if type(names) ~= 'table' then
        return to_number(names, known)
    end
    local bits = 0
    for _, name in pairs(names) do
        local n = to_number(name, known)
        if n == nil then
            return nil
        end
        bits = bit.bor(bits, n)
    end
    return bits
end

local function send_flags(flags, method)
    local bits = to_bits(flags, internal.SEND_FLAGS)
    if bits == nil then
        error(("bad argument #4 to '%s' (cannot convert 'nil' to 'int')"):format(method), 0)
    end
    return bits
end

function methods:fd()
    local fd = check_socket(self) -- no tail call: the error tells the caller's place
    return fd
end

function methods:errno()
    check_socket(self)
    return self._errno or 0
end

function methods:error()
    check_socket(self)
    if self._errno == nil then
        return nil
    end
    return errno.strerror(self._errno)
end

function methods:name()
    return (note(self, internal.name(check_socket(self))))
end

function methods:peer()
    return (note(self, internal.peer(check_socket(self))))
end

function methods:sysconnect(host, port)
    return (note(self, internal.sysconnect(check_socket(self), host, port)))
end

function methods:bind(host, port)
    return (note(self, internal.bind(check_socket(self), host, port)))
end

function methods:listen(backlog)
    return (note(self, internal.listen(check_socket(self), backlog or 256)))
end

function methods:accept()
    local fd, from = note(self, internal.accept(check_socket(self)))
    if fd == nil then
        return nil
    end
    return make_socket(fd, self.itype), from
end

local shutdown_how = {R = 0, READ = 0, W = 1, WRITE = 1, RW = 2, READ_WRITE = 2,
                      [0] = 0, [1] = 1, [2] = 2}

function methods:shutdown(how)
    return (note(self, internal.shutdown(check_socket(self), shutdown_how[how or 2] or 2)))
end

function methods:close()
    local fd = check_socket(self)
    self._gc_socket.fd = -1
    if self._unix_path ~= nil then
        os.remove(self._unix_path) -- a server's: nobody shall find it any more
    end
    return (note(self, internal.close(fd)))
end

-- Give the descriptor away: the object does not close it any more.
function methods:detach()
    local fd = check_socket(self)
    self._gc_socket.fd = -1
    return fd
end

function methods:nonblock(yes)
    return (note(self, internal.nonblock(check_socket(self), yes)))
end

-- Number of the level, and what is known of the option.
local function find_option(level, name)
    if level == 'SOL_SOCKET' or level == 'socket' then
        level = internal.SOL_SOCKET
    else
        level = to_number(level, internal.protocols)
    end
    local options = level ~= nil and internal.SO_OPT[level]
    if not options then
        errno(errno.EPROTOTYPE)
        return nil
    end
    if name == nil then
        errno(errno.ENOPROTOOPT)
        return nil
    end
    if type(name) == 'number' then
        for _, option in pairs(options) do
            if option.iname == name then
                return level, option
            end
        end
    end
    if options[name] == nil then
        error(string.format('Unknown socket option name: %s', tostring(name)), 3)
    end
    return level, options[name]
end

function methods:getsockopt(level, name)
    local fd = check_socket(self)
    local number, option = find_option(level, name)
    if number == nil then
        return note(self, false)
    end
    if option.type == 0 then
        if name == 'SO_LINGER' then
            error('Use s:linger()')
        end
        error(string.format('Unsupported socket option: %s', tostring(name)))
    end
    return (note(self, internal.getsockopt(fd, number, option.iname, option.type == 2)))
end

function methods:setsockopt(level, name, value)
    local fd = check_socket(self)
    local number, option = find_option(level, name)
    if number == nil then
        return note(self, false)
    end
    if option.type == 0 and name == 'SO_LINGER' then
        error('Use s:linger()')
    end
    if not option.rw then
        error(string.format('Socket option %s is read only', tostring(name)))
    end
    if option.type == 1 and type(value) ~= 'number' and type(value) ~= 'boolean' then
        error(string.format("cannot convert '%s' to 'int'", type(value)), 0)
    end
    return (note(self, internal.setsockopt(fd, number, option.iname, value)))
end

function methods:linger(active, seconds)
    local fd = check_socket(self)
    if active == nil then
        return note(self, internal.linger(fd))
    end
    local ok, set = note(self, internal.linger(fd, active ~= 0 and active, seconds or 0))
    if ok == nil then
        return nil
    end
    return active, set
end

local function iowait(self, events, timeout)
    local fd = check_socket(self)
    return internal.iowait(fd, events, timeout or TIMEOUT_INFINITY)
end

function methods:wait(timeout)
    local events = iowait(self, 3, timeout)
    self._errno = nil
    return events == 3 and 'RW' or events == 1 and 'R' or events == 2 and 'W' or 0
end

function methods:readable(timeout)
    self._errno = nil
    return iowait(self, 1, timeout) ~= 0
end

function methods:writable(timeout)
    self._errno = nil
    return iowait(self, 2, timeout) ~= 0
end

local transient = {[errno.EAGAIN] = true, [errno.EWOULDBLOCK] = true, [errno.EINTR] = true}

local function is_buffer(v)
    return type(v) == 'cdata'
end

-- s:sysread([size]), s:sysread(buf, size)
function methods:sysread(buf, size)
    local fd = check_socket(self)
    if not is_buffer(buf) then
        buf, size = nil, buf or 16384
    end
    if size < 0 then
        error('socket:sysread(): size can not be negative')
    end
    local text = note(self, internal.sysread(fd, size))
    if text == nil or buf == nil then
        return text
    end
    ffi.copy(buf, text, #text)
    return #text
end

-- s:syswrite(text), s:syswrite(buf, size)
function methods:syswrite(data, size)
    local fd = check_socket(self)
    if is_buffer(data) and size ~= nil then
        data = ffi.string(data, size)
    elseif type(data) ~= 'string' then
        error('Usage: socket:syswrite(data) or socket:syswrite(const char *, size)')
    end
    return (note(self, internal.send(fd, data, 0)))
end

function methods:write(octets, timeout)
    local fd = check_socket(self)
    local size = #octets
    if type(octets) ~= 'string' then
        error(string.format("cannot convert '%s' to 'const char *'", type(octets)), 0)
    end
    timeout = timeout or TIMEOUT_INFINITY
    self._errno = nil
    if size == 0 then
        return 0
    end
    local deadline, done = fiber.clock() + timeout, 0
    while true do
        local n = internal.send(fd, octets, 0, done)
        if n ~= nil then
            done = done + n
            if done == size then
                return size
            end
        elseif not transient[errno()] then
            return (note(self, nil))
        end
        timeout = deadline - fiber.clock()
        if timeout <= 0 then
            errno(errno.ETIMEDOUT)
            return (note(self, nil))
        end
        iowait(self, 2, timeout)
    end
end

-- How many bytes the first of the delimiters ends at, looking from `from` on.
local function find_delimiter(buf, delimiters, from)
    local nearest
    for _, d in ipairs(delimiters) do
        local at = type(d) == 'string' and buf:find(d, math.max(from - #d + 1, 0))
        if at and (nearest == nil or at < nearest) then
            nearest = at
        end
    end
    return nearest
end

-- How many bytes there are to take now, or nil.
local function ready_to_take(buf, limit, delimiters, from)
    local size = buf:size()
    local at = delimiters and find_delimiter(buf, delimiters, from)
    if at and at <= limit then
        return at
    end
    return size >= limit and limit or nil
end

local function read(self, limit, delimiters, timeout)
    local deadline = fiber.clock() + timeout
    local fd = check_socket(self)
    local buf = self._rbuf
    if buf == nil then
        buf = internal.rbuf()
        self._rbuf = buf
    end
    self._errno = nil
    local searched = 0
    while true do
        local n = ready_to_take(buf, limit, delimiters, searched)
        if n ~= nil then
            return buf:take(n)
        end
        searched = buf:size()
        local got = internal.rbuf_fill(buf, fd, limit - searched)
        if got == 0 then
            return buf:take(searched) -- the end: what is left, or ''
        elseif got == nil then
            if not transient[errno()] then
                return (note(self, nil))
            end
            timeout = deadline - fiber.clock()
            if timeout <= 0 or iowait(self, 1, timeout) == 0 then
                errno(errno.ETIMEDOUT)
                return (note(self, nil))
            end
        end
    end
end

internal.rbuf_fill = internal.rbuf().fill

local READ_LIMIT_MAX = 2 ^ 53

local function to_delimiters(d)
    if d == nil or type(d) == 'table' then
        return d
    end
    if type(d) == 'string' then
        return {d}
    end
    error('Usage: s:read(delimiter|chunk|{delimiter = x, chunk = x}, timeout)', 3)
end

-- s:read(size), s:read(delimiter), s:read({delimiter = , chunk = }), each with timeout
function methods:read(what, timeout)
    check_socket(self)
    timeout = timeout or TIMEOUT_INFINITY
    local limit, delimiters = READ_LIMIT_MAX, nil
    if type(what) == 'number' then
        limit = what
    elseif type(what) == 'table' then
        limit = tonumber(what.chunk or what.size) or READ_LIMIT_MAX
        delimiters = to_delimiters(what.delimiter or what.line)
    elseif type(what) == 'string' then
        delimiters = {what}
    else
        error('Usage: s:read(delimiter|chunk|{delimiter = x, chunk = x}, timeout)')
    end
    if limit < 0 then
        error('socket:read(): limit can not be negative')
    end
    return read(self, limit, delimiters, timeout)
end

function methods:send(octets, flags)
    local fd = check_socket(self)
    if type(octets) ~= 'string' then
        string.len(octets)
    end
    return (note(self, internal.send(fd, octets, send_flags(flags, 'send'))))
end

function methods:recv(size, flags)
    local fd = check_socket(self)
    return (note(self, internal.recvfrom(fd, size, send_flags(flags, 'recv'))))
end

function methods:recvfrom(size, flags)
    local fd = check_socket(self)
    return note(self, internal.recvfrom(fd, size, send_flags(flags, 'recvfrom')))
end

function methods:sendto(host, port, octets, flags)
    local fd = check_socket(self)
    if octets == nil or octets == '' then
        return true
    end
    return (note(self, internal.sendto(fd, host, port, octets,
                                       send_flags(flags, 'sendto'))))
end

local function address_text(a)
    if a.family == 'AF_UNIX' then
        return string.format('unix/:%s', a.port)
    end
    return string.format('%s:%s', a.host, a.port)
end

socket_mt = {
    __index = methods,
    __tostring = function(self)
        local fd = check_socket(self)
        local text = string.format('fd %d', fd)
        local name, peer = internal.name(fd), internal.peer(fd)
        if name ~= nil then
            text = string.format('%s, aka %s', text, address_text(name))
        end
        if peer ~= nil then
            text = string.format('%s, peer %s', text, address_text(peer))
        end
        return text
    end,
    __serialize = function(self)
        local fd = check_socket(self)
        return {fd = fd, name = internal.name(fd), peer = internal.peer(fd)}
    end,
}

local socket = {internal = internal}

local function create(_, domain, itype, protocol)
    domain = to_number(domain, internal.DOMAIN)
    itype = to_number(itype, internal.SO_TYPE)
    protocol = to_number(protocol, internal.protocols)
    if domain == nil or itype == nil or protocol == nil then
        errno(domain == nil and errno.EAFNOSUPPORT or itype == nil and errno.ESOCKTNOSUPPORT
              or errno.EPROTONOSUPPORT)
        return nil
    end
    local fd = internal.socket(domain, itype, protocol)
    return fd and make_socket(fd, itype)
end

function socket.iowait(fd, events, timeout)
    return internal.iowait(fd, events, timeout)
end

-- getaddrinfo(host, port [, timeout] [, opts])
function socket.getaddrinfo(host, port, timeout, opts)
    if type(timeout) == 'table' and opts == nil then
        timeout, opts = nil, timeout
    end
    opts = opts or {}
    local flags = opts.flags ~= nil and to_bits(opts.flags, internal.AI_FLAGS) or nil
    local itype = to_number(opts.type, internal.SO_TYPE)
    local family = to_number(opts.family, internal.DOMAIN)
    local protocol = to_number(opts.protocol, internal.protocols)
    if (opts.flags ~= nil and flags == nil) or (opts.type ~= nil and itype == nil)
        or (opts.family ~= nil and family == nil)
        or (opts.protocol ~= nil and protocol == nil) then
        errno(errno.EINVAL)
        return nil
    end
    return internal.getaddrinfo(host, port and tostring(port), timeout, flags, itype, family,
                                protocol)
end

-- Connect and wait for it; nil and errno, and the socket is closed.
local function connect(s, host, port, deadline)
    local function fail(number)
        s:close()
        errno(number)
        return nil
    end
    if s:sysconnect(host, port) then
        return s
    end
    if s:errno() ~= errno.EINPROGRESS then
        return fail(s:errno())
    end
    local timeout = deadline - fiber.clock()
    if timeout <= 0 or not s:writable(timeout) then
        return fail(errno.ETIMEDOUT)
    end
    local failed = s:getsockopt('SOL_SOCKET', 'SO_ERROR')
    if failed ~= 0 then
        return fail(failed or s:errno())
    end
    return s
end

function socket.tcp_connect(host, port, timeout)
    local deadline = fiber.clock() + (timeout or TIMEOUT_INFINITY)
    if host == 'unix/' then
        local s = create(nil, 'AF_UNIX', 'SOCK_STREAM', 0)
        return s and connect(s, host, port, deadline)
    end
    local list = socket.getaddrinfo(host, port, timeout,
                                    {type = 'SOCK_STREAM', protocol = 'tcp'})
    if list == nil or #list == 0 then
        return nil
    end
    for _, address in ipairs(list) do
        local s = create(nil, address.family, address.type, address.protocol)
        local connected = s and connect(s, address.host, address.port, deadline)
        if connected then
            return connected
        end
        if fiber.clock() >= deadline then
            errno(errno.ETIMEDOUT)
            break
        end
    end
    return nil
end

local servers = require('socket.server')
servers.set_up({socket = socket, create = create, address_text = address_text,
                transient = transient})

function socket.tcp_server(host, port, opts, timeout)
    local server = type(opts) == 'function' and {handler = opts} or opts
    if host == nil or port == nil or type(server) ~= 'table'
        or type(server.handler) ~= 'function'
        or (server.prepare ~= nil and type(server.prepare) ~= 'function') then
        error('Usage: socket.tcp_server(host, port, handler | opts)')
    end
    return servers.start(host, port, {
        handler = server.handler, prepare = server.prepare, name = server.name or 'server',
    }, timeout)
end

local emulation = require('socket.lua_socket')
emulation.set_up({socket = socket, create = create, methods = methods})

return setmetatable(socket, {
    __call = create,
    __index = {tcp = emulation.tcp, bind = emulation.bind, connect = emulation.connect},
})
