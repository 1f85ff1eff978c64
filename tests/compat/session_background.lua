-- box.session in a background fiber: identity, su, storage, triggers' registration.
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
local fiber = require('fiber')
try('id', box.session.id) try('uid', box.session.uid) try('user', box.session.user) try('euid', box.session.euid) try('eu', box.session.effective_user)
try('type', box.session.type) try('peer', box.session.peer) try('peer', box.session.peer, 1) try('peer', box.session.peer, 100) try('exists', box.session.exists, 1) try('exists', box.session.exists, 0) try('exists', box.session.exists)
 try('exists', box.session.exists, 1, 2)
try('fd', box.session.fd) try('fd1', box.session.fd, 1) try('fd100', box.session.fd, 100) try('sync', box.session.sync) try('sync', box.session.sync,1)
try('push', box.session.push, 1) try('push', box.session.push)  try('push', box.session.push,1,2) try('push', box.session.push,1,2,3)
try('su', box.session.su, 'guest', function() return box.session.uid(), box.session.user(), box.session.euid(), box.session.effective_user(), box.session.id() end)
try('su', box.session.su) try('su', box.session.su, 'nobody') try('su', box.session.su, 'guest', 1) try('su', box.session.su, 0, function() return box.session.euid() end) try('su', box.session.su, 'public')
try('su', box.session.su, 'public', function() return box.session.euid() end)
try('su err', box.session.su, 'guest', function() error('x', 0) end)
try('su args', box.session.su, 'guest', function(...) return ... end, 1, 2, 3)
try('su admin in guest', box.session.su, 'guest', function(...) box.session.su('admin') return box.session.euid() end)
try('su admin in guest', box.session.su, 'guest', box.session.su, 'admin', box.session.euid)
try('ids in fibers', function() local f=fiber.new(function() return box.session.id(), box.session.type(), box.session.uid() end) f:set_joinable(true) return f:join() end)
try('ids in fibers', function() local f=fiber.new(function() return box.session.id() end) f:set_joinable(true) return f:join() end)
try('ids in fibers su', box.session.su, 'guest', function() local f=fiber.new(function() return box.session.id(), box.session.user(), box.session.euid() end) f:set_joinable(true) return f:join() end)
box.session.su('guest')
try('after su', function() return box.session.uid(), box.session.user(), box.session.euid(), box.session.effective_user() end)
try('ids in fibers su', function() local f=fiber.new(function() return box.session.id(), box.session.user(), box.session.euid() end) f:set_joinable(true) return f:join() end)
try('su back', box.session.su, 'admin')
try('after su', function() return box.session.uid(), box.session.user(), box.session.euid(), box.session.effective_user() end)
local f = function() end local g= function() end
try('storage', function() box.session.storage.x=1 return box.session.storage end)
try('storage', function() box.session.foo=1 return box.session.storage end)
for _, n in ipairs{'on_connect','on_disconnect','on_auth'} do
local t=box.session[n]
try('trig', t) try('trig add', function() return t(f)==f end)  try('trig list', function() local l=t() return #l, l[1]==f end)
try('trig add g', function() return t(g)==g end)  try('trig list', function() local l=t() return #l, l[1]==f, l[2]==f end)
try('trig replace', function() return t(f,g)==f end)  try('trig list', function() local l=t() return #l, l[1]==f, l[2]==f end)
try('trig del', function() return t(nil,f) end)  try('trig list', function() local l=t() return #l, l[1]==f, l[2]==f end)
try('trig del', function() return t(nil,f) end)  try('trig list', function() local l=t() return #l, l[1]==f, l[2]==f end)
try('trig del', function() return t(nil,f) end)  try('trig list', function() local l=t() return #l, l[1]==f, l[2]==f end)
try('trig bad', t, 1) try('trig bad', t, f, 1) try('trig bad', t, f, g) try('trig bad', t, nil, nil) try('trig bad', t, nil) try('trig bad', t, 1,2,3) try('trig bad', t, {}, f)
try('trig list', function() local l=t() return #l end)
try('null', t, nil, f) try('null', t, box.NULL, f)
try('callable', t, setmetatable({}, {__call=function() end}))
end
try('settings', function() return box.session.settings.sql_defer_foreign_keys end)
try('settings', function() box.session.settings.sql_defer_foreign_keys=true return box.session.settings.sql_defer_foreign_keys end)
try('settings', function() return box.space._session_settings:select() end)
os.exit(0)
