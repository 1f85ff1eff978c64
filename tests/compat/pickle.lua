-- pickle: every format character with good and bad values.
local pickle = require('pickle')

local function show(v)
    if type(v) == 'string' then
        return '"' .. v:gsub('[^%g ]', function(c)
            return ('\\%d'):format(c:byte())
        end) .. '"'
    end
    return type(v) == 'table' and '{}' or type(v) .. ':' .. tostring(v)
end

local function try(name, ...)
    local res, args = {pcall(pickle[name], ...)}, {}
    for i = 1, table.maxn(res) do
        res[i] = show(res[i])
    end
    for i = 1, select('#', ...) do
        args[i] = show((select(i, ...)))
    end
    print(name, table.concat(args, ','), '=', table.concat(res, ' '))
end

local values = {0, 1, 255, 256, -1, 65536, 4294967296, 1.5, 1e14, 9007199254740992, 'abc', '12',
    18446744073709551615ULL, -5LL, true}
local inputs = {'', '\1', '\1\2', '\1\2\3\4', '\1\2\3\4\5\6\7\8',
    '\200\200\200\200\200\200\200\200', '\200\200\200\200\200\200\200\200\9', '\3abcdef'}
for format in ('bBsSiIlLnNqQdfaAzxwWDFPUchR 1,'):gmatch('.') do
    for _, v in ipairs(values) do
        try('pack', format, v)
    end
    try('pack', format)
    for _, input in ipairs(inputs) do
        try('unpack', format, input)
    end
end
try('pack')
try('pack', 1)
try('pack', '')
try('pack', '', 1)
try('pack', 'ii', 1)
try('pack', 'i', 1, 2)
try('pack', 'bA', 1, 'xx')
try('pack', 'z', 1)
try('pack', {})
try('unpack')
try('unpack', 'i')
try('unpack', 1, 2)
try('unpack', '', '')
try('unpack', '', 'a')
try('unpack', 'b', '')
try('unpack', 'bb', '\1')
try('unpack', 'bA', '\1abc')
try('unpack', 'AA', 'abc')
try('unpack', 'zb', 'abc\0\5')
try('unpack', 'b', 1)
try('unpack', 'b', {})
try('unpack', 'a', 'xyz')
try('unpack', 'aa', 'xyz')
try('pack', 'i i', 1, 2)
try('pack','i,i',1,2)
try('unpack', 'i i', '\1\2\3\4\5\6\7\8')
try('pack', 'R', 1)
try('unpack', 'R', 'abc')
try('pack', 'aaa', 'x', 'y', 'z')
try('pack', 'l', 'a')
try('pack', 'b', nil)
try('pack', 'q', '12')
os.exit(0)
