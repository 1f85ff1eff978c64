-- space:create_index and index:alter/drop/rename: parts in every syntax, options, errors.
box.cfg{log_level = 0, wal_mode = 'none', listen = nil}
local results = dofile(os.getenv('COMPAT_DIR') .. '/../lib/results.lua')
local show, try = results.show, results.try

local function parts(index)
    local out = {}
    for i, p in ipairs(index.parts) do
        out[i] = {p.fieldno, p.type, p.is_nullable, p.collation}
    end
    return out
end

-- Each of these on a fresh space with a format and a primary index.
local s
local function fresh()
    if s ~= nil then
        s:drop()
    end
    s = box.schema.space.create('s', {id = 512, format = {{'id', 'unsigned'}, {'name', 'string'},
        {'n', 'integer', is_nullable = true}, {'x'}}})
    s:create_index('pk')
    return s
end

for i, o in ipairs{
    {}, {parts = {1, 'unsigned'}}, {parts = {{1, 'unsigned'}}}, {parts = {{field = 1, type = 'unsigned'}}},
    {parts = {2, 'string', 1, 'unsigned'}}, {parts = {{2, 'string'}, {1, 'unsigned'}}},
    {parts = {'name'}}, {parts = {{'name'}}}, {parts = {'name', 'string'}}, {parts = {{'name', 'string'}}},
    {parts = {'name', 'id'}}, {parts = {{'name'}, {'id'}}}, {parts = {{field = 'name'}}},
    {parts = {{field = 'name', type = 'string'}}}, {parts = 'name'}, {parts = 2}, {parts = {2}},
    {parts = {{2}}}, {parts = {2, 1}}, {parts = {{2}, {1}}}, {parts = {1, 'unsigned', 2}},
    {parts = {3, 'integer'}}, {parts = {3}}, {parts = {{3, 'integer', is_nullable = true}}},
    {parts = {{3, 'integer', is_nullable = false}}}, {parts = {{field = 'n', is_nullable = true}}},
    {parts = {{'n', is_nullable = true}}}, {parts = {5, 'string'}}, {parts = {5}}, {parts = {{5, is_nullable = true}}},
    {parts = {4}}, {parts = {4, 'scalar'}}, {parts = {'x'}}, {parts = {'nope'}}, {parts = {'nope', 'string'}},
    {parts = {0, 'unsigned'}}, {parts = {-1, 'unsigned'}}, {parts = {1.5, 'unsigned'}}, {parts = {1, 'foo'}},
    {parts = {1, 2, 3}}, {parts = {true}}, {parts = {{true}}}, {parts = {{}}}, {parts = {}}, {parts = {{field = {}}}},
    {parts = {1, 'string'}}, {parts = {1, 'num'}}, {parts = {1, 'NUM'}}, {parts = {1, 'UNSIGNED'}}, {parts = {2, 'str'}},
    {parts = {1, 'int'}}, {parts = {1, 'integer'}}, {parts = {1, 'number'}}, {parts = {1, 'scalar'}}, {parts = {5, 'any'}},
    {parts = {5, 'array'}}, {parts = {5, 'map'}}, {parts = {5, 'boolean'}}, {parts = {5, 'double'}},
    {parts = {5, 'varbinary'}}, {parts = {5, 'decimal'}}, {parts = {5, 'uuid'}}, {parts = {5, '*'}},
    {parts = {1, 'unsigned', 1, 'unsigned'}}, {parts = {{1, 'unsigned', foo = 1}}},
    {parts = {{1, 'unsigned', is_nullable = 1}}}, {parts = {{2, 'string', collation = 'binary'}}},
    {parts = {{2, 'string', collation = 'nope'}}}, {parts = {{2, 'string', collation = 999}}},
    {parts = {{1, 'unsigned', collation = 'binary'}}}, {parts = {{2, 'string', collation = true}}},
    {parts = {{2, 'string', collation = 3}}}, {parts = {{2, 'string', collation = 'none'}}},
    {parts = {2, 'string', collation = 'binary'}}, {parts = {2, 'string', is_nullable = true}},
    {parts = {5, 'unsigned', is_nullable = true}}, {parts = {{5, 'unsigned', 'x'}}},
    {parts = {{1, 'unsigned', exclude_null = true}}}, {parts = {field = 1}}, {parts = {{1, type = 'unsigned'}}},
    {unique = false}, {unique = 1}, {unique = false, parts = {2, 'string'}}, {if_not_exists = true}, {if_not_exists = 1},
    {id = 5}, {id = 0}, {id = 127}, {id = 128}, {id = -1}, {id = 'x'}, {id = 1.5},
    {type = 'tree'}, {type = 'TREE'}, {type = 'Tree'}, {type = 'foo'}, {type = 1},
    {type = 'hash', unique = false}, {type = 'bitset', unique = true}, {type = 'rtree', unique = true},
    {foo = 1}, {page_size = 1000}, {range_size = 1, run_count_per_level = 1}, {page_size = 'x'},
    {bloom_fpr = 0.1}, {bloom_fpr = 2}, {bloom_fpr = 'x'}, {dimension = 3}, {dimension = 'x'},
    {distance = 'euclid'}, {distance = 'x'}, {distance = 1}, {user = 'x'}, {name = 'y'}, {sequence = 'nope'},
} do
    fresh()
    try('create ' .. i .. ' ' .. show(o), function()
        local index = s:create_index('sk', o)
        return index.id, index.name, index.type, index.unique, parts(index), box.space._index:get{512, index.id}
    end)
