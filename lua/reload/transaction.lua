-- A reload as a transaction: the phases in their order, and the way back out of each.
--
--   lock read compile load check keep prepare start | switch stop | probation drain
--
-- Up to the switch the old version serves untouched and every failure is exit 1. With
-- order = 'stop-first' the old stop() comes before start(): then a failure starts the
-- old version again, exit 4. The transaction has a fiber of its own, so it ends
-- cleanly whatever becomes of who asked for it; user code runs in further fibers with
-- deadlines and never holds the lock.

local E = ...
local M = {}

local fiber = require('fiber')
local env = E.use('env')
local life = E.use('life')
local load = E.use('load')
local plan = E.use('plan')
local switch = E.use('switch')
local tables = E.use('tables')
local adopt = E.use('adopt')
local util = E.use('util')
local state = E.state

local HOOK_TIMEOUT_S = 30
local REFRESH_S = 0.01
-- How often the lock is asked for again.
local WAIT_S, WAIT_MAX_S = 0.005, 0.2

-- The attempt -----------------------------------------------------------------------

-- Reading and compiling go file by file; they are told apart for the report.
local function end_phase(p, ms)
    local compile_ms = p.current == 'read' and E.source.compile_ms
    p.phases[#p.phases + 1] = {name = p.current, ms = ms - (compile_ms or 0)}
    if compile_ms then
        p.phases[#p.phases + 1] = {name = 'compile', ms = compile_ms}
    end
end

local function new_attempt(opts)
    state.last_number = state.last_number + 1
    local p = {
        id = state.last_number, previous = state.generation, opts = opts,
        notes = {}, phases = {}, undo = {}, set = {}, apps = {}, fresh = {}, added = {},
        keepers = {}, put_globals = {}, adopted_globals = {}, global_owner = {}, triggers_made = {},
        started_ms = util.now(),
        hook_timeout = opts.hook_timeout or HOOK_TIMEOUT_S,
        start_timeout = opts.hook_timeout or HOOK_TIMEOUT_S,
        is_stop_first = opts.order == 'stop-first',
    }
    function p.note(format, ...)
        p.notes[#p.notes + 1] = select('#', ...) > 0 and format:format(...) or format
    end
    -- Begin a phase, end the one before; without a name only that.
    function p.phase(name)
        local now = util.now()
        if p.current ~= nil then
            end_phase(p, now - p.phase_ms)
        end
        p.current, p.phase_ms = name, now
        state.phase = name -- for who asks from outside
        if name ~= nil then
            p.last_phase = name
        end
    end
    return p
end

-- An app may say itself that its versions cannot overlap.
local function learn_order(p)
    if p.opts.order ~= nil then
        return
    end
    for name, unit in pairs(p.set) do
        local record = state.records[name]
        if record and record.is_app and type(unit.new) == 'table' and
                rawget(unit.new, 'order') == 'stop-first' then
            p.is_stop_first = true
        end
    end
end

-- Phases ------------------------------------------------------------------------------

local function run_load(p)
    p.phase('load')
    load.begin(p)
    local probe = util.probe()
    local ok, err = E.hooks.run(p, 'load', load.run, p.hook_timeout, p)
    if not ok then
        err.traceback = p.traceback or err.traceback
        util.fail(err.phase or 'load', err)
    end
    if probe.ran then
        p.note('the new code yielded while it was loaded')
    end
    util.breathe()
    load.collect(p)
end

-- While a start() sleeps, the globals that it sees follow those that serve.
local function keep_fresh(p)
    fiber.new(function()
        while p.is_starting do
            env.refresh(p.world)
            fiber.sleep(REFRESH_S)
        end
    end)
end

local function run_start(p)
    p.phase('start')
    env.refresh(p.world)
    p.is_starting = true
    keep_fresh(p)
    local ok, err = pcall(life.start_new, p)
    p.is_starting = false
    util.begin_slice()
    if not ok then
        error(err, 0)
    end
    load.collect(p)
    load.attribute(p, p.apps[1] and p.apps[1].name)
end

local function hold_triggers(p)
    local _, count = E.triggers.snapshot()
    p.triggers_before = count
    E.triggers.hold(p)
    p.is_holding = true
end

-- Find and make ready what the switch applies. Yields; the old version serves.
local function make_ready(p)
    p.phase('walk')
    tables.find(p)
    p.phase('ready')
    tables.ready(p)
    p.captured_map = adopt.captured_map(p)
    if next(p.captured_map) ~= nil then
        p.captured = adopt.capture(p, p.captured_map)
        if p.captured.keys > 0 then
            p.note('%d table keys are functions of the old version: they cannot follow',
                p.captured.keys)
        end
    end
end

local function run_switch(p)
    p.phase('switch')
    local probe = util.probe()
    p.is_switched = true
    switch.apply(p)
    p.has_yielded = probe.ran
    if not p.is_stop_first then
        p.phase('stop')
        p.cancelled = {}
        state.cancelled = p.cancelled
        life.stop_old(p)
    end
    switch.end_of_stop(p)
    p.phase('settle')
end

-- The new start()'s work must have survived the old stop(): what both versions know by
-- one name (a fiber, a global, a trigger) the old one may have taken away.
local function check_survived(p)
    if p.is_stop_first then
        return
    end
    local what = life.casualties(p)
    -- What was cancelled ends in the next turn.
    fiber.sleep(0)
    state.cancelled = nil
    what = what or life.casualties(p)
    if what ~= nil then
        util.fail('stop', "stop() of the old version took away what start() of the new one " ..
            "made: %s; the two cannot overlap: use --order stop-first", what)
    end
end

-- After the switch: what may be done in slices.
local function settle(p)
    for _, fix in ipairs(p.fixes) do
        if fix[1] == 'env' then
            setfenv(fix[2], fix[4])
        end
        util.breathe()
    end
    for _, thread in ipairs(util.threads()) do
        if debug.getfenv(thread) == p.world.globals then
            debug.setfenv(thread, _G)
        end
        util.breathe()
    end
    for _, t in ipairs(p.tables) do
        if t.public ~= t.new then
            for key, value in next, t.is_function do
                if rawget(t.new, key) == value then
                    rawset(t.new, key, nil)
                end
                util.breathe()
            end
        end
    end
    if next(p.captured_map) ~= nil then
        p.captured.references = adopt.references(p.captured_map)
    end
    adopt.list_globals(p)
end

-- Triggers that the old version left behind: listed, or moved.
local function look_for_triggers(p)
    local left = E.triggers.left()
    if p.opts.repoint and #left > 0 then
        left = E.triggers.repoint(left, function(f)
            return tables.namesake(p, f)
        end)
    end
    for _, trigger in ipairs(left) do
        p.note('trigger of the old version left on %s: %s%s', trigger.name, trigger.where,
            trigger.twice and ' (registered twice)' or '')
    end
    p.triggers_left = E.triggers.plain(left)
end

-- Remember what is current now, and how to go back.
local function commit(p)
    local names, files = {}, {}
    for name, unit in pairs(p.set) do
        names[#names + 1] = name
        files[name] = unit.path
    end
    table.sort(names)
    local sums = {}
    for i, name in ipairs(names) do
        sums[i] = name .. E.source.hash(p.set[name].text or '')
    end
    state.generations[p.id] = {
        id = p.id, state = 'current', modules = names, files = files,
        hash = E.source.hash(table.concat(sums, '\n')), loaded_at = fiber.time(),
    }
    local texts, unknown = {}, {}
    for name, unit in pairs(p.set) do
        if not p.fresh[name] then
            texts[name] = unit.old_text
            unknown[#unknown + 1] = unit.old_text == nil and name or nil
        end
    end
    E.rollback.remember(p.id, p.previous, texts, unknown)
    life.remember_globals(p)
end

local function mark_new(p)
    for name, unit in pairs(p.set) do
        unit.old_text = state.records[name] and state.records[name].text
    end
end

-- Every phase in order. Raises {phase, message...} at the first that fails; returns
-- true when there was nothing to do or only a question was asked.
local function run_phases(p)
    util.begin_slice()
    local set, the_plan = plan.make(p.opts, p.note, p.phase)
    if p.opts.texts == nil then
        E.instance_file.note(p.opts.instance_file, p.note)
    end
    p.set = set
    mark_new(p)
    if next(set) == nil then
        p.message = 'nothing changed'
        return true
    elseif p.opts.dry_run then
        p.message = 'this would be reloaded'
        return true
    end
    hold_triggers(p)
    run_load(p)
    mark_new(p)
    util.breathe()
    p.phase('check')
    E.check.run(p, the_plan)
    if p.opts.check then
        p.message = 'the check passed'
        return true
    end
    util.breathe()
    p.apps = life.apps(p)
    learn_order(p)
    if not p.is_stop_first then
        p.phase('keep')
        E.keep.join(p)
    end
    p.phase('prepare')
    E.check.call_hooks(p, 'prepare', 'prepare', 1, function(name)
        return state.records[name] and state.records[name].public
    end)
    if p.is_stop_first then
        p.phase('stop')
        life.stop_old(p)
        p.phase('keep')
        E.keep.join(p)
    end
    run_start(p)
    make_ready(p)
    run_switch(p)
    check_survived(p)
    settle(p)
    look_for_triggers(p)
    commit(p)
end

-- The way back -------------------------------------------------------------------------

-- Fibers, triggers, modules of the attempt go; the old version is as it was.
local function take_back(p)
    p.is_starting = false
    switch.undo(p)
    state.pending = nil
    if p.is_holding then
        E.triggers.drop(p, p.triggers_before)
    end
    E.hooks.cancel(p.id)
    local killed = E.fibers.bury(p.id)
    E.cleanup.of_failed(p.id)
    for name in pairs(p.added) do
        package.loaded[name] = nil
    end
    for _, record in pairs(p.fresh) do
        E.loader.drop_record(record)
    end
    jit.flush()
    return killed
end

local function restart(p)
    for _, app in ipairs(p.apps) do
        if app.is_stopped then
            return true, life.restart_old(p)
        end
    end
    return false, true
end

local function sentence(p, was_restarted, is_up)
    local text = ('generation %d serves'):format(state.generation)
    if was_restarted and is_up then
        return text .. '; it was stopped and started again'
    elseif was_restarted then
        return ('down: generation %d was stopped and could not be started again'):format(
            state.generation)
    end
    return text .. ', as before'
end

local function fail_back(p, answer, err)
    if type(err) ~= 'table' then
        err = {message = tostring(err)}
    end
    if err.message == 'fiber is cancelled' and err.error == nil then
        err.message = 'somebody cancelled the fiber of the reload (a stop() that cancels ' ..
            'fibers which it did not make?)'
    end
    local killed = take_back(p)
    local was_restarted, is_up = restart(p)
    answer.exit = (was_restarted or p.is_switched) and 4 or 1
    answer.phase = err.phase or p.last_phase
    answer.message, answer.traceback = err.message, err.traceback
    if killed > 0 then
        p.note('%d fiber%s of the failed version cancelled', killed,
            killed == 1 and ' was' or 's were')
    end
    if p.declared then
        p.note('what the failed version declared by ffi.cdef stays declared')
    end
    answer.state = sentence(p, was_restarted, is_up)
    answer.down = not is_up or nil
    -- What was cancelled ends now, before anybody looks.
    pcall(fiber.sleep, 0)
end

-- Nothing was changed and nothing is to be: a check, a plan.
local function leave_quietly(p)
    if state.pending == p then
        take_back(p)
        fiber.sleep(0)
    end
end

-- Answers ------------------------------------------------------------------------------

local function modules_of(p)
    local list = {}
    for _, name in ipairs(util.sorted_keys(p.set)) do
        local unit = p.set[name]
        list[#list + 1] = {name = name, reason = unit.why, path = unit.path or unit.source}
    end
    return list
end

local function describe(err)
    if type(err) == 'table' then
        return err
    end
    return {message = tostring(err), traceback = debug.traceback(tostring(err), 2)}
end

-- The engine's own frames tell nothing.
local function without_engine(traceback)
    return traceback and (traceback:gsub('\n[^\n]*builtin/reload/[^\n]*', ''))
end

local function complete(p, answer)
    p.phase()
    answer.traceback = without_engine(answer.traceback)
    answer.modules, answer.notes, answer.phases = modules_of(p), p.notes, p.phases
    answer.total_ms = util.now() - p.started_ms
    for _, phase in ipairs(p.phases) do
        if phase.name == 'switch' and p.is_switched then
            answer.switch_ms = phase.ms
        end
    end
    answer.captured, answer.triggers = p.captured, p.triggers_left
    answer.apps = {}
    for i, app in ipairs(p.apps) do
        answer.apps[i] = app.name
    end
    return answer
end

-- One transaction, the lock is held. Returns the answer, and true when it switched.
local function transact(p)
    local answer = {exit = 0, previous = p.previous}
    local ok, result = xpcall(run_phases, describe, p)
    if not ok then
        local failed, err = pcall(fail_back, p, answer, result)
        if not failed then
            answer.exit, answer.message = 4, ('%s; and the undo failed: %s'):format(
                tostring(result.message), tostring(err))
        end
        answer.generation = state.generation
        return complete(p, answer)
    end
    answer.message, answer.generation = p.message, state.generation
    if result then
        leave_quietly(p)
        answer.state = ('generation %d serves, nothing was changed'):format(state.generation)
        return complete(p, answer)
    end
    answer.state = ('generation %d serves'):format(state.generation)
    if p.has_yielded then
        p.note('BUG of the engine: somebody ran during the switch')
    end
    return complete(p, answer), true
end

local function refuse(message)
    return {exit = 1, phase = 'lock', message = message, generation = state.generation,
        modules = {}, phases = {}, notes = {},
        state = ('generation %d serves, as before'):format(state.generation)}
end

-- Options that are wrong in themselves.
local function check_options(opts)
    local wrong = E.after.check(opts)
    if wrong then
        return refuse(wrong)
    end
    if opts.order ~= nil and opts.order ~= 'overlap' and opts.order ~= 'stop-first' then
        return refuse(("order is overlap or stop-first, not '%s'"):format(opts.order))
    end
end

local function gates(opts)
    if state.busy then
        return refuse('another reload is at work')
    end
    state.busy = true
    for _, gate in ipairs({E.probation, E.drain}) do
        local ok, answer = pcall(gate.gate, opts)
        if not ok or answer ~= nil then
            state.busy = false
        end
        if not ok then
            error(answer, 0)
        elseif answer ~= nil then
            for key, value in pairs(refuse('')) do
                answer[key] = answer[key] == nil and value or answer[key]
            end
            return answer
        end
    end
end

-- Take the lock, after opts.wait seconds at most. Returns nil, or why not.
local function lock(opts)
    local limit, pause = fiber.clock() + (tonumber(opts.wait) or 0), WAIT_S
    local refusal = check_options(opts)
    if refusal ~= nil then
        return refusal
    end
    while true do
        refusal = gates(opts)
        local left = limit - fiber.clock()
        if refusal == nil or left <= 0 then
            return refusal
        end
        fiber.sleep(math.min(pause, left))
        pause = math.min(pause * 1.5, WAIT_MAX_S)
    end
end

-- The same for patches, which are no transaction of this kind.
M.lock = lock

local function run_alone(opts)
    local entry = E.journal.begin(opts.op or opts.rollback and 'rollback' or 'reload',
        opts.by)
    local refusal = lock(opts)
    local answer, is_switched = refusal, false
    local p
    if refusal == nil then
        p = new_attempt(opts)
        local ok, a, b = pcall(transact, p)
        state.busy, state.pending = false, nil
        if not ok then
            error(a, 0)
        end
        answer, is_switched = a, b
    end
    if is_switched then
        answer = E.after.run(answer, opts)
    end
    E.journal.finish(entry, answer)
    if p ~= nil and not is_switched and answer.exit == 0 then
        E.journal.forget(entry)
    end
    return answer
end

-- Reload: in a fiber of its own, whoever asked. opts: see docs/reload.md. Returns the
-- answer table. Yields.
function M.run(opts)
    E.init.activate()
    local done, result = fiber.cond(), nil
    opts.asker = coroutine.running()
    E.fibers.spawn(function()
        fiber.name('reload', {truncate = true})
        local ok, answer = xpcall(run_alone, describe, opts)
        if not ok then
            answer = {exit = 3, phase = 'engine', traceback = answer.traceback,
                message = 'the reload engine itself failed: ' .. tostring(answer.message)}
        end
        result = answer
        done:broadcast()
    end)
    while result == nil do
        done:wait()
    end
    if opts.asker_ends then
        E.drain.end_asker()
    end
    return result
end

function E.ops.reload(opts)
    return M.run(opts)
end

-- Phases 1 to 4, nothing changed.
function E.ops.check(opts)
    opts.check = true
    return M.run(opts)
end

-- What would be reloaded, and why.
function E.ops.plan(opts)
    opts.dry_run = true
    return M.run(opts)
end

return M
