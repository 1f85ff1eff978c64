-- uuid: texts and bytes.
local uuid=require'uuid' local ffi=require'ffi'
local function show(n, ...)
    local r = {pcall(...)}
    for i = 1, 5 do
        r[i] = tostring(r[i]):gsub('0x%x+', 'ADDR'):gsub('^builtin/[%w_/]+%.lua:%d+: ', '')
    end
    print(n, unpack(r, 1, 4))
end
local k={} for a,b in pairs(uuid) do k[#k+1]=a..':'..type(b) end table.sort(k) print(table.concat(k,' '))
print(getmetatable(uuid) and getmetatable(uuid).__call and 'call')
local u=uuid.fromstr('c8f0fa1f-da29-438c-a040-393f1126ad39')
local function hex(s) return (s:gsub('.',function(c) return ('%02x'):format(c:byte()) end)) end
print(u, type(u), tostring(u), u:str(), hex(u:bin()), hex(u:bin('l')), hex(u:bin('b')), hex(u:bin('n')), hex(u:bin('h')), u:isnil())
show('bin bad', u.bin, u, 'x') show('bin', u.bin) show('bin',u.bin,1) show('str',u.str) show('str',u.str,1) show('isnil',u.isnil) show('isnil',u.isnil,1)
for _,s in ipairs{'','abc','c8f0fa1f-da29-438c-a040-393f1126ad3','c8f0fa1f-da29-438c-a040-393f1126ad399','C8F0FA1F-DA29-438C-A040-393F1126AD39','c8f0fa1f-da29-438c-e040-393f1126ad39','c8f0fa1f-da29-438c-f040-393f1126ad39','c8f0fa1f-da29-438c-c040-393f1126ad39','00000000-0000-0000-0000-000000000000','c8f0fa1fda29438ca040393f1126ad39','g8f0fa1f-da29-438c-a040-393f1126ad39'} do show('fromstr '..s, uuid.fromstr, s) end
show('fromstr',uuid.fromstr) show('fromstr',uuid.fromstr,1) show('fromstr',uuid.fromstr,{})
show('frombin',uuid.frombin) show('frombin',uuid.frombin,1) show('frombin',uuid.frombin,'abc') show('frombin',uuid.frombin,('a'):rep(16)) show('frombin l',uuid.frombin,('abcdefghijklmnop'),'l') show('frombin b',uuid.frombin,('abcdefghijklmnop'),'b') show('frombin x',uuid.frombin,('abcdefghijklmnop'),'x') show('frombin h',uuid.frombin,('abcdefghijklmnop'),'h') show('frombin n',uuid.frombin,('abcdefghijklmnop'),'n')
print(uuid.NULL, uuid.NULL:isnil(), uuid.NULL==box.NULL, uuid.NULL==nil)
print(u==uuid.fromstr('c8f0fa1f-da29-438c-a040-393f1126ad39'), u=='c8f0fa1f-da29-438c-a040-393f1126ad39', u==1, u==nil, u=='x', u=={}, u~=uuid.NULL)
show('lt', function() return u<uuid.NULL end) show('le', function() return u<=uuid.NULL end) show('ltstr', function() return u<'x' end)
show('ltstr', function() return u<'c8f0fa1f-da29-438c-a040-393f1126ad40' end) show('lt1', function() return u<1 end)
print(ffi.typeof(u)) show('field', function() return u.time_low, u.node[0] end) show('nofield', function() return u.foo end) show('set', function() u.time_low=1 return u end)
print(type(uuid()), type(uuid.new()), #uuid.str(), #uuid.bin(), #uuid():str(), uuid.is_uuid and uuid.is_uuid(u)) show('call',function() return #uuid():bin('l') end)
show('call arg',function() return type(uuid(1)) end) show('new arg',function() return type(uuid.new(1)) end) show('strarg', function() return #uuid.str(1) end) show('concat', function() return u..'' end) show('len', function() return #u end) show('call',function() return u() end)
local a,b=uuid(),uuid() print(a==b, a:str():sub(15,15), ('89ab'):find(a:str():sub(20,20))~=nil)
print(require'json'.encode{u}, require'yaml'.encode(u), require'msgpack'.decode(require'msgpack'.encode(u))==u)
os.exit(0)
