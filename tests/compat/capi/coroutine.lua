-- A Lua module in C changes data from coroutines: triggers run on the right one, also when
-- the one that did it last is gone.
local lib = dofile(os.getenv('COMPAT_DIR') .. '/lib.lua')
local c, mp, show = lib.capi, lib.mp, lib.show
local fiber = require('fiber')
box.cfg{log_level = 1}
local s = box.schema.space.create('s', {id = 600})
s:create_index('pk')
s:on_replace(function(old, new)
    show('trigger', new and new[1])
end)
-- a coroutine that set the fiber's running thread, and is gone
for i = 1, 50 do
    local co = coroutine.wrap(function() s:replace{i} fiber.sleep(0) end)
    co()
    co = nil
end
collectgarbage() collectgarbage()
show('insert', c.insert(600, mp(1000)))
-- inside a coroutine
for i = 1, 20 do
    local co = coroutine.wrap(function(a)
        local x, y, z = 1, 2, 3
        show('in', c.insert(600, mp(2000 + i)))
        coroutine.yield(x + y + z)
        show('in', c.insert(600, mp(3000 + i)))
        return a
    end)
    show('co', co(i)) collectgarbage()
    show('co', co())
end
local l = c.latch_new()
c.latch_lock(l)
fiber.create(function()
    coroutine.wrap(function() c.latch_lock(l) show('locked in a coroutine') c.latch_unlock(l) end)()
    show('after')
end)
fiber.sleep(0)
for i = 1, 100 do local t = {} for j = 1, 100 do t[j] = {j} end end
c.latch_unlock(l)
fiber.sleep(0)
os.exit(0)
