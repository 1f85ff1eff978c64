-- Reading and changing data through the C API.
local lib = dofile(os.getenv('COMPAT_DIR') .. '/lib.lua')
local c, mp, show, NIL = lib.capi, lib.mp, lib.show, lib.NIL
local msgpack = require('msgpack')
box.cfg{log_level = 1}

local s = box.schema.space.create('s', {id = 600, format = {{'id', 'unsigned'}, {'name', 'string'},
    {'n', 'scalar', is_nullable = true}}})
s:create_index('pk')
s:create_index('name', {parts = {2, 'string'}, unique = false})
s:create_index('n', {parts = {{3, 'scalar', is_nullable = true}}, id = 5})
local h = box.schema.space.create('h', {id = 601})
h:create_index('pk', {type = 'hash', parts = {1, 'string', 2, 'unsigned'}})
box.schema.space.create('bare', {id = 602})

-- Names
for _, name in ipairs({'s', 'h', 'bare', 'nobody', '', 'S', 's ', '_space', '_vspace', ('x'):rep(70000)}) do
    show('space', name:sub(1, 10), c.space_id(name))
end
for _, name in ipairs({'pk', 'name', 'n', 'nobody', '', ('x'):rep(70000)}) do
    show('index', name:sub(1, 10), c.index_id(600, name), c.index_id(601, name), c.index_id(602, name),
         c.index_id(9999, name))
end
show('same name in another space', c.index_id(280, 'primary'), c.index_id(280, 'name'))

-- Insert, replace
show('insert', c.insert(600, mp(1, 'one')))
show('insert', c.insert(600, mp(2, 'two', 2, 'more', {1, 2})))
show('insert', c.insert(600, mp(1, 'dup')))
show('insert', c.insert(600, mp(3, 'three', 2)))
show('insert', c.insert(600, mp('3', 'three')))
show('insert', c.insert(600, mp(3)))
show('insert', c.insert(600, mp()))
show('insert', c.insert(600, mp(3, 'x', box.NULL)))
show('insert', c.insert(600, mp(4, 'x', box.NULL)))
show('insert', c.insert(9999, mp(1)))
show('insert', c.insert(602, mp(1)))
show('insert', c.insert(281, mp(1)))
show('insert', c.insert(280, mp(1)))
show('replace', c.replace(600, mp(1, 'uno', 'x')))
show('replace', c.replace(600, mp(5, 'five', 5.5)))
show('replace', c.replace(600, mp(6, 'six', 5.5)))
show('replace', c.replace(9999, mp(1)))
show('replace', c.replace(602, mp(1)))
show('big', (select(2, c.insert(600, mp(100, ('x'):rep(1048576)))):gsub('%d%d%d+', 'N')))
for i = 1, 5 do
    show('hash', c.insert(601, mp('k' .. i % 2, i, i * i)))
end
show('hash', c.insert(601, mp('k1', 1)))
show('hash', c.insert(601, mp('k1')))

-- Update
local function upd(index, key, ...)
    show('update', c.update(600, index, key, mp(...)))
end
upd(0, mp(1), {'=', 2, 'y'})
upd(0, mp(1), {'=', 3, 'y'}, {'=', 3, 'z'})
upd(0, mp(1), {'=', 9, 'y'})
upd(0, mp(1), {'=', 0, 7})
upd(0, mp(1), {'=', 1, 7})
upd(0, mp(77), {'=', 1, 'x'})
upd(0, mp())
upd(0, mp(1))
upd(0, mp(1, 2), {'=', 1, 'x'})
upd(0, mp('x'), {'=', 1, 'x'})
upd(1, mp('uno'), {'=', 1, 'x'})
upd(5, mp(5.5), {'=', 1, 'by n'})
upd(5, mp(box.NULL), {'=', 1, 'by n'})
upd(7, mp(1), {'=', 1, 'x'})
upd(0, mp(5), {'=', 2, 2})
upd(0, mp(1), {'#', -1, 1}, {'!', -1, 'end'})
upd(0, mp(1), {'+', 'id', 1})
upd(0, mp(1), {'=', 'name', 'named'})
upd(0, mp(1), {'=', '[2]', 'path'})
upd(0, mp(1), {'=', 'nobody', 1})
upd(0, mp(1), 5)
show('base 1', c.update(600, 0, mp(1), mp({'=', 2, 'one'}), 1))
show('base 1', c.update(600, 0, mp(1), mp({'=', 0, 'one'}), 1))
show('not ops', c.update(600, 0, mp(1), msgpack.encode(5)))
show('no space', c.update(9999, 0, mp(1), mp()))
show('no index', c.update(602, 0, mp(1), mp()))
show('view', c.update(281, 0, mp(1), mp()))

