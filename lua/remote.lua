-- What a command of ctl needs inside the instance. ctl sends this file once: it
-- stays in the registry under KEY (a name with the file's hash, set by ctl in
-- front of this text) and answers op by op. It runs on tarantella and on stock
-- Tarantool alike, over IPROTO and over the text console, touches no global and
-- nothing in package.loaded, and never raises. A line `-- include FILE` stands for
-- that file, in a block of its own: what is local here can be used there.
--
-- Every op returns strings, numbers and tables, never nil in the middle.

local registry = debug.getregistry()
local ffi = require('ffi')
local fiber = require('fiber')

local M = registry[KEY .. '/state'] or {requests = {}, printers = {}, count = 0}
registry[KEY .. '/state'] = M

local ops = {}

local function pack(...)
    return {n = select('#', ...), ...}
end

local function session()
    local ok, s = pcall(function() return box.session end)
    return ok and s or nil
end

-- Results as text: formats[name](results); show() makes the best of what that refuses.
local formats, to_json, show = {}, nil, nil

-- include remote/format.lua

-- What the code prints ------------------------------------------------------

-- While a request runs, print() of its fiber goes to who asked for it; any other
-- fiber's goes where it always went.
local function hooked_print(...)
    local rq = M.printers[fiber.self():id()]
    if rq == nil then
        return M.print(...)
    end
    local items = pack(...)
    for i = 1, items.n do
        items[i] = tostring(items[i])
    end
    local text = table.concat(items, '\t') .. '\n'
    if rq.is_text then
        text = require('digest').base64_encode(text, {nowrap = true})
    end
    local ok, is_sent = pcall(session().push, 'ctl-print/' .. text)
    if not ok or not is_sent then
        -- The client is gone, or the code is cancelled: a loop that prints must
        -- let the others run, and notice.
        M.print(...)
        fiber.yield()
    end
end

-- On tarantella: a request that spins can be interrupted.
local has_control, control = pcall(require, 'internal.control')
has_control = has_control and control.request_begin ~= nil

local function request_begin(rq)
    M.requests[rq.token] = rq
    if has_control then
        control.request_begin(rq.token)
    end
    if session() ~= nil and rq.is_streaming then
        M.printers[rq.fiber:id()] = rq
        if M.count == 0 then
            M.print = _G.print
            _G.print = hooked_print
        end
        M.count = M.count + 1
    end
end

local function request_end(rq)
    M.requests[rq.token] = nil
    if has_control then
        control.request_end(rq.token)
    end
    if M.printers[rq.fiber:id()] == rq then
        M.printers[rq.fiber:id()] = nil
        M.count = M.count - 1
        if M.count == 0 and _G.print == hooked_print then
            _G.print = M.print
        end
    end
end

-- eval ----------------------------------------------------------------------

local function compile(text, name)
    if text:sub(1, 3) == '\239\187\191' then
        text = text:sub(4)
    end
    if text:sub(1, 1) == '#' then
        text = text:gsub('^[^\n]*', '', 1)
    end
    -- An expression's values are its results. A file's `f()` must not become a
    -- tail call, which would hide its line from errors: hence the 0, dropped later.
    local is_named = name ~= ''
    name = is_named and name or text
    local chunk = loadstring((is_named and 'return 0, ' or 'return ') .. text, name)
    if chunk ~= nil then
        return chunk, is_named and 2 or 1
    end
    local err
    chunk, err = loadstring(text, name)
    return chunk, chunk and 1 or err
end

local function error_text(e)
    if type(e) == 'table' then
        local mt = getmetatable(e)
        if type(mt) ~= 'table' or mt.__tostring == nil then
            local ok, text = pcall(to_json, e)
            return ok and text or tostring(e)
        end
    end
    return tostring(e)
end

-- The frames of the code, without ours below them.
local function code_traceback()
    local text = debug.traceback('', 3)
    local last
    local from = 1
    while true do
        local at = text:find("\n\t[C]: in function 'xpcall'", from, true)
        if at == nil then
            break
        end
        last, from = at, at + 1
    end
    if last ~= nil then
        text = text:sub(1, last - 1)
    end
    return (text:gsub('^\n', ''))
end

-- Has the client hung up? The session lives as long as its request does, so the
-- socket is asked. A function of its own name: no declaration of the application
-- clashes with it.
ffi.cdef('int ctl_remote_poll(void *fds, unsigned long count, int timeout) __asm__("poll");')
local POLLERR_POLLHUP_POLLNVAL = 0x38

