-- Hundreds of fibers that yield wherever Lua calls back: the schedule is random,
-- what each computes is not. FIBER_SEED repeats a run; the seed is on stderr.
local fiber = require('fiber')

local seed = tonumber(os.getenv('FIBER_SEED')) or os.time()
local ROUNDS = tonumber(os.getenv('FIBER_ROUNDS')) or 12
local FIBERS = tonumber(os.getenv('FIBER_COUNT')) or 200
io.stderr:write('FIBER_SEED=' .. seed .. '\n')

local state = seed % 2147483647 + 1
local function random(n)
    state = state * 16807 % 2147483647
    return state % n
end

local function pause()
    local r = random(10)
    if r < 6 then
        fiber.yield()
    elseif r < 7 then
        fiber.sleep(0.0001)
    elseif r < 8 then
        fiber.create(function() fiber.yield() end)
    elseif r < 9 then
        collectgarbage('step', 100)
    end
end

local yielding = {
    __index = function(_, k) pause() return k .. '!' end,
    __newindex = function(t, k, v) pause() rawset(t, k, v) end,
    __call = function(_, a, b) pause() return a + b end,
    __eq = function(a, b) pause() return rawequal(a, b) end,
    __lt = function(a, b) pause() return a[1] < b[1] end,
    __le = function(a, b) pause() return a[1] <= b[1] end,
    __concat = function(a, b)
        pause()
        return (type(a) == 'table' and a[1] or a) .. '+' .. (type(b) == 'table' and b[1] or b)
    end,
    __add = function(a, b) pause() return a[1] + b[1] end,
    __unm = function(a) pause() return -a[1] end,
    __tostring = function(a) pause() return 'obj' .. a[1] end,
}
local function object(v) return setmetatable({v}, yielding) end

local jobs = {}

jobs[1] = function(id)
    local ok, a, b = pcall(function() pause() return id, id * 2 end)
    assert(ok and a == id and b == id * 2)
    local ok, err = pcall(function() pause() error({id = id}) end)
    assert(not ok and err.id == id)
    return 1
end

jobs[2] = function(id)
    local where
    local ok, got = xpcall(function() pause() error('e' .. id, 0) end, function(e)
        pause()
        where = debug.traceback('', 1) ~= ''
        return e .. 'h'
    end)
    assert(not ok and got == 'e' .. id .. 'h' and where)
    local ok, sum = xpcall(function(...) pause() return select('#', ...) end, print, 1, 2, 3)
    assert(ok and sum == 3)
    return 2
end

jobs[3] = function(id)
    local t = {}
    for i = 1, 12 do t[i] = (i * 7 + id) % 13 end
    table.sort(t, function(a, b) pause() return a < b end)
    for i = 2, #t do assert(t[i - 1] <= t[i]) end
    return t[1] + 3
end

jobs[4] = function(id)
    local s, n = ('abcdef'):gsub('.', function(c) pause() return c:upper() .. id end)
    assert(n == 6 and s:sub(1, 1) == 'A' and s:find('F' .. id, 1, true))
    local s = ('k1 k2'):gsub('%w+', setmetatable({}, yielding))
    assert(s == 'k1! k2!', s)
    return 4
end

jobs[5] = function(id)
    local a, b = object(id), object(id + 1)
    assert(a.x == 'x!')
    a.y = 5
    assert(a.y == 5 and a(2, 3) == 5 and a < b and a <= b and not (a == b))
    assert(a .. b == id .. '+' .. id + 1 and a .. 's' == id .. '+s')
    assert(a + b == 2 * id + 1 and -a == -id and tostring(a) == 'obj' .. id)
    return 5
end

jobs[6] = function(id)
    local sum = 0
    for v in function(_, _) pause() if sum < 20 then return id % 5 + 1 end end do
        sum = sum + v
    end
    for _, v in pairs({1, 2, 3}) do pause() sum = sum + v end
    assert(sum >= 26)
    return 6
end

