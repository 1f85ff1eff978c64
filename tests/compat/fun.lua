-- fun: every generator, iterator and reducer, as functions and as methods.
local fun = require('fun')
local iterator_mt = getmetatable((fun.range(1)))
local unpack = unpack

local function keys(t)
    local names = {}
    for name in pairs(t) do
        names[#names + 1] = tostring(name)
    end
    table.sort(names)
    return table.concat(names, ' ')
end

local show

local function list(it)
    local items, n = {}, 0
    local ok, err = pcall(function()
        for _, a, b, c in it:unwrap() do
            n = n + 1
            if n > 9 then
                items[n] = '...'
                break
            end
            items[n] = show(a) .. (b ~= nil and ':' .. show(b) or '')
                .. (c ~= nil and ':' .. show(c) or '')
        end
    end)
    return '<' .. table.concat(items, ' ') .. '>' .. (ok and '' or show(err))
end

function show(v)
    if type(v) ~= 'table' then
        return (tostring(v):gsub('0x%x+', 'ADDR'):gsub("local '%w+'", 'local')
            :gsub('builtin[#/][%w.]*:?%d*:? ?', ''))
    end
    if getmetatable(v) == iterator_mt then
        return list(v)
    end
    local items = {}
    for i, value in ipairs(v) do
        items[i] = show(value)
    end
    local names = {}
    for name in pairs(v) do
        if type(name) ~= 'number' or name > #v or name < 1 then
            names[#names + 1] = name
        end
    end
    table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
    for _, name in ipairs(names) do
        items[#items + 1] = tostring(name) .. '=' .. show(v[name])
    end
    return '{' .. table.concat(items, ' ') .. '}'
end

-- An iterator comes with its param and state: those are internal.
local function report(name, ok, ...)
    local res = {tostring(ok)}
    for i = 1, select('#', ...) do
        local v = select(i, ...)
        res[#res + 1] = show(v)
        if type(v) == 'table' and getmetatable(v) == iterator_mt and i == select('#', ...) - 2 then
            break
        end
    end
    print(name, table.concat(res, ' '))
end

local function try(name, ...)
    report(name, pcall(fun[name], ...))
end

local function method(it, name, ...)
    report(':' .. name, pcall(it[name], it, ...))
end

print(keys(fun))
print(keys(iterator_mt))
print(keys(iterator_mt.__index))
print(keys(fun.op))
print(keys((fun.range(1))))
print(fun.op == fun.operator, tostring((fun.range(1))))

print('iter')
for _, arg in ipairs({1, true, 1LL, io.stdout}) do
    print((pcall(fun.iter, arg)))
end
try('iter')
try('iter', nil)
try('iter', box.NULL)
try('iter', 1)
try('iter', {})
try('iter', {1, 2, 3})
try('iter', {a = 1})
try('iter', {1, 2, a = 3})
try('iter', 'abc')
try('iter', '')
try('iter', ipairs({5, 6}))
try('iter', fun.range(2))
try('iter', (fun.range(2)))
try('iter', {1, nil, 3})
try('iter', {{1, 2}, {3}})
for _, a in fun.iter({7, 8}) do
    io.write(a, ' ')
end
for _, k, v in fun.iter({x = 9}) do
    print(k, v)
end
-- (a __pairs method is honoured)
try('iter', setmetatable({}, {__pairs = function() return ipairs({'p'}) end}))
try('iter', setmetatable({}, {__ipairs = function() return ipairs({'i'}) end}))
print(fun.wrap(ipairs({1})):totable()[1], (select('#', fun.range(3):unwrap())))

print('generators')
for _, args in ipairs({{0}, {-3}, {1, 3}, {3, 1}, {1, 6, 2}, {6, 1, -2}, {1, 3, -1}, {1, 3, 0},
    {'a'}, {0, 1, 0.25}, {5, 1}, {1, 'x'}, {1, 2, 'x'}, {0, 0}, {2, 2}, {-1, 1}, {1, -1}, {3.5},
    {0.5, 2}}) do
    try('range', unpack(args))
end
try('range')
try('duplicate')
try('duplicate', 1, 2)
try('xrepeat', 1)
try('replicate', 'x')
try('tabulate', function(x) return x * 2 end)
try('zeros')
try('ones')
try('rands', 5, 1)
try('rands', 1, 1)
try('rands', 'a')
try('rands', 1, 'a')
try('rands', 1)
try('rands', -1, 0)
print(fun.take(100, fun.rands()):all(function(x) return x >= 0 and x < 1 end))
print(fun.take(100, fun.rands(3, 6)):all(function(x) return x >= 3 and x < 6 end))
print(fun.take(100, fun.rands(3)):all(function(x) return x >= 0 and x < 3 end))

print('slicing')
for _, args in ipairs({{2, {1, 2, 3}}, {0, {1}}, {-1, {1}}, {5, {1}}, {'a', {1}}, {2, 'abc'},
    {9, 'abc'}, {2, {a = 1}}, {1}, {}}) do
    try('nth', unpack(args, 1, 2))
    try('take_n', unpack(args, 1, 2))
    try('take', unpack(args, 1, 2))
    try('drop_n', unpack(args, 1, 2))
    try('drop', unpack(args, 1, 2))
    try('split', unpack(args, 1, 2))
    try('split_at', unpack(args, 1, 2))
end
for _, name in ipairs({'head', 'car', 'tail', 'cdr', 'is_null', 'length', 'totable', 'sum',
    'product', 'min', 'max', 'minimum', 'maximum', 'enumerate', 'cycle'}) do
    for _, arg in ipairs({{1, 2, 3}, {3, 1, 2}, {}, 'abc', '', {a = 1}, {5}, fun.range(3),
        (fun.zip({1, 2}, {3, 4}))}) do
        try(name, arg)
    end
    try(name)
    try(name, 1)
end
local small = function(x) return x < 3 end
local is_a = function(x) return x == 'a' end
for _, name in ipairs({'take_while', 'take', 'drop_while', 'drop', 'span', 'split', 'filter',
    'remove_if', 'grep', 'partition', 'all', 'every', 'any', 'some', 'map'}) do
    try(name, small, {1, 2, 3, 2})
    try(name, small, {5, 6})
    try(name, small, {})
    try(name, is_a, 'aab')
    try(name, is_a, '')
    try(name, is_a, {a = 1})
    try(name, small, fun.range(5))
    try(name, function() end, {1, 2})
    try(name, small)
    try(name, small, nil)
    try(name, function(a, b) return a < b end, fun.zip({1, 5, 2}, {2, 3, 9}))
end
try('take_while', {}, {1})
try('drop_while', {}, {1})
try('take', {}, {1})
try('drop', {}, {1})
try('filter', nil, {})
try('filter', 'a', {'a', 'b', 'ab'})
try('grep', 'a', {'a', 'b', 'ab'})
try('grep', '^a', fun.iter('abc'))
try('grep', 1, {1, 2})
try('partition', 'a', {'a', 'b'})
try('map', nil, {1})
try('remove_if', nil, {1})

print('indexing')
for _, name in ipairs({'index', 'index_of', 'elem_index', 'indexes', 'indices', 'elem_indexes',
    'elem_indices'}) do
    try(name, 2, {1, 2, 3, 2})
    try(name, 9, {1})
    try(name, 'b', 'abcb')
    try(name, 1, {})
    try(name, 1)
end

print('reducing')
for _, name in ipairs({'foldl', 'reduce'}) do
    try(name, function(acc, x) return acc + x end, 0, {1, 2, 3})
    try(name, function(acc, x) return acc .. x end, '', 'abc')
    try(name, function(acc, x, y) return acc + x * y end, 0, fun.zip({1, 2}, {3, 4}))
    try(name, fun.op.add, 1, {})
    try(name, nil, 1, {1})
    try(name, fun.op.add, 1)
end
for _, name in ipairs({'min_by', 'minimum_by', 'max_by', 'maximum_by'}) do
    try(name, function(a, b) return math.abs(a) < math.abs(b) and a or b end, {-3, 2, 5})
    try(name, function(a, b) return a > b and a or b end, 'abc')
    try(name, math.min, {})
    try(name, math.min)
end
try('min', {'b', 'a'})
try('max', {'b', 'a'})
try('max', {1, 'a'})
try('min', {nil})
try('totable', fun.zip({1, 2}, {3, 4}))
try('tomap', fun.zip({1, 2}, {3, 4}))
try('tomap', {7, 8})
try('tomap', {a = 1})
try('tomap', 'ab')
try('tomap', {})
try('is_prefix_of', {1, 2}, {1, 2, 3})
try('is_prefix_of', {1, 3}, {1, 2, 3})
try('is_prefix_of', {}, {})
try('is_prefix_of', {1, 2}, {1})
try('is_prefix_of', 'ab', 'abc')
try('is_prefix_of', {1})
for _, name in ipairs({'each', 'for_each', 'foreach'}) do
    try(name, function(...) print('', ...) end, {1, 2})
    try(name, function(...) print('', ...) end, fun.zip({1}, {2}))
    try(name, function(...) print('', ...) end, {})
    try(name, nil, {1})
    try(name, print)
end

print('transforming')
try('map', function(x) return x, x * 2 end, {1, 2})
try('map', function(x, y) return x + y end, fun.zip({1, 2}, {3, 4}))
try('enumerate', {'a', 'b'})
try('enumerate', fun.zip({1}, {2}))
try('intersperse', 'x', {1, 2, 3})
try('intersperse', 'x', {})
try('intersperse', 'x', {1})
try('intersperse', '-', 'abc')
try('intersperse', 'x')

print('composing')
try('zip', {1, 2}, {3, 4, 5})
try('zip', 'ab', {1, 2}, fun.range(9))
try('zip', {1})
try('zip', {}, {1})
try('zip')
try('zip', {1}, nil)
try('zip', fun.range(3), fun.range(3))
try('zip', 1, {2})
try('chain', {1, 2}, {3})
try('chain', {}, {}, {1}, 'ab')
try('chain', {1})
try('chain')
try('chain', {1}, 2)
try('chain', fun.range(2), fun.range(3))
try('cycle', fun.range(2))
try('cycle', 'ab')
try('cycle', fun.zip({1, 2}, {3, 4}))

print('methods')
local it = fun.range(6)
for _, name in ipairs({'take', 'take_n', 'drop', 'drop_n', 'nth', 'split', 'split_at', 'index',
    'indexes'}) do
    method(it, name, 2)
end
for _, name in ipairs({'head', 'car', 'tail', 'cdr', 'length', 'is_null', 'totable', 'tomap',
    'sum', 'product', 'min', 'max', 'enumerate', 'cycle'}) do
    method(it, name)
end
for _, name in ipairs({'take_while', 'drop_while', 'span', 'filter', 'remove_if', 'partition',
    'all', 'any', 'map', 'each'}) do
    method(it, name, small)
end
method(it, 'foldl', fun.op.add, 0)
method(it, 'reduce', fun.op.mul, 1)
method(it, 'min_by', math.min)
method(it, 'intersperse', 0)
method(it, 'is_prefix_of', {1, 2, 3, 4, 5, 6, 7})
method(it, 'zip', {'a', 'b'})
method(it, 'chain', {'a', 'b'})
method(it, 'zip')
print(fun.range(10):filter(function(x) return x % 2 == 0 end):map(function(x) return x * x end)
    :take(3):sum())
print(fun.range(3):chain({7}, 'ab'):map(tostring):intersperse(','):reduce(fun.op.concat, ''))
print(show(fun.zip(fun.range(3), 'abc'):map(function(a, b) return b .. a end):totable()))

print('operators')
local names = {}
for name in pairs(fun.op) do
    names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(names) do
    -- (neq negates a number in Tarantool)
    local res = {}
    for _, args in ipairs(name == 'neq' and {} or {{7, 2}, {-7, 2}, {7, -2}, {2, 2}, {0, 1}, {'a', 'b'}, {true, false}}) do
        local ok, v = pcall(fun.op[name], args[1], args[2])
        res[#res + 1] = ok and tostring(v) or 'error'
    end
    print(name, table.concat(res, ' '))
end

-- `fun()` puts all functions in the global table.
local before = {}
for name in pairs(_G) do
    before[name] = true
end
print(select('#', fun()))
local new = {}
for name in pairs(_G) do
    if not before[name] then
        new[#new + 1] = name
    end
end
table.sort(new)
print(table.concat(new, ' '))
os.exit(0)