end
for i, args in ipairs{{}, {1}, {''}, {'a\0'}, {('x'):rep(65001)}, {'pk'}, {'it is'}, {{}}, {'sk', 1}, {'sk', 'x'}} do
    fresh()
    try('name ' .. i, function() return s:create_index(unpack(args)).name end)
end
fresh()
try('if_not_exists', function()
    local index, what = s:create_index('pk', {if_not_exists = true})
    return index.name, what
end)
try('if_not_exists with errors', function() return s:create_index('pk', {if_not_exists = true, foo = 1}) end)

-- The primary index.
local function primary(o)
    if box.space.p ~= nil then
        box.space.p:drop()
    end
    local p = box.schema.space.create('p')
    local index = p:create_index('pk', o)
    return parts(index), index.unique, index.id, box.space._index:get{p.id, index.id}:totable(2)
end
for i, o in ipairs{
    {}, {unique = false}, {id = 1}, {parts = {{1, 'unsigned', is_nullable = true}}}, {parts = {1, 'string', 2, 'number'}},
    {parts = {3, 'scalar'}}, {parts = {1, 'any'}}, {parts = {{1, 'string', collation = 'unicode_ci'}}} ,
} do
    if i < 8 then
        try('primary ' .. i, primary, o)
    end
end
try('secondary first', function()
    local p = box.schema.space.create('p2')
    return p:create_index('sk', {id = 1})
end)
try('ids are taken in order', function()
    fresh()
    s:create_index('a', {id = 3})
    local b = s:create_index('b')
    local c = s:create_index('c')
    local d = s:create_index('d')
    return b.id, c.id, d.id
end)
try('at most 128', function()
    fresh()
    for i = 1, 200 do
        s:create_index('i' .. i)
    end
end)
try('how many', function() return #s.index, s.index[127].name end)

-- With data.
fresh()
for i = 1, 100 do
    s:insert{i, 'n' .. i % 10, i % 3 == 0 and i or nil, i * 2}
end
try('unique', function() return s:create_index('sk', {parts = {2}}) end)
try('not unique', function() return parts(s:create_index('sk', {parts = {2}, unique = false})) end)
try('select', function() return s.index.sk:select('n3', {limit = 3}) end)
try('count', function() return s.index.sk:count('n3'), s.index.sk:len() end)
try('nullable', function() return parts(s:create_index('nk', {parts = {{3, is_nullable = true}}, unique = false})) end)
try('select', function() return s.index.nk:select(nil, {limit = 2}), s.index.nk:count() end)
try('wrong type', function() return s:create_index('wt', {parts = {4, 'string'}}) end)
try('missing field', function() return s:create_index('mf', {parts = {9, 'string'}}) end)
try('nothing is left', function() return s.index.wt, s.index.mf, box.space._index:select{s.id}:len() end)
try('rows', function() return #box.space._index:select{s.id} end)

-- alter
try('alter name', function() return s.index.sk:alter({name = 'renamed'}) end)
try('alter name', function() return s.index.sk, s.index.renamed.name, s.index.renamed:count('n3') end)
try('alter unique', function() return s.index.renamed:alter({unique = true}) end)
try('alter parts', function() return s.index.renamed:alter({parts = {1, 'unsigned'}}) end)
try('alter parts', function() return parts(s.index.renamed), s.index.renamed.unique, s.index.renamed:select({50}) end)
try('alter unique', function() s.index.renamed:alter({unique = true}) return s.index.renamed.unique, s.index.renamed:get(5) end)
try('alter unique', function() s.index.renamed:alter({unique = false}) return s.index.renamed.unique, s.index.renamed:get(5) end)
try('alter parts of pk', function() s.index.pk:alter({parts = {4, 'unsigned'}}) return parts(s.index.pk), s:get(100) end)
try('the others', function() return s.index.renamed:select({50}), s.index.nk:count(), s.index.nk:select(3) end)
try('alter pk to duplicates', function() return s.index.pk:alter({parts = {2, 'string'}}) end)
try('alter pk', function() return parts(s.index.pk), s:get(100) end)
try('alter pk', function() return s.index.pk:alter({unique = false}) end)
try('alter pk', function() return s.index.pk:alter({parts = {{3, is_nullable = true}}}) end)
try('alter pk', function() return s.index.pk:alter({id = 10}) end)
try('alter id', function() return s.index.nk:alter({id = 10}) end)
try('alter id', function() return s.index.nk:alter({id = 1}) end)
try('alter type', function() return s.index.nk:alter({type = 'tree'}) end)
try('alter nothing', function() return s.index.nk:alter({}) end)
try('alter nothing', function() return s.index.nk:alter() end)
try('alter', function() return s.index.nk:alter(1) end)
try('alter', function() return s.index.nk:alter({foo = 1}) end)
try('alter', function() return s.index.nk:alter({parts = {77, 'unsigned'}}) end)
try('alter', function() return s.index.nk:alter({parts = {}}) end)
try('alter', function() return s.index.nk:alter({name = ''}) end)
try('alter', function() return s.index.nk:alter({name = 'pk'}) end)
try('alter', function() return s.index.nk:alter({name = 5}) end)
try('alter', function() return s.index.nk.alter() end)
try('alter', box.schema.index.alter, s.id, 77, {})
try('alter', box.schema.index.alter, 7777, 0, {})
try('alter', box.schema.index.alter)
try('rows', function() return box.space._index:select{s.id} end)
try('insert', function() return s:insert{1000, 'new', 5, 1} end)
try('insert a duplicate', function() return s:insert{1, 'new', 5, 100} end)

-- rename, drop
try('rename', function() return s.index.nk:rename('nn') end)
try('rename', function() return s.index.nk, s.index.nn.name, s.index[2].name end)
try('rename', function() return s.index.nn:rename('pk') end)
try('rename', function() return s.index.nn:rename() end)
try('rename', function() return s.index.nn:rename(1) end)
try('rename', function() return s.index.nn.rename('x') end)
try('rename', box.schema.index.rename, s.id, 2, 'again')
try('drop pk', function() return s.index.pk:drop() end)
try('drop', function() return s.index.again:drop() end)
try('drop', function() return s.index.again, s.index[2] end)
try('drop', function() return s.index.renamed.drop() end)
try('drop', box.schema.index.drop, s.id, 77)
try('drop', box.schema.index.drop, 7777, 0)
try('drop', box.schema.index.drop, s.id)
try('drop', box.schema.index.drop)
local old = s.index.renamed
try('drop', function() return old:drop() end)
try('use it', function() return old:select() end)
try('use it', function() return old:drop() end)
try('use it', function() return old:alter({}) end)
try('use it', function() return old:len() end)
try('drop pk', function() return s.index.pk:drop() end)
try('all is gone', function() return s:len() end)
try('create', function() s:create_index('pk') return s:select() end)
try('drop of a system space', function() return box.space._user.index.primary:drop() end)
try('drop of a system space', function() return box.space._schema.index.primary:drop() end)

-- Transactions.
fresh()
s:insert{1, 'a', 1, 1}
s:insert{2, 'b', 2, 1}
try('rollback of create_index', function()
    box.begin()
    s:create_index('sk', {parts = {2}})
    local there = s.index.sk ~= nil
    box.rollback()
    return there, s.index.sk, #box.space._index:select{s.id}
end)
pcall(box.rollback)
s:create_index('sk', {parts = {2}})
try('rollback of drop', function()
    box.begin()
    s.index.sk:drop()
    local gone = s.index.sk == nil
    box.rollback()
    return gone, s.index.sk:select()
end)
pcall(box.rollback)
try('rollback of alter', function()
    box.begin()
    s.index.pk:alter({parts = {2, 'string'}})
    s:insert{0, 'c', 3, 1}
    local during = s:select()
    box.rollback()
    return during, s:select(), s.index.sk:select(), parts(s.index.pk)
end)
pcall(box.rollback)
try('rollback of rename', function()
    box.begin()
    s.index.sk:rename('other')
    box.rollback()
    return s.index.other, s.index.sk.name
end)
pcall(box.rollback)
try('still good', function() s:insert{3, 'c', 1, 1} return s:select(), s.index.sk:select('c') end)

-- The object.
local keys = {}
for k, v in pairs(s.index.sk) do
    keys[#keys + 1] = k .. ':' .. type(v)
end
table.sort(keys)
print(table.concat(keys, ' '))
print(s.index.sk == s.index[1], box.space.s == box.space[512], s.index.sk.space_id)
local version = box.internal.schema_version()
s:create_index('v')
print('schema version', box.internal.schema_version() > version)
os.exit(0)