local function is_client_gone()
    local ok, fd = pcall(function() return session().fd() end)
    if not ok or type(fd) ~= 'number' then
        return false
    end
    if fd < 0 then
        return true
    end
    local pollfd = ffi.new('int[2]', fd, 0) -- fd; events, revents
    return ffi.C.ctl_remote_poll(pollfd, 1, 0) == 1 and
        bit.band(bit.rshift(pollfd[1], 16), POLLERR_POLLHUP_POLLNVAL) ~= 0
end

local function log_lost(rq, what)
    require('log').info('ctl: the client of %s is gone; %s', rq.name, what)
end

-- An error as the console shows it.
local function error_shown(format, e)
    if type(e) ~= 'table' then
        e = e ~= nil and tostring(e) or require('json').NULL
    end
    local ok, out = pcall(show, formats[format] or formats.yaml, {n = 1, {error = e}})
    return ok and out or ''
end

local ENGINE = 'tarantella.reload.engine'

-- A file ran: when it is the instance file, the reload engine knows which text of it.
local function note_file(text)
    local engine = registry[ENGINE]
    if engine ~= nil and engine.instance_file ~= nil then
        engine.instance_file.ran(text)
    end
end

-- What a console's prompt should say of the instance: words, or ''.
local function state()
    if type(box) ~= 'table' or type(box.cfg) == 'function' then
        return 'loading'
    end
    local words, info = {}, box.info
    if info.status ~= 'running' then
        words[1] = info.status
    elseif info.ro then
        words[1] = 'ro'
    end
    if box.is_in_txn() then
        words[#words + 1] = 'tx'
    end
    return table.concat(words, ' ')
end

-- Statements that run one after another, without a wait in between: the first that
-- fails is told, and a transaction that it leaves open is rolled back. What each
-- returns is formatted at once, while the transaction sees it.
local function compile_series(texts, format)
    local chunks, from = {}, {}
    local function failed(i, what)
        local line = texts[i]:match('^[^\n]*')
        return ('statement %d (%s): %s'):format(i, line, what)
    end
    for i, text in ipairs(texts) do
        chunks[i], from[i] = compile(text, '')
        if chunks[i] == nil then
            return nil, failed(i, from[i] .. '; nothing was run')
        end
    end
    return function()
        local out = {}
        for i, chunk in ipairs(chunks) do
            local results = pack(pcall(chunk))
            if not results[1] then
                local what = error_text(results[2])
                if type(box) == 'table' and box.is_in_txn() then
                    box.rollback()
                    what = what .. '; the transaction was rolled back'
                end
                error(failed(i, what), 0)
            end
            out[i] = show(format, pack(unpack(results, 1 + from[i], results.n)))
        end
        return table.concat(out, '\n')
    end, 1
end

-- text (a list of them: a series), chunk name ('': the text), arguments, format,
-- token, text console?, stream what it prints?
function ops.eval(text, name, args, format, token, is_text, is_streaming)
    local to_text = formats[format] or formats.yaml
    local chunk, from
    if type(text) == 'table' then
        chunk, from = compile_series(text, to_text)
        to_text = nil
    else
        chunk, from = compile(text, name)
    end
    if chunk == nil then
        return 'error', from, '', error_shown(format, from), state()
    end
    local rq = {
        token = token, fiber = fiber.self(), is_text = is_text,
        is_streaming = is_streaming, name = name ~= '' and name or 'an expression',
    }
    local trace = ''
    request_begin(rq)
    local results = pack(xpcall(chunk, function(e)
        trace = code_traceback()
        return e
    end, unpack(args)))
    request_end(rq)
    local is_gone = is_client_gone()
    if not results[1] then
        local message = error_text(results[2])
        if is_gone then
            log_lost(rq, 'it failed: ' .. message)
        end
        return 'error', message, trace, error_shown(format, results[2]), state()
    end
    if name ~= '' then
        note_file(text)
    end
    results = pack(unpack(results, 1 + from, results.n))
    local ok, out = true, results[1] -- of a series: text already
    if to_text ~= nil then
        ok, out = pcall(show, to_text, results)
    end
    if not ok then
        local message = 'exception while formatting output: ' .. tostring(out)
        return 'error', message, '', error_shown(format, message), state()
    end
    if is_gone then
        log_lost(rq, 'its result: ' .. out)
    end
    return 'ok', out, state()
end

-- The other ops -------------------------------------------------------------

function ops.cancel(token)
    local rq = M.requests[token]
    if rq == nil then
        return 'none'
    end
    rq.fiber:cancel()
    return 'ok'
end

-- Where numbers are taken from may be missing: box is not configured yet, or a
-- Tarantool is older.
local function number(f)
    local ok, value = pcall(f)
    return ok and type(value) == 'number' and value or nil
end

local function count_fibers()
    if has_control then
        return control.fiber_count()
    end
    local n = 0
    for _ in pairs(fiber.info({backtrace = false})) do
        n = n + 1
    end
    return n
end

-- What takes a look around: how busy it is.
local function add_load(t)
    t.fibers = number(count_fibers)
    t.connections = number(function() return box.stat.net.CONNECTIONS.current end)
    t.requests = number(function() return box.stat.net.REQUESTS.total end)
    t.requests_per_second = number(function() return box.stat.net.REQUESTS.rps end)
    t.generation = number(function() return registry['tarantella.reload'].generation end)
end

function ops.status(is_full)
    local t = {pid = require('tarantool').pid and require('tarantool').pid() or 0}
    if is_full then
        add_load(t)
    end
    if type(box) ~= 'table' or type(box.cfg) == 'function' then
        t.status = 'loading'
        return 'ok', t
    end
    local info = box.info
    t.status, t.pid, t.version = info.status, info.pid, info.version
    t.package, t.uptime, t.ro = info.package, info.uptime, info.ro
    t.uuid, t.listen = info.uuid, box.cfg.listen and tostring(box.cfg.listen)
    return 'ok', t
end

-- Where the log goes: a file's path, or ''.
local function log_path()
    local spec = type(box) == 'table' and type(box.cfg) ~= 'function' and box.cfg.log
    if type(spec) ~= 'string' then
        return ''
    end
    spec = spec:gsub('^file:', '')
    if spec:match('^%s*|') or spec:match('^pipe:') or spec:match('^syslog:') then
        return ''
    end
    if spec:sub(1, 1) ~= '/' then
        spec = require('fio').cwd() .. '/' .. spec
    end
    return spec
end

function ops.log_path()
    return 'ok', log_path()
end

-- Reopen the log and make sure that it was: the file is there again.
function ops.logrotate(timeout)
    local log, fio = require('log'), require('fio')
    local path = log_path()
    log.rotate(log)
    local deadline = fiber.clock() + timeout
    while path ~= '' and fio.stat(path) == nil do
        if fiber.clock() > deadline then
            return 'error', ('the log file %s was not reopened'):format(path), ''
        end
        fiber.sleep(0.001)
    end
    log.info('Rotate log file')
    return 'ok', path
end

-- Wait until box is configured.
function ops.wait_ready(timeout)
    local deadline = fiber.clock() + timeout
    while type(box) ~= 'table' or type(box.cfg) == 'function' or
            box.info.status ~= 'running' do
        if fiber.clock() > deadline then
            return 'error', 'not ready', ''
        end
        fiber.sleep(0.005)
    end
    return 'ok', ''
end

function ops.state()
    return 'ok', state(), require('tarantool').pid()
end

function ops.complete(text, from, to)
    local handler = require('console').completion_handler
    local list = handler and handler(text, from, to)
    return 'ok', type(list) == 'table' and list or {}
end

-- The reload engine ---------------------------------------------------------

-- One of its ops. Answers 'absent' when an engine must be sent first: there is none,
-- or another one that is not later. The engine's text itself says which one stays.
function ops.engine(hash, op, args, format)
    local engine = registry[ENGINE]
    if engine == nil or hash ~= '' and engine.hash ~= hash and
            engine.version <= tonumber(hash:match('^%d+')) then
        return 'ok', 'absent'
    end
    args = require('json').decode(args)
    local answer = engine.call(op, args)
    local out, message = '', ''
    if format == 'json' then
        out = to_json(answer)
    else
        out, message = engine.text.render(op, answer, args, format)
    end
    return 'ok', '', answer.exit, out, message
end

-- The same, with the engine's text.
function ops.engine_load(text, _, ...)
    local chunk, err = loadstring(text, '@builtin/reload/boot.lua')
    if chunk == nil then
        return 'error', err, ''
    end
    chunk('adopt')
    return ops.engine('', ...)
end

-- include remote/library.lua

local function run(op, ...)
    local f = ops[op]
    if f == nil then
        return 'error', ("ctl: no op '%s'"):format(tostring(op)), ''
    end
    local results = pack(pcall(f, ...))
    if not results[1] then
        return 'error', tostring(results[2]), ''
    end
    return unpack(results, 2, results.n)
end

registry[KEY] = run
return run(...)
