-- Definitions in transactions, objects of dropped users, changes under way.
box.cfg{log_level = 0, wal_mode = 'none', listen = nil}
local results = dofile(os.getenv('COMPAT_DIR') .. '/../lib/results.lua')
local show, try = results.show, results.try
local fiber = require('fiber')
local function rows(name, ...)
    local out = {}
    for _, t in ipairs(box.space[name]:select(...)) do
        t = t:totable()
        if name == '_func' then
            t[18], t[19] = '', ''
        end
        out[#out + 1] = t
    end
    return out
end

-- Users, grants and functions are undone too.
try('rollback of a user', function()
    box.begin()
    box.schema.user.create('u', {password = 'x'})
    box.rollback()
    return box.schema.user.exists('u'), rows('_priv', {32})
end)
pcall(box.rollback)
box.schema.user.create('u')
local t = box.schema.space.create('t')
t:create_index('pk')
try('rollback of a grant', function()
    box.begin()
    box.schema.user.grant('u', 'read', 'space', 't')
    local during = box.session.su('u', function() return #t:select() end)
    box.rollback()
    return during, pcall(box.session.su, 'u', function() return t:select() end)
end)
pcall(box.rollback)
box.schema.user.grant('u', 'read', 'space', 't')
try('rollback of a revoke', function()
    box.begin()
    box.schema.user.revoke('u', 'read', 'space', 't')
    local ok = pcall(box.session.su, 'u', function() return t:select() end)
    box.rollback()
    return ok, pcall(box.session.su, 'u', function() return #t:select() end)
end)
pcall(box.rollback)
try('rollback of a drop', function()
    box.begin()
    box.schema.user.drop('u')
    local there = box.schema.user.exists('u')
    box.rollback()
    return there, box.schema.user.exists('u'), box.schema.user.info('u'),
        pcall(box.session.su, 'u', function() return #t:select() end)
end)
pcall(box.rollback)
try('rollback of a role', function()
    box.begin()
    box.schema.role.create('r')
    box.schema.role.grant('r', 'write', 'space', 't')
    box.schema.user.grant('u', 'r')
    box.session.su('u', function() t:replace{1} end)
    box.rollback()
    return t:count(), box.schema.role.exists('r'), pcall(box.session.su, 'u', function() t:replace{1} end)
end)
pcall(box.rollback)
try('rollback of a function', function()
    box.begin()
    box.schema.func.create('f', {body = 'function() return 1 end'})
    local result = box.func.f:call()
    box.rollback()
    return result, box.func.f, box.schema.func.exists('f')
end)
pcall(box.rollback)
box.schema.func.create('f', {body = 'function() return 1 end'})
try('rollback of a drop', function()
    box.begin()
    box.schema.func.drop('f')
    local there = box.func.f
    box.rollback()
    return there, box.func.f:call(), box.schema.func.exists('f')
end)
pcall(box.rollback)
try('savepoint', function()
    box.begin()
    box.schema.space.create('a'):create_index('pk')
    local sp = box.savepoint()
    box.schema.space.create('b'):create_index('pk')
    box.space.a:create_index('sk', {parts = {2, 'string'}})
    box.rollback_to_savepoint(sp)
    box.space.a:insert{1}
    box.commit()
    return box.space.a:select(), box.space.b, box.space.a.index.sk
end)
pcall(box.rollback)
try('truncate and insert', function()
    box.space.a:insert{2}
    box.begin()
    box.space.a:truncate()
    box.space.a:insert{3}
    box.space.a:insert{4}
    local sp = box.savepoint()
    box.space.a:truncate()
    box.space.a:insert{5}
    box.rollback_to_savepoint(sp)
    local during = box.space.a:select()
    box.rollback()
    return during, box.space.a:select()
end)
pcall(box.rollback)
try('a failed statement', function()
    box.begin()
    box.space.a:insert{10}
    local ok, e = pcall(box.schema.space.create, 'a')
    local ok2, e2 = pcall(box.space.a.create_index, box.space.a, 'x', {parts = {9, 'string'}})
    local ok3, e3 = pcall(box.space.a.format, box.space.a, {{'id', 'unsigned'}, {'x', 'string'}})
    box.space.a:format({{'id', 'unsigned'}, {'y', 'any', is_nullable = true}})
    box.space.a:rename('aa')
    box.space.aa:rename('a')
    box.commit()
    return ok, e.message, ok2, e2.message, ok3, e3.message, box.space.a:get(10)
end)
pcall(box.rollback)
try('yield', function()
    box.begin()
    box.schema.space.create('y')
    fiber.yield()
    box.commit()
end)
pcall(box.rollback)
try('yield', function() return box.space.y, box.space._space.index.name:get('y') end)

-- What belongs to a user goes with him.
box.session.su('admin')
box.schema.user.grant('u', 'read,write,create', 'universe')
try('creates', function()
    return box.session.su('u', function()
        local s = box.schema.space.create('mine')
        s:create_index('pk')
        s:insert{1}
        box.schema.func.create('myfunc')
        return s:select(), box.space._space:get(s.id)[2] == box.session.euid()
    end)
end)
box.schema.user.revoke('u', 'read,write,create', 'universe')
try('owner', function()
    return box.session.su('u', function()
        return box.space.mine:select(), box.space.mine:replace{2}
    end)
end)
try('owner', function() return box.session.su('u', function() return box.space.mine:create_index('sk') end) end)
try('owner', function() return box.session.su('u', function() return box.space.mine:drop() end) end)
try('drop', box.schema.user.drop, 'u')
try('gone', function() return box.space.mine, box.schema.func.exists('myfunc'), rows('_priv', {32}) end)
try('drop a role with members', function()
    box.schema.user.create('v')
    box.schema.role.create('r')
    box.schema.user.grant('v', 'r')
    box.schema.role.drop('r')
    return box.schema.user.info('v')
end)
try('a space with grants', function()
    local s = box.schema.space.create('granted')
    box.schema.user.grant('v', 'read', 'space', 'granted')
    s:drop()
    return box.schema.user.info('v')
end)

-- A dropped one is not its successor.
try('again', function()
    local old = box.schema.space.create('again', {id = 900})
    old:create_index('pk')
    old:insert{1}
    old:drop()
    local new = box.schema.space.create('again', {id = 900})
    new:create_index('pk')
    return old == new, new:select()
end)
try('swap names', function()
    local a, b = box.schema.space.create('one'), box.schema.space.create('two')
    a:rename('tmp')
    b:rename('one')
    a:rename('two')
    return a.name, b.name, box.space.one == b, box.space.two == a, box.space.tmp
end)
try('drop while walking', function()
    local s = box.schema.space.create('walk')
    s:create_index('pk')
    for i = 1, 10 do
        s:insert{i}
    end
    local n = 0
    for _, tuple in s:pairs() do
        n = n + 1
        if n == 3 then
            s:truncate()
        end
    end
    return n
end)

-- Formats.
local f = box.schema.space.create('fmt', {format = {{'a', 'unsigned'}, {'b', 'string'}}})
f:create_index('pk')
try('fits', function() return f:insert{1, 'x'} end)
try('type', function() return f:insert{1, 2} end)
try('type', function() return f:insert{'x', 'x'} end)
try('missing', function() return f:insert{2} end)
try('nil', function() return f:insert{2, box.NULL} end)
try('more', function() return f:insert{2, 'y', 'z', {1}} end)
for i, format in ipairs{
    {{'a', 'unsigned'}, {'b', 'scalar'}}, {{'a', 'unsigned'}, {'b', 'any'}}, {{'a', 'integer'}, {'b', 'string'}},
    {{'a', 'unsigned'}, {'b', 'unsigned'}}, {{'a', 'unsigned'}, {'b', 'string'}, {'c', 'string'}},
    {{'a', 'unsigned'}, {'b', 'string'}, {'c', 'string', is_nullable = true}}, {{'b', 'unsigned'}, {'a', 'string'}},
    {{'a', 'unsigned'}}, {}, {{'a', 'string'}}, {{'a', 'number'}}, {{name = 'a', type = 'unsigned', is_nullable = true}},
    {{'a', 'unsigned'}, {'b', 'string'}},
} do
    try('format ' .. i .. ' ' .. show(format), function()
        f:format(format)
        local tuple = f:get(1)
        return tuple.a, tuple.b, tuple:tomap({names_only = true})
    end)
end
try('by old tuples', function()
    local old = f:get(1)
    f:format({{'x', 'unsigned'}, {'y', 'string'}})
    return old.a, old.x, old.y, f:get(1).x
end)
try('frommap', function() return f:frommap({x = 1, y = 'q'}), f:frommap({x = 1, z = 2}) end)
try('update by name', function() return f:update(1, {{'=', 'y', 'new'}}) end)
try('update by old name', function() return f:update(1, {{'=', 'b', 'new'}}) end)
try('field_count', function()
    local s = box.schema.space.create('fc', {field_count = 2})
    s:create_index('pk')
    return s:insert{1, 2}, pcall(s.insert, s, {1}), pcall(s.insert, s, {1, 2, 3})
end)
try('temporary', function()
    local s = box.schema.space.create('tmp2', {temporary = true, is_local = true})
    s:create_index('pk')
    s:insert{1}
    return s:select(), s.temporary, s.is_local, rows('_space', {s.id})
end)
try('collations', function() return box.space._collation:count(), box.space._collation:get(276) end)
os.exit(0)
