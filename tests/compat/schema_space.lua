-- box.schema.space.*: options, errors, what stands in _space afterwards.
box.cfg{log_level = 0, wal_mode = 'none', listen = nil}
local results = dofile(os.getenv('COMPAT_DIR') .. '/../lib/results.lua')
local show, try = results.show, results.try

local function row(id)
    return box.space._space:get(id)
end

local S = box.schema.space
local t = S.create('t')
try('row', row, t.id)
try('exists', S.create, 't')
try('if_not_exists', function()
    local s, what = S.create('t', {if_not_exists = true})
    return s.id, what
end)
for _, name in ipairs{'', 'a\0b', ('x'):rep(65001), 'it is', 'ü', '\xff', '1'} do
    try('name ' .. #name, function() return S.create(name).name:len() end)
end
try('no name', S.create)
try('number name', function() return S.create(12).name end)
try('table name', S.create, {})
for i, o in ipairs{
    {foo = 1}, {engine = 1}, {engine = 'x'}, {engine = 'memtx'}, {id = 'x'}, {id = 0},
    {id = 600}, {id = 600}, {id = 280}, {id = 2 ^ 31 - 1}, {id = 2 ^ 31}, {id = -1}, {id = 1.5},
    {field_count = 3}, {field_count = 'x'}, {field_count = -1}, {temporary = true}, {temporary = 1},
    {is_local = true}, {is_local = 1}, {user = 'guest'}, {user = 'nobody'}, {user = 0}, {user = true},
    {format = {}}, {format = 1}, {format = {{'a', 'unsigned'}, {'b'}}},
    {format = {{name = 'a', type = 'string', is_nullable = true}}},
    {format = {'a', 'b'}}, {format = {{'a', 'foo'}}}, {format = {{}}}, {format = {{1}}},
    {format = {{name = 'a'}, {name = 'a'}}}, {format = {{'a', 'unsigned', is_nullable = 1}}},
    {format = {{name = 'a', foo = 1}}}, {format = {{'a', 'num'}, {'b', 'str'}, {'c', '*'}}},
    {format = {{'a', 'unsigned', 'x'}}}, {format = {{type = 'unsigned'}}},
    {format = {{name = 'a', 'unsigned'}}}, {format = {{'a', type = 'unsigned'}}},
    {format = {{name = 'a', type = 'int'}, {name = 'b', type = 'num'}}},
    {format = {[2] = {'a'}}}, {format = {x = 1}}, {if_not_exists = 1}, {is_sync = true},
} do
    try('option ' .. i .. ' ' .. show(o), function()
        local s = S.create('opt' .. i, o)
        return row(s.id), s.engine, s.field_count, s.temporary, s.is_local, s.enabled
    end)
end
try('options not a table', S.create, 'x', 1)
try('options not a table', S.create, 'x', 'y')

-- drop
try('drop', function() return t:drop() end)
try('drop again', function() return t:drop() end)
try('drop none', S.drop, 100000)
try('drop nil', S.drop)
try('drop if_exists', S.drop, 100000, 'zzz', {if_exists = true})
try('drop options', S.drop, 100000, 'zzz', {foo = true})
try('drop a system space', function() return box.space._schema:drop() end)
try('box.space.t', function() return box.space.t end)

-- rename
local s = S.create('before')
s:create_index('pk')
s:insert{1}
try('rename', function() return s:rename('after') end)
try('rename', function() return s.name, box.space.before, box.space.after:select() end)
try('rename to itself', function() return s:rename('after') end)
try('rename to another', function() return s:rename('opt4') end)
try('rename nil', function() return s:rename() end)
try('rename bad', function() return s:rename('') end)
try('rename S', S.rename, s.id, 'again')
try('rename S', S.rename, 99999, 'again')
try('row', row, s.id)

-- format
try('format', function() return s:format() end)
try('format', function() return s:format({{'id', 'unsigned'}, {'name', 'string'}}) end)
try('still', function() return s:format() end)
try('format', function() return s:format({{'id', 'unsigned'}, {'name', 'string', is_nullable = true}}) end)
try('now', function() return s:format() end)
try('row', row, s.id)
try('by name', function() return s:get(1).id, s:get(1).name end)
try('format twice the same', function() return s:format({{'id', 'unsigned'}, {'id', 'string'}}) end)
try('format not of the index', function() return s:format({{'id', 'string'}}) end)
try('format not a table', function() return s:format(1) end)
try('format empty', function() return s:format({}) end)
try('format S', S.format, s.id, {{'id', 'any'}})
try('format S', S.format, 99999, {{'id', 'any'}})
try('format', function() return s:format({'id', 'name'}) end)
try('now', function() return s:format() end)
try('insert', function() return s:insert{2} end)
try('format', function() return s:format({{'id', 'unsigned'}}) end)
try('insert', function() return s:insert{'x'} end)
try('insert', function() return s:insert{} end)
try('insert', function() return s:insert{3, 4} end)

-- truncate
try('truncate', function() return s:truncate() end)
try('select', function() return s:select() end)
try('_truncate', function() return box.space._truncate:select() end)
try('truncate', function() return s:truncate() end)
try('_truncate', function() return box.space._truncate:select() end)
try('truncate a system space', function() return box.space._space:truncate() end)
try('in a transaction', function()
    box.begin()
    s:insert{1}
    s:truncate()
    box.rollback()
    return s:select()
end)
pcall(box.rollback)
s:insert{7}
try('rollback', function()
    box.begin()
    s:truncate()
    local n = s:len()
    box.rollback()
    return n, s:select()
end)
pcall(box.rollback)

-- a dropped space's object
local id = s.id
local pk = s.index.pk
s:drop()
try('row', row, id)
try('rows of indexes', function() return box.space._index:select{id} end)
try('truncate row', function() return box.space._truncate:get{id} end)
try('select', function() return s:select() end)
try('index', function() return pk:select() end)
try('insert', function() return s:insert{1} end)
try('drop', function() return s:drop() end)
try('create_index', function() return s:create_index('x') end)
try('format', function() return s:format() end)
try('max_id', function() return box.space._schema:get('max_id') end)
try('ids go on', function() return S.create('next').id - box.space.next.id end)

-- misuse
try('no self', function() return box.space.next.drop() end)
try('no self', function() return box.space.next.select() end)
try('no self', function() return box.space.next.create_index() end)
try('no self', function() return box.space.next.format() end)
try('no self', function() return box.space.next.rename('x') end)
try('no self', function() return box.space.next.truncate() end)
try('no primary index', function() return box.space.next:insert{1} end)
try('no primary index', function() return box.space.next:select() end)
try('no primary index', function() return box.space.next:get{1} end)
try('no primary index', function() return box.space.next:delete{1} end)
try('no primary index', function() return box.space.next:len() end)
try('no primary index', function() return box.space.next:count() end)
try('no primary index', function() return box.space.next:pairs():totable() end)
try('bsize', function() return box.space.next:bsize() end)
try('enabled', function() return box.space.next.enabled end)

-- what happens on the system space directly
local _space = box.space._space
local function raw(...)
    return _space:insert{...}
end
local M = setmetatable({}, {__serialize = 'map'})
local A = setmetatable({}, {__serialize = 'seq'})
try('raw', raw, 700, 1, 'raw', 'memtx', 0, M, A)
try('raw', function() return box.space.raw.id, box.space[700].name end)
try('raw', raw, 701, 1, 'raw', 'memtx', 0, M, A)
try('raw', raw, 701, 1, '', 'memtx', 0, M, A)
try('raw', raw, 701, 1, 'raw1', 'none', 0, M, A)
try('raw', raw, 702, 99, 'raw9', 'memtx', 0, M, A)
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, {foo = 1}, A)
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, {temporary = 1}, A)
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, {group_id = 2}, A)
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, {view = true}, A)
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, {sql = 1}, A)
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, {[1] = 2}, A)
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, M, {1})
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, M, {{1}})
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, M, {{name = 1}})
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, M, {{name = ''}})
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, M, {{name = 'a', type = 'x'}})
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, M, {{name = 'a', collation = 99}})
try('raw', raw, 704, 1, 'raw5', 'memtx', 0, M, {{type = 'any'}})
try('raw', raw, 701, 1, 'raw1', 'memtx', 0, M)
try('raw', raw, 701, 1, 'raw1', 'memtx', 'x', M, A)
try('raw', raw, 2 ^ 31, 1, 'raw2', 'memtx', 0, M, A)
try('raw', raw, 0, 1, 'raw3', 'memtx', 0, M, A)
try('raw', raw, 703, 1, 'raw4', 'memtx', 2, M, {{name = 'a'}, {name = 'b'}, {name = 'c'}})
try('update', function() return _space:update(700, {{'=', 3, 'renamed'}}) end)
try('renamed', function() return box.space.raw, box.space.renamed.name end)
try('update', function() return _space:update(700, {{'=', 4, 'vinyl'}}) end)
try('update', function() return _space:update(700, {{'=', 4, 'xx'}}) end)
try('update', function() return _space:update(700, {{'=', 1, 702}}) end)
try('update', function() return _space:update(700, {{'=', 2, 0}}) end)
try('update', function() return _space:update(700, {{'=', 6, {temporary = true}}}) end)
try('update', function() return _space:update(700, {{'=', 6, {group_id = 1}}}) end)
box.space.renamed:create_index('pk')
try('delete with index', function() return _space:delete(700) end)
box.space.renamed:insert{1}
try('update', function() return _space:update(700, {{'=', 6, M}}) end)
try('update', function() return _space:update(700, {{'=', 5, 2}}) end)
try('update', function() return _space:update(700, {{'=', 5, 1}}) end)
try('insert', function() return box.space.renamed:insert{1, 2} end)
box.space.renamed.index.pk:drop()
try('delete', function() return _space:delete(700) end)
try('delete', function() return _space:delete(700) end)
try('delete _schema', function() return _space:delete(272) end)
try('rollback of create', function()
    box.begin()
    S.create('gone'):create_index('pk')
    box.space.gone:insert{1}
    box.rollback()
    return box.space.gone, box.space._index:select{701}
end)
pcall(box.rollback)
try('rollback of drop', function()
    local g = S.create('kept')
    g:create_index('pk')
    g:create_index('sk', {parts = {2, 'string'}})
    g:insert{1, 'a'}
    box.begin()
    g:drop()
    local there = box.space.kept
    box.rollback()
    return there, box.space.kept:select(), box.space.kept.index.sk:select()
end)
pcall(box.rollback)
try('rollback of rename', function()
    box.begin()
    box.space.kept:rename('lost')
    box.rollback()
    return box.space.lost, box.space.kept.name
end)
pcall(box.rollback)
try('rollback of format', function()
    box.begin()
    box.space.kept:format({{'x', 'unsigned'}})
    box.rollback()
    return box.space.kept:format(), box.space.kept:get(1).x
end)
pcall(box.rollback)
local names = {}
for _, tuple in box.space._space:pairs({512}, {iterator = 'GE'}) do
    names[#names + 1] = #tuple[3] < 100 and tuple[3] or #tuple[3]
end
print(show(names))
local n = 0
for k, v in pairs(box.space) do
    n = n + 1
end
print('entries in box.space', n)
os.exit(0)
