-- What applications call: loops that hop, on_release, generations, reloading from inside.
local L = dofile((arg[0]:gsub('[^/]+$', 'lib.lua')))
local fiber = require('fiber')

-- Without an engine in front the module loads and changes nothing.
local reload
if L.mode == 'adopt' then
    local before = {require, fiber.create, fiber.new}
    reload = assert(loadfile(arg[1]))()
    L.ok(before[1] == require and before[2] == fiber.create and before[3] == fiber.new,
         'the module alone wraps nothing')
else
    reload = L.E and require('reload')
end
L.equal(reload.generation(), 1, 'generation 1')

local APP = [[
local fiber = require('fiber')
local reload = ...
local M = {}
local loop
steps = rawget(_G, 'steps') or {}
function M.version() return $v end
function M.generation() return fiber_generation() end
function M.step(arg) steps[#steps + 1] = $v fiber.sleep($sleep) return not M.ended end
function M.broken() broken = (rawget(_G, 'broken') or 0) + 1 error('step') end
function M.start() loop = start_loop('stepper', 'app.step', 'x') $start end
function M.stop() $stop end
on_release(function() released[#released + 1] = $v end)
return M
]]
released = {}
start_loop, on_release, fiber_generation = reload.loop, reload.on_release, reload.fiber_generation

local function app(v, values)
    values = values or {}
    L.write('app', APP, {v = v, sleep = values.sleep or '0.002', start = values.start or '',
                         stop = values.stop or ''})
end

app(1)
local M = require('app')
M.start()
local function last() return steps[#steps] end
L.wait(function() return last() == 1 end, 'the loop runs')

local function to(v, values, opts)
    app(v, values)
    opts = opts or {}
    opts.app, opts.start_args = 'app', 'nil'
    return L.op('reload', opts)
end

L.exit(to(2), 0, 'a reload')
L.wait(function() return last() == 2 end, 'the loop hops')
L.wait(function() return L.fibers('stepper') == 'stepper' end, 'and is one fiber')
L.wait(function() return released[1] == 1 end, 'on_release of version 1 ran')

-- One that start() does not make again goes on, and hops.
L.write('app', (APP:gsub('loop = start_loop[^$]*', '')), {v = 3, sleep = '0.002', start = '', stop = ''})
L.exit(L.op('reload', {app = 'app', start_args = 'nil'}), 0, 'a version that starts no loop')
L.wait(function() return last() == 3 end, 'the loop hops by itself')
L.equal(L.fibers('stepper'), 'stepper', 'the same one')

-- stop() that cancels the old loop.
L.exit(to(4, {stop = 'loop:cancel()'}), 0, 'a version that keeps the handle')
L.exit(to(5, {stop = 'loop:cancel()'}), 0, 'whose stop() cancels its loop')
L.wait(function() return last() == 5 end, 'the new loop runs')
L.wait(function() return L.fibers('stepper') == 'stepper' end, 'alone')

-- A version that fails.
local a = to(6, {start = 'fiber.sleep(0.05) error("no")'})
L.exit(a, 1, 'a start() that fails', 'start')
L.wait(function() return L.fibers('stepper') == 'stepper' end, 'leaves the old loop alone')
local count = #steps
L.wait(function() return #steps > count + 2 end, 'which goes on')
L.equal(last(), 5, 'with its version')
L.equal(table.concat(released, ' '), '1 2 3 4 6',
     'on_release of the failed version ran', released)

-- A long step is waited for, not cancelled.
L.exit(to(7, {sleep = '0.3'}), 0, 'a slow loop')
L.wait(function() return last() == 7 end, 'runs')
a = to(8)
L.exit(a, 0, 'a reload waits for its step')
L.wait(function() return last() == 8 end, 'then it hops')
for i = 2, #steps do
    if steps[i] < steps[i - 1] then L.ok(false, 'steps go forward', steps) break end
end

-- Errors are logged and the loop goes on; false ends it.
reload.loop('breaker', 'app.broken')
L.wait(function() return (broken or 0) >= 2 end, 'a step that raises is tried again')
M.ended = true
L.wait(function() return L.fibers('stepper') == '' end, 'false ends the loop')
L.ok(not pcall(reload.loop, 'x', 'app.nothing'), 'a function that is not there is refused')
L.ok(not pcall(reload.loop, 'x'), 'so is a loop without one')
L.ok(not pcall(reload.on_release), 'and on_release of nothing')

-- From inside.
L.write('app', (APP:gsub('loop = start_loop[^$]*', '')), {v = 9, sleep = '1', start = '', stop = ''})
a = reload.reload({now = true, names = {'app'}})
L.exit(a, 0, 'reload.reload()')
L.equal(M.version(), 9, 'reloads')
L.ok(#reload.generations() > 3, 'reload.generations()')
local mine
fiber.create(function() mine = M.generation() end)
L.equal(mine, nil, 'a fiber of nobody has no generation')
L.ok(#reload.history().entries > 5, 'reload.history()')
L.equal(reload.diff().exit, 0, 'reload.diff()')
L.done()
