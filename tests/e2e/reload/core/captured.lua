-- Rule d: whoever captured a function before the engine came follows, too.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local function hot(get)
    local sum = 0
    for _ = 1, 300 do
        sum = sum + get()
    end
    return sum
end

rig.run(function()
    rig.write('app', 'local M = {} function M.get() return $1 end ' ..
        'local function inner() return $1 end M.sub = {inner = inner} return M', 1)
    local app = require('app')
    rawset(_G, 'captured_global', app.get)
    local tables, closures = {}, {}
    for i = 1, 1000 do
        tables[i] = {f = app.get}
    end
    rawset(_G, 'captured_tables', tables)
    for i = 1, 200 do
        local get = app.get
        closures[i] = function() return get() end
        hot(closures[i])
    end
    rawset(_G, 'captured_closures', closures)
    local from_local, stop
    fiber.create(function()
        local get, inner = app.get, app.sub.inner
        while not stop do
            from_local = get() * 10 + inner()
            fiber.sleep(0.002)
        end
    end)
    local co = coroutine.wrap(function()
        local get = app.get
        while true do
            coroutine.yield(get())
        end
    end)
    co()
    rawset(_G, 'captured_co', co)
    local keyed = {[app.get] = true}
    rawset(_G, 'captured_keyed', keyed)
    for version = 2, 4 do
        rig.write('app', 'local M = {} function M.get() return $1 end ' ..
            'local function inner() return $1 end M.sub = {inner = inner} return M', version)
        rig.reloads('version ' .. version)
        rig.is(captured_global(), version, 'a global')
        local wrong = 0
        for i = 1, 1000 do
            wrong = wrong + (tables[i].f() == version and 0 or 1)
        end
        for i = 1, 200 do
            wrong = wrong + (hot(closures[i]) == version * 300 and 0 or 1)
        end
        rig.is(wrong, 0, '1000 tables and 200 hot closures')
        rig.wait(function() return from_local == version * 11 end, 'locals of a sleeping fiber')
        rig.is(co(), version, 'a local of a coroutine')
        if version == 2 and rig.is_adopt then
            rig.has_note('table keys', 'what cannot follow is named')
            rig.ok(rig.answer.captured.tables >= 1000 and rig.answer.captured.upvalues >= 200,
                'the report has the numbers')
        end
    end
    stop = true
end)
