-- What yaml.encode() prints, byte for byte.
local y=require'yaml'
local function show(n, ...)
    local r = {pcall(...)}
    for i = 1, #r do r[i] = tostring(r[i]) end
    print(n, unpack(r))
end
local strs={'','abc','a b',' a','a ','yes','no','Yes','YES','on','off','true','True','TRUE','false','null','Null','NULL','~','1','1e3','0x10','0o7','nan','.nan','.inf','inf','Infinity','-','--','- a','-a','?','? a',':','a:','a: b',':a','a:b','a#b','a #b','#','[','[]','{','{}','a, b',',','&a','*a','!a','!','|','>','%','@','`','\'','"','a\'b','a"b','<<','=','a\nb','a\n','\n','\na','a\n\nb','a\tb','\t','a\rb','\0','a\0b','\x01','\x7f','\x80','\xff\xfe','é','日本','a\xcc\x81','\xe2\x80\xa8','\xef\xbb\xbf','\xf0\x9f\x98\x80','\xc2\x85','---','...','--- a','a\\b','1.5','1_000','0.1','-1','+1','1e','e1','.5','5.','12:30','2001-01-01','a\nb: c',' \n ','a \nb','a\n b',('x'):rep(100),('word '):rep(40),('日本語 '):rep(30),'y','n','Y','N','0','-0','00','0b1','1LL','-.inf','+.inf','~x','null ','nil','function: 0x','a\x0bb','a\x0cb','a\x1bb','\xed\xa0\x80','a\n\nb\n','  a\nb','http://x/y','user@host','C:\\x','a=b','a;b','%a','x%y','a|b','a>b','a&b','a*b','1,2','(a)','a?','a!','$a','\\n','18446744073709551616','1e400','0x','0x1g',' ','  ','\x1b[0m'}
for i,s in ipairs(strs) do io.write(i,' ',y.encode(s)) io.write(y.encode{s}) io.write(y.encode{[s]=s}) end
local t={1,2} io.write(y.encode{t,t,{a=t}}) local c={} c[1]=c io.write(y.encode(c)) local c={} c.x={c} io.write(y.encode(c))
io.write(y.encode(nil)) io.write(y.encode(y.NULL)) io.write(y.encode{nil,1}) io.write(y.encode{a={b={c={1,{2,{}},{}}}},}) io.write(y.encode{{a=1},{{a=1}},{},{{},{}}})
io.write(y.encode(setmetatable({1,{2,3},{a=1}},y.array_mt))) io.write(y.encode(setmetatable({a=1,},y.map_mt))) io.write(y.encode(setmetatable({a={1,2}},{__serialize='map'}))) io.write(y.encode(setmetatable({a={1,2}},{__serialize='mapping'}))) io.write(y.encode(setmetatable({{1,2}},{__serialize='sequence'}))) io.write(y.encode(setmetatable({},{__serialize='mapping'}))) io.write(y.encode(setmetatable({},{__serialize='map'}))) io.write(y.encode({setmetatable({},{__serialize='map'}),setmetatable({1},{__serialize='seq'})}))
for _,v in ipairs{0,-0.0,1.5,1e14,1e15,123456789012345,1e16,2^53,2^63,-2^63,2^64,1e20,1e100,0.1,1/3,1e-7,123.456,1e300,0/0,1/0,-1/0,5LL,-5LL,18446744073709551615ULL,1234567890123456789ULL,100000000000000,99999999999999,1.5e10,123456789.123456789} do io.write(y.encode(v)) end
io.write(y.encode(true)) io.write(y.encode{[1.5]=2,}) io.write(y.encode{[true]=false}) io.write(y.encode{[{1,2}]=1}) io.write(y.encode{[{a=1}]=1})
io.write(y.encode{b={'x\ny',['k\nl']=1}})
local f=y.new()
show('t',function() return (f.encode{print,coroutine.create(print),require'ffi'.new'int[2]',io.stdout}:gsub('0x%x+','0x')) end)
io.write(f.encode(setmetatable({},{__tostring=function() return 'ts' end})))

show('tag',function() return y.encode({a=2},{tag_prefix='tag:x.io,2018',tag_handle='!push!'}) end)
show('tag',function() return y.encode({a=2},{tag_prefix='tag:x.io,2018',tag_handle='push'}) end)
show('tag',function() return y.encode({a=2},{tag_prefix='tag:x.io,2018'}) end)
show('tag',function() return y.encode({a=2},{tag_handle='!x!'}) end)
show('tag',function() return y.encode({a=2},{}) end)
show('tag',function() return y.encode('abc',{tag_prefix='tag:tarantool.io/push,2018',tag_handle='!push!'}) end)
show('tag',function() return y.encode({a=2},{tag_prefix=1,tag_handle='!x!'}) end)
show('enc3',function() return y.encode(1,nil) end) show('enc3',function() return y.encode(1,{},3) end)
local n=y.new{encode_invalid_numbers=false} show('inv',n.encode,0/0) local n=y.new{encode_invalid_numbers=false,encode_invalid_as_nil=true} show('inv',n.encode,0/0)
local n=y.new{encode_max_depth=1} show('depth',n.encode,{{{}}})
os.exit(0)
