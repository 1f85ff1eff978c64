-- reload.loop(name, 'mod.fn', ...): a background loop that hops. It calls
-- mod.fn(...) again and again, each time the current one, so nothing of an old
-- version runs for longer than one step. The function sleeps itself; when it
-- returns false the loop ends.
--
-- A loop is known by its name: a new one takes the place of the old one, which
-- ends after its step, and waits for that. A loop that start() of a new version
-- makes begins when that version serves, and ends with it when it fails.
local E = ...
local M = {}

local clock = require('clock')
local fiber = require('fiber')
local log = require('log')

local S = E.state
-- name -> the loop that has the name; fiber id -> loop.
S.loops = S.loops or {by_name = {}, by_fiber = {}}
local L = S.loops

local ERROR_PAUSE_S = 1

-- Is the fiber one of ours? It hops, so a drain waits for it instead of
-- cancelling it.
function M.owns(id)
    return L.by_fiber[id] ~= nil
end

-- 'app.worker.step' -> the current function: the longest module name wins.
local function find(target)
    local module, path = target, ''
    while true do
        local value = package.loaded[module]
        if type(value) == 'table' then
            for field in path:gmatch('[^.]+') do
                value = type(value) == 'table' and value[field] or nil
            end
            return value
        end
        local head, tail = module:match('^(.*)%.([^.]*)$')
        if head == nil then
            return nil
        end
        module, path = head, path == '' and tail or tail .. '.' .. path
    end
end

local function is_pending(loop)
    return S.pending ~= nil and S.pending.id == loop.generation
end

local function step(loop)
    local f = find(loop.target)
    if f == nil then
        error(("loop '%s': %s is no longer there"):format(loop.name, loop.target), 0)
    end
    return f(unpack(loop.args, 1, loop.args.n))
end

-- The stamp follows the code that the next step runs.
local function hop(loop)
    local f = find(loop.target)
    local generation = type(f) == 'function' and
        E.bytecode.generation_of(E.stub.raw(f)) or loop.generation
    if generation ~= nil then
        E.fibers.stamp(fiber.id(), generation)
    end
end

local function forget(loop)
    L.by_fiber[fiber.id()] = nil
    if L.by_name[loop.name] == loop then
        L.by_name[loop.name] = nil
    end
    loop.ended = true
    loop.cond:broadcast()
    E.fibers.unstamp(fiber.id())
end

local function wait_for_turn(loop)
    while is_pending(loop) or loop.before ~= nil and not loop.before.ended do
        loop.cond:wait(0.01)
        fiber.testcancel()
    end
    loop.before = nil
end

local function run(loop)
    wait_for_turn(loop)
    while not loop.is_replaced do
        hop(loop)
        local ok, result = pcall(step, loop)
        fiber.testcancel()
        if not ok then
            log.error("loop '%s': %s", loop.name, tostring(result))
            fiber.sleep(ERROR_PAUSE_S)
        elseif result == false then
            return
        end
        fiber.sleep(0)
    end
end

-- A newer loop of this name: at once, or when its version serves.
local function take_name(loop)
    while is_pending(loop) do
        fiber.sleep(0.001)
    end
    local before = L.by_name[loop.name]
    if before ~= nil and before ~= loop then
        before.is_replaced = true
        loop.before = before
    end
    L.by_name[loop.name] = loop
end

-- Runs for each step of a loop.
for _, f in ipairs({find, is_pending, step, hop, run}) do
    jit.on(f)
end

local function body(loop)
    fiber.name(loop.name, {truncate = true})
    L.by_fiber[fiber.id()] = loop
    if loop.generation ~= nil then
        E.fibers.stamp(fiber.id(), loop.generation)
    end
    local ok, err = pcall(function()
        take_name(loop)
        run(loop)
    end)
    forget(loop)
    if not ok then
        error(err, 0)
    end
end

-- Start a loop. target: 'module.function' as text. Returns its fiber.
function E.api.loop(name, target, ...)
    if type(name) ~= 'string' or type(target) ~= 'string' or find(target) == nil and
            not (S.pending ~= nil and E.fibers.generation() == S.pending.id) then
        error("usage: reload.loop('name', 'module.function', ...): no such function", 2)
    end
    local loop = {name = name, target = target, cond = fiber.cond(),
                  args = {n = select('#', ...), ...}, since = clock.time(),
                  generation = E.fibers.generation()}
    return E.fibers.spawn(body, loop)
end

return M
