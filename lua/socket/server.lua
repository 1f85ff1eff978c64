-- What socket.tcp_server() starts: a fiber that accepts, and one more for each client,
-- which runs the handler.
local errno = require('errno')
local fiber = require('fiber')
local fio = require('fio')
local log = require('log')

local M = {}
-- Given by socket.lua, which loads this file while it is loaded itself.
local socket, create, address_text, transient

function M.set_up(parts)
    socket, create = parts.socket, parts.create
    address_text, transient = parts.address_text, parts.transient
end

-- One client, in a fiber of its own.
local function serve(handler, s, from)
    local ok, err = pcall(handler, s, from)
    if s._gc_socket.fd >= 0 then
        s:shutdown()
        s:close()
    end
    if not ok then
        error(err, 0)
    end
end

local function name_fiber(server, address)
    fiber.name(string.format('%s/%s', server.name, address_text(address)),
               {truncate = true})
end

local function accept_loop(server, s, address)
    name_fiber(server, address)
    log.info('started')
    while s._gc_socket.fd >= 0 and s:readable() and s._gc_socket.fd >= 0 do
        local client, from = s:accept()
        if client ~= nil then
            if from.family == 'AF_UNIX' then
                from.host, from.port = 'unix/', from.port or ''
            end
            fiber.create(function()
                name_fiber(server, from)
                serve(server.handler, client, from)
            end)
        elseif not transient[s:errno()] then
            log.error('accept(%s) failed: %s', tostring(s), s:error())
            fiber.sleep(0.1) -- out of descriptors: let some be closed
        end
    end
    log.info('stopped')
end

-- Nobody listens on this Unix socket any more: take it away.
local function remove_dead(path)
    local s = create(nil, 'AF_UNIX', 'SOCK_STREAM', 0)
    if s == nil then
        return false
    end
    local alive = s:sysconnect('unix/', path)
    local number = s:errno()
    s:close()
    if alive or number ~= errno.ECONNREFUSED then
        return false
    end
    log.info('tcp_server: remove dead UNIX socket: %s', path)
    return fio.unlink(path)
end

local function bind(s, address)
    if s:bind(address.host, address.port) then
        return true
    end
    return s:errno() == errno.EADDRINUSE and address.family == 'AF_UNIX'
        and remove_dead(address.port) and s:bind(address.host, address.port)
end

-- A bound and listening socket; nil and errno.
local function start_listening(server, address)
    local s = create(nil, address.family, address.type, address.protocol)
    if s == nil then
        return nil
    end
    local backlog
    if server.prepare ~= nil then
        backlog = server.prepare(s)
    else
        s:setsockopt('SOL_SOCKET', 'SO_REUSEADDR', 1)
    end
    if bind(s, address) and s:listen(type(backlog) == 'number' and backlog or nil) then
        return s
    end
    local number = s:errno()
    s:close()
    errno(number)
    return nil
end

local function server_addresses(host, port, timeout)
    if host == 'unix/' then
        return {{host = host, port = port, family = 'AF_UNIX', type = 'SOCK_STREAM',
                 protocol = 0}}
    end
    return socket.getaddrinfo(host, port, timeout,
                              {type = 'SOCK_STREAM', flags = 'AI_PASSIVE'})
end

-- Listen on the first address that can be had, and serve it.
-- server: {handler =, prepare =, name =}. Returns the socket and its address, or nil.
function M.start(host, port, server, timeout)
    for _, address in ipairs(server_addresses(host, port, timeout) or {}) do
        local s = start_listening(server, address)
        if s ~= nil then
            local name = s:name()
            s._unix_path = name.family == 'AF_UNIX' and name.port or nil
            fiber.create(accept_loop, server, s, name)
            return s, name
        end
    end
    return nil
end

return M