jobs[7] = function(id)
    local gen = coroutine.wrap(function(a)
        for i = 1, 5 do
            pause()
            a = coroutine.yield(a + i)
        end
        return 'end'
    end)
    local sum = 0
    for i = 1, 5 do pause() sum = sum + gen(i) end
    assert(sum == 30 and gen() == 'end', sum)
    -- a coroutine that is left in the middle of a pcall, with a fiber switch inside
    local co = coroutine.create(function()
        local ok, err = pcall(function() pause() coroutine.yield(1) pause() error('in') end)
        return tostring(err):match('in')
    end)
    assert(select(2, coroutine.resume(co)) == 1)
    pause()
    local ok, got = coroutine.resume(co)
    assert(ok and got == 'in' and coroutine.status(co) == 'dead')
    local ok, err = coroutine.resume(coroutine.create(function() pause() error('x' .. id, 0) end))
    assert(not ok and err == 'x' .. id)
    return 7
end

jobs[8] = function(id)
    local name = 'fiber_stress_' .. id .. '_' .. random(1000000)
    package.preload[name] = function(...)
        pause()
        return {name = ..., id = id}
    end
    local m = require(name)
    assert(m.name == name and m.id == id and require(name) == m)
    package.loaded[name], package.preload[name] = nil, nil
    local chunk = load((function()
        local parts = {'pause = ...', ' pause() ', 'return ', tostring(id), nil}
        local i = 0
        return function() pause() i = i + 1 return parts[i] end
    end)())
    local ok, got = pcall(chunk, pause)
    assert(ok and got == id)
    return 8
end

local finalized = 0
jobs[9] = function(id)
    for _ = 1, 20 do
        local p = newproxy(true)
        getmetatable(p).__gc = function()
            finalized = finalized + 1
            -- a finaliser may not yield; it must get an error, not break anything
        end
    end
    pause()
    collectgarbage(random(4) == 0 and 'collect' or 'step')
    return 9
end

jobs[10] = function(id)
    local channel = fiber.channel(random(3))
    local producer = fiber.new(function()
        for i = 1, 8 do channel:put({id, i}) end
        channel:put(nil)
    end)
    producer:set_joinable(true)
    local sum = 0
    for i = 1, 8 do
        local m = channel:get()
        assert(m[1] == id and m[2] == i)
        sum = sum + m[2]
        pause()
    end
    assert(channel:get() == nil and producer:join())
    return sum
end

jobs[11] = function(id)
    local cond, flag = fiber.cond(), false
    local waiter = fiber.new(function()
        while not flag do cond:wait() end
        local ok, err = pcall(fiber.sleep, 100)
        return not ok and tostring(err)
    end)
    waiter:set_joinable(true)
    pause()
    flag = true
    cond:broadcast()
    fiber.yield()
    fiber.yield()
    waiter:cancel()
    local ok, err = waiter:join()
    assert(ok and err == 'fiber is cancelled', err)
    fiber.self().storage.id = id
    pause()
    assert(fiber.self().storage.id == id)
    return 11
end

-- a loop that gets compiled, with a switch now and then
jobs[12] = function(id)
    local t, sum = {}, 0
    for i = 1, 400 do
        t[i % 16 + 1] = i
        sum = sum + (t[i % 7 + 1] or 0) % 3
        if i % 97 == 0 then pause() end
    end
    local s = {}
    for i = 1, 50 do s[#s + 1] = string.format('%d:%s', i, tostring(i * id)) end
    assert(#table.concat(s) > 100)
    return sum
end

-- deep, through C each time
local function deep(n)
    if n == 0 then pause() return 0 end
    return select(2, pcall(deep, n - 1)) + 1
end
jobs[13] = function(id)
    assert(deep(20 + id % 20) == 20 + id % 20)
    return 13
end

local totals, all = {}, {}
for f = 1, FIBERS do
    all[f] = fiber.new(function()
        for round = 1, ROUNDS do
            local j = (f + round) % #jobs + 1
            local got = jobs[j](f)
            totals[j] = (totals[j] or 0) + got
        end
        return f
    end)
    all[f]:set_joinable(true)
end
local joined = 0
for f = 1, FIBERS do
    local ok, got = all[f]:join()
    if not ok then print('fiber ' .. f .. ': ' .. tostring(got)) end
    joined = joined + (got == f and 1 or 0)
end
print('joined', joined)
for j = 1, #jobs do print('job ' .. j, totals[j]) end
collectgarbage()
collectgarbage()
print('finalized', finalized > 0)
os.exit(0)
