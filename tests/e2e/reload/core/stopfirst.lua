-- order = 'stop-first': for versions that cannot overlap; they are found out, too.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
local M = {version = $1}
function M.api() return $1 end
function M.start()
    assert(not PORT, 'the port is taken')
    PORT = $1
    $2
end
function M.stop() PORT = nil end
return M
]]
local BY_NAME = [[
local fiber = require('fiber')
local M = {version = $1}
function M.start()
    fiber.create(function() fiber.name('worker') while true do fiber.sleep(0.01) end end)
end
function M.stop()
    for id, f in pairs(fiber.info()) do
        if f.name == 'worker' then fiber.kill(id) end
    end
end
return M
]]

local function workers()
    local n = 0
    for _, f in pairs(fiber.info()) do
        n = n + (f.name == 'worker' and 1 or 0)
    end
    return n
end

rig.run(function()
    rawset(_G, 'PORT', false)
    rig.write('app', APP, 1, '')
    rig.instance("require('app').start()")
    local app = require('app')
    rig.settle({order = 'stop-first'})
    rig.write('app', APP, 2, '')
    rig.reloads('overlap cannot bind', nil, 1, 'start')
    rig.ok(app.api() == 1 and PORT == 1, 'the old version serves')
    rig.reloads('stop-first can', {order = 'stop-first'})
    rig.ok(app.api() == 2 and PORT == 2, 'the new version serves')
    rig.write('app', APP, 3, "error('broken')")
    local a = rig.reloads('a failing start', {order = 'stop-first'}, 4, 'start')
    rig.ok(app.api() == 2 and PORT == 2, 'the old one was started again')
    rig.like(a.state, 'stopped and started again', 'and that is said')
    rig.write('app', "local M = {order = 'stop-first'} " .. APP:gsub('local M = %b{}', ''), 4, '')
    rig.reloads('an app that says so itself')
    rig.is(app.api(), 4, 'serves')
    rig.write('app', APP, 5, "if not PORT then error('x') end")
    rig.write('app', BY_NAME, 6)
    rig.reloads('version 6', {order = 'stop-first'})
    rig.is(workers(), 1, 'one worker')
    rig.write('app', BY_NAME, 7)
    a = rig.reloads('the old stop() kills by name', nil, 4, 'stop')
    rig.like(a.message, 'stop%-first', 'the message names the order')
    rig.is(app.version, 6, 'the old version serves')
    rig.wait(function() return workers() == 1 end, 'one worker again')
    rig.reloads('stop-first can', {order = 'stop-first'})
    rig.is(app.version, 7, 'version 7')
    rig.wait(function() return workers() == 1 end, 'one worker still')
end)
