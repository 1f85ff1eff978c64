-- What a client sees. Argument: the server's socket.
local net_box = require('net.box')
local fiber = require('fiber')
local address = 'unix/:' .. arg[1]

-- What a call gives, without what differs by place or run.
local function try(f, ...)
    local res = {pcall(f, ...)}
    for i = 1, table.maxn(res) do
        res[i] = tostring(res[i]):gsub('0x%x+', 'ADDR'):gsub('builtin/[%w/_.]*%.lua:%d+: ', '')
    end
    print(unpack(res, 1, table.maxn(res)))
end

local function state(c)
    return c.state, tostring(c.error), c:is_connected()
end

print('-- states')
print(state(net_box.connect(address)))
print(state(net_box.connect(address, {user = 'u', password = 'p'})))
print(state(net_box.connect(address, {user = 'u', password = 'x'})))
print(state(net_box.connect(address, {user = 'zz', password = 'x'})))
print(state(net_box.connect('u:p@' .. address)))
print(state(net_box.connect('u@' .. address)))
print(state(net_box.connect('u:x@' .. address)))
print(state(net_box.connect('localhost:1')))
print(state(net_box.connect('localhost', 1)))
print(state(net_box.connect('unix/:/nonexistent')))
print(net_box.connect(address, {wait_connected = false}):is_connected() ~= nil)
print(state(net_box.connect(address, {wait_connected = 1})))
print(net_box.new == net_box.connect)
try(net_box.connect)
try(net_box.connect, {})
try(net_box.connect, '')
try(net_box.connect, 'bad uri')
try(net_box.connect, 'localhost')
try(net_box.connect, address, {password = 'u'})

