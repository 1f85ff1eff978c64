-- The life cycle: which modules are apps, and with which arguments they were started.
-- A module is an app when the nearest Lua code that called its start() is no module:
-- the instance file, the console, an eval. start() and stop() of other modules are
-- their own business.

local E = ...
local M = {}

local fiber = require('fiber')
local bytecode = E.use('bytecode')
local stub = E.use('stub')
local util = E.use('util')
local state = E.state

local LEVELS = 100

local function pack(...)
    return {n = select('#', ...), ...}
end

-- The module that this fiber is loading: `return require('app').start()` in its main
-- chunk is a tail call, which leaves no frame.
local function loading_chunk()
    local stack = state.loading[fiber.id()]
    local record = stack and state.records[stack[#stack]]
    return record and record.source and {what = 'main', source = record.source}
end

-- Who called start()? The nearest Lua frame that is not the engine's: its info.
local function caller()
    for level = 4, LEVELS do
        local info = debug.getinfo(level, 'S')
        if info == nil then
            return nil
        end
        if info.source == '@builtin/reload/loader.lua' then
            return loading_chunk()
        end
        if info.what ~= 'C' and not info.source:find('^@builtin/reload/') then
            return info
        end
    end
    return nil
end

local function mark_started(record, args)
    record.is_app, record.args = true, args
    state.start_sequence = (state.start_sequence or 0) + 1
    record.started = state.start_sequence
end

-- app:start(), where start() is the method of a class: the app is the module that is
-- the object, whoever wrote the class.
local function object_record(slots, self)
    if type(self) == 'table' and slots.record ~= nil and slots.record.public ~= self then
        for _, record in next, state.records do
            if record.public == self then
                return record
            end
        end
    end
    return slots.record
end

-- The stub of start() was called: remember how.
function M.started(slots, ...)
    local record, info = object_record(slots, ...), caller()
    if record == nil or info == nil then
        return
    end
    local starter = state.sources[info.source]
    if starter == nil then
        mark_started(record, pack(...))
        record.started_by = nil
        E.fibers.set_starting(record.name)
    elseif info.what == 'main' and starter ~= record then
        -- A module that starts an app as it is loaded does so again when it is
        -- loaded again.
        mark_started(record, pack(...))
        record.started_by = starter.name
        E.fibers.set_starting(record.name)
    end
end

-- start() returned: the global functions that it made become stubs too, where the
-- engine was there first. Returns its results.
function M.start_ended(slots, ...)
    if slots.record ~= nil and slots.record.is_app then
        E.fibers.set_starting(nil)
    end
    if state.is_first and slots.record ~= nil and not state.busy then
        E.loader.stub_globals(slots.record)
    end
    return ...
end

-- Adoption: the instance file -----------------------------------------------------

-- Its path. The title has it whole when tarantoolctl started the instance, else only
-- its last part; arg[0] is tarantoolctl itself then.
function M.instance_file()
    local ok, parts = pcall(function()
        return select(2, require('title').get())
    end)
    local script = ok and type(parts) == 'table' and parts.script_name
    local first = arg and arg[0]
    if script and (first == nil or first:match('[^/]*$') ~= script) then
        return script
    end
    return first
end

local function read(path)
    local file = path and path ~= '' and io.open(path, 'rb')
    if not file then
        return nil
    end
    local text = file:read('*a')
    file:close()
    return text
end

-- Constants only: what an expression computes may be another value now.
local function constants(text)
    local chunk = loadstring('return {' .. text .. '}')
    if chunk == nil or not bytecode.is_constant(chunk) then
        return nil
    end
    return pack(loadstring('return ' .. text)())
end

-- The arguments after `module.start` at this place of the text.
local function arguments(text, position, method_of)
    local list = text:match('^%s*(%b())', position)
    local single = not list and text:match('^%s*(%b{})', position) or
        text:match('^%s*(%b"")', position) or text:match("^%s*(%b'')", position)
    if not list and not single then
        return nil
    end
    local args = constants(list and list:sub(2, -2) or single)
    if args and method_of ~= nil then
        return pack(method_of, unpack(args, 1, args.n))
    end
    return args
end

-- Calls of start() in an instance file: module name -> arguments, or false when they
-- are not constants.
function M.scan_instance_file(text)
    local found, variables = {}, {}
    text = text:gsub('%-%-[^%[\n][^\n]*', '')
    for variable, module in
            text:gmatch('([%a_][%w_]*)%s*=%s*require%s*%(?%s*[\'"]([^\'"]+)[\'"]') do
        variables[variable] = module
    end
    for variable, sign, position in text:gmatch('([%a_][%w_]*)%s*([.:])%s*start%f[^%w_]()') do
        local module = variables[variable]
        if module ~= nil then
            found[module] = arguments(text, position, sign == ':' and
                package.loaded[module] or nil) or false
        end
    end
    local literal = 'require%s*%(?%s*[\'"]([^\'"]+)[\'"]%s*%)?%s*([.:])%s*start%f[^%w_]()'
    for module, sign, position in text:gmatch(literal) do
        found[module] = arguments(text, position, sign == ':' and
            package.loaded[module] or nil) or false
    end
    return found
end

local ASK = 'run `ctl eval INSTANCE FILE` once, or give --app NAME --start-args EXPR'

-- What the instance file says about apps whose start() nobody saw.
function M.learn(p)
    if state.is_first or state.is_learnt then
        return
    end
    local path = p.opts.instance_file or M.instance_file()
    local text = read(path)
    local calls = text and M.scan_instance_file(text) or {}
    for name, args in pairs(calls) do
        local record = state.records[name]
        local is_given = p.opts.app == name or p.opts.no_lifecycle
        if record and not record.is_app and args then
            mark_started(record, args)
            p.note("'%s' is an app: %s starts it with %d constant arguments", name, path,
                args.n)
        elseif record and not record.is_app and not is_given then
            util.fail('prepare', "the start arguments of '%s' are not known (%s does not " ..
                'spell them as constants): %s', name, path, ASK)
        end
    end
end

-- --app NAME --start-args EXPR
function M.apply_options(p)
    local name = p.opts.app
    if name == nil then
        return
    end
    local record = state.records[name]
    if record == nil then
        util.fail('prepare', "--app: module '%s' is not loaded", name)
    end
    local expr = p.opts.start_args or ''
    local chunk, err = loadstring('return ' .. expr, '=start-args')
    if chunk == nil then
        util.fail('prepare', '--start-args: %s', err)
    end
    local result = pack(pcall(chunk))
    if not result[1] then
        util.fail('prepare', '--start-args: %s', tostring(result[2]))
    end
    mark_started(record, pack(unpack(result, 2, result.n)))
end

-- Apps --------------------------------------------------------------------------

local function has_life(module)
    return stub.method(module, 'start') ~= nil and stub.method(module, 'stop') ~= nil
end

local function refuse_unknown(p)
    for _, record in pairs(state.records) do
        if record.is_app then
            return
        end
    end
    for name in pairs(p.set) do
        local record = state.records[name]
        if record and has_life(record.public) then
            util.fail('prepare', "'%s' has start and stop, but nobody saw who started it " ..
                'and how: %s; --no-lifecycle calls neither', name, ASK)
        end
    end
end

local function new_app(p, name, record)
    local args = record.args or {n = 0}
    return {
        name = name, record = record, unit = p.set[name], args = args,
        old_start = stub.method(record.public, 'start'),
        old_stop = stub.method(record.public, 'stop'),
        -- app:start(): the module is an argument itself.
        old_self = args.n > 0 and args[1] == record.public and record.public or nil,
        -- The chunk that starts it was run again while it was loaded.
        is_started = record.started_by ~= nil and p.set[record.started_by] ~= nil,
    }
end

-- The apps of the set in the order in which they were started.
function M.apps(p)
    if p.opts.no_lifecycle then
        return {}
    end
    M.apply_options(p)
    M.learn(p)
    refuse_unknown(p)
    local apps = {}
    for name in pairs(p.set) do
        local record = state.records[name]
        if record and record.is_app then
            apps[#apps + 1] = new_app(p, name, record)
        end
    end
    table.sort(apps, function(a, b)
        return (a.record.started or 0) < (b.record.started or 0)
    end)
    return apps
end

-- What the old stop() took from the new version: a text, or nil. Globals are put back,
-- for nobody ran in between who could miss them; a fiber or a trigger cannot be.
function M.casualties(p)
    for key, value in next, p.put_globals do
        if value ~= nil and rawget(_G, key) == nil then
            rawset(_G, key, value)
            p.note("stop() of the old version removed the global '%s' of the new one: it " ..
                'was put back', tostring(key))
        end
    end
    local id, name = next(p.cancelled)
    if id ~= nil then
        return ("fiber %d '%s'"):format(id, name)
    end
    if next(p.triggers_made) == nil then
        return nil
    end
    local _, now = E.triggers.snapshot()
    for f, count in pairs(p.triggers_made) do
        if (now[f] or 0) < count then
            return ('a trigger (%s)'):format(util.where(stub.raw(f)))
        end
    end
end

-- Remember which global functions the new version made: the next one may drop them.
function M.remember_globals(p)
    for key, value in next, p.put_globals do
        state.global_functions[key] = type(value) == 'function' and
            {value = value, module = p.global_owner[key]} or nil
    end
end

-- start() as the engine calls it: what it creates is known as the app's.
local function marked(app, start)
    return function(...)
        E.fibers.set_starting(app.name)
        return start(...)
    end
end

-- Where the first start() was given the module itself, the new one is given its own.
local function new_arguments(app)
    local args = pack(unpack(app.args, 1, app.args.n))
    for i = 1, args.n do
        if type(args[i]) == 'table' and args[i] == app.record.public then
            args[i] = app.unit.new
        end
    end
    return unpack(args, 1, args.n)
end

-- In the switch, before anything changes: what app:stop() of an old version is called on
-- has the old fields, also when the module is a class, whose table is not split.
function M.keep_selves(p)
    for _, app in ipairs(p.apps) do
        local public = app.old_self
        if public ~= nil then
            app.old_self = p.copies[public] or {}
            for key, value in next, p.copies[public] and {} or public do
                app.old_self[key] = E.tables.private_value(p, value)
            end
            debug.setmetatable(app.old_self, debug.getmetatable(public))
        end
    end
end

-- start() of the new versions, still private. The caller undoes a failure.
function M.start_new(p)
    for _, app in ipairs(p.apps) do
        local start = stub.method(app.unit.new, 'start')
        if not app.is_started and start ~= nil then
            local ok, err = E.hooks.run(p, 'start', marked(app, start), p.start_timeout,
                new_arguments(app))
            if not ok then
                err.message = ('%s.start(): %s'):format(app.name, err.message)
                util.fail('start', err)
            end
        end
    end
end

-- stop() of the old versions, the last started first. Their errors are remarks: the
-- new version serves already.
function M.stop_old(p)
    for i = #p.apps, 1, -1 do
        local app = p.apps[i]
        if app.old_stop ~= nil and not app.is_stopped then
            app.is_stopped = true
            local ok, err = E.hooks.run(p.previous, 'stop', app.old_stop, p.hook_timeout,
                app.old_self)
            if not ok then
                p.note('warning: %s.stop() of the old version: %s', app.name, err.message)
            end
        end
    end
end

-- stop-first that failed: the old version is started again. True when it runs.
function M.restart_old(p)
    local is_up = true
    for _, app in ipairs(p.apps) do
        if app.is_stopped and app.old_start ~= nil then
            local left = E.fibers.cancel_started(app.name, p.id)
            if left > 0 then
                p.note('cancelled what stop() of the old version left: %d fiber%s', left,
                    left == 1 and '' or 's')
            end
            local ok, err = E.hooks.run(p.previous, 'start', marked(app, app.old_start),
                p.start_timeout, unpack(app.args, 1, app.args.n))
            p.note('%s.start() of the old version ran again: %s', app.name,
                ok and 'it serves' or err.message)
            is_up = is_up and ok
        end
    end
    return is_up
end

return M
