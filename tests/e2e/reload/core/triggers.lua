-- Rule n: a write fires one version's triggers.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')
local fio = require('fio')

local APP = [[
local fiber = require('fiber')
local M = {version = $1}
local space = box.space.data
local function by_local() COUNT.by_local = COUNT.by_local + 1 end
function M.by_field() COUNT.by_field = COUNT.by_field + 1 COUNT['v$1'] = (COUNT['v$1'] or 0) + 1 end
function M.start()
    space:on_replace(by_local)
    space:on_replace(M.by_field)
    box.session.on_connect(by_local)
    fiber.sleep(0.05)
    $2
end
function M.stop()
    $3
    space:on_replace(nil, by_local)
    space:on_replace(nil, M.by_field)
    box.session.on_connect(nil, by_local)
end
return M
]]

rig.run(function()
    local dir = fio.tempdir()
    box.cfg({log_level = 2, wal_mode = 'none', memtx_dir = dir, wal_dir = dir, vinyl_dir = dir})
    local space = box.schema.space.create('data')
    space:create_index('pk')
    rawset(_G, 'COUNT', {by_local = 0, by_field = 0, writes = 0})
    rig.write('app', APP, 1, '', '')
    rig.instance("require('app').start()")
    rig.settle()
    COUNT.by_local, COUNT.by_field = 0, 0
    local stop
    fiber.create(function()
        while not stop do
            COUNT.writes = COUNT.writes + 1
            space:replace({COUNT.writes % 100})
            fiber.sleep(0.001)
        end
    end)
    for version = 2, 5 do
        rig.write('app', APP, version, '', '')
        rig.reloads('version ' .. version)
        rig.is(#space:on_replace(), 2, 'two triggers')
    end
    rig.is(#box.session.on_connect(), 1, 'one session trigger')
    rig.write('app', APP, 6, "error('start fails')", '')
    rig.reloads('a failing start', nil, 1, 'start')
    rig.is(#space:on_replace(), 2, 'leaves no trigger')
    stop = true
    fiber.sleep(0.01)
    rig.is(COUNT.by_local, COUNT.writes, 'each write fired it once')
    rig.is(COUNT.by_field, COUNT.writes, 'each write fired the other once')
    local app = require('app')
    rig.ok(pcall(app.stop), 'stop() by hand finds its triggers')
    rig.is(#space:on_replace(), 0, 'none is left')
    app.start()
    rig.write('app', APP, 7, '', 'do return end')
    rig.reloads('version 7')
    rig.write('app', APP, 8, '', '')
    rig.reloads('a stop() that forgets its triggers')
    rig.has_note('trigger of the old version left on space data on_replace: .*app.lua:%d+',
        'they are named')
    -- Moved to their namesakes instead.
    space:run_triggers(true)
    for _, f in ipairs(space:on_replace()) do
        space:on_replace(nil, f)
    end
    rig.write('app', APP:gsub('local function by_local', 'local function idle() end %0'), 9, '',
        'do return end')
    rig.reloads('version 9')
    rig.write('app', "local space = box.space.data local M = {} " ..
        "local function by_local() COUNT.moved = (COUNT.moved or 0) + 1 end " ..
        "function M.by_field() COUNT.field = (COUNT.field or 0) + 1 end " ..
        'function M.start() M.x = by_local end function M.stop() end return M')
    rig.reloads('--repoint', {repoint = true, names = {'app'}})
    space:replace({1})
    rig.ok((COUNT.moved or 0) > 0 and COUNT.field == 1, 'what was left is moved to the new code',
        tostring(COUNT.moved) .. ' ' .. tostring(COUNT.field))
    fio.rmtree(dir)
end)
