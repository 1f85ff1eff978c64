-- Changing and reading data: results, errors, formats.
box.cfg{log_level = 1}

local results = dofile(os.getenv('COMPAT_DIR') .. '/../lib/results.lua')
local try, show = results.try, results.show

-- Without an index
local s = box.schema.space.create('plain', {format = {{'id', 'unsigned'}, {'name', 'string'},
    {'num', 'number', is_nullable = true}}})
try('no index insert', s.insert, s, {1})
try('no index insert', s.insert, s, {1, 'a'})
try('no index replace', s.replace, s, {1, 'a'})
try('no index get', s.get, s, {1})
try('no index select', s.select, s, {1})
try('no index len', s.len, s)
try('no index count', s.count, s)
try('no index delete', s.delete, s, 1)
try('no index update', s.update, s, 1, {})
try('no index upsert', s.upsert, s, {1}, {})
try('no index upsert', s.upsert, s, {1, 'a'}, {})
for _, t in s:pairs() do
    print(t)
end

-- Types
s:create_index('pk')
local pk = s.index.pk
for _, t in ipairs{{}, {1}, {'x'}, {1, 2}, {1, 'a', 'x'}, {1, 'a', 1.5}, {-1, 'a'}, {1.5, 'a'},
    {box.NULL, 'a'}, {2, box.NULL}, {2, 'b', box.NULL}, {3, 'c', 1, 2, 3, {4}, {k = 5}},
    {18446744073709551615ULL, 'max'}, {true, 'x'}, {{1}, 'x'}, {2 ^ 53, 'big'}, {4, ''},
    {5LL, 'll'}, {-5LL, 'neg'}} do
    try('insert ' .. show(t), s.insert, s, t)
end
for _, t in ipairs{'x', 1, true, print} do
    try('insert scalar', s.insert, s, t)
end
try('insert nothing', s.insert, s)
try('insert map', s.insert, s, {a = 1})
try('insert tuple', s.insert, s, box.tuple.new{10, 'tuple'})
try('insert dup', s.insert, s, {10, 'again'})
try('replace', s.replace, s, {10, 'again'})
try('put', s.put, s, {10, 'put'})
try('select all', s.select, s)
try('len', s.len, s)
try('bsize', function() return tonumber(s:bsize()) end)

-- Keys
for _, key in ipairs{1, {1}, {}, {1, 2}, 'x', {'x'}, -1, 1.5, 1e300, {{1}}, {a = 1}, true,
    box.tuple.new{1}, box.tuple.new{}, 10ULL, 10LL, {10ULL}, 18446744073709551615ULL} do
    local name = show(key)
    try('get ' .. name, s.get, s, key)
    try('select ' .. name, s.select, s, key)
    try('count ' .. name, s.count, s, key)
    try('min ' .. name, pk.min, pk, key)
    try('max ' .. name, pk.max, pk, key)
end
try('get nil', s.get, s)
try('get null', s.get, s, box.NULL)
try('get {null}', s.get, s, {box.NULL})
try('select {null}', s.select, s, {box.NULL})
try('delete nil', s.delete, s)
try('delete {}', s.delete, s, {})
try('delete string', s.delete, s, 'x')
try('delete map', s.delete, s, {a = 1})
try('delete two', s.delete, s, {1, 2})
try('delete missing', s.delete, s, 1000)
try('delete', s.delete, s, 10)
try('delete', pk.delete, pk, {5})

-- Update
s:replace{1, 'a', 5}
for _, args in ipairs{{1, {{'=', 3, 6}}}, {{1}, {{'+', 'num', 1}}}, {1, {{'=', 1, 2}}},
    {1, {{'=', 2, 2}}}, {1, {{'=', 3, 'x'}}}, {1, {{'#', 3, 1}}}, {1, {{'#', 2, 1}}},
    {1, {{'!', 2, 'b'}}}, {1, {{'=', 4, 'x'}}}, {1, {{'=', 9, 'x'}}}, {1, {{'=', 'zz', 1}}},
    {1, {'=', 2, 'x'}}, {1, {}}, {1, {{'=', 1, 1}}}, {1, {{'=', 1, 3}}}, {1, {{'=', 1, 'x'}}},
    {1000, {{'zzz'}}}, {'x', {}}, {{}, {}}, {{1, 2}, {}}, {box.NULL, {}}, {1, {{'=', 'num', box.NULL}}},
    {1, {{':', 'name', 1, 0, 'zz'}}}, {1, {{'=', 'name', 'long'}, {'=', 'num', -1.5}}}} do
    try('update ' .. show(args), s.update, s, unpack(args))
