-- utf8: everything but cmp and casecmp.
local utf8 = require('utf8')
print(utf8 == _G.utf8)

local function show(v)
    if type(v) == 'string' then
        return '"' .. v:gsub('[%z\1-\31\128-\255]', function(c)
            return ('\\%d'):format(c:byte())
        end) .. '"'
    end
    return type(v) == 'table' and '{}' or tostring(v)
end

local function try(name, ...)
    local res, args = {pcall(utf8[name], ...)}, {}
    for i = 1, table.maxn(res) do
        res[i] = show(res[i])
    end
    for i = 1, select('#', ...) do
        args[i] = show((select(i, ...)))
    end
    print(name, table.concat(args, ','), '=', table.concat(res, ' '))
end

for _, name in ipairs({'len', 'sub', 'upper', 'lower', 'next', 'char', 'isalpha', 'isdigit',
    'islower', 'isupper'}) do
    for _, args in ipairs({{}, {1}, {{}}, {'a'}, {'a', 'b'}, {'a', 1}, {'a', {}}, {'a', 1, {}},
        {'a', 1, 'x'}, {'a', 1, 1, 1}, {'a', '1', '1'}}) do
        try(name, unpack(args))
    end
end

local texts = {'aё☃b', 'a\200b', 'x\226\152', '\237\160\128z', '', '\244\144\128\128',
    '\240\159\152\128!'}
for _, text in ipairs(texts) do
    try('len', text)
    for i = -9, 9 do
        try('len', text, i)
        try('next', text, i)
        try('sub', text, i)
        for j = -8, 8 do
            try('sub', text, i, j)
            try('len', text, i, j)
        end
    end
end

for _, text in ipairs({'a\200b', 'aёßπ☃ŉ', 'AЁİΣΠ', '', 'ΑΣ', 'ΑΣ.', 'ΑΣΑ', "ΑΣ'Α", 'Σ', 'ΑΣ Α',
    'ﬁn ﬂ ﬃ', 'ΐ', 'ǆ ǅ Ǆ', 'ⓐⒶ', 'ｆｕｌｌ', 'Straße', '\0x\255y', 'i ı', 'ᾳ ῼ', 'Ꭰ ꭰ'}) do
    try('upper', text)
    try('lower', text)
end

try('char', 65, 1105, 9731, 128512)
try('char', 0)
try('char', 0xD800)
try('char', 0x10ffff)
try('char', 1.5)
try('char', '65')
for _, c in ipairs({'a', 'A', '1', 'ё', 'Ё', 'ß', '☃', '٣', 'ǅ', ' ', '', 'ab', 'é', '\200', 65, 97,
    48, 1105, 0x110000, -1, 0xD800, 1.5, 'ª', 'ⓐ', 'Ⅷ', '漢', '½', '_', '一'}) do
    try('isalpha', c)
    try('isdigit', c)
    try('islower', c)
    try('isupper', c)
end

-- Letters of the scripts in daily use, all at once.
local function sum(f, from, to)
    local n, s = 0, 0
    for code = from, to do
        if f(code) then
            n, s = n + 1, (s * 31 + code) % 1000003
        end
    end
    return n .. ':' .. s
end
for _, range in ipairs({{0, 0x7f}, {0x80, 0x2af}, {0x370, 0x481}, {0x48a, 0x58f}, {0x4e00, 0x9fff},
    {0xac00, 0xd7a3}, {0x1e00, 0x1fff}}) do
    print(range[1], sum(utf8.isalpha, range[1], range[2]), sum(utf8.isdigit, range[1], range[2]),
        sum(utf8.islower, range[1], range[2]), sum(utf8.isupper, range[1], range[2]))
    local cases = {}
    for code = range[1], range[2] do
        local c = utf8.char(code)
        cases[#cases + 1] = utf8.upper(c) .. utf8.lower(c)
    end
    print(require('digest').md5_hex(table.concat(cases)))
end
os.exit(0)
