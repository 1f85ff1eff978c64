-- Rules a and o: start() of the new version is private and may fail or hang.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
local M = {version = $1}
local bg
function M.api() return $1 end
function M.start(...)
    STARTS = STARTS or {}
    table.insert(STARTS, {$1, ...})
    bg = fiber.create(function() fiber.name('bg$1') while true do fiber.sleep(0.01) end end)
    rawset(_G, 'api', M.api)
    $2
end
function M.stop() bg:cancel() bg = nil $3 end
return M
]]

local function fibers(pattern)
    local n = 0
    for _, info in pairs(fiber.info()) do
        n = n + (info.name:find(pattern) and 1 or 0)
    end
    return n
end

rig.run(function()
    rawset(_G, 'STARTS', {})
    rig.write('app', APP, 1, '', '')
    rig.instance("require('app').start({n = 1}, 'two', nil)")
    local app = require('app')
    rig.settle()
    rig.is(select('#', unpack(STARTS[1], 1, 4)), 4, 'the first start was seen')
    rig.write('app', APP, 2, '', '')
    rig.reloads('version 2')
    local last = STARTS[#STARTS]
    rig.ok(last[1] == 2 and last[2].n == 1 and last[3] == 'two', 'start() got its arguments')
    rig.ok(rig.is_adopt or last[2] == STARTS[1][2], 'the same values, not copies')
    rig.wait(function() return fibers('^bg1') == 0 end, 'the old background fiber ends')

    rig.write('app', APP, 3, "fiber.sleep(0.02) error('no way')", '')
    local a = rig.reloads('a failing start', nil, 1, 'start')
    rig.like(a.message, rig.path('app') .. ':%d+: no way', 'names file and line')
    rig.like(a.state, 'serves, as before', 'and says what serves')
    rig.ok(app.api() == 2 and api() == 2, 'the old version serves')
    rig.is(fibers('^bg3'), 0, 'no fiber of the failed version is left')
    rig.is(fibers('^bg2'), 1, 'the old background fiber runs')

    rig.write('app', APP, 4, 'fiber.sleep(0.1)', '')
    local answer
    fiber.create(function() answer = rig.reload() end)
    local wrong = 0
    while answer == nil do
        if fibers('^bg4') == 1 and fibers('^bg2') == 1 and (app.api() ~= 2 or api() ~= 2 or
                app.version ~= 2) then
            wrong = wrong + 1
        end
        fiber.sleep(0.002)
    end
    rig.is(answer.exit, 0, 'a start() that sleeps')
    rig.is(wrong, 0, 'the old version serves until it is through')
    rig.ok(app.api() == 4 and api() == 4 and app.version == 4, 'then the new one')

    rig.write('app', APP, 5, 'while true do fiber.sleep(1) end', '')
    a = rig.reloads('a start() that does not end', {hook_timeout = 0.1}, 1, 'start')
    rig.like(a.message, 'did not end within 0.1 s', 'says so')
    rig.write('app', APP, 6, 'while true do pcall(fiber.sleep, 0.01) if STARTS.enough then break end end', '')
    a = rig.reloads('a start() that swallows cancel', {hook_timeout = 0.1}, 1, 'start')
    rig.like(a.message, 'is left behind', 'is listed')
    STARTS.enough = true
    rig.wait(function() return fibers('reload.start') == 0 end, 'it ends')
    rig.is(app.api(), 4, 'the old version serves')

    rig.write('app', APP, 7, '', "error('cannot stop')")
    rig.reloads('version 7')
    rig.write('app', APP, 8, '', '')
    rig.reloads('the old stop() raises')
    rig.has_note('stop%(%) of the old version: .*cannot stop', 'a warning')
    rig.is(app.api(), 8, 'the new version serves')

    -- A require by a fiber of the private version gives the private version.
    rig.write('other', 'return {v = 1}')
    rig.write('app', APP, 9, "OTHER = require('other').v APPV = require('app').version", '')
    rig.reloads('a start() that requires')
    rig.ok(OTHER == 1 and APPV == 9, 'sees the version that it belongs to')
end)
