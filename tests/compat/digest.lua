-- digest: hashes, checksums, encodings.
local digest = require('digest')

local function show(v)
    if type(v) ~= 'string' then
        return tostring(v)
    end
    return (v:gsub('^builtin/[%w/]+%.lua:%d+: ', ''):gsub('[^%g ]', function(c)
        return ('\\%d'):format(c:byte())
    end))
end

local function try(f, ...)
    local res = {pcall(f, ...)}
    for i = 1, table.maxn(res) do
        res[i] = show(res[i])
    end
    print(table.concat(res, ' '))
end

local names = {}
for name in pairs(digest) do
    names[#names + 1] = name
end
table.sort(names)
print(table.concat(names, ' '))

local texts = {'', 'a', 'abc', 'abcd', '\0\1\2\255', ('x'):rep(63), ('x'):rep(64),
    ('x'):rep(65), ('0123456789'):rep(1000)}

-- (md4 is not there in every OpenSSL that Tarantool runs on)
for _, name in ipairs({'md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'}) do
    print(name)
    for _, text in ipairs(texts) do
        try(digest[name .. '_hex'], text)
        print(digest[name](text):hex() == digest[name .. '_hex'](text))
    end
    for _, f in ipairs({digest[name], digest[name .. '_hex']}) do
        try(f)
        try(f, 1)
        try(f, {})
        try(f, nil)
    end
end

print('crc32')
for _, text in ipairs(texts) do
    try(digest.crc32, text)
    try(digest.crc32_update, 0, text)
    try(digest.crc32_update, 4294967295, text)
end
print(digest.crc32('123456789') == 0x1cf96d7c, digest.crc32.crc_begin)
try(digest.crc32)
try(digest.crc32, 1)
try(digest.crc32_update)
try(digest.crc32_update, 1)
local crc = digest.crc32.new()
print(crc:result())
crc:update('12345')
local fork = crc:copy()
crc:update('6789')
print(crc:result(), fork:result(), crc:update(''))
print(crc:clear(), crc:result())
try(crc.update, crc)
try(crc.update, crc, 1)

print('murmur')
for _, text in ipairs(texts) do
    try(digest.murmur, text)
end
try(digest.murmur)
try(digest.murmur, 1)
print(digest.murmur.default_seed)
for _, seed in ipairs({0, 1, 7, 2147483647}) do
    local m = digest.murmur.new({seed = seed})
    local line = {m:result()}
    for _, piece in ipairs({'ab', 'c', '', 'defg', 'hijklmnop', '\255', ('x'):rep(33)}) do
        m:update(piece)
        line[#line + 1] = m:result()
    end
    local copy = m:copy()
    copy:update('z')
    line[#line + 1] = copy:result()
    line[#line + 1] = m:result()
    m:clear()
    line[#line + 1] = m:result()
    m:update('abc')
    line[#line + 1] = m:result()
    print(table.concat(line, ' '))
end
print(digest.murmur.new():result(), digest.murmur.new({}):result())
try(digest.murmur.new().update, digest.murmur.new(), 1)

print('guava')
for _, key in ipairs({0, 1, 2, 12345678, 10863919174838991, 1LL, 2016238256797177309ULL,
    1673758223894951030ULL, 18446744073709551615ULL, -1, -5LL}) do
    print(digest.guava(key, 1), digest.guava(key, 2), digest.guava(key, 11),
        digest.guava(key, 1000), digest.guava(key, 0))
end
try(digest.guava, 'x', 1)
try(digest.guava, 1)

print('urandom')
try(digest.urandom)
try(digest.urandom, 0)
print(#digest.urandom(1), #digest.urandom(1000), digest.urandom(16) ~= digest.urandom(16))

print('pbkdf2')
try(digest.pbkdf2_hex, 'password', 'salt', 1, 20)
try(digest.pbkdf2_hex, 'password', 'salt', 4096, 32)
try(digest.pbkdf2, 'passw\255rd', 'sa\1lt', 10, 16)
try(digest.pbkdf2_hex, '', '', 1, 128)
try(digest.pbkdf2_hex, 'p', 's', 1, 0)
print(#digest.pbkdf2('p', 's', 2), #digest.pbkdf2_hex('p', 's', 2))
try(digest.pbkdf2)
try(digest.pbkdf2_hex, 'p')
try(digest.pbkdf2_hex, 1, 2)
try(digest.pbkdf2_hex, 'p', 's', 'x')
try(digest.pbkdf2_hex, 'p', 's', 1, 'x')
try(digest.pbkdf2_hex, 'p', 's', 1, 200)

print('aes256cbc')
local key, iv = ('k'):rep(32), ('i'):rep(16)
for _, text in ipairs({'', 'a', ('x'):rep(15), ('x'):rep(16), ('x'):rep(17), ('y'):rep(1000)}) do
    local secret = digest.aes256cbc.encrypt(text, key, iv)
    print(#secret, secret:hex():sub(1, 64), digest.aes256cbc.decrypt(secret, key, iv) == text)
end
try(digest.aes256cbc.encrypt, 'a', 'b', 'c')
try(digest.aes256cbc.encrypt, 'a', key, 'c')
try(digest.aes256cbc.decrypt, 'a', 'b', 'c')
print((pcall(digest.aes256cbc.decrypt, 'a', key, iv)))
print((pcall(digest.aes256cbc.decrypt, ('a'):rep(16), key, iv)))

print('base64')
for len = 0, 110 do
    local text = {}
    for i = 1, len do
        text[i] = string.char((i * 37 + len) % 256)
    end
    text = table.concat(text)
    local plain = digest.base64_encode(text)
    print(show(plain))
    print(show(digest.base64_encode(text, {nopad = true})))
    print(show(digest.base64_encode(text, {nowrap = true})))
    print(show(digest.base64_encode(text, {urlsafe = true})))
    print(digest.base64_decode(plain) == text,
        digest.base64_decode(digest.base64_encode(text, {urlsafe = true})) == text)
end
try(digest.base64_encode, 'a', {nopad = true, nowrap = false})
try(digest.base64_encode, 'a', {urlsafe = true, nopad = false})
try(digest.base64_encode, 'a', {nopad = 1})
try(digest.base64_encode, 'a', {unknown = 1})
try(digest.base64_encode)
try(digest.base64_encode, 1)
try(digest.base64_encode, 'a', 1)
try(digest.base64_encode, 'a', 'x')
for _, text in ipairs({'', 'YQ==', 'YQ', 'YWI=', 'YWI', 'YW\nJj', 'Y W I', '!!!!', 'YWJj====',
    'YW=Jj', '=', 'Y', '____', '-_-_', '////', '++++', 'YWJjZA==YWJj', 'YWJj\0YWJj',
    '\200YWJj'}) do
    try(digest.base64_decode, text)
end
try(digest.base64_decode)
try(digest.base64_decode, 1)
os.exit(0)
