-- Probation: for a while after the switch the new version is watched. Errors of
-- calls through its stubs, deaths of its fibers or a failing health expression
-- end it; the transaction's caller then rolls back.
--
-- Calls are counted by wrappers in the slots, which are there only as long as
-- the probation lasts: outside of it a stub costs nothing.
local E = ...
local M = {}

local clock = require('clock')
local fiber = require('fiber')

local S = E.state

-- So many errors, and so large a part of all calls, are too much.
M.ERRORS_MIN = 10
M.ERROR_SHARE = 0.1
local POLL_S = 0.02
local HEALTH_EVERY_S = 0.2
local HEALTH_DEADLINE_S = 2

-- Count calls and errors of one slot; the error goes on as it is.
local function counted(f, watch)
    local function finish(ok, ...)
        if not ok then
            watch.errors = watch.errors + 1
            watch.last_error = tostring((...))
            error((...), 0)
        end
        return ...
    end
    return function(...)
        watch.calls = watch.calls + 1
        return finish(pcall(f, ...))
    end
end

-- Calls of applications go through it.
jit.on(counted, true)

local function is_hook(key)
    return key == 'start' or key == 'stop' or key == 'check' or key == 'prepare'
end

local function find_slots(slots, watch)
    for key, f in pairs(slots.cur) do
        if not is_hook(key) and E.bytecode.generation_of(f) == watch.generation then
            local w = counted(f, watch)
            watch.wrapped[#watch.wrapped + 1] = {slots.cur, key, w, f}
        end
    end
end

-- Slots that hold code of the generation get a counting wrapper, in one turn.
local function wrap(watch)
    for _, record in pairs(S.records) do
        find_slots(record.slots, watch)
    end
    find_slots(S.globals, watch)
    for _, x in ipairs(watch.wrapped) do
        x[1][x[2]] = x[3]
    end
end

local function unwrap(watch)
    for _, x in ipairs(watch.wrapped) do
        if x[1][x[2]] == x[3] then
            x[1][x[2]] = x[4]
        end
    end
    watch.wrapped = {}
end

-- The health expression as a function; nil and the reason.
function M.compile_health(text)
    if text == nil then
        return nil
    end
    local f, err = loadstring('return ' .. text, '=health')
    if f == nil then
        f, err = loadstring(text, '=health')
    end
    return f, err
end

local function health_verdict(watch)
    local ok, result = E.hooks.run(watch.generation, 'health', watch.health,
                                   HEALTH_DEADLINE_S)
    if not ok then
        return 'the health expression failed: ' .. tostring(result.message)
    elseif not result then
        return ('the health expression gave %s'):format(tostring(result))
    end
end

-- Why the new version must go; nil while it does well.
local function verdict(watch)
    if watch.errors >= M.ERRORS_MIN and watch.errors >= M.ERROR_SHARE * watch.calls then
        return ('%d of %d calls failed, the last with: %s'):format(watch.errors, watch.calls,
            watch.last_error)
    end
    local deaths = E.fibers.deaths(watch.generation)
    if #deaths > 0 then
        return ("fiber %d '%s' died: %s"):format(deaths[1].id, deaths[1].name,
            deaths[1].message)
    end
    if watch.health ~= nil and clock.monotonic() >= watch.next_health then
        watch.next_health = clock.monotonic() + HEALTH_EVERY_S
        return health_verdict(watch)
    end
end

local function was_cancelled(watch)
    return S.probation ~= watch
end

-- Watch a generation for opts.probation seconds. Returns nil when it passed, or why
-- it did not; and {calls, errors, is_ended = cancel() was called}. Yields.
function M.run(generation, opts)
    local watch = {generation = generation, calls = 0, errors = 0, wrapped = {},
                   health = M.compile_health(opts.health), next_health = 0}
    S.probation = watch
    wrap(watch)
    local limit = clock.monotonic() + opts.probation
    local why
    repeat
        why = verdict(watch)
        local left = limit - clock.monotonic()
        if why or left <= 0 or was_cancelled(watch) then
            break
        end
        fiber.sleep(math.min(POLL_S, left))
    until false
    unwrap(watch)
    local is_ended = was_cancelled(watch)
    if not is_ended then
        S.probation = nil
    end
    return why, {calls = watch.calls, errors = watch.errors, is_ended = is_ended}
end

-- End a running probation: its slots are as they were when this returns.
function M.cancel()
    local watch = S.probation
    if watch ~= nil then
        S.probation = nil
        unwrap(watch)
    end
end

-- A refusal while a probation runs, or nil.
function M.gate(opts)
    local watch = S.probation
    if watch == nil or opts.check or opts.dry_run then
        return nil
    end
    if opts.rollback or opts.supersede then
        M.cancel()
        return nil
    end
    return {exit = 1, phase = 'lock', message =
            ('generation %d is in its probation (`ctl rollback` or --supersede end it)'):format(
            watch.generation)}
end

return M
