-- Runs the app's own code for a transaction: load, check, prepare, start, stop.
-- Each run has a fiber of its own, stamped with the generation it works for, and
-- a deadline. Code that ends without yielding ends in the same turn: the caller
-- does not yield either. Code that misses its deadline is cancelled, and when it
-- swallows that too, abandoned and listed: user code never holds the lock.
local E = ...
local M = {}

local clock = require('clock')
local fiber = require('fiber')
local util = E.use('util')
local has_native, native = pcall(require, 'internal.reload')
has_native = has_native and native.watch ~= nil

local S = E.state
-- Runs whose code went on after its deadline: run -> true.
S.abandoned = S.abandoned or {}

-- How long a cancelled run may take to clean up, in seconds.
local GRACE = 0.2
-- How often the guard of a loading chunk looks at the clock, in VM instructions.
local GUARD_STEPS = 100000

local function pack(...)
    return {n = select('#', ...), ...}
end

-- What a failed run hands back. Errors of the engine itself (tables with a
-- phase) pass through as they are.
local function describe(err)
    if type(err) == 'table' and err.phase ~= nil then
        return err
    end
    local text = util.text(err)
    return {message = text, traceback = debug.traceback(text, 2), error = err}
end

local function late_text(run)
    return ('%s took longer than %g s without yielding'):format(run.phase, run.deadline)
end

-- A loop without yields in a chunk that is being loaded: count instructions and
-- raise at the deadline. Only interpreted code counts, so the loader runs chunks
-- with the JIT off. Hooks belong to the VM, hence the fiber's id.
local function guard(run)
    local id, limit = fiber.id(), run.since + run.deadline
    debug.sethook(function()
        if clock.monotonic() > limit and fiber.id() == id then
            error(late_text(run), 0)
        end
    end, '', GUARD_STEPS)
end

local function body(run, env, fn, args)
    local id = fiber.id()
    run.fiber = fiber.self()
    run.thread = coroutine.running()
    fiber.name('reload.' .. run.phase, {truncate = true})
    E.fibers.stamp(id, run.generation)
    local outer = getfenv(0)
    if env ~= nil then
        setfenv(0, env)
    end
    if run.phase == 'load' then
        guard(run)
    elseif has_native then
        native.watch(late_text(run), run.deadline)
    end
    run.results = pack(xpcall(function()
        return fn(unpack(args, 1, args.n))
    end, describe))
    if run.phase == 'load' then
        debug.sethook()
    elseif has_native then
        native.unwatch()
    end
    -- Out of memory: the runtime calls no handler.
    if not run.results[1] and type(run.results[2]) ~= 'table' then
        run.results[2] = {message = util.text(run.results[2])}
    end
    setfenv(0, outer)
    E.fibers.unstamp(id)
    S.abandoned[run] = nil
    run.done = true
    if run.cond ~= nil then
        run.cond:broadcast()
    end
end

local function wait(run, timeout)
    run.cond = run.cond or fiber.cond()
    local limit = clock.monotonic() + timeout
    while not run.done do
        local left = limit - clock.monotonic()
        if left <= 0 then
            return false
        end
        run.cond:wait(left)
    end
    return true
end

local function give_up(run)
    local where = E.fibers.where(run.thread)
    pcall(run.fiber.cancel, run.fiber)
    local gone = wait(run, GRACE)
    local text = ('%s did not end within %g s (it was at %s)'):format(run.phase,
        run.deadline, where)
    if not gone then
        S.abandoned[run] = true
        text = ('%s and goes on after it was cancelled: fiber %d is left behind'):format(
            text, run.fiber:id())
    end
    return {message = text, timeout = true, abandoned = not gone,
            fiber = not gone and run.fiber:id() or nil}
end

-- Run fn(...) for a generation. gen: its number, or its record ({id =, env =};
-- env becomes the fiber's global table, so what fn compiles sees it too).
-- Returns true and fn's results; or false and {message, traceback, error =
-- what was raised}, with timeout = true when the deadline (seconds) passed and
-- abandoned = true when its fiber is still there. Yields only when fn does.
function M.run(gen, phase, fn, deadline, ...)
    local id, env = gen, nil
    if type(gen) == 'table' then
        id, env = gen.id, gen.env
    end
    local run = {generation = id, phase = phase, since = clock.monotonic(),
                 deadline = deadline}
    E.fibers.spawn(body, run, env, fn, pack(...))
    if not run.done and not wait(run, deadline) then
        return false, give_up(run)
    end
    local results = run.results
    return unpack(results, 1, results.n)
end

-- Cancel the runs that were abandoned for this generation; how many are left.
function M.cancel(generation)
    local count = 0
    for run in pairs(S.abandoned) do
        if generation == nil or run.generation == generation then
            pcall(run.fiber.cancel, run.fiber)
            count = count + 1
        end
    end
    return count
end

-- The runs that went on after their deadline.
function M.list()
    local out = {}
    for run in pairs(S.abandoned) do
        out[#out + 1] = {fiber = run.fiber:id(), generation = run.generation,
                         phase = run.phase, where = E.fibers.where(run.thread),
                         seconds = clock.monotonic() - run.since}
    end
    return out
end

return M
