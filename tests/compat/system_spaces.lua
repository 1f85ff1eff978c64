-- DML on the system spaces themselves: checks, and what they hold.
box.cfg{log_level = 0, wal_mode = 'none', listen = nil}
local results = dofile(os.getenv('COMPAT_DIR') .. '/../lib/results.lua')
local show, try = results.show, results.try
local M = setmetatable({}, {__serialize = 'map'})
local A = setmetatable({}, {__serialize = 'seq'})

-- What a new database holds.
for _, name in ipairs{'_schema', '_space', '_index', '_user', '_priv', '_collation', '_sequence',
        '_trigger', '_truncate', '_space_sequence', '_fk_constraint', '_ck_constraint', '_func_index',
        '_vinyl_deferred_delete'} do
    if name ~= '_vinyl_deferred_delete' then
        for _, t in box.space[name]:pairs() do
            if t[1] ~= 'cluster' then
                print(name, show(t))
            end
        end
    end
end
for _, t in box.space._func:pairs() do
    t = t:totable()
    t[18], t[19] = '', ''
    print('_func', show(t))
end
print(box.space._cluster:get(1)[2] == box.info.uuid, #box.space._cluster:select())
for _, t in box.space._space:pairs() do
    local s = box.space[t[1]]
    print(s.name, s.id, s.engine, s.field_count, s.temporary, s.is_local, s.enabled)
    for i = 0, 5 do
        local index = s.index[i]
        if index ~= nil then
            print('', index.name, index.id, index.type, index.unique, show(index.parts))
        end
    end
    print('', show(s:format()))
end
for _, name in ipairs{'_vspace', '_vindex', '_vuser', '_vpriv', '_vfunc', '_vcollation', '_vsequence'} do
    local v = box.space[name]
    print(name, v:count(), v.index[0]:count(), show(v.index[0]:min()), show(v.index[0]:max()))
    try('read-only', function() return v:insert{1} end)
    try('read-only', function() return v:replace{1} end)
    try('read-only', function() return v:delete{1} end)
    try('read-only', function() return v:update({1}, {{'=', 1, 1}}) end)
end

local U, P, F = box.space._user, box.space._priv, box.space._func
local function ins(S, ...)
    local t = {...}
    try(S.name .. ' ' .. show(t):sub(1, 100), function() return S:insert(t) end)
end
ins(U,40,1,'a','user')
ins(U,41,1,'b','foo',M)
ins(U,42,99,'c','user',M)
ins(U,43,1,'','user',M)
ins(U,44,1,('x'):rep(65001),'user',M)
ins(U,45,1,'d','user',{x=1})
ins(U,46,1,'e','user',{['chap-sha1']=1})
ins(U,47,1,'f','user',{['chap-sha1']='xxx'})
ins(U,48,1,'g','role',{['chap-sha1']='vhvewKp0tNyweZQ+cFKAlsyphfg='})
ins(U,49,1,'h','user',{['chap-sha1']='vhvewKp0tNyweZQ+cFKAlsyphfg='})
ins(U,50,1,'a','user',M)
ins(U,40,1,'z','user',M)
try('upd', function() return U:update(40,{{'=',3,'zz'}}) end)
try('upd', function() return U:update(40,{{'=',4,'role'}}) end)
try('upd', function() return U:update(49,{{'=',5,M}}) end)
try('upd', function() return U:update(0,{{'=',5,{['chap-sha1']='tpAn1E9uXtwH8a6tFHeWexbygic='}}}) end)
try('upd', function() return U:update(1,{{'=',3,'root'}}) end)
try('upd', function() return U:update(1,{{'=',3,'admin'}}) end)
try('del', function() return U:delete(0) end)
try('del', function() return U:delete(31) end)
try('del', function() return U:delete(40) end)
local s=box.schema.space.create('t',{user='h'})
try('del', function() return U:delete(49) end)
try('drop', function() return box.schema.user.drop('h') end)
try('sp', function() return box.space.t end)
box.schema.user.create('h')
box.schema.user.create('k')
local h=box.space._user.index.name:get('h')[1]
local k=box.space._user.index.name:get('k')[1]
box.schema.role.create('r')
ins(P,1,h,'space',280,1)
ins(P,1,h,'space',280,1)
ins(P,1,h,'space',9999,1)
ins(P,1,h,'foo',1,1)
ins(P,1,999,'space',1,1)
ins(P,999,h,'space',281,1)
ins(P,1,h,'function',9999,1)
ins(P,1,h,'role',9999,4)
ins(P,1,h,'role',k,4)
ins(P,1,h,'user',9999,4)
ins(P,1,h,'user',k,4)
ins(P,1,h,'universe',1,4)
ins(P,1,h,'universe',0,0)
ins(P,1,h,'space','',1)
ins(P,1,h,'space','x',1)
ins(P,1,h,'space',281,0)
ins(P,1,h,'space',288,2^32)
ins(P,1,h,'space',289,255)
ins(P,1,0,'role',31,4)
ins(P,1,1,'universe',0,4)
ins(P,0,k,'space',280,1)
try('pd', function() return P:delete{h,'space',280} end)
try('pd', function() return P:delete{1,'universe',0} end)
try('prep', function() return P:replace{1,1,'universe',0,1} end)
try('prep', function() return P:replace{1,h,'space',281,2} end)
try('del', function() return U:delete(h) end)
try('del', function() return box.space._space:delete(280) end)
try('grants on space', function() box.schema.user.grant('h','read','space','t2') end)
local t2=box.schema.space.create('t2') box.schema.user.grant('h','read','space','t2')
try('del sp', function() return box.space._space:delete(t2.id) end)
t2:truncate()
ins(F,100,1,'fn',0)
ins(F,101,1,'fn',1,'LUA')
ins(F,102,1,'fn2',2,'LUA')
ins(F,103,1,'fn3',0,'X')
ins(F,104,99,'fn4',0,'LUA')
ins(F,105,1,'',0,'LUA')
ins(F,106,1,'fn5',0,'LUA','')
ins(F,108,1,'fn7',0,'LUA','','function',A,'any','none','none',false,false,true,{'LUA'},M,'','','')
ins(F,32768,1,'fn8',0,'LUA')
ins(F,0,1,'fn9',0,'LUA')
ins(F,109,1,('x'):rep(65001),0,'LUA')
ins(F,111,1,'fn11',0,'LUA','','function',A,'any','none','none',false,false,true,{'LUAX'},M,'','','')
ins(F,112,1,'fn12',0,'LUA','','function',A,'foo','none','none',false,false,true,{'LUA'},M,'','','')
try('fupd', function() return F:update(108,{{'=',3,'newname'}}) end)
try('fupd', function() return F:update(108,{{'=',4,1}}) end)
box.schema.user.grant('h','execute','function','fn7')
try('fdel', function() return F:delete(108) end)
try('coll', function() return box.space._collation:get{3} end)
try('schema', function() return box.space._schema:insert{'a',1} end)
try('view', function() return box.space._vspace:insert{1} end)
try('view', function() return box.space._vspace:delete{1} end)
try('view', function() return box.space._vspace:count() end)
try('view', function() return box.space._vspace.index.name:get('_vspace')[1] end)
try('view', function() return box.space._vspace.index.name:min()[1] end)
try('view', function() return box.space._vspace.index.owner:count{1} end)
os.exit(0)