-- Upsert
show('upsert', c.upsert(600, 0, mp(10, 'ten'), mp({'=', 1, 'x'})))
show('upsert', c.upsert(600, 0, mp(10, 'ten'), mp({'=', 1, 'ten again'}, {'!', 2, 10})))
show('upsert', c.upsert(600, 0, mp(10, 'ten'), mp({'=', 0, 11})))
show('upsert', c.upsert(600, 0, mp(10, 'ten'), mp({'+', 1, 11})))
show('upsert', c.upsert(600, 0, mp(10, 'ten'), mp({'?', 1, 11})))
show('upsert', c.upsert(600, 0, mp(11, 'eleven'), mp({'?', 1, 11})))
show('upsert', c.upsert(600, 0, mp('10', 'ten'), mp({'=', 1, 11})))
show('upsert', c.upsert(600, 0, mp(10), mp({'=', 1, 11})))
show('upsert', c.upsert(600, 77, mp(10, 'ten'), mp({'=', 1, 'any index'})))
show('upsert', c.upsert(600, 1, mp(10, 'ten'), mp({'=', 2, 'base 1'}), 1))
show('upsert', c.upsert(9999, 0, mp(10), mp()))
show('upsert', c.upsert(602, 0, mp(10), mp()))
show('upsert', c.index_get(600, 0, mp(10)))

