-- uri: parse and format.
local uri = require('uri')

local function show(t)
    if type(t) ~= 'table' then
        return (tostring(t):gsub('^builtin/[%w/]+%.lua:%d+: ', ''))
    end
    local parts = {}
    for name, value in pairs(t) do
        parts[#parts + 1] = name .. '=' .. tostring(value)
    end
    table.sort(parts)
    return '{' .. table.concat(parts, ' ') .. '}'
end

for _, text in ipairs({'', 'a', '3301', 'localhost:3301', '127.0.0.1:3301', '[::1]:3301', '::1',
    '[::1]', 'unix/:/tmp/x', 'unix/:./x', 'unix/:x', '/tmp/x', './x', 'x/y', 'user:pw@host:1',
    'user@host', 'user:@host:1', 'user:p%40w@unix/:/tmp/s', 'http://a.b.c/d?e=f#g',
    'http://a.b.c:80', 'https://u:p@h:8080/p/q?x#y', 'scheme:', 'a:b', 'a:', 'a:99999', 'a:0',
    'a:123456789', 'host:http', '?q', '#f', '//h/p', 'mailto:a@b', 'u:p:q@h', 'u@h@i:1', 'a b',
    'a:80/x', '1.2.3.4', '[::1', 'unix/:', 'unix/', 'unix/:/a b', 'unix/:/tmp/x?y#z',
    'HTTP://A', 'a.b-c_d:1', 'user:pass@3301', '*:3301', 'host:+1',
    '[1:2:3:4:5:6:7:8]:2', '::', '1::2:3301', 'x:y:z', 'localhost:', 'user:p@ss@h:1',
    'u%40:p%3a@h:1', '127.1:3301', '0:3301', '/', './',
    'login:password@unix/:/var/run/a.sock', 'guest@', '@h:1', ':pw@h:1', ':3301'}) do
    local ok, t = pcall(uri.parse, text)
    print(text, ok, show(t))
    if type(t) == 'table' and t.ipv6 == nil then
        print('', uri.format(t), uri.format(t, true))
    end
end

for _, bad in ipairs({1, {}}) do
    print(show(select(2, pcall(uri.parse, bad))))
end
print(show(select(2, pcall(uri.parse))))

for _, t in ipairs({{host = 'h', service = '1'}, {login = 'l', password = 'p', host = 'h'},
    {path = '/p', query = 'q', fragment = 'f', scheme = 's', service = 'v', host = 'h'},
    {path = 'p'}, {host = '::1', service = '1'}, {password = 'x', host = 'h'}, {login = 'x'},
    {scheme = 's'}, {host = ''}, {service = '3301'}, {login = '', host = 'h'},
    {unix = '/x', host = 'unix/', service = '/x'}, {host = 'h', path = 'p'}, {fragment = 'x'},
    {query = ''}, {service = ''}, {host = 'h', login = 'l', password = ''}, {}}) do
    print(uri.format(t), uri.format(t, true), uri.format(t, false))
end
for _, bad in ipairs({{host = 1}, {host = {}}, {host = 'h', service = 1},
    {login = 1, host = 'h'}}) do
    print(show(select(2, pcall(uri.format, bad))))
end
os.exit(0)
