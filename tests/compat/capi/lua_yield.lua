-- C functions that yield on coroutines which come and go (of fiber.c). A thread that is
-- gone must not be taken for the one that runs.
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
local fiber = require('fiber')
local c = require('capi_fiber')
local function work()
    for i = 1, 1000 do
        local co = coroutine.create(function() fiber.sleep(0) return 1 end)
        coroutine.resume(co)
        co = nil
        if i % 10 == 0 then collectgarbage() collectgarbage() end
        local junk = {}
        for k = 1, 30 do junk[k] = ('x'):rep(100 + k + i % 50) .. i end
        c.sleep(0)
        local ok, err = pcall(c.yield_and_raise, tostring(i))
        assert(not ok)
        local s = 0
        for k = 1, 100 do s = s + #junk[(k % 30) + 1] end
        -- Inside a coroutine, that of the fiber having run before.
        local w = coroutine.wrap(function()
            c.sleep(0)
            local ok2, e2 = pcall(c.yield_and_raise, 'in' .. i)
            assert(not ok2 and e2:find('in' .. i))
            local t = 0
            for k = 1, 100 do t = t + k end
            coroutine.yield(t)
            c.sleep(0)
            error('end')
        end)
        assert(w() == 5050)
        assert(not pcall(w))
    end
end
local fs = {}
for i = 1, 4 do
    fs[i] = fiber.new(work)
    fs[i]:set_joinable(true)
end
for i = 1, 4 do print(fs[i]:join()) end
os.exit(0)
