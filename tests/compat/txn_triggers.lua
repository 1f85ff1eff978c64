-- Transactions, their triggers, and triggers of spaces.
box.cfg{log_level = 0, wal_mode = 'none', listen = nil}
local s=box.schema.space.create('t') s:create_index('pk')
print(pcall(box.commit)) print(pcall(box.rollback)) print(pcall(box.savepoint))
print(pcall(box.rollback_to_savepoint)) print(pcall(box.rollback_to_savepoint,1)) print(pcall(box.rollback_to_savepoint,{}))
print(pcall(box.on_commit, print)) print(pcall(box.on_rollback, 1))
box.begin() print(pcall(box.begin)) local sp = box.savepoint()
s:insert{1} sp=box.savepoint() s:insert{2} box.rollback_to_savepoint(sp) print(#s:select())
box.rollback() box.begin() s:insert{1}
local f = function() print('committed') end
box.on_commit(f)
s:replace{1,2} s:delete{1} s:insert{5}
print(box.is_in_txn()) box.commit() print(box.is_in_txn())
box.begin() sp=box.savepoint() s:insert{9} box.rollback()
print(pcall(box.rollback_to_savepoint, sp))
box.begin() print(pcall(box.rollback_to_savepoint, sp)) box.rollback()
box.begin() box.on_rollback(function(it) print('rb') for a,b,c,d in it() do print(a,b,c,d) end end) s:insert{9} box.rollback()
print(pcall(box.atomic)) print(pcall(box.atomic, 1)) print(pcall(box.atomic, function(...) s:insert{10} return ... end, 1,2)) print(pcall(box.atomic, function(...) s:insert{11} error('e', 0) end, 1,2)) print(#s:select())
print(pcall(box.atomic, function(...) s:insert{11} box.error(1,'x') end))
print(pcall(box.atomic, function(...) box.rollback() return 5 end))
box.begin() print(pcall(box.atomic, print, 1)) box.rollback()
s:on_replace(function(...) print('on_replace', ...) end)
s:before_replace(function(...) print('before', ...) end)
s:insert{20} s:replace{20,1} s:update(20,{{'=',2,5}}) s:upsert({20},{{'=',2,6}}) s:delete(20) s:delete(20) s:upsert({30},{})
-- Newest first; the list has the oldest first; a replaced one keeps its place.
local function try_before(f)
    local added = s:before_replace(f)
    print(pcall(s.replace, s, {2, 'given'}))
    print(s:get(2))
    s:before_replace(nil, added)
    s:delete(2)
end
try_before(function(old, new) return box.tuple.new{new[1], 'changed'} end)
try_before(function() return nil end)
try_before(function() end)
try_before(function() return 5 end)
try_before(function() return {1} end)
try_before(function() return box.tuple.new{3} end)
try_before(function() error('refused', 0) end)
local order = {}
local function adds(name)
    return function() order[#order + 1] = name end
end
local a, b = s:on_replace(adds('a')), s:on_replace(adds('b'))
local c = s:on_replace(adds('c'), a)
local n = #s:on_replace()
print(n, s:on_replace()[n] == b, s:on_replace()[n - 1] == c)
s:replace{50}
print(table.concat(order, ' '))
order = {}
box.begin()
box.on_commit(adds('c1'))
box.on_commit(adds('c2'))
box.on_rollback(adds('no'))
s:replace{51}
box.commit()
print(table.concat(order, ' '))
order = {}
box.begin()
box.on_rollback(adds('r1'))
box.on_rollback(adds('r2'))
box.on_commit(adds('no'))
s:replace{51}
box.rollback()
print(table.concat(order, ' '))
s:on_replace(function() error('refused', 0) end)
print(pcall(s.replace, s, {77}))
print(s:get{77})
print(pcall(s.on_replace))
print(pcall(s.on_replace, s, 1))
print((select(2, pcall(s.run_triggers)):gsub('.*: ', '')))
print(pcall(s.run_triggers, s, false))
print(s:replace{78})
-- A trigger that writes to another space is part of the transaction.
s:run_triggers(true)
for _, f in pairs(s:on_replace()) do
    s:on_replace(nil, f)
end
for _, f in pairs(s:before_replace()) do
    s:before_replace(nil, f)
end
local log = box.schema.space.create('log')
log:create_index('pk')
s:on_replace(function(old, new) log:replace{(new or old)[1], old ~= nil, new ~= nil} end)
s:insert{100}
box.begin()
s:insert{101}
s:delete(100)
box.rollback()
print(log:count(), s:count(), log:get(100))
print(pcall(s.insert, s, {100}))
print(pcall(s.replace, s, {100}))
print(s:get(100), log:count())
s:on_replace(function() box.commit() end)
print(pcall(s.insert, s, {102}))
s:on_replace(nil, s:on_replace()[2])
s:on_replace(function() box.rollback() end)
print(pcall(s.insert, s, {102}))
s:on_replace(nil, s:on_replace()[2])
-- Yields.
local fiber = require('fiber')
box.begin()
s:insert{200}
fiber.yield()
print(pcall(s.insert, s, {201}))
print(pcall(box.commit))
print(s:get(200), box.is_in_txn())
box.begin()
fiber.yield()
s:insert{200}
print(pcall(box.commit))
print(s:get(200))
os.exit(0)
