-- Rollback, and what leads to it by itself: errors, deaths of fibers, health.
local L = dofile((arg[0]:gsub('[^/]+$', 'lib.lua')))
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
local M = {}
local worker
function M.version() return $v end
function M.work() $work end
function M.start()
    worker = fiber.create(function()
        fiber.name('worker$v')
        $loop
        while true do fiber.sleep(0.01) end
    end)
end
function M.stop() worker:cancel() end
return M
]]

local function app(v, work, loop)
    L.write('app', APP, {v = v, work = work or '', loop = loop or ''})
end

app(1)
local M = require('app')
M.start()

local function reload(v, work, loop, opts)
    app(v, work, loop)
    opts = opts or {}
    opts.app, opts.start_args = 'app', 'nil'
    return L.op('reload', opts)
end

L.exit(L.op('rollback'), 1, 'nothing to go back to', 'lock', 'no previous generation')
L.exit(reload(2), 0, 'version 2')
if L.mode == 'adopt' then
    L.exit(L.op('rollback'), 1, 'the text from before the engine is not known', 'lock', 'app')
else
    L.exit(L.op('rollback'), 0, 'back')
    L.equal(M.version(), 1, 'to version 1')
    L.equal(L.fibers('worker'), 'worker1', 'with its fiber')
    L.exit(L.op('rollback'), 0, 'and back again')
end
L.equal(M.version(), 2, 'version 2 serves')
L.exit(reload(3), 0, 'version 3')
L.exit(L.op('rollback'), 0, 'rollback')
L.equal(M.version(), 2, 'to version 2, whatever the disk says')
local states = {}
for _, g in ipairs(L.op('gens').generations) do states[g.state] = (states[g.state] or 0) + 1 end
L.equal(states['rolled-back'], L.mode == 'adopt' and 1 or 3, 'generations are marked rolled-back')
L.equal(states.current, 1, 'one is current')
L.like(L.op('diff').modules[1].state, 'changed', 'diff sees that the disk is ahead')
L.exit(reload(4), 0, 'the next reload takes the disk again')

-- Probation: nothing happens.
local stop
local function load(count)
    stop = false
    for _ = 1, count do
        fiber.create(function()
            while not stop do
                pcall(M.work)
                fiber.sleep(0.001)
            end
        end)
    end
end
load(4)
local a = reload(5, '', '', {probation = 0.15, health = 'require("app").version() == 5'})
L.exit(a, 0, 'a probation that passes')
local phase = L.has(a.phases, 'name', 'probation')
L.ok(phase and tonumber(phase.note:match('^(%d+) calls')) > 10, 'counted calls', phase)
L.equal(L.E.state.probation, nil, 'and is over')
for _, record in pairs(L.E.state.records) do
    for key, f in pairs(record.slots.cur) do
        L.like(debug.getinfo(f, 'S').source, 'app.lua', 'the slot of ' .. key .. ' is as before')
    end
end

-- Errors.
a = reload(6, 'error("boom")', '', {probation = 20})
L.exit(a, 4, 'an error burst', 'probation', 'boom')
L.equal(M.version(), 5, 'the version before serves')
L.ok(L.has(L.op('history').entries, 'op', 'probation'), 'journalled', L.op('history'))
L.wait(function() return L.fibers('worker') == 'worker5' end, 'its fiber runs alone')

-- Deaths.
a = reload(7, '', 'fiber.sleep(0.02) error("fell over")', {probation = 20})
L.exit(a, 4, 'a fiber that dies', 'probation', 'fell over')
L.equal(M.version(), 5, 'the version before serves')

-- Health.
healthy = true
fiber.create(function() fiber.sleep(0.1) healthy = false end)
a = reload(8, '', '', {probation = 20, health = 'healthy'})
L.exit(a, 4, 'a health expression that turns false', 'probation', 'gave false')
a = reload(9, '', '', {probation = 20, health = 'nothing.there'})
L.exit(a, 4, 'one that raises', 'probation', 'nothing')
a = reload(9, '', '', {probation = 20, health = 'a b c'})
L.exit(a, 1, 'one that does not compile is refused', 'lock', 'health')
L.equal(M.version(), 5, 'the version before serves')

-- A probation that runs: the next waits, a rollback ends it.
local answer
fiber.create(function() answer = reload(10, '', '', {probation = 20}) end)
L.wait(function() return L.op('status').probation ~= nil end, 'a probation begins')
L.equal(M.version(), 10, 'version 10 is on trial')
L.exit(L.op('reload', {names = {'app'}}), 1, 'a reload meanwhile', 'lock', 'probation')
L.exit(L.op('rollback'), 0, 'a rollback ends it')
L.equal(M.version(), 5, 'the version before serves')
L.wait(function() return answer ~= nil end, 'the reload answers')
L.ok(answer.exit ~= 0, 'that it was rolled back', answer)
stop = true

-- The journal is a ring.
for _ = 1, 100 do L.E.journal.event('test', 'x') end
L.equal(#L.op('history').entries, 64, 'the journal keeps the last attempts')
L.equal(#L.op('history', {count = 3}).entries, 3, 'the last three')
L.done()
