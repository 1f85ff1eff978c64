-- Rule c: globals are collected while the new version is private, and applied at once.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
local M = {}
plain = $1
_G.dotted = $1
rawset(_G, 'raw', $1)
function api() return $1, plain end
shared = rawget(_G, 'shared') or rawset(_G, 'shared', {n = 0}).shared
shared.n = shared.n + 1
LIVE_SEEN = {rawget(_G, 'live'), _G.live, live}
if $1 > 1 then fiber.sleep(0.05) after_sleep = $1 end
function M.get() return plain, dotted, raw end
function M.env() return getfenv(M.get) == _G, getfenv(1) == _G, _G == getfenv(0) end
--only
function M.start() handle = fiber.create(function()
    fiber.name('handle$1') while true do fiber.sleep(1) end end) started = $1 end
function M.stop() STOPPED = handle:name() handle:cancel() handle = nil end
return M
]]

local function any_fiber(name)
    for _, info in pairs(fiber.info()) do
        if info.name == name then
            return true
        end
    end
    return false
end

rig.run(function()
    rawset(_G, 'live', 'before')
    local with_old = APP:gsub('%-%-only', 'function only_old() return 1 end')
    rig.write('app', with_old, 1)
    rig.instance("require('app').start()")
    local app = require('app')
    rig.settle()
    if rig.is_adopt then
        local made = rawget(_G, 'only_old')
        rig.is(made(), 1, 'a global function that was adopted')
    end
    local n = shared.n
    local captured = api
    rawset(_G, 'live', 'now')
    rig.write('app', with_old, 2)
    local answer
    local f = fiber.create(function()
        answer = rig.reload()
    end)
    fiber.name(f, 'asks')
    -- The new chunk sleeps: nobody sees what it wrote.
    local seen_new = false
    while answer == nil do
        seen_new = seen_new or (plain ~= 1 or dotted ~= 1 or raw ~= 1 or api() ~= 1) and
            rawget(_G, 'after_sleep') == nil
        fiber.sleep(0.002)
    end
    rig.is(answer.exit, 0, 'version 2: ' .. tostring(answer.message))
    rig.ok(not seen_new, 'nobody saw its globals while it slept')
    rig.ok(plain == 2 and dotted == 2 and raw == 2 and after_sleep == 2,
        'globals written by name, by _G, by rawset, after a sleep')
    rig.is((api()), 2, 'a global function')
    rig.is(select(2, api()), 2, 'which sees current globals')
    rig.is((captured()), 2, 'captured it follows')
    rig.is(shared.n, n + 1, 'state made by `rawget or rawset` survives')
    rig.ok(LIVE_SEEN[1] == 'now' and LIVE_SEEN[2] == 'now' and LIVE_SEEN[3] == 'now',
        'the chunk saw live values through rawget, _G and by name')
    local a, b, c = app.env()
    rig.ok(a and b and c, 'the environment of new functions is _G')
    rig.is(started, 2, 'a global that start() wrote')
    rig.is(STOPPED, 'handle1', 'the old stop() found its own handle')
    rig.is(handle and handle:name(), 'handle2', 'the new one has its own')
    rig.wait(function()
        return not any_fiber('handle1')
    end, 'the old fiber ends')
    rig.ok(any_fiber('handle2'), 'the new fiber lives')
    rig.is(only_old(), 1, 'a global function of both')
    rig.write('app', APP, 3)
    rig.reloads('version 3')
    rig.is(rawget(_G, 'only_old'), nil, 'a global function that only the old one made is gone')
    rig.is(STOPPED, 'handle2', 'the second stop() found its own handle too')

    require('strict').on()
    rig.write('app', APP:gsub('plain = %$1', "rawset(_G, 'plain', %$1)"), 4)
    local strict = rig.reload()
    require('strict').off()
    rig.ok(strict.exit == 0 or tostring(strict.message):find('undeclared'),
        'under strict as a require would be: ' .. tostring(strict.message))

    -- A failure leaves no trace.
    local before = {}
    for k, v in next, _G do
        before[k] = v
    end
    rig.write('app', "trace1 = 1 rawset(_G, 'trace2', 2) package.path = 'x' " ..
        "package.loaded.trace3 = {} function api() end error('at the top')")
    local a = rig.reloads('an error at the top level', nil, 1, 'load')
    rig.like(a.message, rig.path('app') .. ':1: at the top', 'names file and line')
    local same = true
    for k, v in next, _G do
        same = same and before[k] == v
    end
    for k in next, before do
        same = same and rawget(_G, k) == before[k]
    end
    rig.ok(same and package.loaded.trace3 == nil and package.path ~= 'x', 'leaves no trace')
end)
