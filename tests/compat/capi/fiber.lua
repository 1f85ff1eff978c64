-- Fibers, conditions and clocks from C (fiber.c).
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
local fiber = require('fiber')
local c = require('capi_fiber')

local function show(...)
    local out = {}
    for i = 1, select('#', ...) do
        local v = select(i, ...)
        if type(v) == 'table' then
            v = '{' .. table.concat(v, ' ') .. '}'
        elseif type(v) == 'cdata' then
            v = ('%s %s: %s'):format(v.type, tostring(v.code), v.message)
        end
        out[i] = tostring(v)
    end
    print(table.concat(out, ' | '))
end

print('arguments')
show(c.start_args())
print('a fiber fails')
show(c.join_fail(1))
show(c.join_fail(102))
print('a fiber ends well')
show(c.join_ok())
print('cancel')
show(c.cancel(true))
show(c.cancel(false))
print('wakeup')
show(c.wakeup())
show(c.wake_new())
print('order')
show(c.order())
print('attributes')
show(c.attributes())
print('conditions')
for _, how in ipairs({'signal', 'broadcast', 'wakeup', 'cancel'}) do
    print(how)
    show(c.cond(how, -1))
    show(c.cond(how, 1000))
end
print('time-out')
show(c.cond('none', 0.005))
print('clocks')
show(c.clocks())
show(c.self())

print('yields below Lua')
show(c.sleep(0.001))
show(pcall(c.sleep, 0))
show(pcall(c.yield_and_raise, 'x'))
local co = coroutine.wrap(function(x)
    for i = 1, 3 do
        c.sleep(0)
        x = coroutine.yield(x + i)
    end
    return 'end'
end)
show(co(1), co(10), co(20), co(0))

-- Many fibers and coroutines that yield in C, raise after it, and die meanwhile.
local function work(n)
    local sum = 0
    for i = 1, n do
        local gen = coroutine.wrap(function()
            for j = 1, 3 do
                if j == 2 then c.sleep(0) end
                coroutine.yield(j)
            end
        end)
        sum = sum + gen() + gen()
        gen = nil
        c.sleep(0)
        local ok, err = pcall(c.yield_and_raise, tostring(i))
        assert(not ok and err:find('raised after a yield: ' .. i, 1, true))
        local inner = coroutine.create(function() c.sleep(0) error('inside ' .. i) end)
        ok, err = coroutine.resume(inner)
        assert(not ok and err:find('inside ' .. i, 1, true))
        c.sleep(0)
        local t = {}
        for k = 1, 50 do t[k] = {k} end
        if i % 20 == 0 then collectgarbage() end
    end
    return sum
end
local fibers = {}
for i = 1, 20 do
    fibers[i] = fiber.new(work, 200)
    fibers[i]:set_joinable(true)
end
for i = 1, 20 do
    local ok, sum = fibers[i]:join()
    assert(ok and sum == 600, tostring(sum))
end
print('all done')
os.exit(0)