print('-- requests')
local c = net_box.connect('u:p@' .. address)
print(c.host, c.protocol, c.peer_version_id, #c.peer_uuid, type(c.schema_version))
print(c:eval('return box.session.user(), box.session.type()'))
print(c:ping(), c:ping({timeout = 1}))
print(c:call('f', {1, 'a', true, 1.5}))
print(c:call('f', {{x = 1}}).x, select('#', c:call('f')))
print(c:eval('return ...', {1, 2}))
print(c:eval('return ...', {1, nil, 3}))
print(c:eval('return ...', {box.NULL}))
print(c:eval('return nil'))
print(select('#', c:eval('')), select('#', c.space.t:get(99)))
try(c.call, c, 'f', 1)
try(c.call, c, 'f', {1}, {timeout = 1})
try(c.call, c, 'f', {a = 1})
try(c.call, c, 'f', {print})
try(c.eval, c, 'return ...', 1)
try(c.eval, c, 'return print')
try(c.call, 'f')
try(c.ping)
try(c.call, c)
try(c.call, c, 'nosuch')
try(c.call, c, 'err')
try(c.call, c, 'box_err')
try(c.eval, c, 'x x')
try(c.eval, c, 'error("a")')
try(c.call, c, 'slow', {}, {timeout = 0.05})
for _, name in ipairs({'box_err', 'err'}) do
    local _, e = pcall(c.call, c, name)
    print(type(e), e.code, e.type, e.message)
end
local _, e = pcall(c.call, c, 'slow', {}, {timeout = 0.01})
print(type(e), e.code, e.type, e.message)
local big = ('x'):rep(3000000)
print(#c:call('f', {big}))

print('-- schema')
local t = c.space.t
print(t.id, t.name, t.engine, t.field_count, t.temporary, t.index.pk == t.index[0])
for _, index in ipairs({t.index[0], t.index.sk}) do
    print(index.id, index.name, index.type, index.unique)
    for _, part in ipairs(index.parts) do
        print('', part.fieldno, part.type, part.is_nullable)
    end
end
print(c.space._vspace.id, c.space[281].name, c.space.nosuch)
print(t:select()[2], t:select({1})[1], t:select(3)[1])
print(t:select({2}, {iterator = 'GE', limit = 2, offset = 1})[1])
print(#t:select({4}, {iterator = 'LE'}), #t:select(nil, {limit = 3}))
print(t:get(1), t:get(99), t:get({2}), t.index.sk:select('n2')[1], t.index.sk:get('n4'))
print(t.index.pk:min(), t.index.pk:max(), t.index.pk:count())
print(t.index.pk:count({3}, {iterator = 'GE'}))
print(t:get(1).name, t:get(1):tomap({names_only = true}).name, type(t:get(1)))
try(t.select, t, {1}, {iterator = 'BAD'})
try(t.select, t, {1, 2, 3})
try(t.select, t, 'x')

print('-- changes')
print(t:insert({10, 'x'}), t:replace({10, 'y'}), t:update(10, {{'=', 2, 'z'}}))
print(t:delete(10), t:delete(10))
print(select('#', t:upsert({11, 'q'}, {{'=', 2, 'w'}})))
t:upsert({11, 'q'}, {{'=', 2, 'w'}})
print(t.index.pk:update(11, {{'!', -1, 'e'}}), t.index.pk:delete(11))
try(t.insert, t)
try(t.insert, t, 1)
try(t.insert, t, {1})
try(t.insert, t, {'a'})
try(t.update, t, 1)
try(t.update, t, 1, {{'bad'}})
try(t.upsert, t)
try(t.delete, t)

print('-- futures')
local future = c:call('f', {1, 2}, {is_async = true})
print(future:is_ready())
print(future:result())
print(unpack(future:wait_result(5)))
print(future:is_ready(), unpack(future:result()))
future = t:get(1, {is_async = true})
print(future:wait_result(5), future:result())
try(future.wait_result, future, -1)
try(future.wait_result, future, 'a')
future = c:call('pusher', {}, {is_async = true})
for i, message in future:pairs() do
    print(i, type(message) == 'table' and message[1] or message)
end
for i, message in future:pairs() do
    print(i, type(message) == 'table' and message[1] or message)
end
local got = {}
print(c:call('pusher', {}, {on_push = table.insert, on_push_ctx = got}), got[1], got[2][1])
try(c.call, c, 'pusher', {}, {is_async = true, on_push = print})
future = c:call('slow', {}, {is_async = true})
print(future:wait_result(0.01))
future:discard()
print(future:result())
print(future:wait_result(), future:is_ready())
future = c:call('err', {}, {is_async = true})
print(future:wait_result(5))
print(future:result())

print('-- old calls')
local old = net_box.connect(address, {call_16 = true, user = 'u', password = 'p'})
print(old:call('math.max', 1, 2)[1], old:call_16('math.max', 1, 2)[1], #old:eval('return {1}, 2'))
print(c:timeout(1) == c)

print('-- many at once')
local done = fiber.channel(100)
for i = 1, 100 do
    fiber.create(function()
        for k = 1, 20 do
            assert(c:call('f', {i * 1000 + k}) == i * 1000 + k)
        end
        done:put(i)
    end)
end
local sum = 0
for _ = 1, 100 do
    sum = sum + done:get()
end
print(sum)

print('-- triggers')
local log = {}
local watched = net_box.connect('u:p@' .. address, {wait_connected = false})
for _, name in ipairs({'on_connect', 'on_disconnect', 'on_schema_reload'}) do
    watched[name](watched, function(x)
        log[#log + 1] = name .. ' ' .. tostring(x == watched)
    end)
end
try(watched.on_connect, watched, 1)
watched:wait_connected()
watched:eval("box.schema.space.create('nn', {if_not_exists = true})"
    .. "box.space.nn:drop() box.schema.space.create('nn')")
watched:ping()
watched:reload_schema()
print(watched.space.nn ~= nil)
watched:close()
local limit = fiber.clock() + 10
while not log[#log]:match('on_disconnect') and fiber.clock() < limit do
    fiber.sleep(0.001)
end
print(log[1], log[2], log[#log])
try(watched.on_connect)

print('-- the end')
local waiting = net_box.connect(address)
future = waiting:call('slow', {}, {is_async = true})
local blocked = fiber.create(function()
    try(waiting.call, waiting, 'slow')
end) -- it waits for the answer when create() returns
waiting:close()
limit = fiber.clock() + 10
while blocked:status() ~= 'dead' and fiber.clock() < limit do
    fiber.sleep(0.001)
end
print(future:wait_result(1))
print(blocked:status())
print(waiting:is_connected(), waiting.state, waiting.error, waiting:ping())
try(waiting.call, waiting, 'f')
try(waiting.wait_connected, waiting)
local dead = net_box.connect('localhost:1')
try(dead.ping, dead)
try(dead.call, dead, 'f')
try(dead.wait_connected, dead, 0.01)
try(dead.wait_state, dead, 'active', 0.01)
try(dead.close, dead)
print(dead.space)
local again = net_box.connect('localhost:1', {reconnect_after = 0.05, wait_connected = false})
print(again.state, again:wait_connected(0.1))
print(again:wait_state({error_reconnect = 1}, 1))
try(again.ping, again, {timeout = 0.01})
try(again.call, again, 'f', nil, {timeout = 0.01})
again:close()
print(again.state, again.error)
local early = net_box.connect(address, {wait_connected = false})
print(early:wait_connected(), early.state)
print(early:wait_connected(5), early:wait_state('active'), early:wait_state('closed', 0.01))
try(early.wait_state)
try(early.wait_connected)

print('-- self')
local me = net_box.self
print(me:ping(), me.state, me:is_connected(), me:wait_connected(1), me.host)
print(me:eval('return ...', {1, 2}))
print(me:call('math.max', {1, 2}), me:timeout(1) == me)
try(me.call, me, 'nosuch')
try(me.eval, me, 'x x')
try(me.eval, me, 'error("x")')
try(me.close, me)
os.exit(0)
