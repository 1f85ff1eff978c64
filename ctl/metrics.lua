-- What an instance with `metrics = {listen = ...}` in default_cfg serves: its figures as
-- Prometheus text over HTTP/1.1, on tarantella and on stock Tarantool alike. ctl's launcher
-- runs this text with the instance's name and the address.
--
-- One fiber a connection, and nothing that a client sends or does not send can take more
-- than the limits below.
local NAME, LISTEN = ...

local clock = require('clock')
local errno = require('errno')
local fiber = require('fiber')
local log = require('log')
local socket = require('socket')

local HEAD_MAX = 8192       -- bytes of a request: its line and headers
local HEAD_TIMEOUT = 5      -- seconds from its first byte to its last
local IDLE_TIMEOUT = 75     -- between two requests of a connection
local WRITE_TIMEOUT = 5     -- to take the answer
local CONNECTIONS_MAX = 16  -- at one time
local REQUESTS_MAX = 1000   -- of one connection
local LOOP_PERIOD = 1       -- seconds between two looks at the event loop

local has_control, control = pcall(require, 'internal.control')
has_control = has_control and control.latency ~= nil

-- The text ------------------------------------------------------------------

local function number_text(v)
    if v ~= v then
        return 'NaN'
    elseif v == math.huge or v == -math.huge then
        return v > 0 and '+Inf' or '-Inf'
    elseif v == math.floor(v) and math.abs(v) < 1e15 then
        return ('%d'):format(v)
    end
    return ('%.15g'):format(v)
end

local escapes = {['\\'] = '\\\\', ['"'] = '\\"', ['\n'] = '\\n'}

