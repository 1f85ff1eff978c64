-- Triggers of a new version: held until the switch, dropped when it fails; those that
-- the old one leaves behind are named or moved.
local L = dofile((arg[0]:gsub('[^/]+$', 'lib.lua')))
local fiber = require('fiber')

L.box()
local s = box.schema.space.create('test')
s:create_index('pk')
runs = {}

local APP = [[
local fiber = require('fiber')
local M = {}
local function on_replace() runs[#runs + 1] = $v end
function M.exported() runs[#runs + 1] = $v + 100 end
function M.connected() end
function M.version() return $v end
function M.start()
    box.space.test:on_replace(on_replace)
    box.space.test:on_replace(M.exported)
    box.session.on_connect(M.connected)
    $start
end
function M.stop()
    box.space.test:on_replace(nil, on_replace)
    $stop
    box.session.on_connect(nil, M.connected)
end
return M
]]
local STOP = 'box.space.test:on_replace(nil, M.exported)'

local function app(v, start, stop)
    L.write('app', APP, {v = v, start = start or '', stop = stop or STOP})
end

local function count()
    return #box.space.test:on_replace() .. ' ' .. #box.session.on_connect()
end

local function write()
    runs = {}
    s:replace({1})
    table.sort(runs)
    return table.concat(runs, ' ')
end

app(1)
local M = require('app')
M.start()
L.equal(write(), '1 101', 'the triggers of version 1')
local held = count()

local function reload(...)
    app(...)
    return L.op('reload', {app = 'app', start_args = 'nil', repoint = L.repoint})
end

local seen
fiber.create(function()
    fiber.sleep(0.03)
    seen = write()
end)
L.exit(reload(2, 'fiber.sleep(0.1)'), 0, 'a start() that registers, then sleeps')
L.equal(seen, '1 101', 'while it slept the old triggers ran alone')
L.equal(write(), '2 102', 'then the new ones')
L.equal(count(), held, 'as many as before')

local a = reload(3, 'error("no")')
L.exit(a, 1, 'a start() that fails after it registered', 'start')
L.equal(count(), held, 'leaves no trigger')
L.equal(write(), '2 102', 'the old ones run')
L.ok(rawget(s, 'on_replace') ~= nil or s.on_replace ~= nil, 'the space has its methods')

-- A space that start() makes itself is not wrapped.
a = reload(4, [[
    local t = box.schema.space.create('mine', {if_not_exists = true})
    t:create_index('pk', {if_not_exists = true})
    t:on_replace(function() runs[#runs + 1] = 'mine' end)
    error('no')]])
L.exit(a, 1, 'a start() that makes a space and fails', 'start')
L.equal(#box.space.mine:on_replace(), 0, 'its trigger is gone')

-- Taken back before the switch, replaced before the switch.
a = reload(5, [[
    local f = function() runs[#runs + 1] = 50 end
    box.space.test:on_replace(f)
    box.space.test:on_replace(nil, f)]])
L.exit(a, 0, 'a trigger that start() takes back itself')
L.equal(write(), '5 105', 'never runs')

-- stop() that forgets one.
L.exit(reload(6, '', 'local _'), 0, 'to a version whose stop() forgets a trigger')
a = reload(7)
L.exit(a, 0, 'a forgotten trigger')
L.ok(#a.triggers == 1 and a.triggers[1].name == 'space test on_replace', 'is listed', a.triggers)
L.like(table.concat(a.notes, ' '), 'app.lua:', 'with its place')
for _, f in ipairs(s:on_replace()) do s:on_replace(nil, f) end
for _, f in ipairs(box.session.on_connect()) do box.session.on_connect(nil, f) end
M.start()

-- --repoint moves what has a namesake.
app(8, '', 'local _')
L.op('reload', {app = 'app', start_args = 'nil'})
L.repoint = true
a = reload(9)
L.exit(a, 0, '--repoint')
L.equal(#a.triggers, 0, 'nothing is left')
L.equal(write(), '9 109', 'each trigger once, of the new version')

-- Under load every write runs the triggers of one version.
local wrong, stop = 0, false
fiber.create(function()
    while not stop do
        local got = write()
        wrong = wrong + (got:match('^(%d) 10%1$') and 0 or 1)
        fiber.sleep(0)
    end
    stop = nil
end)
for v = 10, 19 do
    if v % 2 == 0 then v = v - 8 end
    reload(v % 10, 'fiber.sleep(0.002)')
end
stop = true
L.wait(function() return stop == nil end, 'the writer ends')
L.equal(wrong, 0, 'no write ran the triggers of two versions, or of none')
L.done()
