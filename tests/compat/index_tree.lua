-- TREE indexes: keys of all types, order, iterators, nil, several parts.
box.cfg{log_level = 1}
local uuid = require('uuid')
local ffi = require('ffi')

local results = dofile(os.getenv('COMPAT_DIR') .. '/../lib/results.lua')
local try, show = results.try, results.show

-- Every type takes what it takes, and orders it.
local values = {0, 1, -1, 1.5, -1.5, 0.5, 2 ^ 53, 2 ^ 53 + 2, 9007199254740993ULL, 2 ^ 63,
    9223372036854775807LL, -9223372036854775807LL, 18446744073709551615ULL, 1e300, -1e300, 1 / 0,
    -1 / 0, 0 / 0, '', 'a', 'A', 'aa', 'b', 'aaaaaaaa', 'aaaaaaab', 'aaaaaaa', '\0', '\xff', 'тест',
    true, false, box.NULL, {}, {1}, {a = 1}, ffi.cast('float', 1.5), ffi.cast('float', 0.1),
    ffi.cast('double', 7), 255, 256, 65535, 65536, 4294967295, 4294967296, -128, -129, -32769,
    1152921504606846976ULL, 576460752303423488LL, -576460752303423488LL}
for _, kind in ipairs{'unsigned', 'integer', 'number', 'double', 'string', 'boolean', 'scalar',
    'varbinary', 'uuid'} do
    local s = box.schema.space.create('t_' .. kind)
    s:create_index('pk', {parts = {{1, kind}}})
    for i, v in ipairs(values) do
        -- Tarantool takes NaN and -inf for equal in a double key.
        if v == v or kind ~= 'double' then
            try(kind .. ' insert ' .. i, s.insert, s, {v})
        end
    end
    for _, t in s:pairs() do
        print(kind, t)
    end
    for _, t in s:pairs(nil, {iterator = 'LT'}) do
        print(kind, 'back', t)
    end
    for i, v in ipairs(values) do
        if type(v) ~= 'table' and v ~= nil and (v == v or kind ~= 'double') then
            try(kind .. ' get ' .. i, s.get, s, {v})
            try(kind .. ' GE ' .. i, s.select, s, {v}, {iterator = 'GE', limit = 2})
            try(kind .. ' LT ' .. i, s.select, s, {v}, {iterator = 'LT', limit = 2})
            try(kind .. ' count ' .. i, s.count, s, {v}, {iterator = 'GT'})
        end
    end
    s:drop()
end
local u = box.schema.space.create('u')
u:create_index('pk', {parts = {{1, 'uuid'}}})
for _, id in ipairs{'ffffffff-0000-4000-8000-000000000000', '00000000-0000-4000-8000-000000000001',
    '00000001-0000-4000-8000-000000000000', '00000000-0001-4000-8000-000000000000'} do
    u:insert{uuid.fromstr(id), id}
end
for _, t in u:pairs() do
    print(t[2])
end
print(u:get(uuid.fromstr('00000001-0000-4000-8000-000000000000'))[2])
try('uuid dup', u.insert, u, {uuid.fromstr('00000001-0000-4000-8000-000000000000')})
u:drop()

-- Several parts, secondary indexes, nil
local s = box.schema.space.create('multi')
s:create_index('pk', {parts = {{2, 'string'}, {1, 'unsigned'}}})
s:create_index('plain', {parts = {{3, 'integer'}}, unique = false})
s:create_index('nullable', {parts = {{4, 'unsigned', is_nullable = true}}})
s:create_index('pair', {parts = {{3, 'integer'}, {4, 'unsigned', is_nullable = true}}, unique = false})
local rows = {{1, 'a', 5}, {2, 'a', 5, 1}, {1, 'b', -5, 2}, {2, 'b', 5, box.NULL}, {3, 'b', 0, 3},
    {1, 'c', 7}, {5, 'a', 5, 9}, {4, 'a', 6, 7}}
for _, t in ipairs(rows) do
    try('insert', s.insert, s, t)
