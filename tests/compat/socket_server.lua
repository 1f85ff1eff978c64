-- tcp_server, tcp_connect, datagrams, getaddrinfo, iowait, LuaSocket's objects.
io.stdout:setvbuf('no')
local socket=require'socket' local fiber=require'fiber' local errno=require'errno' local fio=require'fio'
local function show(v) local t=type(v) if t=='table' then local r={} for k,x in pairs(v) do r[#r+1]=tostring(k)..'='..show(x) end table.sort(r) return '{'..table.concat(r,',')..'}' end
 if t=='cdata' or t=='userdata' then return t..':'..tostring(v):gsub('0x%x+','PTR') end return t..':'..tostring(v) end
local function sock(v) if type(v)=='table' and rawget(v,'_gc_socket') then return 'SOCKET' end return show(v) end
local function P(name, f, ...) local r={pcall(f, ...)} local n=table.maxn(r) if not r[1] then r[2]=tostring(r[2]):gsub('^[%w/_]+.lua:%d+: ', '') end for i=1,n do r[i]=sock(r[i]) end print(name, unpack(r,1,n)) end
-- tcp_server / tcp_connect
P('srv none', socket.tcp_server) P('srv bad', socket.tcp_server, '127.0.0.1', 0, 5) P('srv badport', socket.tcp_server, '127.0.0.1', 'xx', function() end) print(errno(), errno.strerror()) 
local names={}
local srv, from = socket.tcp_server('127.0.0.1', 0, function(s, peer) names[#names+1]=fiber.self():name():gsub('%d+','N') print('peer', peer.host, peer.family, type(peer.port), peer.type, peer.protocol) s:write('hi '..tostring(s:read('\n'))) end)
print(type(srv), (show(from):gsub('port=number:%d+','PORT'))) print(srv:name().host)
local port=srv:name().port
local c, e=socket.tcp_connect('127.0.0.1', port) print(type(c), e) c:write('foo\n') print(c:read(100)) c:close() print(names[1])
-- fibers names
local fn={} for _,i in pairs(fiber.info()) do if i.name:match('/') then fn[#fn+1]=i.name:gsub('%d+','N') end end table.sort(fn) print(table.concat(fn,' '))
-- address in use
P('inuse', socket.tcp_server, '127.0.0.1', port, function() end) print(errno(), errno.strerror())
srv:close()
local function server_fibers() local n=0 for _,i in pairs(fiber.info()) do if i.name:match('/') then n=n+1 end end return n end
local limit=fiber.clock()+10 while server_fibers()>0 and fiber.clock()<limit do fiber.yield() end print(server_fibers())
P('refused', socket.tcp_connect, '127.0.0.1', port) print(errno(), errno.strerror())
P('conn none', socket.tcp_connect)  P('conn 1', socket.tcp_connect, '127.0.0.1')
-- table form
local log={} local srv=socket.tcp_server('127.0.0.1', 0, {name='myserver', handler=function(s) log[#log+1]=fiber.self():name():gsub('%d+','N') end, prepare=function(s) print('prepare', type(s)) return 5 end})
local fn={} for _,i in pairs(fiber.info()) do if i.name:match('/') then fn[#fn+1]=i.name:gsub('%d+','N') end end table.sort(fn) print(table.concat(fn,' '))
local c=socket.tcp_connect('127.0.0.1', srv:name().port) print(c:read(10)) print(log[1]) srv:close()
P('no handler', socket.tcp_server, '127.0.0.1', 0, {}) 
-- error in handler
local srv=socket.tcp_server('127.0.0.1', 0, function(s) error('in handler') end) local c=socket.tcp_connect('localhost', srv:name().port) print(c:read(10)) print(c:peer().host) srv:close()
-- unix
local path=fio.cwd()..'/u.sock' fio.unlink(path)
local srv=socket.tcp_server('unix/', path, function(s, peer) s:write('x') end) print(type(srv), show(srv:name()):gsub(path,'PATH')) print((tostring(srv):gsub('fd %d+','fd N'):gsub(path,'PATH')))
local c=socket.tcp_connect('unix/', path) print(type(c), c:read(1), show(c:peer()):gsub(path,'PATH')) print((tostring(c):gsub('fd %d+','fd N'):gsub(path,'PATH'))) print(show(c:name()))
P('inuse', socket.tcp_server, 'unix/', path, function() end) print(errno(), errno.strerror())
srv:close() print(fio.path.lexists(path)) P('dead connect', socket.tcp_connect, 'unix/', path) print(errno())
local s=socket('AF_UNIX','SOCK_STREAM',0) s:bind('unix/', path) s:listen() s:close() print(fio.path.lexists(path))
local srv=socket.tcp_server('unix/', path, function(s) s:write('y') end) print(type(srv)) local c=socket.tcp_connect('unix/', path) print(c:read(1)) srv:close()
P('unix missing', socket.tcp_connect, 'unix/', '/nonexistent/x') print(errno())
io.open(path,'w'):close() P('regular file', socket.tcp_server, 'unix/', path, function() end) print(fio.path.exists(path)) fio.unlink(path)
-- udp
local a=socket('AF_INET','SOCK_DGRAM','udp') a:bind('127.0.0.1',0) local b=socket('AF_INET','SOCK_DGRAM','udp') P('sendto', b.sendto, b, '127.0.0.1', a:name().port, 'ping') a:readable(1) local d, f=a:recvfrom(10) print(d, type(f), f and f.host, f and f.family, f and f.type, f and f.protocol) P('recvfrom empty', a.recvfrom, a, 10) print(a:errno()) P('sendto bad', b.sendto, b, '127.0.0.1') P('sendto bad2', b.sendto, b) b:sendto('127.0.0.1', a:name().port, 'hello world') a:readable(1) P('trunc', function() return (a:recv(3)) end) b:sendto('127.0.0.1', a:name().port, 'hello world') a:readable(1) P('recv noarg', function() return (a:recv()) end) b:sendto('127.0.0.1', a:name().port, '') a:readable(1) P('recv0', function() return (a:recv()) end) b:sendto('127.0.0.1', a:name().port, 'abc') a:readable(1) P('recvfrom noarg', function() return (a:recvfrom()) end)
print((tostring(a):gsub('%d+','N')))
-- getaddrinfo
local r=socket.getaddrinfo('127.0.0.1','80',{type='SOCK_STREAM',family='AF_INET'}) print(show(r)) P('gai', socket.getaddrinfo, '127.0.0.1','http',{type='SOCK_STREAM',protocol='tcp'})  P('gai to', socket.getaddrinfo, '127.0.0.1','80', 1, {type='SOCK_STREAM', family='AF_INET'}) P('gai flags', socket.getaddrinfo, '127.0.0.1','80', {type='SOCK_STREAM', flags='AI_NUMERICHOST'}) P('gai flags2', socket.getaddrinfo, '127.0.0.1','80', {type='SOCK_STREAM', flags={'AI_NUMERICHOST','AI_PASSIVE'}}) P('gai badflag', socket.getaddrinfo, '127.0.0.1','80', {type='SOCK_STREAM', flags='AI_FOO'}) P('gai badfam', socket.getaddrinfo, '127.0.0.1','80', {family='AF_FOO'}) P('gai nil port', socket.getaddrinfo, '127.0.0.1') P('gai port num', socket.getaddrinfo, '127.0.0.1', 80, {type='SOCK_STREAM'})
-- iowait
P('iowait none', socket.iowait) P('iowait 0', socket.iowait, 0) P('iowait bad', socket.iowait, 0, 'X', 0.01) local a=socket('AF_INET','SOCK_DGRAM','udp') P('iowait', socket.iowait, a:fd(), 'RW', 0.01) P('iowait W', socket.iowait, a:fd(), 'W', 0.01) P('iowait R', socket.iowait, a:fd(), 'R', 0.01) P('iowait num', socket.iowait, a:fd(), 2, 0.01) P('iowait nil ev', socket.iowait, a:fd(), nil, 0.01) P('iowait 3', socket.iowait, a:fd(), 3, 0.01)
P('iowait closed', socket.iowait, 99, 'R', 10) P('iowait sleep', socket.iowait, nil, nil, 0.001) P('iowait neg', socket.iowait, -1, 'R', 0.001)
-- write to closed
local srv=socket.tcp_server('127.0.0.1', 0, function(s) s:close() end) local c=socket.tcp_connect('127.0.0.1', srv:name().port) c:readable(10) P('w1', c.write, c, 'aa') c:error() local limit=fiber.clock()+10 repeat local ok=c:write('bb') until ok == nil or ok == false or fiber.clock()>limit print(c:errno(), c:error()) P('r', c.read, c, 5) srv:close()
-- cancel in read
local srv=socket.tcp_server('127.0.0.1', 0, function(s) fiber.sleep(100) end) local c=socket.tcp_connect('127.0.0.1', srv:name().port) local f=fiber.new(function() return c:read(5) end) f:set_joinable(true) fiber.yield() f:cancel() P('cancel read', f.join, f)
local f=fiber.new(function() return c:readable() end) f:set_joinable(true) fiber.yield() f:cancel() P('cancel readable', f.join, f)
local f=fiber.new(function() return c:readable() end) f:set_joinable(true) fiber.yield() c:close() P('close while readable', f.join, f)
-- big transfer
local N=3000000 local got=0 local srv=socket.tcp_server('127.0.0.1', 0, function(s) while true do local d=s:read({chunk=65536}, 5) if d=='' or d==nil then break end got=got+#d end s:write('done') end) local c=socket.tcp_connect('127.0.0.1', srv:name().port) print(c:write(('x'):rep(N))) c:shutdown('W') print(c:read(4), got==N) srv:close() print(c:close())
-- luasocket
for _,k in ipairs{'tcp','bind','connect'} do print(k, type(getmetatable(socket).__index[k])) end
local t=socket.tcp() print(type(t), (tostring(t):gsub('%d+','N'))) P('lbind', t.bind, t, '127.0.0.1', 0) P('llisten', t.listen, t, 5) P('getsockname', function() local h,p=t:getsockname() return h,type(p) end)
local h,p=t:getsockname() local c=socket.connect('127.0.0.1', p) print(type(c)) local a=t:accept() print(type(a)) P('lsend', c.send, c, 'abc\ndef\nghi') P('lrecv', a.receive, a) P('lrecv l', a.receive, a, '*l') P('lrecv n', a.receive, a, 2) c:close() P('lrecv a', a.receive, a, '*a') P('lrecv closed', a.receive, a, '*l') P('getpeername', function() local h,p=a:getpeername() return h,type(p) end) P('settimeout', a.settimeout, a, 1) P('lclose', a.close, a)
local b=socket.bind('127.0.0.1', 0) print(type(b)) P('setoption', b.setoption, b, 'reuseaddr', true) P('getoption', b.getoption, b, 'reuseaddr') 
os.exit(0)
