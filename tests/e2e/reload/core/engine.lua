-- One reload at a time; who asks may go; checks change nothing; another engine text.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
local M = {version = $1}
function M.start() fiber.sleep(0.1) end
function M.stop() end
function M.get() return $1 end
$2
return M
]]

local function snapshot()
    local s = {}
    for k, v in next, _G do s['G.' .. tostring(k)] = v end
    for k, v in next, package.loaded do s['L.' .. tostring(k)] = v end
    for k, v in next, package.loaded.app do s['A.' .. tostring(k)] = v end
    for k, v in next, package do s['P.' .. tostring(k)] = v end
    return s
end

local function difference(a, b)
    for k, v in pairs(a) do
        if b[k] ~= v then return k end
    end
    for k in pairs(b) do
        if a[k] == nil then return k end
    end
end

rig.run(function()
    rig.write('app', APP, 1, '')
    rig.instance("require('app').start()")
    local app = require('app')
    rig.settle()

    -- One at a time.
    rig.write('app', APP, 2, '')
    local first
    fiber.create(function() first = rig.call('reload') end)
    rig.wait(function() return rig.code.is_busy() end, 'a reload is at work')
    local a = rig.reloads('a second reload meanwhile', nil, 1, 'lock')
    rig.like(a.message, 'another reload is at work', 'is refused')
    rig.wait(function() return first end, 'the first ends')
    rig.is(first.exit, 0, 'and is done')
    rig.is(app.version, 2, 'version 2 serves')

    -- Who asked goes away in the middle.
    rig.write('app', APP, 3, '')
    local asks = fiber.create(function() rig.call('reload') end)
    rig.wait(function() return rig.code.is_busy() end, 'another one is at work')
    asks:cancel()
    rig.wait(function() return app.version == 3 end, 'the transaction ends by itself')
    rig.wait(function() return not rig.code.is_busy() end, 'and lets go')
    a = rig.reloads('the next reload')
    rig.like(a.message, 'nothing changed', 'finds nothing to do')

    -- Checks, plans and failures change nothing.
    local before = snapshot()
    rig.write('app', APP, 4, "TRACE = 1 package.loaded.trace = {} rawset(_G, 'T2', 1) " ..
        "string.format('x') function M.check() CHECKED = true end")
    a = rig.call('check')
    rig.is(a.exit, 0, 'a check')
    rig.is(difference(before, snapshot()), nil, 'leaves no trace')
    a = rig.call('plan')
    rig.is(rig.names(a), 'app', 'a plan')
    rig.is(difference(before, snapshot()), nil, 'leaves no trace')
    rig.write('app', APP, 5, 'TRACE = 1 function M.check() error("no") end')
    rig.reloads('a failing check', nil, 1, 'check')
    rig.is(difference(before, snapshot()), nil, 'leaves no trace')
    rig.write('app', APP:gsub('fiber.sleep%(0.1%)', 'TRACE = 2 package.loaded.x = 1 error("no")'),
        6, 'M.new = 1')
    rig.reloads('a failing start', nil, 1, 'start')
    rig.is(difference(before, snapshot()), nil, 'leaves no trace')
    rig.is(app.get(), 3, 'version 3 serves')

    -- Another engine text takes the data over.
    local file = assert(io.open(arg[2]))
    local text = file:read('*a')
    file:close()
    local newer = text:gsub("HASH = '%d+%.", "HASH = '999.", 1)
    assert(loadstring(newer, '@newer'))('adopt')
    local code = debug.getregistry()['tarantella.reload.engine']
    rig.ok(code ~= rig.code and code.version == 999, 'a newer engine takes over')
    rig.code = code
    local get = app.get
    rig.write('app', APP, 7, '')
    a = rig.reloads('it reloads')
    rig.is(rig.names(a), 'app', 'what changed')
    rig.is(get(), 7, 'stubs of the old engine follow')
    rig.ok(#rig.call('history').entries >= 5, 'the journal is there')
    assert(loadstring(text, '@older'))('adopt')
    rig.is(debug.getregistry()['tarantella.reload.engine'], code, 'an older one does not')
end)
