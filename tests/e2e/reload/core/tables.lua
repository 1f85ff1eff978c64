-- Rule b: the table that require() returned first is public for ever.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
local dep = require('dep')
local M = {version = $1, count = $1 * 10, list = {$1}, handlers = {}}
M['only$1'] = true
function M.get() return $1, dep.get(), M.version end
function M.slow(s) fiber.sleep(s) return $1, dep.get(), M.version, M.extra end
function M.handlers.hello() return 'hello$1' end
M['gone$1'] = function() return 'gone$1' end
function M.bump() M.count = M.count + 1 return M.count end
function M.me() return M end
return M
]]

rig.run(function()
    rig.write('dep', "return {get = function() return 'dep1' end, value = 1}")
    rig.write('app', APP, 1)
    local app = require('app')
    local dep = require('dep')
    rig.settle()
    local get, hello, gone = app.get, app.handlers.hello, app.gone1
    local handlers = app.handlers
    app.extra = 'written from outside'
    local results = {}
    for i = 1, 16 do
        fiber.create(function()
            results[i] = {app.slow(0.05)}
        end)
    end
    rig.write('dep', "return {get = function() return 'dep2' end, value = 2}")
    rig.write('app', APP, 2)
    rig.reloads('version 2 serves', {drain = 5, at_drain = 'wait'})

    rig.is(require('app'), app, 'require gives the same table')
    rig.is(app.version, 2, 'a scalar field is current')
    rig.is(app.count, 20, 'another one')
    rig.is(app.list[1], 2, 'a data subtable is replaced')
    rig.is(app.only1, nil, 'a removed field is gone')
    rig.is(app.only2, true, 'a new field is there')
    rig.is(app.extra, nil, 'what somebody wrote into the old version is gone')
    rig.is((get()), 2, 'a captured function is current')
    rig.is(select(2, get()), 'dep2', 'and so is what it requires')
    rig.is(dep.value, 2, 'the dependency holder sees its new field')
    rig.is(app.handlers, handlers, 'a subtable of functions is the same table')
    rig.is(hello(), 'hello2', 'its captured function is current')
    local ok, err = pcall(gone)
    rig.ok(not ok, 'a removed export raises')
    rig.like(err, "export 'gone1' of module 'app' was removed in generation %d+",
        'and the error says which')
    rig.is(app.bump(), 21, 'new code writes its own table')
    rig.is(app.count, 21, 'which is the public one')
    rig.is(app.me(), app, 'new code returns the public table')
    app.count = 100
    rig.is(app.bump(), 101, 'outside writes reach new code')
    local seen = {}
    for k in pairs(app) do
        seen[k] = true
    end
    rig.ok(seen.only2 and seen.version and not seen.only1, 'pairs() sees the new fields')
    rig.wait(function()
        return #results == 16
    end, 'calls in flight end')
    local mixed = 0
    for _, r in ipairs(results) do
        if r[1] ~= 1 or r[2] ~= 'dep1' or r[3] ~= 1 or r[4] ~= 'written from outside' then
            mixed = mixed + 1
        end
    end
    rig.is(mixed, 0, 'calls in flight end in their own version')

    rig.write('app', APP, 3)
    rig.reloads('version 3 serves')
    rig.is((get()), 3, 'the captured function follows again')
    rig.is(app.version, 3, 'so does the table')
    rig.is(hello(), 'hello3', 'and the subtable')
    rig.is(app.me(), app, 'new code still returns the public table')
end)
