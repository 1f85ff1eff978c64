-- box.once, box.func and persistent functions.
box.cfg{log_level = 0, wal_mode = 'none', listen = nil}
local json = require('json')

-- JSON with sorted keys, so that the order of a map does not matter.
local function show(v)
    if type(v) == 'cdata' and box.tuple.is(v) then
        v = v:totable()
    end
    if type(v) ~= 'table' then
        local ok, text = pcall(json.encode, v)
        return ok and text or tostring(v)
    end
    local out = {}
    if #v > 0 or next(v) == nil then
        for i = 1, #v do
            out[i] = show(v[i])
        end
        return '[' .. table.concat(out, ',') .. ']'
    end
    for k, x in pairs(v) do
        out[#out + 1] = tostring(k) .. ':' .. show(x)
    end
    table.sort(out)
    return '{' .. table.concat(out, ',') .. '}'
end

local function try(name, f, ...)
    local r = {pcall(f, ...)}
    if not r[1] then
        local e = r[2]
        if type(e) == 'cdata' then
            print(name, 'ERR', e.type, e.code, e.message)
        else
            -- without the position
            print(name, 'ERR', (tostring(e):gsub('^[^ ]*:%d+: ', '')))
        end
        return
    end
    local out = {}
    for i = 2, table.maxn(r) do
        out[#out + 1] = show(r[i])
    end
    print(name, 'OK', unpack(out))
end
print(pcall(box.once)) print(pcall(box.once,1,2)) print(pcall(box.once,'x')) print(pcall(box.once,'x',1))
print(box.once('k', function(...) return 'r', ... end, 1, 2))
print(box.once('k', function(...) return 'r', ... end, 1, 2))
print(pcall(box.once,'e', function() error('no', 0) end))
print(pcall(box.once,'e', function() print('again') end))

for k,v in pairs(box.func) do if type(k)~='number' and k:lower()==k then print(k,v.name) end end
print(box.func['LUA']:call{'return 1'})
box.schema.func.create('a.b', {body='function(x) return x, box.session.euid() end', setuid=true})
print(box.func['a.b']:call{5})
print((select(2, pcall(box.func['a.b'].call, 1)):gsub('.*: ', '')))
print(select(2, box.schema.func.call('a.b', 7)))
box.func['a.b']:drop() print(box.func['a.b'])
box.schema.user.create('u')
box.session.su('u')
print(pcall(box.once,'e'))
print(pcall(box.once,'e2',print))
os.exit(0)
