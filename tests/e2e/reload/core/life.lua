-- Rules i and j: which module is an app, and how it is started.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local APP = [[
local lib = require('lib')
local M = {version = $1}
function M.start(...) LOG[#LOG + 1] = {'start$1', select('#', ...), ...} lib.start() end
function M.stop() LOG[#LOG + 1] = {'stop$1'} lib.stop() end
function M.restart() M.start('again') end
return M
]]
local LIB = [[
local M = {}
function M.start() LOG[#LOG + 1] = {'lib.start$1'} end
function M.stop() LOG[#LOG + 1] = {'lib.stop$1'} end
return M
]]

local function log_since(n)
    local names = {}
    for i = n + 1, #LOG do
        names[#names + 1] = LOG[i][1]
    end
    return table.concat(names, ' ')
end

rig.run(function()
    rawset(_G, 'LOG', {})
    rig.write('lib', LIB, 1)
    rig.write('app', APP, 1)
    rig.instance("local app = require('app')\nlocal ok = pcall(app.start, 'one', nil, 3)")
    local app = require('app')
    if rig.is_adopt then
        local a = rig.reloads('arguments that nobody saw', nil, 1, 'prepare')
        rig.like(a.message, "start arguments of 'app' are not known.*%-%-start%-args",
            'are asked for')
        rig.is(log_since(2), '', 'nothing was started')
        rig.reloads('adoption', {app = 'app', start_args = "'one', nil, 3"})
        rig.is(LOG[3][2], 3, 'start_args')
    end
    local n = #LOG
    rig.write('lib', LIB, 2)
    rig.reloads('the library changes')
    rig.is(log_since(n), 'start1 lib.start2 stop1 lib.stop1',
        'the app is started and stopped, the library only by it')
    local s = LOG[n + 1]
    rig.ok(s[2] == 3 and s[3] == 'one' and s[4] == nil and s[5] == 3,
        'with all arguments, pcall or not')
    app.restart()
    n = #LOG
    rig.write('app', APP, 2)
    rig.reloads('the app changes')
    rig.is(LOG[n + 1][3], 'one', 'a start() that the app calls itself changes no arguments')
    app.start('from the console')
    app.stop()
    n = #LOG
    rig.write('app', APP, 3)
    rig.reloads('and again')
    rig.is(LOG[n + 1][3], 'from the console', 'one that an eval calls does')
    rig.write('app', APP, 4)
    n = #LOG
    rig.reloads('--no-lifecycle', {no_lifecycle = true})
    rig.is(log_since(n), '', 'calls neither')

    -- The nearest caller counts.
    rig.write('other', "local M = {} function M.start() LOG[#LOG + 1] = {'other$1'} end " ..
        'function M.stop() end return M', 1)
    rig.write('boot', "require('other').start() return {}")
    require('boot')
    rig.settle()
    n = #LOG
    rig.write('other', "local M = {} function M.start() LOG[#LOG + 1] = {'other$1'} end " ..
        "function M.stop() LOG[#LOG + 1] = {'other stop'} end return M", 2)
    rig.reloads('a module that starts another at its top level')
    rig.is(log_since(n), 'other2', 'starts its new version once')
    rig.write('other', "local M = {} function M.start() LOG[#LOG + 1] = {'other$1'} end " ..
        'function M.stop() end return M', 3)
    n = #LOG
    rig.reloads('and again')
    rig.is(log_since(n), 'other3 other stop',
        'the old stop() follows')
end)
