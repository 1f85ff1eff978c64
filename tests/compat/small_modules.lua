-- strict, title, tarantool, the loader's memory of built-in modules.
local function show(...)
    local list = {n = select('#', ...), ...}
    for i = 1, list.n do
        list[i] = tostring(list[i]):gsub('^.-%.lua:%d+: ', '')
            :gsub('tarantool', 'PROGRAM'):gsub('tarantella', 'PROGRAM')
            :gsub('^table: .*', 'table'):gsub('^function: .*', 'function')
    end
    print(unpack(list, 1, list.n))
end

print('-- strict')
local strict = require('strict')
show(pcall(function() return undeclared end))
strict.on()
show(pcall(function() return undeclared end))
show(pcall(function() undeclared = 1 end))
show(pcall(function() function undeclared() end end))
show(rawget(_G, 'undeclared'))
rawset(_G, 'raw', 1)
show(raw)
in_main = 1
show(in_main)
show(pcall(function() in_main = 2 return in_main end))
loadstring('in_chunk = 1')()
show(in_chunk)
show(pcall(function() in_chunk = nil return in_chunk end))
print(pcall(loadstring('local x = nosuch return x', '=main')))
print(pcall(loadstring('nosuch = 5 return nosuch', '=main')))
strict.off()
show(pcall(function() return undeclared end))
show(getmetatable(_G))
strict.on()
strict.on()
show(pcall(function() return undeclared end))
show(in_main)
strict.off()

print('-- title')
local title = require('title')
show(title.get())
title.update('custom')
show((title.get()))
local function show_cmdline()
    local f = io.open('/proc/self/cmdline')
    show((f:read('*a'):gsub('%z+$', '')))
    f:close()
end
show_cmdline()
for _, value in ipairs({5, {status = 'st', script_name = 's'}, {status = 'x'}, {foo = 1}, '',
                        {status = 5}, {script_name = ''}, {status = ''},
                        {interpretor_name = 'int'}, {custom_title = 'c'}}) do
    show(pcall(title.update, value))
    show((title.get()))
end
show(pcall(title.update))
show(pcall(title.update, nil))
show((title.get()))
title.update({status = 'deferred', __defer_update = true})
show((title.get()))
show_cmdline()
title.update({status = 'now'})
show_cmdline()
title.update(('long'):rep(2000))
show(#(title.get()) > 0)

print('-- tarantool')
local tarantool = require('tarantool')
show(tarantool.version:match('^2%.6%.0%-'), tarantool.version == _TARANTOOL)
show(tarantool.pid() > 0, tarantool.uptime() > 0, tarantool.uptime() < 100)
local list = {}
for key, value in pairs(tarantool.build) do
    table.insert(list, key .. ' ' .. type(value))
end
table.sort(list)
show(table.concat(list, ' '))

print('-- require')
for _, name in ipairs({'fiber', 'json', 'log', 'string', 'ffi', 'errno', 'fio', 'box', 'jit.util'}) do
    show(name, type(require(name)), require(name) == package.loaded[name])
end
show(require('box') == box, require('string') == string, require('jit') == jit)
os.exit(0)