end
try('dup nullable', s.insert, s, {9, 'z', 0, 3})
try('dup pk', s.insert, s, {1, 'a', 0, 30})
try('replace other', s.replace, s, {1, 'a', 0, 3})
try('missing part', s.insert, s, {9, 'z'})
local types = {'EQ', 'REQ', 'ALL', 'LT', 'LE', 'GE', 'GT'}
local searches = {
    pk = {{}, {'a'}, {'b'}, {'a', 2}, {'a', 3}, {'zz'}, {''}, {'b', 3}, {'c', 0}},
    plain = {{}, {5}, {0}, {-5}, {6}, {100}},
    nullable = {{}, {box.NULL}, {1}, {4}, {9}, {100}},
    pair = {{}, {5}, {5, box.NULL}, {5, 1}, {5, 5}, {0}, {-6}},
}
for _, name in ipairs{'pk', 'plain', 'nullable', 'pair'} do
    local index = s.index[name]
    for _, key in ipairs(searches[name]) do
        for _, kind in ipairs(types) do
            local what = ('%s %s %s'):format(name, kind, show(key))
            try(what, index.select, index, key, {iterator = kind})
            try(what .. ' count', index.count, index, key, {iterator = kind})
            try(what .. ' page', index.select, index, key, {iterator = kind, offset = 1, limit = 2})
            try(what .. ' far', index.select, index, key, {iterator = kind, offset = 7})
            local seen = {}
            for _, t in index:pairs(key, {iterator = kind}) do
                seen[#seen + 1] = t[2] .. t[1]
            end
            print(what .. ' pairs', table.concat(seen, ' '))
        end
        try(name .. ' min', index.min, index, key)
        try(name .. ' max', index.max, index, key)
        try(name .. ' get', index.get, index, key)
    end
    for _, key in ipairs{{'x', 'y', 'z'}, {{1}}, {true}, {1, 2, 3, 4}} do
        try(name .. ' bad', index.select, index, key)
        try(name .. ' bad', index.get, index, key)
        try(name .. ' bad', index.delete, index, key)
    end
end

-- Iterator options
local pk = s.index.pk
for _, opts in ipairs{{iterator = 'x'}, {iterator = 77}, {iterator = true}, {iterator = 'eq'},
    {iterator = 'Ge'}, {iterator = 0}, {iterator = 3}, {iterator = 7}, {iterator = 11},
    {iterator = 12}, {iterator = -1}, {iterator = 'BITS_ALL_SET'}, {iterator = 'BITS_ANY_SET'},
    {iterator = 'BITS_ALL_NOT_SET'}, {iterator = 'OVERLAPS'}, {iterator = 'NEIGHBOR'},
    {iterator = box.index.LE}, {limit = 0}, {limit = 1}, {limit = -1}, {offset = 3}, {offset = 100},
    {limit = 2, offset = 2}, {limit = 'x'}, {offset = 'x'}, {limit = 1.5}, {unknown = 1},
    {iterator = box.NULL}, {limit = box.NULL}, {}} do
    try('opts', pk.select, pk, {'b', 1}, opts)
    try('opts part', pk.select, pk, 'b', opts)
    if opts.limit == nil and opts.offset == nil then
        try('opts pairs', function()
            local n = 0
            for _ in pk:pairs('b', opts) do
                n = n + 1
            end
            return n
        end)
        try('opts count', pk.count, pk, 'b', opts)
    end
end
try('opts string', pk.select, pk, 'b', 'GE')
try('opts string', pk.select, pk, 'b', 'ZZ')
try('opts number', pk.select, pk, 'b', 5)
for _, name in ipairs{'EQ', 'REQ', 'ALL', 'LT', 'LE', 'GE', 'GT', 'BITS_ALL_SET', 'BITS_ANY_SET',
    'BITS_ALL_NOT_SET', 'OVERLAPS', 'NEIGHBOR'} do
    print(name, box.index[name])
end

-- By a secondary index
try('secondary get', s.index.nullable.get, s.index.nullable, 3)
try('secondary update', s.index.nullable.update, s.index.nullable, 3, {{'=', 3, 33}})
try('secondary delete', s.index.nullable.delete, s.index.nullable, 3)
try('not unique get', s.index.plain.get, s.index.plain, 5)
try('not unique update', s.index.plain.update, s.index.plain, 5, {})
try('not unique delete', s.index.plain.delete, s.index.plain, 5)
try('update secondary field', s.update, s, {'a', 1}, {{'=', 3, 100}, {'=', 4, 50}})
try('update to taken', s.update, s, {'a', 1}, {{'=', 4, 1}})
try('after', s.index.plain.select, s.index.plain, {100})
try('after', s.index.nullable.select, s.index.nullable, {50})
try('len', function()
    return s.index.pk:len(), s.index.plain:len(), s.index.nullable:len(), s.index.pair:len()
end)

-- Walking while it changes
local w = box.schema.space.create('walk')
w:create_index('pk')
for i = 1, 200 do
    w:insert{i}
end
local seen = {}
for _, t in w:pairs() do
    seen[#seen + 1] = t[1]
    w:delete(t[1])
    w:delete(t[1] + 1)
    if t[1] % 10 == 1 and t[1] < 200 then
        w:insert{t[1] + 1000}
    end
end
print(#seen, table.concat(seen, ' '))
for i = 1, 50 do
    w:replace{i}
end
seen = {}
for _, t in w:pairs(40, {iterator = 'LE'}) do
    seen[#seen + 1] = t[1]
    w:delete(t[1] - 1)
    w:replace{t[1], 'changed'}
end
print(table.concat(seen, ' '))
seen = {}
for _, t in w:pairs(10, {iterator = 'GE'}) do
    seen[#seen + 1] = t[1]
    if #seen == 5 then
        w:truncate()
    end
end
print(table.concat(seen, ' '))
for i = 1, 20 do
    w:insert{i, i * 2}
end
seen = {}
for _, t in w:pairs() do
    seen[#seen + 1] = t[1]
    if #seen == 5 then
        w:drop()
    end
end
print(#seen >= 5)
s:drop()
os.exit(0)
