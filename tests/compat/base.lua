-- What Tarantool adds to Lua's globals, and the small modules.
local function show(...)
    local list = {n = select('#', ...), ...}
    for i = 1, list.n do
        local v = list[i]
        list[i] = type(v) == 'table' and 'table' or type(v) .. ' ' .. tostring(v)
        list[i] = list[i]:gsub('%[string [^\n]*%]:%d+: ', ''):gsub('builtin/[%w_.]+:%d+: ', '')
    end
    print(unpack(list, 1, list.n))
end

print('-- tonumber64')
local function n64(...)
    show(pcall(tonumber64, ...))
end
for _, v in ipairs({1, '1', '0x1F', '12345678901234567890', '-5', '-9223372036854775808',
                    '-9223372036854775809', 'abc', 1.5, '1.5', '', {}, 1LL, 5ULL,
                    '99999999999999999999', '1e5', ' 7 ', '7x', '0b101', '18446744073709551615',
                    '18446744073709551616', '99999999999999', '100000000000000',
                    '-100000000000000', true, '-0', '+5', 2^63, '1LL', '1.0', 'inf', '0x', '-',
                    '--1', '\t\n8', '5ULL'}) do
    io.write(tostring(type(v) == 'table' and '{}' or v), ' ')
    n64(v)
end
n64()
n64(nil)
n64(box.NULL)
for _, v in ipairs({{'10', 2}, {'zz', 36}, {'ff', 16}, {'0xff', 16}, {'10', 1}, {'10', 37},
                    {10, 2}, {'5', nil}, {'1', 2, 3}, {'0b101', 2}, {'-1', 16}, {5, 10},
                    {'12', 2}, {'0xff', 2}}) do
    n64(v[1], v[2])
end

print('-- dostring')
show(pcall(dostring, 'return 1, ...', 5, nil))
show(pcall(dostring, 'x ='))
show(pcall(dostring, 'error("x")'))
show(pcall(dostring, 'error({})'))

print('-- debug')
show(debug.sourcefile() ~= nil and debug.sourcefile():match('[^/]+$'))
show(loadstring('return debug.sourcefile(), debug.sourcedir()')())
show(loadstring('return debug.sourcefile(), debug.sourcedir()', '@/a/b/c.lua')())
show(loadstring('return debug.sourcefile(), debug.sourcedir()', '@c.lua')())

print('-- package')
print(package.path)
print(package.cpath)
print(package.searchroot())
show(pcall(package.setsearchroot, 5))
package.setsearchroot('/')
print(package.searchroot())
print(select(2, pcall(require, 'no.such')))
package.setsearchroot('relative')
print(package.searchroot())
print(select(2, pcall(require, 'no.such')))
package.setsearchroot()
print(package.searchroot())
package.setsearchroot(box.NULL)
print(package.searchroot())
show(package.search('nonexistent'))
show(#package.loaders >= 8)

os.execute('mkdir -p lib/deep .rocks/share/tarantool/rock other')
local function write(path, text)
    local f = assert(io.open(path, 'w'))
    f:write(text)
    f:close()
end
write('one.lua', 'return {(...), debug.getinfo(1, "S").source}')
write('lib/two.lua', 'return {(...), debug.getinfo(1, "S").source}')
write('lib/deep/init.lua', 'return {(...), debug.getinfo(1, "S").source}')
write('.rocks/share/tarantool/rock/init.lua', 'return {(...), debug.getinfo(1, "S").source}')
write('.rocks/share/tarantool/one.lua', 'error("the rock is not first")')
write('other/three.lua', 'return {(...), debug.getinfo(1, "S").source}')
write('raises.lua', 'error("while loading")')
write('json.lua', 'error("a built-in module comes first")')
for _, name in ipairs({'one', 'lib.two', 'lib.deep', 'rock', 'three', 'raises'}) do
    local ok, value = pcall(require, name)
    print(name, ok, ok and value[1] or value, ok and value[2])
    print(package.search(name))
end
package.setsearchroot('other')
show(pcall(require, 'three'))
print(package.search('three'), package.search('one'))
package.path = './?.lua;' .. package.path
package.setsearchroot()
package.loaded.one = nil
print(require('one')[2])

print('-- os')
show(os.getenv('COMPAT_X'))
show(os.setenv('COMPAT_X', '1'))
show(os.getenv('COMPAT_X'), os.environ().COMPAT_X)
show(os.setenv('COMPAT_X', nil))
show(os.getenv('COMPAT_X'), os.environ().COMPAT_X)
show((pcall(os.setenv, 5, 6)))
show((pcall(os.setenv, 'a=b', 'x')))
show((pcall(os.setenv, 'COMPAT_X', {})))
show(os.environ().HOME == os.getenv('HOME'))

print('-- errno')
local errno = require('errno')
show(errno(2), errno(), errno.strerror())
show(errno(0), errno())
show(errno.strerror(13), errno.strerror(99999))
show(errno.nosuch)
show(pcall(function() errno.foo = 1 end))
show((pcall(errno, 'x')))
local list = {}
for k, v in pairs(getmetatable(errno).__index) do
    table.insert(list, k .. '=' .. v)
end
table.sort(list)
print(#list, table.concat(list, ' '))

print('-- clock')
local clock = require('clock')
list = {}
for k, f in pairs(clock) do
    if k ~= 'bench' then
        table.insert(list, k .. ' ' .. type(f()) .. ' ' .. tostring(f() > 0))
    end
end
table.sort(list)
print(table.concat(list, '; '))
show(unpack(clock.bench(function(...) return ... end, 'a', 'b'), 2))
show((pcall(clock.bench)))
show(clock.time() > 1500000000 and math.abs(clock.time() - os.time()) < 2)

print('-- globals')
for _, name in ipairs({'_TARANTOOL', '_VERSION', 'arg', 'box', 'dostring', 'jit',
                       'tonumber64', 'gcinfo', 'newproxy', 'module'}) do
    print(name, type(rawget(_G, name)))
end
for _, name in ipairs({'os', 'coroutine', 'package', 'debug', 'io', 'math'}) do
    list = {}
    for k in pairs(_G[name]) do
        table.insert(list, k)
    end
    table.sort(list)
    print(name, table.concat(list, ' '))
end
