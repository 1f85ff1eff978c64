-- What Tarantool adds to the string library.
local names = {}
for name in pairs(string) do
    names[#names + 1] = name
end
table.sort(names)
print(table.concat(names, ' '))

local function show(v)
    if type(v) == 'string' then
        return ('%q'):format(v):gsub('[%z\1-\31]', function(c)
            return ('\\%d'):format(c:byte())
        end)
    end
    return tostring(v)
end

-- Each line tells the arguments, then what came.
local function try(name, ...)
    local args, res = {}, {}
    for i = 1, select('#', ...) do
        local v = select(i, ...)
        args[i] = type(v) == 'table' and '{}' or show(v)
    end
    local got = {pcall(string[name], ...)}
    for i = 1, table.maxn(got) do
        res[i] = show(got[i])
        if type(got[i]) == 'table' then
            for k, v in ipairs(got[i]) do
                got[i][k] = show(v)
            end
            res[i] = '{' .. table.concat(got[i], ', ') .. '}'
        end
    end
    print(name .. '(' .. table.concat(args, ', ') .. ')', table.concat(res, ' '))
end

local texts = {'', ' ', '  ', 'a', ' a', 'a ', ' a b ', 'a  b\tc\n\vd\fe\rf', 'a\0b'}
for _, text in ipairs(texts) do
    try('split', text)
    try('split', text, ' ')
    try('split', text, ' ', 1)
    try('split', text, '  ')
    for _, max in ipairs({0, 1, 2, 3, 100}) do
        try('split', text, nil, max)
    end
    try('strip', text)
    try('lstrip', text)
    try('rstrip', text)
    try('hex', text)
end
for _, case in ipairs({{'a.b.c', '.'}, {'aXXbXXXc', 'XX'}, {'a%b', '%'}, {'a.b.c', '.', 0},
    {'a.b.c', '.', 1}, {'a.b.c', '.', 2}, {'a.b.c', '.', 9}, {',a,,b,', ','}, {'abc', 'abc'},
    {'a', ',', -1}, {'a', ',', 1.5}, {'a', ',', '1'}, {1}, {'a', 1}, {}, {'a', {}},
    {'a b', ' ', 2 ^ 40}}) do
    try('split', unpack(case, 1, 3))
end

for _, name in ipairs({'ljust', 'rjust', 'center'}) do
    for width = 0, 7 do
        try(name, 'abc', width)
        try(name, 'ab', width, '*')
    end
    try(name, '', 3, '\0')
    for _, bad in ipairs({{}, {1}, {'a'}, {'a', {}}, {'a', -5}, {'a', 1.5}, {'a', '5'},
        {'a', 5, ''}, {'a', 5, 'xy'}, {'a', 5, 1}, {'a', 5, {}}}) do
        try(name, unpack(bad))
    end
end

for first = -8, 8 do
    try('startswith', 'abcabc', 'abc', first)
    try('endswith', 'abcabc', 'abc', first)
    try('startswith', 'abcabc', 'abc', 1, first)
    try('endswith', 'abcabc', 'abc', 1, first)
    try('startswith', 'abcabc', 'bc', first, -1)
    try('startswith', 'abcabc', '', first)
    try('endswith', 'abcabc', '', first)
    try('startswith', 'abcabc', 'ca', 3, first)
    try('endswith', 'abcabc', 'ca', 3, first)
end
try('startswith', 'abc', 'b', nil, 1)
try('startswith', 'a', 'abc')
try('endswith', 'a', 'cba')
try('startswith', 'a\0b', 'a\0')
try('endswith', 'a\0b', '\0b')
for _, bad in ipairs({{}, {1}, {'a'}, {'a', 1}, {'a', {}}, {'a', 'b', 'c'}, {'a', 'b', 1, 'c'},
    {'a', 'b', {}}, {'a', 'b', 1, {}}}) do
    try('startswith', unpack(bad))
end
for _, bad in ipairs({{'a', 'b', 'c'}, {'a', 'b', 1, 'c'}}) do
    try('endswith', unpack(bad))
end

for _, name in ipairs({'strip', 'lstrip', 'rstrip'}) do
    for _, case in ipairs({{'xxaxx', 'x'}, {'xyzayx', 'xyz'}, {'abc', ''}, {'abab', 'ab'},
        {'%a%', '%'}, {'\0a\0', '\0'}, {' a ', 'a'}, {'\255a\255', '\255'}, {}, {1}, {{}},
        {'a', 1}, {'a', {}}}) do
        try(name, unpack(case))
    end
end

try('hex', '\0\1\127\128\255')
try('fromhex', '00017f80ff')
try('fromhex', 'A0fFbC')
try('fromhex', '')
for _, name in ipairs({'hex', 'fromhex'}) do
    for _, bad in ipairs({{}, {1}, {{}}, {'x'}, {'xx'}, {'0g'}, {' 0'}}) do
        try(name, unpack(bad))
    end
end

-- Errors point at the caller.
local function where(f)
    print((select(2, pcall(f)):gsub('^.*/', '')))
end
where(function() local x = string.split() return x end)
where(function() local x = ('a'):ljust() return x end)
where(function() local x = ('a'):startswith() return x end)
where(function() local x = string.hex() return x end)
where(function() local x = string.fromhex('x') return x end)
where(function() local x = string.strip() return x end)
print(('a,b'):split(',')[2], ('ab'):hex(), ('x'):rjust(3))
os.exit(0)