-- Delete
show('delete', c.delete(600, 0, mp(4)))
show('delete', c.delete(600, 0, mp(4)))
show('delete', c.delete(600, 1, mp('five')))
show('delete', c.delete(600, 5, mp(5.5)))
show('delete', c.delete(600, 0, mp()))
show('delete', c.delete(600, 0, mp(1, 2)))
show('delete', c.delete(600, 0, mp('x')))
show('delete', c.delete(600, 3, mp('x')))
show('delete', c.delete(9999, 0, mp(1)))
show('delete', c.delete(602, 0, mp(1)))
show('delete', c.delete(281, 0, mp(1)))
show('delete', c.delete(601, 0, mp('k1')))
show('delete', c.delete(601, 0, mp('k1', 1)))
show('no result', c.without_result(600, mp(50, 'x'), mp(50), mp({'=', 1, 'y'})))
show('left', msgpack.decode(msgpack.encode(#s:select())))

-- Reading
for i = 20, 30 do
    s:insert{i, 'n' .. i % 3, i}
end
show('get', c.index_get(600, 0, mp(20)))
show('get', c.index_get(600, 0, mp(999)))
show('get', c.index_get(600, 5, mp(21)))
show('get', c.index_get(600, 5, mp(box.NULL)))
show('get', c.index_get(600, 1, mp('n1')))
show('get', c.index_get(600, 0, mp()))
show('get', c.index_get(600, 0, mp(1, 2)))
show('get', c.index_get(600, 0, mp('x')))
show('get', c.index_get(600, 9, mp(1)))
show('get', c.index_get(600, 4000000000, mp(1)))
show('get', c.index_get(9999, 0, mp(1)))
show('get', c.index_get(602, 0, mp(1)))
show('get', c.index_get(601, 0, mp('k0', 2)))
show('get', c.index_get(601, 0, mp('k0')))
show('get', c.index_get(280, 0, mp(280)) ~= false)
show('get', c.index_get(281, 2, mp('s')) ~= false)
for _, f in ipairs({'index_min', 'index_max'}) do
    show(f, c[f](600, 0, mp()))
    show(f, c[f](600, 0, mp(21)))
    show(f, c[f](600, 0, mp(999)))
    show(f, c[f](600, 1, mp()))
    show(f, c[f](600, 1, mp('n1')))
    show(f, c[f](600, 1, mp('zz')))
    show(f, c[f](600, 5, mp()))
    show(f, c[f](600, 1, mp('n1', 2)))
    show(f, c[f](600, 1, mp(5)))
    show(f, c[f](601, 0, mp()))
    show(f, c[f](601, 0, mp('k0')))
    show(f, c[f](602, 0, mp()))
    show(f, c[f](9999, 0, mp()))
end
for _, type in ipairs({-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1000000}) do
    show('count', type, c.index_count(600, 0, type, mp()))
    show('count', type, c.index_count(600, 0, type, mp(22)))
    show('count', type, c.index_count(600, 1, type, mp('n1')))
    show('count', type, c.index_count(600, 1, type, mp('n1', 1)))
    show('count', type, c.index_count(600, 5, type, mp(box.NULL)))
    show('count', type, c.index_count(601, 0, type, mp()))
    show('count', type, c.index_count(601, 0, type, mp('k0')))
    if type ~= 6 then -- the order is its own
        show('count', type, c.index_count(601, 0, type, mp('k0', 2)))
    end
    show('count', type, c.index_count(9999, 0, type, mp()))
end
show('len', c.index_len(600, 0), c.index_len(600, 1), c.index_len(600, 5), c.index_len(601, 0))
show('len', c.index_len(600, 6))
show('len', c.index_len(602, 0))
show('len', c.index_len(9999, 0))
show('bsize', c.index_bsize(600, 0) > 0, c.index_bsize(601, 0) > 0)
show('bsize', c.index_bsize(600, 6))
show('bsize', c.index_bsize(9999, 0))
show('random', c.index_random(600, 0, 0) ~= nil, c.index_random(601, 0, 4294967295) ~= nil)
show('random', c.index_random(600, 6, 1))
show('random', c.index_random(9999, 0, 1))
s.index.n:drop()
box.schema.space.create('empty', {id = 603}):create_index('pk')
show('empty', c.index_random(603, 0, 5))
show('empty', c.index_min(603, 0, mp()))
show('empty', c.index_max(603, 0, mp()))
show('empty', c.index_len(603, 0))
show('empty', c.index_count(603, 0, 2, mp()))

-- Iterators
local function walk(name, ...)
    local it, err = c.iterator(...)
    if it == nil then
        return show(name, err)
    end
    local list = {}
    for i = 1, 100 do
        local t = c.iterator_next(it)
        if not t then
            break
        end
        list[#list + 1] = tostring((msgpack.decode(c.tuple_data(t)))[1])
    end
    show(name, table.concat(list, ' '), c.iterator_next(it), c.iterator_next(it))
end
for _, type in ipairs({-1, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12}) do
    walk('iterate ' .. type, 600, 0, type, mp())
    walk('iterate ' .. type, 600, 0, type, mp(22))
    walk('iterate ' .. type, 600, 0, type, mp(15))
    walk('iterate ' .. type, 600, 1, type, mp('n1'))
    walk('iterate ' .. type, 600, 1, type, mp(1))
    walk('iterate ' .. type, 600, 0, type, mp(1, 2))
    if type ~= 2 and type ~= 6 then -- the order is its own
        walk('iterate ' .. type, 601, 0, type, mp('k1', 3))
    end
    walk('iterate ' .. type, 600, 8, type, mp())
    walk('iterate ' .. type, 9999, 0, type, mp())
end
-- changed while it is walked
local it = c.iterator(600, 0, 2, mp())
show('next', c.iterator_next(it))
s:delete{2}
s:insert{2, 'again'}
show('next', c.iterator_next(it))
s:delete{2}
show('next', c.iterator_next(it))
s:truncate()
show('after truncate', c.iterator_next(it))
show('after truncate', c.iterator_next(it))
s:insert{1, 'x'}
show('after truncate', c.iterator_next(it))
it = c.iterator(600, 0, 2, mp())
show('next', c.iterator_next(it))
s:insert{2, 'y'}
show('next', c.iterator_next(it))
show('end', c.iterator_next(it))
s:insert{3, 'z'}
show('after the end', c.iterator_next(it))
it = c.iterator(600, 0, 2, mp())
local it2 = c.iterator(600, 1, 2, mp())
show('next', c.iterator_next(it2))
s.index.name:drop()
show('index dropped', c.iterator_next(it2))
show('next', c.iterator_next(it))
s:drop()
show('space dropped', c.iterator_next(it))
show('space dropped', c.iterator_next(it))
it, it2 = nil, nil
collectgarbage()
collectgarbage()

-- Keys of tuples
s = box.schema.space.create('s', {id = 600})
s:create_index('pk', {parts = {3, 'unsigned', 1, 'string'}})
s:create_index('sk', {parts = {{2, 'scalar', is_nullable = true}, {5, 'unsigned', is_nullable = true}},
    unique = false})
local t = c.tuple_new(mp('a', 'b', 300, 'd'))
show('key', c.extract_key(t, 600, 0))
show('key', c.extract_key(t, 600, 1))
show('key', c.extract_key(t, 600, 2))
show('key', c.extract_key(c.insert(600, mp('a', 'b', 300, 'd', 5)), 600, 1))
show('key', #c.extract_key(c.tuple_new(mp('a', ('x'):rep(100000), 1)), 600, 1))

-- Truncate
show('truncate', c.truncate(600), s:len())
show('truncate', c.truncate(600), s:len())
show('truncate', c.truncate(602))
show('truncate', c.truncate(9999))
show('truncate', c.truncate(280))
show('truncate', c.truncate(281))
show('rows', box.space._truncate:get{600}[2])

-- Triggers see the changes and can stop them
s:on_replace(function(old, new)
    if new ~= nil and new[2] == 'stop' then
        error('stopped')
    end
end)
show('trigger', c.insert(600, mp('a', 'stop', 1)))
show('trigger', c.insert(600, mp('a', 'go', 1)))
s:before_replace(function(old, new)
    if new ~= nil and new[2] == 'other' then
        return box.tuple.new({'a', 'changed', 1})
    elseif new ~= nil and new[2] == 'none' then
        return nil
    elseif new ~= nil and new[2] == 'raise' then
        box.error{code = 1234, reason = 'raised'}
    end
    return new
end)
show('trigger', c.replace(600, mp('a', 'other', 1)))
show('trigger', c.insert(600, mp('b', 'none', 1)))
show('trigger', c.insert(600, mp('b', 'raise', 1)))
show('trigger', c.replace(600, mp('a', 'none', 1)))
show('left', s:len())

-- Sequences that are not there
show('sequence', c.sequence_next(1))
show('sequence', c.sequence_current(4294967295))
show('sequence', c.sequence_set(7, 1))
show('sequence', c.sequence_reset(0))
show('push', c.session_push(mp(1)))

-- Read only
box.cfg{read_only = true}
show('read only', c.insert(600, mp('z', 'z', 1)))
show('read only', c.delete(600, 0, mp(1, 'a')))
show('read only', c.truncate(600))
show('read only', c.index_len(600, 0))
box.cfg{read_only = false}
local tmp = box.schema.space.create('tmp', {id = 604, temporary = true})
tmp:create_index('pk')
box.cfg{read_only = true}
show('temporary', c.insert(604, mp(1)))
box.cfg{read_only = false}

-- Rights
box.schema.user.create('u')
box.schema.user.grant('u', 'read', 'space', 's')
box.session.su('u', function()
    show('user', c.space_id('s'), c.space_id('h'), c.space_id('tmp'), c.space_id('_space'))
    show('user', c.index_id(600, 'pk'), c.index_id(601, 'pk'))
    show('user', c.index_len(600, 0))
    show('user', c.index_len(601, 0))
    show('user', c.index_get(600, 0, mp(1, 'x')))
    show('user', c.insert(600, mp('q', 'q', 1)))
    show('user', c.insert(601, mp('q', 1)))
    show('user', c.iterator(601, 0, 2, mp()))
    show('user', c.index_count(601, 0, 2, mp()))
    show('user', c.truncate(600))
    show('user', c.truncate(601))
    show('user', c.extract_key(t, 601, 0))
end)
os.exit(0)
