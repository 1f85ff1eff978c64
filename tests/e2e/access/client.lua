-- client.lua SOCKET: who may log in, call and see what; prints the answers.
local net_box = require('net.box')
local json = require('json')
local path = 'unix/:' .. arg[1]

local function show(v)
    if type(v) == 'cdata' and box.tuple.is(v) then
        v = v:totable()
    end
    if type(v) ~= 'table' then
        local ok, text = pcall(json.encode, v)
        return ok and text or tostring(v)
    end
    local out = {}
    for i = 1, #v do
        out[i] = show(v[i])
    end
    return '[' .. table.concat(out, ',') .. ']'
end

local function try(name, f, ...)
    local r = {pcall(f, ...)}
    if not r[1] then
        local e = r[2]
        local u = type(e) == 'cdata' and e:unpack() or {message = tostring(e)}
        print(name, 'ERR', u.type, u.code, u.message, u.object_type, u.object_name, u.access_type)
        return
    end
    local out = {}
    for i = 2, table.maxn(r) do
        out[#out + 1] = show(r[i])
    end
    print(name, 'OK', unpack(out))
end

local function connect(options)
    return net_box.connect(path, options)
end

local root = connect({user = 'root', password = 'r'})
local function admin(text)
    root:eval("box.session.su('admin', function() " .. text .. " end)")
end
local function events()
    for _, e in ipairs(root:call('takes_events')) do
        print('event', show(e))
    end
end
print('root', root.state)
try('root', root.call, root, 'who')
try('root', root.eval, root, 'return box.session.user()')
events()

-- guest
local guest = connect()
print('guest', guest.state)
try('ping', guest.ping, guest)
try('eval', guest.eval, guest, 'return 1')
try('call', guest.call, guest, 'who')
try('call unknown', guest.call, guest, 'nobody_knows')
try('call undefined', guest.call, guest, 'undefined')
try('call setuid', guest.call, guest, 'as_owner')
try('call persistent', guest.call, guest, 'persistent', {1, 2})
try('views', function()
    local names = {}
    for name in pairs(guest.space) do
        if type(name) == 'string' then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    return names
end)
try('_vspace', function() return #guest.space._vspace:select() end)
try('_vuser', function() return guest.space._vuser:select() end)
try('_vpriv', function() return guest.space._vpriv:select({0, 'role'}) end)
try('_vcollation', function() return #guest.space._vcollation:select() end)
try('_vindex', function() return guest.space._vindex:select({281}) end)
try('by id', function() return guest:_request(0x01, {}) end)
events()

-- Tarantool 2.6 crashes when a trigger of a refused read runs inside its ffi call.
admin("box.session.on_access_denied(nil, box.session.on_access_denied()[1])")

-- log in
for _, o in ipairs{{user = 'ann', password = 'wrong'}, {user = 'ann', password = ''}, {user = 'ann'},
        {user = 'eve', password = 'x'}, {user = 'eve'}, {user = 'nobody', password = 'x'},
        {user = 'super', password = 'x'}, {user = 'guest'}, {user = 'guest', password = 'x'},
        {user = 'guest', password = ''}, {user = ''}} do
    local c = connect(o)
    print('login', show(o.user), show(o.password), c.state, c.error)
    c:close()
end
for _ = 1, 1 do
    root:call('takes_events')
end

-- ann
local ann = connect({user = 'ann', password = 'secret'})
print('ann', ann.state)
try('who', ann.call, ann, 'who')
try('eval', ann.eval, ann, 'return 1')
try('path', ann.call, ann, 'deep.er.path', {1, 'x'})
try('path', ann.call, ann, 'deep.er', {1})
try('storage', ann.call, ann, 'remember', {1})
try('storage', ann.call, ann, 'remember', {2})
try('other storage', function()
    local other = connect({user = 'ann', password = 'secret'})
    return other:call('remember', {3})
end)
try('persistent', ann.call, ann, 'persistent', {1, 2})
try('persistent', ann.call, ann, 'persistent', {1, {}})
try('su', ann.call, ann, 'become_for_a_while', {'guest'})
try('su', ann.call, ann, 'become_for_a_while', {'nobody'})
try('in a fiber', ann.call, ann, 'in_fiber')
try('reads', ann.call, ann, 'reads')
try('writes', ann.call, ann, 'writes', {2})
try('alters', ann.call, ann, 'alters')
admin("box.schema.user.grant('ann', 'readers')")
try('reads', ann.call, ann, 'reads')
try('writes', ann.call, ann, 'writes', {2})
admin("box.schema.user.grant('ann', 'write', 'space', 't')")
try('writes', ann.call, ann, 'writes', {2})
try('alters', ann.call, ann, 'alters')
try('open', ann.call, ann, 'leaves_transaction')
try('open', ann.call, ann, 'fails_in_transaction')
try('nothing is left', ann.call, ann, 'count')
admin("box.schema.role.revoke('readers', 'read', 'space', 't')")
try('reads', ann.call, ann, 'reads')
try('space', function()
    ann:reload_schema()
    return ann.space.t ~= nil, #ann.space._vspace:select()
end)
admin("box.schema.user.revoke('ann', 'usage', 'universe')")
try('no usage', ann.call, ann, 'who')
try('no usage', ann.ping, ann)
admin("box.schema.user.grant('ann', 'usage', 'universe')")
admin("box.schema.user.revoke('ann', 'session', 'universe')")
try('no session', ann.call, ann, 'who')
local late = connect({user = 'ann', password = 'secret'})
print('login', late.state, late.error)
admin("box.schema.user.grant('ann', 'session', 'universe')")
admin("box.schema.user.passwd('ann', 'changed')")
print('old password', connect({user = 'ann', password = 'secret'}).error)
print('new password', connect({user = 'ann', password = 'changed'}).state)
try('become', ann.call, ann, 'become', {'root'})
try('who', ann.call, ann, 'eval')
try('eval', ann.eval, ann, 'return box.session.user(), box.session.effective_user()')
root:call('takes_events')
admin("box.schema.user.grant('guest', 'execute', 'universe')")
try('guest', guest.eval, guest, 'return box.session.user()')
try('guest', guest.call, guest, 'who')
admin("box.schema.user.revoke('guest', 'execute', 'universe')")
try('guest', guest.eval, guest, 'return box.session.user()')
events()
guest:close()
try('gone', root.call, root, 'wait_gone', {'guest'})
ann:close()
try('gone', root.call, root, 'wait_gone', {'root'})
local version = root.schema_version
admin("box.schema.space.create('another'):create_index('pk')")
root:ping()
root:reload_schema()
print('schema', root.schema_version > version, root.space.another ~= nil, root.space.another.index.pk.id)
print('-- end')
os.exit(0)
