-- csv: reading and writing. (An empty quoted field is a quote in Tarantool, and
-- its dump() does not quote a field that has quotes: neither is compared.)
local csv = require('csv')

local function show(v)
    if type(v) ~= 'table' then
        return (tostring(v):gsub('builtin/[%w/_.]*%.lua:%d+: ', ''))
    end
    local rows = {}
    for i, row in ipairs(v) do
        local fields = {}
        for j, field in ipairs(row) do
            fields[j] = '[' .. field .. ']'
        end
        rows[i] = '{' .. table.concat(fields) .. '}'
    end
    return table.concat(rows, ' ')
end

local function quoted(s)
    return (('%q'):format(s):gsub('[%c]', function(c)
        return ('\\%d'):format(c:byte())
    end))
end

local function load(...)
    local ok, res = pcall(csv.load, ...)
    print(ok, quoted(show(res)))
end

local texts = {'', 'a', 'a,b', 'a,b\n', 'a,b\nc,d', 'a,b\r\nc,d\r\n', 'a,b\rc', '\n', '\n\na\n\n',
    'a,,b', ',', ',\n', '"a","b"', '"a,b",c', '"a""b"', 'a "b" c', '"a" x,b', ' a , b ',
    '  "a"  ,b', '"a\nb",c', '"a"b"c"', '\t a', '"a"\n\n"b"', 'ё,☃', 'a,b,', 'a\0b,c', '" a ",b',
    'x" a "  ,b', 'a"b" ,c', 'a\r\n\r\nb', 'a,"b\r\nc"', 'a\n\r\nb', '"a";"b"', ' ,b', '" ",b',
    'a"b', '"unclosed', 'a,"unclosed\nb', 'a\n"b\n', 'a,b\n\n"x\ny",z\r\n'}
for _, text in ipairs(texts) do
    io.write(quoted(text), ' ')
    load(text)
    -- In pieces of every size it is the same.
    local whole = show(csv.load(text))
    for size = 1, 3 do
        local at = 1
        local source = {read = function()
            local piece = text:sub(at, at + size - 1)
            at = at + size
            return piece
        end}
        if show(csv.load(source)) ~= whole then
            print('differs in pieces of ' .. size)
        end
    end
end
load('a;b', {delimiter = ';'})
load("'a,b',c", {quote_char = "'"})
load('a\tb', {delimiter = '\t'})
load('a%b^c]d', {delimiter = '%'})
load('a%b^c]d', {delimiter = '^'})
load('a%b^c]d', {delimiter = ']'})
load('a\nb\nc', {skip_head_lines = 1})
load('a\nb\nc', {skip_head_lines = 9})
load('a,b\nc', {chunk_size = 1})
load('a,b', {unknown = 1})
load({})
local sizes = {}
local reads = 0
load({read = function(_, n)
    reads = reads + 1
    sizes[reads] = n
    return reads == 1 and 'a,b' or ''
end}, {chunk_size = 10})
print(table.concat(sizes, ' '))

for i, row in csv.iterate('a,b\nc\n\n"d\ne"') do
    print(i, #row, row[1])
end
for i, row in csv.iterate('a,b\nc', {skip_head_lines = 1}) do
    print(i, row[1])
end

local function dump(...)
    local ok, res = pcall(csv.dump, ...)
    print(ok, ok and quoted(tostring(res)) or show(res))
end

dump({})
dump({{}})
dump({1, 2, 3})
dump({{1, 2}, {3, 4}})
dump({'a,b', 'e\nf', 'g h', '', "'", 'x\ry'})
dump({{nil, 1}})
dump({{true, 1.5, 1LL}})
dump({{'a;b', 'c'}}, {delimiter = ';'})
dump({{1}, {2, 3}, {}})
dump({{a = 1}})
dump({{1, 2}}, {delimiter = '\t'})
dump()
dump(1)
dump('x')
local written = {}
print(csv.dump({{1, 2}, {3}}, nil, {write = function(_, text)
    written[#written + 1] = text
end}))
print(table.concat(written, '|'))
for _, rows in ipairs({{{'a', 'b,c'}, {'d\ne', ''}, {"f'g"}}}) do
    print(show(csv.load(csv.dump(rows))) == show(rows))
end
os.exit(0)
