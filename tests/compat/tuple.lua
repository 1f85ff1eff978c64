-- box.tuple and the methods of tuples.
local ffi = require('ffi')

local function show(v)
    if type(v) == 'string' then
        return ("%q"):format(v)
    elseif type(v) == 'table' then
        local parts = {}
        for i = 1, #v do
            parts[#parts + 1] = show(v[i])
        end
        local names = {}
        for k in pairs(v) do
            if type(k) == 'string' then
                names[#names + 1] = k
            end
        end
        table.sort(names)
        for _, k in ipairs(names) do
            parts[#parts + 1] = k .. '=' .. show(v[k])
        end
        return '{' .. table.concat(parts, ', ') .. '}'
    elseif type(v) == 'function' then
        return 'function'
    end
    return tostring(v)
end

local function try(name, f, ...)
    local res = {pcall(f, ...)}
    local parts = {}
    if not res[1] then
        local e = res[2]
        if type(e) == 'cdata' then
            parts[1] = ('%s %s %s'):format(e.type, tostring(e.code), tostring(e))
        else
            parts[1] = tostring(e):gsub('^[%w/_]+%.lua:%d+: ', '')
        end
    else
        for i = 2, table.maxn(res) do
            parts[#parts + 1] = show(res[i])
        end
    end
    print(name, res[1], table.concat(parts, ' | '))
end

local new = box.tuple.new
local names = {}
for name, v in pairs(box.tuple) do
    names[#names + 1] = name .. ':' .. type(v)
end
table.sort(names)
print(table.concat(names, ' '))

-- new()
try('new nothing', new)
try('new number', new, 1)
try('new numbers', new, 1, 2, 3)
try('new table', new, {1, {2}})
try('new nil', new, nil)
try('new empty', new, {})
try('new map', new, {a = 1})
try('new mixed', new, {1, a = 1})
try('new string', new, 'x')
try('new function', new, print)
try('new function in', new, {print})
try('new nil first', new, nil, 2)
try('new tables', new, {1}, {2})
try('new tuple', new, new{1, 2})
try('new tuple in', new, {new{1, 2}, 3})
try('new hole', new, {1, nil, 3})
try('new sparse', new, {[1] = 1, [20] = 3})
try('new null', new, {box.NULL})
try('new trailing null', new, {1, box.NULL, box.NULL})
try('new zero key', new, {[0] = 1})
try('new negative key', new, {[-1] = 1, 5})
try('new fraction key', new, {[1.5] = 1})
try('new serialize seq', new, {setmetatable({}, {__serialize = 'seq'}),
    setmetatable({}, {__serialize = 'map'}), setmetatable({1}, {__serialize = function()
        return 'ser'
    end})})
try('new index meta', new, setmetatable({1, 2}, {__index = function() end}))
print(pcall(new, {setmetatable({}, {__serialize = function() error({}) end})}) == false)
try('new recursive', function()
    local t = {}
    t[1] = t
    return new(t)
end)
local many = {}
for i = 1, 70000 do
    many[i] = i
end
print(#new(many), new(many)[70000], new(many):bsize())

-- Looking
local t = new{1, 'a', 2.5, true, box.NULL, {1, 2}, {k = 1}, false, '', -7}
print(type(t), t, #t)
for _, k in ipairs{1, 2, 3, 4, 5, 8, 9, 10, 11, 0, -1, 1.5, '1', 'foo', true, '[2]', '[6][1]',
    '[7].k', '[7]["k"]', '[7].z', '[6][3]', '[6].k', '[', '[1', '[0]', '', '.k'} do
    try('index ' .. tostring(k), function() return t[k] end)
end
try('index nil', function() return t[nil] end)
print(t[5] == nil, t[5] == box.NULL, type(t[5]), type(t[6]), #t[6], t[7].k)
try('set number', function() t[1] = 5 end)
try('set name', function() t.foo = 5 end)
print(box.tuple.is(t), box.tuple.is({}), box.tuple.is(nil), box.tuple.is(1), box.tuple.is(box.NULL))
print(t == new{1}, t == t, new{1, 2} == new{1, 2}, t == nil, t ~= nil, t == box.NULL)
try('lt', function() return t < t end)
try('concat', function() return t .. '' end)
try('call', function() return t() end)
try('no method', function() return t:nosuch() end)
print(t.totable ~= nil, t.pairs == t.ipairs, t.nosuch)

-- totable, unpack
for _, args in ipairs{{}, {1}, {2}, {2, 3}, {-2}, {2, -2}, {0}, {100}, {'a'}, {1, 100}, {3, 2},
    {10}, {11}, {1, 1}} do
    try('totable ' .. show(args), t.totable, t, unpack(args))
    try('unpack ' .. show(args), t.unpack, t, unpack(args))
end
try('totable none', t.totable)
try('totable table', t.totable, {})
try('unpack none', t.unpack)
print(select('#', new{}:unpack()), #new{}:totable())

-- slice
for _, args in ipairs{{}, {1}, {1, 2}, {-2}, {-2, -1}, {9}, {10}, {1, 9}, {1, 11}, {2, 2}, {2, 1},
    {0, 0}, {-10}, {-11}, {0}, {1, -1}} do
    try('slice ' .. show(args), t.slice, t, unpack(args))
end
try('slice none', t.slice)
try('slice too many', t.slice, t, 1, 2, 3)

-- find
local f = new{1, 2, 3, 2, '2', 5LL, 5, 5ULL, 'a', box.NULL, true}
for _, args in ipairs{{2}, {3, 2}, {'2'}, {5}, {5LL}, {5ULL}, {'a'}, {true}, {77}, {0, 2}, {2, 2},
    {3, 77}, {box.NULL}, {11, 1}} do
    try('find ' .. show(args), f.find, f, unpack(args))
    try('findall ' .. show(args), f.findall, f, unpack(args))
end
try('find nothing', f.find, f)
try('find bad', f.find, f, -1, 2)
try('find bad', f.find, f, 20, 2)
try('find bad', f.find, f, 'x', 2)
try('find none', f.find)
try('findall none', f.findall)

-- pairs, next
for i, v in t:pairs() do
    print('pairs', i, show(v))
end
for i, v in t:pairs(8) do
    print('pairs 8', i, v)
end
for i, v in t:ipairs() do
    print('ipairs', i, show(v))
end
for i, v in pairs(t) do
    print('pairs()', i, show(v))
end
for i, v in ipairs(new{1, box.NULL, 3}) do
    print('ipairs()', i, v)
end
for _, v in t:pairs():take(2) do
    print('take', v)
end
print(new{1, 2, 3, 4}:pairs():map(function(v) return v * 2 end):sum())
try('pairs none', t.pairs)
try('ipairs none', t.ipairs)
for _, pos in ipairs{0, 1, 4, 9, 10, 11, 100, -1} do
    try('next ' .. pos, t.next, t, pos)
end
try('next', t.next, t)
try('next string', t.next, t, 'a')
try('next none', t.next)

-- bsize, tomap
print(t:bsize(), new{}:bsize(), new{1}:bsize())
try('bsize none', t.bsize)
try('bsize number', t.bsize, 1)
try('tomap', function() return t:tomap() end)
try('tomap names', function() return t:tomap{names_only = true} end)
try('tomap all', function() return t:tomap{names_only = false} end)
try('tomap bad', t.tomap, t, 1)
try('tomap bad', t.tomap, t, {names_only = 1})
try('tomap bad', t.tomap, t, {}, 1)
try('tomap none', t.tomap)

-- transform
for _, args in ipairs{{}, {1}, {1, 1}, {1, 1, 'x'}, {2, 2, 'x', 'y', 'z'}, {-1, 1}, {0, 1}, {10, 1},
    {11, 1}, {11, 1, 7}, {12, 1, 7}, {2, -1}, {1, 0, 'a'}, {2, 100}, {2, 0, {1}}, {'a', 1},
    {-1, 0, 'z'}, {-10, 0, 'z'}, {-11, 1}, {5}, {1, 0, box.NULL}} do
    try('transform ' .. show(args), t.transform, t, unpack(args))
end
try('transform none', t.transform)

-- tostring
print(new{'\n"\'\\', '\x01', 'тест', '\xff', '', ' ', 'a b', '\t', '\r', "it's", 'ы\n', '\xc0\x80',
    '\xed\xa0\x80', '€', '\xf0\x9f\x98\x80', 'null', '1', 'true', '~'})
print(new{1e100, 1 / 3, -0.0, 1e15, 123456789012, 2 ^ 53, -1, 18446744073709551615ULL,
    1 / 0, -1 / 0, 1e14, 1e13, 0.1, 100, 1.5e-7, -9223372036854775807LL, 2 ^ 63, 2 ^ 64, -2 ^ 63,
    ffi.cast('float', 1.5), ffi.cast('double', 2), ffi.cast('int8_t', -5), ffi.cast('uint16_t', 7)})
print(new{{}, {a = {b = {}}}, {{{1}}}, {1, {2, {3}}}, {k = {1, 2}}})
print(new{string.rep('x', 300), {string.rep('y', 100), string.rep('z w', 50)}})
print(new{1, {[1] = 'a', [3] = 'c'}}, new{true, false, box.NULL, nil, 5})