local function labels_text(labels)
    local list = {}
    for i = 1, #labels, 2 do
        local value = tostring(labels[i + 1]):gsub('[\\"\n]', escapes)
        list[#list + 1] = ('%s="%s"'):format(labels[i], value)
    end
    return #list > 0 and '{' .. table.concat(list, ',') .. '}' or ''
end

-- A family begins; what is added then is its samples.
local function family(out, name, kind, help)
    out.family, out.is_begun = name, false
    out.head = ('# HELP %s %s\n# TYPE %s %s\n'):format(name, help, name, kind)
end

-- A family without a sample is left out.
local function sample(out, value, labels, suffix)
    value = tonumber(value)
    if value == nil then
        return
    end
    if not out.is_begun then
        out.is_begun = true
        out[#out + 1] = out.head
    end
    out[#out + 1] = ('%s%s%s %s\n'):format(out.family, suffix or '',
        labels_text(labels or {}), number_text(value))
end

local function one(out, name, kind, help, value)
    family(out, name, kind, help)
    sample(out, value)
end

-- bounds[i]: the upper end of counts[i]; what is above the last is in counts[#bounds + 1].
local function histogram(out, name, help, h)
    local total = 0
    family(out, name, 'histogram', help)
    for i, bound in ipairs(h.bounds) do
        total = total + h.counts[i]
        sample(out, total, {'le', number_text(bound)}, '_bucket')
    end
    total = total + h.counts[#h.bounds + 1]
    sample(out, total, {'le', '+Inf'}, '_bucket')
    sample(out, h.sum, nil, '_sum')
    sample(out, total, nil, '_count')
end

-- How late the event loop is ------------------------------------------------

local loop = {bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
              counts = {}, sum = 0}
for i = 1, #loop.bounds + 1 do
    loop.counts[i] = 0
end

local function watch_loop()
    fiber.name('metrics/loop')
    while true do
        local wanted = clock.monotonic() + LOOP_PERIOD
        fiber.sleep(LOOP_PERIOD)
        local late = math.max(0, clock.monotonic() - wanted)
        local i = 1
        while i <= #loop.bounds and late > loop.bounds[i] do
            i = i + 1
        end
        loop.counts[i], loop.sum = loop.counts[i] + 1, loop.sum + late
    end
end

-- What is told --------------------------------------------------------------

local function read_proc(path)
    local f = io.open(path, 'r')
    local text = f and f:read('*a') or ''
    if f then
        f:close()
    end
    return text
end

local function add_process(out)
    local pages = read_proc('/proc/self/statm'):match('^%d+ (%d+)')
    one(out, 'process_resident_memory_bytes', 'gauge', 'Resident memory of the process.',
        pages and tonumber(pages) * 4096)
    one(out, 'process_cpu_seconds_total', 'counter', 'User and system time of the process.',
        clock.proc())
    one(out, 'tarantella_lua_memory_bytes', 'gauge', 'Memory that Lua objects take.',
        collectgarbage('count') * 1024)
    local fibers = 0
    if has_control then
        fibers = control.fiber_count()
    else
        for _ in pairs(fiber.info({backtrace = false})) do
            fibers = fibers + 1
        end
    end
    one(out, 'tarantella_fibers', 'gauge', 'Fibers that live.', fibers)
    histogram(out, 'tarantella_loop_delay_seconds',
              'How late the event loop woke up a fiber that slept, looked at once a second.', loop)
end

local function add_box(out)
    local is_configured = type(box) == 'table' and type(box.cfg) ~= 'function'
    one(out, 'tarantella_box_configured', 'gauge', 'Is box configured (1) or not yet (0)?',
        is_configured and 1 or 0)
    if not is_configured then
        return
    end
    local info = box.info
    one(out, 'tarantella_uptime_seconds', 'gauge', 'Time since the start.', info.uptime)
    one(out, 'tarantella_lsn', 'gauge', 'LSN of the last row of the log.', info.lsn)
    family(out, 'tarantella_operations_total', 'counter', 'Operations of box by kind.')
    for _, kind in ipairs({'auth', 'call', 'delete', 'error', 'eval', 'execute', 'insert',
                           'replace', 'select', 'update', 'upsert'}) do
        local stat = box.stat()[kind:upper()]
        sample(out, stat and stat.total, {'operation', kind})
    end
    local ok, slab = pcall(function() return box.slab.info() end)
    if ok and type(slab) == 'table' then
        one(out, 'tarantella_arena_used_bytes', 'gauge', 'Memory that tuples and indexes take.',
            slab.arena_used)
        one(out, 'tarantella_arena_quota_bytes', 'gauge', 'Memory that they may take.',
            slab.quota_size)
    end
end

-- On stock some counters of box.stat.net are absent until the first use.
local function add_net(out)
    local ok, net = pcall(function() return box.stat.net() end)
    if not ok or type(net) ~= 'table' then
        return
    end
    local function get(key, field)
        return net[key] and net[key][field]
    end
    one(out, 'tarantella_connections', 'gauge', 'Connections that are open.',
        get('CONNECTIONS', 'current'))
    one(out, 'tarantella_connections_total', 'counter', 'Connections that were accepted.',
        get('CONNECTIONS', 'total'))
    one(out, 'tarantella_requests_total', 'counter', 'Requests that came in.',
        get('REQUESTS', 'total'))
    one(out, 'tarantella_requests', 'gauge', 'Requests that are in work.',
        get('REQUESTS', 'current'))
    one(out, 'tarantella_received_bytes_total', 'counter', 'Bytes that clients sent.',
        get('RECEIVED', 'total'))
    one(out, 'tarantella_sent_bytes_total', 'counter', 'Bytes sent to clients.',
        get('SENT', 'total'))
end

local function add_reload(out)
    local state = debug.getregistry()['tarantella.reload']
    if type(state) ~= 'table' then
        return
    end
    one(out, 'tarantella_code_generation', 'gauge', 'Generation of the code that serves.',
        state.generation)
    local totals, keys = type(state.journal) == 'table' and state.journal.totals or {}, {}
    for key in pairs(totals) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    family(out, 'tarantella_reloads_total', 'counter', 'Changes of the code that were tried.')
    for _, key in ipairs(keys) do
        local op, result = key:match('^(.*)/(.*)$')
        sample(out, totals[key], {'op', op, 'result', result})
    end
    local count = 0
    for _ in pairs(state.generations or {}) do
        count = count + 1
    end
    one(out, 'tarantella_code_generations', 'gauge', 'Generations that are there.', count)
end

local function render()
    local out = {}
    local tarantool = require('tarantool')
    family(out, 'tarantella_info', 'gauge', 'What runs.')
    sample(out, 1, {'instance', NAME, 'engine', tarantool.package or 'Tarantool',
                    'version', tarantool.version or _TARANTOOL})
    add_box(out)
    add_net(out)
    if has_control then
        histogram(out, 'tarantella_request_duration_seconds',
                  'How long requests of clients were in work.', control.latency())
    end
    add_process(out)
    add_reload(out)
    return table.concat(out)
end

-- HTTP ----------------------------------------------------------------------

local reasons = {
    [200] = 'OK', [400] = 'Bad Request', [404] = 'Not Found', [405] = 'Method Not Allowed',
    [408] = 'Request Timeout', [413] = 'Content Too Large',
    [431] = 'Request Header Fields Too Large', [500] = 'Internal Server Error',
    [503] = 'Service Unavailable', [505] = 'HTTP Version Not Supported',
}

-- Must we wait for the socket, or is it over with it?
local function is_transient(s)
    local number = s:errno()
    return number == errno.EAGAIN or number == errno.EWOULDBLOCK or number == errno.EINTR
end

-- @return did the client take all of it in time?
local function send(s, text)
    local deadline = clock.monotonic() + WRITE_TIMEOUT
    while #text > 0 do
        local n = s:syswrite(text)
        local left = deadline - clock.monotonic()
        if n ~= nil and n > 0 then
            text = text:sub(n + 1)
        elseif n == nil and not is_transient(s) or left <= 0 or not s:writable(left) then
            return false
        end
    end
    return true
end

local function reply(s, code, body, is_head, is_close, more)
    local kind = code == 200 and 'text/plain; version=0.0.4; charset=utf-8' or 'text/plain'
    return send(s, ('HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s%s\r\n%s')
        :format(code, reasons[code], kind, #body, more or '',
                is_close and 'Connection: close\r\n' or '', is_head and '' or body))
end

local function refuse(s, code)
    reply(s, code, reasons[code] .. '\n', false, true,
          code == 405 and 'Allow: GET, HEAD\r\n' or nil)
end

-- The head of the next request; nil and the code to refuse with, nil: just close.
local function read_head(c)
    local deadline = clock.monotonic() +
        (c.served == 0 and HEAD_TIMEOUT or IDLE_TIMEOUT)
    local is_begun = #c.buf > 0
    if is_begun then
        deadline = clock.monotonic() + HEAD_TIMEOUT
    end
    while true do
        local _, to = c.buf:find('\r\n\r\n', 1, true)
        if to ~= nil and to <= HEAD_MAX then
            local head = c.buf:sub(1, to - 2)
            c.buf = c.buf:sub(to + 1)
            return head
        elseif #c.buf >= HEAD_MAX then
            return nil, 431
        end
        local left = deadline - clock.monotonic()
        if left <= 0 or not c.s:readable(left) then
            return nil, is_begun and 408 or nil
        end
        local more = c.s:sysread(HEAD_MAX)
        if more == '' or more == nil and not is_transient(c.s) then
            return nil -- it hung up
        end
        if more ~= nil then
            c.buf = c.buf .. more
            if not is_begun then
                is_begun, deadline = true, clock.monotonic() + HEAD_TIMEOUT
            end
        end
    end
end

-- A request, or nil and the code to refuse with.
local function parse(head)
    local line, rest = head:match('^([^\r\n]*)\r\n(.*)$')
    local method, target, version = line:match('^(%u+) (%S+) HTTP/(%d%.%d)$')
    if method == nil then
        return nil, 400
    elseif version ~= '1.1' and version ~= '1.0' then
        return nil, 505
    end
    local headers = {}
    for field in rest:gmatch('([^\n]*)\n') do
        local name, value = field:match('^([%w!#$%%&\'*+.^_`|~-]+):[ \t]*(.-)[ \t]*\r$')
        if name == nil or value:find('[%z\r]') then
            return nil, 400
        end
        name = name:lower()
        if headers[name] ~= nil and (name == 'host' or name == 'content-length') then
            return nil, 400
        end
        headers[name] = value
    end
    if version == '1.1' and headers.host == nil then
        return nil, 400
    elseif headers['transfer-encoding'] ~= nil or
            headers['content-length'] ~= nil and headers['content-length'] ~= '0' then
        return nil, 413
    elseif method ~= 'GET' and method ~= 'HEAD' then
        return nil, 405
    end
    local connection = (headers.connection or ''):lower()
    return {
        is_head = method == 'HEAD', path = target:match('^[^?#]*'),
        is_close = connection:find('close', 1, true) ~= nil or
            version == '1.0' and not connection:find('keep-alive', 1, true),
    }
end

local function serve_one(c)
    local head, code = read_head(c)
    local rq
    if head ~= nil then
        rq, code = parse(head)
    end
    if rq == nil then
        if code ~= nil then
            refuse(c.s, code)
        end
        return false
    end
    c.served = c.served + 1
    local is_close = rq.is_close or c.served >= REQUESTS_MAX
    local is_sent
    if rq.path == '/metrics' then
        local ok, text = pcall(render)
        if not ok then
            log.error('metrics: %s', tostring(text))
            text = reasons[500] .. '\n'
        end
        is_sent = reply(c.s, ok and 200 or 500, text, rq.is_head, is_close)
    else
        is_sent = reply(c.s, 404, 'Metrics are at /metrics\n', rq.is_head, is_close)
    end
    return is_sent and not is_close
end

local open = 0

local function serve(s)
    if open >= CONNECTIONS_MAX then
        refuse(s, 503)
        return
    end
    open = open + 1
    local c = {s = s, buf = '', served = 0}
    local ok, err = pcall(function()
        s:nonblock(true)
        while serve_one(c) do end
    end)
    open = open - 1
    if not ok then
        log.error('metrics: %s', tostring(err))
    end
end

-- Where to listen -----------------------------------------------------------

local function address(listen)
    if type(listen) == 'table' then
        listen = listen[NAME] or listen.default
    end
    if listen == nil then
        return nil -- other instances have metrics
    end
    local text = tostring(listen)
    local path = text:match('^unix/:(.+)$')
    if path ~= nil then
        return 'unix/', path
    end
    local host, port = text:match('^%[?([^%[%]]+)%]?:(%d+)$')
    port = tonumber(port or text:match('^%d+$'))
    if port == nil or port > 65535 then
        error(("Bad metrics.listen '%s': a port, host:port or unix/:path is expected")
            :format(text), 0)
    end
    return host or '127.0.0.1', port
end

local host, port = address(LISTEN)
if host ~= nil then
    local s = socket.tcp_server(host, port, {handler = serve, name = 'metrics'})
    if s == nil then
        error(("Can't listen for metrics on %s:%s: %s"):format(host, port,
            errno.strerror()), 0)
    end
    if has_control then
        control.latency() -- from now on it is measured
    end
    fiber.create(watch_loop)
end
