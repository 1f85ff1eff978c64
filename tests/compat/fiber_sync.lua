-- Cancel, pcall and join; conditions; channels.
io.stdout:setvbuf('no')
local fiber = require('fiber')

local function show(v)
    if type(v) == 'cdata' then return tostring(v.type) .. '|' .. tostring(v.message) end
    return type(v) .. ':' .. tostring(v):gsub('0x%x+', 'PTR')
end
local function P(name, f, ...)
    local r = {pcall(f, ...)}
    local n = table.maxn(r)
    for i = 1, n do r[i] = show(r[i]) end
    print(name, unpack(r, 1, n))
end

local function step(...)
    local r = {...}
    for i = 1, select('#', ...) do r[i] = show(r[i]) end
    print('  step', unpack(r, 1, select('#', ...)))
end
local f=fiber.create(function() step('a', pcall(fiber.sleep, 10)) step('b', pcall(fiber.sleep,0)) step('c', pcall(fiber.yield)) step('d', pcall(fiber.testcancel)) step('done') end)
f:cancel() while f:status() ~= 'dead' do fiber.sleep(0.001) end print(f:status())
local f=fiber.new(function() fiber.sleep(10) end) f:set_joinable(true) fiber.yield() f:cancel() print(f:status()) P('join cancelled', f.join, f)
local f=fiber.new(function() error('boo') end) f:set_joinable(true) P('join err', f.join, f)
local f=fiber.new(function() error(setmetatable({},{__tostring=function() return 'T' end})) end) f:set_joinable(true) P('join errtbl', f.join, f)
local f=fiber.new(function() error() end) f:set_joinable(true) P('join errnil', f.join, f)
local f=fiber.new(function() error(12) end) f:set_joinable(true) P('join errnum', f.join, f)
local f=fiber.new(function() box.error(box.error.NO_SUCH_SPACE,'x') end) f:set_joinable(true) P('join boxerr', f.join, f)
local f=fiber.new(function(...) return ... end, 1, nil, 'x', nil) f:set_joinable(true) P('join vals', f.join, f)
-- cancel before start
local f=fiber.new(function() step('started', pcall(fiber.sleep,0)) return 5 end) f:set_joinable(true) f:cancel() P('join cancelbeforestart', f.join, f)
local f=fiber.new(function() step'ran' return 5 end) f:cancel() fiber.sleep(0)
-- cancel self
local f=fiber.new(function() step('self', pcall(fiber.cancel, fiber.self())) step('self id', pcall(fiber.cancel, fiber.id())) fiber.self():cancel() step 'unreached' end) f:set_joinable(true) P('join cancelself', f.join, f)
-- kill self
local f=fiber.new(function() step(pcall(fiber.kill, fiber.id())) return 1 end) f:set_joinable(true) P('join killself', f.join, f)
-- pcall swallowed then return
local f=fiber.new(function() pcall(fiber.sleep,10) return 'ret' end) f:set_joinable(true) fiber.yield() f:cancel() P('join swallow', f.join, f)
-- cond
local c=fiber.cond() print(tostring(c):gsub('0x%x+','PTR'), type(c))
P('cond wait to', c.wait, c, 0.001)
P('cond wait 0', c.wait, c, 0)
P('cond wait neg', c.wait, c, -1)
P('cond wait str', c.wait, c, 'x')
P('cond wait noself', c.wait)
P('cond wait bad', c.wait, {})
P('cond signal', c.signal, c) P('cond signal bad', c.signal) P('cond signal bad', c.signal, 1) P('cond bc', c.broadcast, c) P('cond bc bad', c.broadcast)
P('cond new arg', fiber.cond, 1)
local f=fiber.new(function() step('cw', pcall(c.wait, c)) step('cw2', pcall(c.wait, c, 1)) c:wait(1) end) f:set_joinable(true) fiber.yield() f:cancel() P('join condcancel', f.join, f)
local f=fiber.new(function() return c:wait(1) end) f:set_joinable(true) fiber.yield() c:signal() P('join cond', f.join, f)
local f=fiber.new(function() return c:wait(1) end) f:set_joinable(true) fiber.yield() f:wakeup() P('join cond wakeup', f.join, f)
print(getmetatable(c))
P('cond idx', function() return c.foo end)
-- channel
P('ch -1', fiber.channel, -1) P('ch x', fiber.channel, 'x') P('ch {}', fiber.channel, {}) P('ch 1.5', function() return fiber.channel(1.5):size() end) P('ch nil', function() return fiber.channel(nil):size() end)
P('ch none', function() return fiber.channel():size() end)
local ch=fiber.channel(2) print(tostring(ch):gsub('0x%x+','PTR'), type(ch))
P('put noarg', ch.put, ch) P('put', ch.put, ch, 1) P('put nil', ch.put, ch, nil) P('put full 0', ch.put, ch, 3, 0) P('put full .001', ch.put, ch, 3, 0.001) P('put bad to', ch.put, ch, 3, 'x') P('put neg', ch.put, ch, 3, -1)
P('put bad self', ch.put, 1, 2) P('put nil self', ch.put)
print(ch:size(), ch:count(), ch:is_full(), ch:is_empty(), ch:has_readers(), ch:has_writers(), ch:is_closed())
P('get bad', ch.get, ch, 'x') P('get neg', ch.get, ch, -1)
P('get', ch.get, ch) P('get', ch.get, ch) P('get to', ch.get, ch, 0.001) P('get 0', ch.get, ch, 0)
P('get bad self', ch.get) P('get bad', ch.get, {})
print(ch:size(), ch:count(), ch:is_full(), ch:is_empty(), ch:has_readers(), ch:has_writers(), ch:is_closed())
local f=fiber.new(function() step('chg', pcall(ch.get, ch)) step('chg2', pcall(ch.get,ch,1)) step('chp', pcall(ch.put, ch, 1)) return ch:get() end) f:set_joinable(true) fiber.yield() f:cancel() P('join chcancel', f.join, f)
ch:put(1) P('tostring', tostring, ch) ch:put(2)
local f=fiber.new(function() return ch:put(3, 1) end) f:set_joinable(true) fiber.yield() print(ch:has_writers(), ch:count()) P('get', ch.get, ch) P('join', f.join, f) print(ch:count())
local f=fiber.new(function() return ch:put(3, 1) end) f:set_joinable(true) fiber.yield() f:wakeup() fiber.yield() print(f:status()) ch:close() P('join put closed', f.join, f)
local f
P('closed get', ch.get, ch) P('closed put', ch.put, ch, 1) P('closed get 0', ch.get, ch, 0) P('closed close', ch.close, ch) print(ch:count(), ch:size(), ch:is_closed(), tostring(ch):gsub('0x%x+','PTR')) 
local ch=fiber.channel(0)
local f=fiber.new(function() return ch:get(1) end) f:set_joinable(true) fiber.yield() print(ch:has_readers()) f:wakeup() fiber.yield() print(f:status()) ch:close() P('join get closed', f.join, f)
local ch=fiber.channel(0) local f=fiber.new(function() return ch:get() end) f:set_joinable(true) fiber.yield() P('put0', ch.put, ch, 7) P('join', f.join, f) P('put0 to', ch.put, ch, 7, 0.001)
local f=fiber.new(function() return ch:get() end) f:set_joinable(true) fiber.yield() ch:put(9) f:cancel() P('join served+cancelled', f.join, f)
local ch=fiber.channel(5) for i=1,3 do ch:put(i) end ch:close() P('closed nonempty get', ch.get, ch)
print(getmetatable(ch))
P('ch idx', function() return ch.foo end)
-- storage
local f=fiber.new(function() fiber.self().storage.a=1 step(fiber.self().storage.a) fiber.sleep(0.01) end) f:set_joinable(true) f.storage.z=5 fiber.yield() print(f.storage.z, f.storage.a) f:join()
fiber.create(function() fiber.sleep(10) end):cancel() fiber.sleep(0)
-- order
fiber.create(function() print('o1') fiber.yield() print('o3') end) print('o2') fiber.new(function() print('o4') end) fiber.yield() print('o5')
-- set joinable false on dead
local f=fiber.new(function() end) f:set_joinable(true) fiber.yield() print(f:status(), fiber.find(f:id())~=nil) P('cancel deadjoinable', f.cancel, f) P('wakeup deadj', f.wakeup, f) P('name deadj', f.name, f) P('setj false dead', f.set_joinable, f, false) 
-- error in joined w/ traceback?
local f=fiber.new(function() local x=nil; x.y=1 end) f:set_joinable(true) local ok,e=f:join() print(ok, type(e), tostring(e), e.type, e.code, type(e.trace))
local f=fiber.new(function() fiber.sleep(9) end) f:set_joinable(true) fiber.yield() f:cancel() local ok,e=f:join() print(ok, type(e), tostring(e), e.type, e.code, type(e.trace))
local ok,e=pcall(c.wait,c,0.001) print(ok,e)
os.exit(0)