end
try('update no ops', s.update, s, 1)
try('update ops scalar', s.update, s, 1, 5)
try('get', s.get, s, 1)

-- Upsert
for _, args in ipairs{{{1, 'n'}, {{'=', 3, 9}}}, {{50, 'n'}, {{'=', 3, 9}}}, {{50, 'n'}, {{'+', 3, 1}}},
    {{50, 'n'}, {{'=', 3, 7}}}, {{50, 'n'}, {{'+', 3, 1}, {'+', 2, 1}, {'=', 4, 'new'}}},
    {{50, 'n'}, {{'=', 1, 51}}}, {{50, 'n'}, {{'=', 2, 5}}}, {{50}, {}}, {{50, 5}, {}},
    {{'x', 'n'}, {}}, {{51, 'n'}, {{'zz', 1, 1}}}, {{50, 'n'}, {{'zz', 1, 1}}},
    {{51, 'n'}, {{'+', 'nope', 1}}}, {{50, 'n'}, {{'-', 3, 'x'}}}, {{50, 'n'}, {{'=', 99, 1}}},
    {{50, 'n'}, {}}, {{50, 'n'}, {{'#', 4, 1}}}, {{52, 'n', 3}, {{'+', 3, 1}}},
    {{52, 'n', 3}, {{'+', 3, 1}}}, {{52, 'n', 3}, {{'+', 3, 1}, {'+', 3, 1}}}} do
    try('upsert ' .. show(args), s.upsert, s, unpack(args))
    print(s:get(50), s:get(51), s:get(52))
end
try('upsert nothing', s.upsert, s)
try('upsert no ops', s.upsert, s, {1, 'a'})
try('upsert scalar', s.upsert, s, 1, {})

-- Wrong calls
for _, name in ipairs{'get', 'select', 'insert', 'replace', 'put', 'update', 'upsert', 'delete',
    'len', 'count', 'pairs', 'bsize'} do
    try('space.' .. name, s[name])
end
for _, name in ipairs{'get', 'select', 'update', 'delete', 'len', 'count', 'pairs', 'bsize', 'min',
    'max', 'random'} do
    try('index.' .. name, pk[name])
end

-- frommap, auto_increment
for _, args in ipairs{{{id = 1, name = 'x', num = 2}}, {{id = 1}}, {{id = 1, zz = 2}}, {{id = 'x'}},
    {{name = 'a'}}, {{id = 1, name = 'a'}, {table = true}}, {1}, {{}, 1}, {{id = 1}, {table = 1}},
    {{1, 2, 3}}, {{id = 1, name = box.NULL}}, {{id = 1, num = 5}, {table = true}}, {{}}} do
    try('frommap', s.frommap, s, unpack(args))
end
try('frommap none', s.frommap, s)
local a = box.schema.space.create('auto')
a:create_index('pk')
try('auto', a.auto_increment, a, {'x'})
try('auto', a.auto_increment, a, {'y', 'z'})
a:insert{100}
try('auto', a.auto_increment, a, {})

-- Names of fields
local t = s:get(50)
print(t.id, t.name, t.num, t.nope, t['name'])
print(t:tomap().name, t:tomap{names_only = true}.num, #t:tomap{names_only = true})
print(t:update{{'=', 'name', 'renamed'}}, t:update{{'=', 'num', 1}}.num)
s:format{{'id', 'unsigned'}, {'title', 'string'}, {'num', 'number', is_nullable = true}}
print(t.name, t.title, s:get(50).title, s:get(50).name)

-- exact field count
local e = box.schema.space.create('exact', {field_count = 2})
e:create_index('pk')
try('exact', e.insert, e, {1})
try('exact', e.insert, e, {1, 2})
try('exact', e.insert, e, {1, 2, 3})
try('exact', e.update, e, 1, {{'!', 3, 1}})
try('exact', e.update, e, 1, {{'=', 2, 'x'}})

-- Dropped under our hands
local old_index = e.index.pk
local iter_state = {e:pairs()}
e:drop()
try('dropped insert', e.insert, e, {1, 2})
try('dropped get', e.get, e, 1)
try('dropped select', e.select, e, 1)
try('dropped len', e.len, e)
try('dropped index get', old_index.get, old_index, 1)
try('dropped index select', old_index.select, old_index, 1)
s:drop()
a:drop()
os.exit(0)
