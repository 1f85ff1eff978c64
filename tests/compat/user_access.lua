-- Users, roles, functions, grants; what each may do then.
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
local user, role, func = box.schema.user, box.schema.role, box.schema.func
local function as(name, f, ...)
    return box.session.su(name, f, ...)
end
local function bare(rows)
    for _, r in ipairs(rows) do
        r[18], r[19] = '', ''
    end
    return rows
end

user.create('u',{password='p'})
try('info', user.info, 'u')
try('info', user.info, 'guest')
try('info', user.info, 'admin')
try('info', user.info)
try('info', user.info, 'none')
try('info', user.info, 'public')
try('rinfo', role.info, 'public')
try('rinfo', role.info, 'super')
local s=box.schema.space.create('t') s:create_index('pk')
try('r', as, 'u', function() return box.space.t:select() end)
try('w', as, 'u', function() return s:insert{1} end)
try('w', as, 'u', function() return s:truncate() end)
try('w', as, 'u', function() return s:drop() end)
try('w', as, 'u', function() return s:create_index('x') end)
try('c', as, 'u', function() return box.schema.space.create('x') end)
try('c', as, 'u', function() return user.create('x') end)
try('c', as, 'u', function() return func.create('x') end)
try('c', as, 'u', function() return role.create('x') end)
try('g', as, 'u', function() return user.grant('guest','read','space','t') end)
try('p', as, 'u', function() return user.passwd('u','x') end)
try('p', as, 'u', function() return user.passwd('x') end)
try('p', as, 'u', function() return user.passwd('admin','x') end)
try('d', as, 'u', function() return user.drop('guest') end)
try('e', as, 'u', function() return user.exists('guest'), user.exists('u') end)
try('vs', as, 'u', function() local r={} for _,t in box.space._vspace:pairs() do r[#r+1]=t[3] end return r end)
try('vu', as, 'u', function() local r={} for _,t in box.space._vuser:pairs() do r[#r+1]=t[3] end return r end)
try('vp', as, 'u', function() local r={} for _,t in box.space._vpriv:pairs() do if t[3]~='function' then  r[#r+1]=t:totable() end end return r end)
try('vf', as, 'u', function() local r={} for _,t in box.space._vfunc:pairs() do r[#r+1]=t[3] end return #r end)
try('vi', as, 'u', function() local r={} for _,t in box.space._vindex:pairs() do r[#r+1]=t[1]..'/'..t[2] end return r end)
try('_space', as, 'u', function() return box.space._space:select() end)
try('len', as, 'u', function() return s:len() end)
try('count', as, 'u', function() return s:count() end)
try('idxlen', as, 'u', function() return s.index[0]:len() end)
try('min', as, 'u', function() return s.index[0]:min() end)
try('pairs', as, 'u', function() return s:pairs() end)
user.revoke('u','usage','universe')
try('r', as, 'u', function() return box.space.t:select() end)
try('c', as, 'u', function() return box.schema.space.create('x') end)
user.grant('u','usage','universe')
user.grant('u','read,write','space','t')
try('r', as, 'u', function() return box.space.t:select() end)
try('w', as, 'u', function() return s:insert{1} end)
try('w', as, 'u', function() return s:truncate() end)
try('g', user.grant,'u','read,write','space','t')
try('g', user.grant,'u','read,write,create','space','t')
try('g', user.grant,'u','read','space','t')
try('g', user.grant,'u','read,execute','space','t')
try('g', user.grant,'u','read','space','tt')
try('g', user.grant,'u','read','function','tt')
try('g', user.grant,'u','read','foo','tt')
try('g', user.grant,'u','foo','space','t')
try('g', user.grant,'uu','read','space','t')
try('g', user.grant,'u')
try('g', user.grant,'u','super')
try('g', user.grant,'u','super')
try('g', user.grant,'u','super', nil, nil, {if_not_exists=true})
try('g', user.grant,'u','xx')
try('g', user.grant,'u','read')
try('g', user.grant,'u','read','universe')
try('g', user.grant,'u','read','universe')
try('g', user.grant,'u','read','space')
try('g', user.grant,'u','read','space',nil)
try('g', user.grant,'u','read','space','')
try('g', user.grant,'u',1,'space','t')
try('g', user.grant,'u','read','space','t',{foo=1})
try('g', user.grant,'u','read','space','t',{if_not_exists=1})
try('rv', user.revoke,'u','read','space','t')
try('rv', user.revoke,'u','read','space','t')
try('rv', user.revoke,'u','read','space','t',{if_exists=true})
try('rv', user.revoke,'u','create','space','t')
try('rv', user.revoke,'u','super')
try('rv', user.revoke,'u','super')
try('rv', user.revoke,'u','replication')
try('rv', user.revoke,'uu','read','space','t')
try('rv', user.revoke,'u','read','space','tt')
try('info', user.info, 'u')
try('drop', user.drop,'u')
try('drop', user.drop,'u')
try('drop', user.drop,'u',{if_exists=true})
try('drop', user.drop,'admin')
try('drop', user.drop,'guest')
try('drop', user.drop,'super')
try('drop', role.drop,'super')
try('drop', role.drop,'public')
try('drop', user.drop)
try('create', user.create,'admin')
try('create', user.create,'super')
try('create', user.create,'admin',{if_not_exists=true})
try('create', user.create,'x',{foo=1})
try('create', user.create,'x',{password=1})
try('create', user.create)
try('create', user.create,1)
try('create', user.create,'')
try('create', user.create,('x'):rep(70000))
try('create', user.create,'a\0b')
try('create', user.create,'x')
try('_user', box.space._user.select,box.space._user)
try('passwd', user.passwd,'x','y')
try('passwd', user.passwd,'guest','y')
try('passwd', user.passwd,'nobody','y')
try('passwd', user.passwd)
try('password', user.password, 'x')
try('password', user.password, '')
try('exists', user.exists,'x')
try('exists', user.exists,'super')
try('exists', user.exists,'zzz')
try('exists', user.exists)
try('enable', user.enable,'x')
try('disable', user.disable,'x')
try('info', user.info, 'x')
try('rc', role.create,'r')
try('rc', role.create,'r')
try('rc', role.create,'r',{if_not_exists=true})
try('rg', role.grant,'r','read','space','t')
try('rg', role.grant,'r','r')
try('rc', role.create,'r2')
try('rg', role.grant,'r2','r')
try('rg', role.grant,'r','r2')
try('ug', user.grant,'x','r2')
try('x', as, 'x', function() return box.space.t:select() end)
try('rd', role.drop,'r')
try('x', as, 'x', function() return box.space.t:select() end)
try('info', role.info, 'r')
try('info', role.info, 'r2')
try('rexists', role.exists, 'r2')
try('rd', role.drop,'nn')
try('rd', role.drop,'x')
try('ud', user.drop,'r2')
try('rr', role.revoke,'r2','read','space','t')
try('fc', func.create,'f')
try('fc', func.create,'f')
try('fc', func.create,'f',{if_not_exists=true})
try('fc', func.create,'f2',{setuid=true,language='LUA'})
try('fc', func.create,'f3',{language='PASCAL'})
try('fc', func.create,'f3',{foo=1})
try('fc', func.create,'f4',{body='function(a) return a+1 end', comment='c', is_deterministic=true})
try('fc', func.create,'f5',{body='function(a'})
try('_func', function() local r={} for _,t in box.space._func:pairs(68,{iterator='GE'}) do t=t:totable() t[18]='' t[19]='' r[#r+1]=t end return r end)
try('fe', func.exists,'f')
try('fe', func.exists,'ff')
try('bf', function() return box.func.f4 end)
try('bf', function() return box.func.f4:call{1} end)
try('bf', function() return box.func.f:call{1} end)
f=function(...) return 'called', ... end
try('bf', function() return box.func.f:call{1} end)
try('fd', func.drop,'f')
try('fd', func.drop,'f')
try('fd', func.drop,'f',{if_exists=true})
try('fgrant', user.grant,'x','execute','function','f2')
try('fd', func.drop,'f2')
try('info', user.info, 'x')
for i = 1, 40 do
    local ok, e = pcall(user.create, "m" .. i)
    if not ok then
        print(i, e)
        break
    end
end
os.exit(0)
