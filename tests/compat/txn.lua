-- Transactions: commit, rollback, savepoints, yields, triggers.
box.cfg{log_level = 1}
local fiber = require('fiber')

local function try(name, f, ...)
    local res = {pcall(f, ...)}
    local parts = {}
    if res[1] then
        for i = 2, table.maxn(res) do
            parts[#parts + 1] = type(res[i]) == 'table' and 'table' or
                type(res[i]) == 'function' and 'function' or tostring(res[i])
        end
    elseif type(res[2]) == 'cdata' then
        parts[1] = ('%s %s %s'):format(res[2].type, tostring(res[2].code),
            tostring(res[2]):gsub('^[%w/_.]+:%d+: ', ''))
    else
        parts[1] = tostring(res[2]):gsub('^[%w/_.]+:%d+: ', '')
    end
    print(name, res[1], table.concat(parts, ' | '))
end

local s = box.schema.space.create('s', {format = {{'id', 'unsigned'}, {'v', 'any', is_nullable = true},
    {'w', 'string', is_nullable = true}}})
s:create_index('pk')
s:create_index('by_v', {parts = {{2, 'scalar', is_nullable = true}}, unique = true})

local function ids()
    local list = {}
    for _, t in s:pairs() do
        list[#list + 1] = tostring(t)
    end
    return table.concat(list, ' ') .. ' / ' .. s.index.by_v:len()
end

-- Nothing open
try('commit', box.commit)
try('rollback', box.rollback)
try('savepoint', box.savepoint)
try('is_in_txn', box.is_in_txn)
try('rollback_to', box.rollback_to_savepoint)
try('rollback_to', box.rollback_to_savepoint, 1)
try('rollback_to', box.rollback_to_savepoint, {})
try('on_commit', box.on_commit, function() end)
try('on_rollback', box.on_rollback, function() end)

-- Begin, commit, rollback
box.begin()
try('begin twice', box.begin)
try('is_in_txn', box.is_in_txn)
s:insert{1}
s:insert{2, 'two'}
box.commit()
print(ids())
box.begin()
s:insert{3}
s:update(1, {{'=', 2, 'one'}})
s:delete(2)
s:replace{1, 'uno'}
s:upsert({4}, {})
s:upsert({1}, {{'=', 3, 'w'}})
print(ids())
box.rollback()
print(ids())
box.begin()
s:insert{3}
try('fails', s.insert, s, {3})
try('fails', s.insert, s, {5, 'two'})
try('fails', s.update, s, 1, {{'=', 2, 'two'}})
try('fails', s.insert, s, {'x'})
s:insert{6}
box.commit()
print(ids())
box.begin()
s:delete(1)
s:insert{1, 'again'}
s:delete(1)
s:insert{1, 'and again'}
box.rollback()
print(ids())
box.begin()
box.commit()
box.begin()
box.rollback()

-- Savepoints
box.begin()
local sp0 = box.savepoint()
s:insert{10}
local sp1 = box.savepoint()
s:insert{11}
local sp2 = box.savepoint()
s:insert{12}
box.rollback_to_savepoint(sp2)
print(ids())
s:insert{13}
box.rollback_to_savepoint(sp1)
print(ids())
try('gone savepoint', box.rollback_to_savepoint, sp2)
try('again', box.rollback_to_savepoint, sp1)
s:insert{14}
box.rollback_to_savepoint(sp0)
print(ids())
s:insert{15}
box.commit()
print(ids())
try('after the end', box.rollback_to_savepoint, sp1)
box.begin()
try('of another', box.rollback_to_savepoint, sp1)
box.rollback()

-- atomic
try('atomic', box.atomic)
try('atomic', box.atomic, 1)
try('atomic', box.atomic, function(a, b)
    s:insert{20}
    return a, b
end, 1, 2)
try('atomic raises', box.atomic, function()
    s:insert{21}
    error('oh', 0)
end)
try('atomic fails', box.atomic, function()
    s:insert{21}
    s:insert{20}
end)
try('atomic nested', box.atomic, function()
    return box.atomic(function() end)
end)
try('is_in_txn', box.is_in_txn)
print(ids())

-- Yields
box.begin()
s:insert{30}
fiber.sleep(0)
print('after a yield', s:get(30))
try('is_in_txn', box.is_in_txn)
try('insert', s.insert, s, {31})
try('get', s.get, s, 31)
try('commit', box.commit)
try('is_in_txn', box.is_in_txn)
print(ids())
box.begin()
fiber.sleep(0)
s:insert{32}
try('yield before', box.commit)
box.begin()
s:get(1)
fiber.sleep(0)
try('yield after a read', box.commit)
box.begin()
s:insert{33}
fiber.yield()
try('rollback after a yield', box.rollback)
try('atomic yields', box.atomic, function()
    s:insert{34}
    fiber.sleep(0)
end)
print(ids())
fiber.create(function()
    box.begin()
    s:insert{35}
end)
print('a fiber ended', s:get(35), box.is_in_txn())
fiber.create(function()
    print('another fiber', box.is_in_txn())
end)
box.begin()
fiber.create(function()
    print('another fiber in a transaction', box.is_in_txn())
end)
box.rollback()

-- on_replace
local function with(kind, f, body)
    s[kind](s, f)
    body()
    s[kind](s, nil, f)
end
with('on_replace', function(old, new, name, op)
    print('on_replace', old, new, name, op, box.is_in_txn())
end, function()
    s:insert{40}
    s:replace{40, 'r'}
    s:update(40, {{'=', 3, 'u'}})
    s:upsert({40}, {{'=', 3, 'up'}})
    s:upsert({41}, {{'=', 3, 'up'}})
    s:delete(40)
    s:delete(40)
    s:update(4000, {{'=', 2, 1}})
    try('dup', s.insert, s, {41})
end)
with('on_replace', function() box.commit() end, function()
    try('commit in a trigger', s.insert, s, {42})
end)
with('on_replace', function() box.rollback() end, function()
    try('rollback in a trigger', s.insert, s, {42})
end)
with('on_replace', function() error('refused', 0) end, function()
    try('error in a trigger', s.insert, s, {42})
    try('error in a trigger', s.delete, s, 41)
    box.begin()
    try('error in a trigger', s.insert, s, {42})
    box.commit()
end)
with('on_replace', function(_, new)
    if new ~= nil and new[1] < 100 then
        s:insert{new[1] + 1}
    end
end, function()
    try('nested', s.insert, s, {50})
    try('nested', s.insert, s, {97})
    print(ids())
end)
with('on_replace', function() fiber.sleep(0) end, function()
    try('yield in a trigger', s.insert, s, {60})
    print(s:get(60))
end)

-- before_replace
with('before_replace', function(old, new, name, op)
    print('before_replace', old, new, name, op)
    return new
end, function()
    s:insert{70}
    s:replace{70, 'x'}
    s:update(70, {{'=', 3, 'y'}})
    s:upsert({70}, {{'=', 3, 'z'}})
    s:delete(70)
    try('dup', s.insert, s, {1})
end)
with('before_replace', function(_, new)
    return new ~= nil and new:update{{'=', 3, 'changed'}} or nil
end, function()
    try('changed', s.insert, s, {71})
    try('changed dup', s.insert, s, {71})
    try('changed', s.replace, s, {71, 'v'})
    try('changed', s.update, s, 71, {{'=', 3, 'w'}})
    try('changed', s.delete, s, 71)
    print(s:get(71))
end)
with('before_replace', function() return nil end, function()
    try('to nil', s.insert, s, {72})
    try('to nil', s.replace, s, {1})
    print(s:get(72), s:get(1))
end)
s:replace{1, 'uno'}
with('before_replace', function(old) return old end, function()
    try('to old', s.insert, s, {73})
    try('to old', s.replace, s, {1, 'new'})
    try('to old', s.insert, s, {1, 'new'})
    try('to old', s.delete, s, 1)
    print(s:get(73), s:get(1))
end)
with('before_replace', function() return box.tuple.new{74} end, function()
    try('other key', s.insert, s, {75})
    try('other key', s.replace, s, {1})
    try('other key', s.delete, s, 1)
    print(s:get(74), s:get(75), s:get(1))
end)
with('before_replace', function() return 5 end, function()
    try('no tuple', s.insert, s, {76})
end)
with('before_replace', function() return box.tuple.new{'x'} end, function()
    try('bad tuple', s.insert, s, {76})
end)
s:on_replace(function() print('not run') end)
s:run_triggers(false)
s:insert{77}
s:run_triggers(true)
print(ids())
box.begin()
s:insert{80}
s:insert{81}
box.rollback()
print(ids())
s:drop()
os.exit(0)
