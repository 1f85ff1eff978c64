-- fio: results, error objects and texts, path functions.
io.stdout:setvbuf('no')
local fio=require'fio' local errno=require'errno'
local function show(v) local t=type(v) if t=='table' then local r={} for k,x in pairs(v) do r[#r+1]=tostring(k)..'='..show(x) end table.sort(r) return '{'..table.concat(r,',')..'}' end
 if t=='cdata' or t=='userdata' then return t..':'..tostring(v):gsub('0x%x+','PTR') end return t..':'..tostring(v) end
local function P(name, f, ...) errno(0) local r={pcall(f, ...)} local e = errno() if not r[1] then r[2] = tostring(r[2]):gsub('^builtin/[%w/_]+.lua:%d+: ', '') end local n=table.maxn(r) for i=1,n do r[i]=show(r[i]) end print(name, unpack(r,1,n)) if e ~= 0 and tostring(r[3]):match('^cdata') then print('   errno', e) end end
local cwd = fio.cwd()
P('open none', fio.open) P('open num', fio.open, 1) P('open missing', fio.open, 'nope') P('open badflag', fio.open, 'x', {'O_FOO'}) P('open badflag2', fio.open, 'x', 'O_FOO') P('open badmode', fio.open,'x',{'O_CREAT'},'S_FOO') P('open badmode', fio.open,'x',{'O_CREAT'},{'S_FOO'})
P('open flags badtype', fio.open,'x',true)
local fh=fio.open('x.txt',{'O_CREAT','O_RDWR','O_TRUNC'},{'S_IRUSR','S_IWUSR'})
print(type(fh), getmetatable(fh)) 
P('pairs', function() for k,v in pairs(fh) do print(k) end end)
P('write', fh.write, fh, 'hello world') P('write none', fh.write, fh) P('write num', fh.write, fh, 12) P('seek', fh.seek, fh, 0) P('read', fh.read, fh, 5) P('read all', fh.read, fh) P('read eof', fh.read, fh, 5) P('read eof all', fh.read, fh)
P('seek -1', fh.seek, fh, -1) P('seek end', fh.seek, fh, 0, 'SEEK_END') P('seek cur', fh.seek, fh, -3, 'SEEK_CUR') P('seek bad', fh.seek, fh, 0, 'FOO') P('seek set num', fh.seek, fh, 2, fio.c.seek.SEEK_SET) P('seek none', fh.seek, fh)
P('pread', fh.pread, fh, 3, 2) P('pread noofs', fh.pread, fh, 3) P('pwrite', fh.pwrite, fh, 'XY', 1) P('pwrite none', fh.pwrite, fh) P('pwrite noofs', fh.pwrite, fh, 'Z') P('pread', fh.pread, fh, 100, 0)
P('truncate', fh.truncate, fh, 4) P('trunc none', fh.truncate, fh) P('stat', function() return fh:stat().size end) P('fsync', fh.fsync, fh) P('fdatasync', fh.fdatasync, fh)

P('longjmp', function() return fh.foo end)
P('close', fh.close, fh) P('close again', fh.close, fh) P('read closed', fh.read, fh, 1) print(fh.fh) P('write closed', fh.write, fh, 'x') P('stat closed', fh.stat, fh)
local st=fio.stat('x.txt') print(type(st)) local t={} for k,v in pairs(st) do t[#t+1]=k..':'..type(v) end table.sort(t) print(table.concat(t,' ')) print(st.mode, st.size) 
print(st:is_reg(), st:is_dir(), st:is_link(), st:is_fifo(), st:is_blk(), st:is_chr(), st:is_sock()) print(type(getmetatable(st))) P('st foo', function() return st.foo end)
P('stat missing', fio.stat, 'nope') P('stat none', fio.stat) P('lstat none', fio.lstat) P('lstat missing', fio.lstat,'nope')
P('mkdir', fio.mkdir, 'd') P('mkdir again', fio.mkdir, 'd') P('mkdir none', fio.mkdir) P('mkdir mode', fio.mkdir, 'd/e', tonumber('700',8)) P('mktree', fio.mktree, 'd/a/b/c') P('mktree again', fio.mktree, 'd/a/b/c') P('mktree none', fio.mktree) P('mktree file', fio.mktree, 'x.txt/foo') P('mktree abs', fio.mktree, cwd .. '/q/r')
P('listdir', function() local l=fio.listdir('d') table.sort(l) return l end) P('listdir missing', fio.listdir, 'nope') P('listdir none', fio.listdir) P('listdir empty', fio.listdir, 'd/e')
P('rmdir nonempty', fio.rmdir,'d') P('rmdir none', fio.rmdir) P('rmdir missing', fio.rmdir, 'nope') P('rmdir ok', fio.rmdir, 'd/e')
P('copyfile', fio.copyfile, 'x.txt', 'y.txt') P('copyfile dir', fio.copyfile, 'x.txt', 'd') P('copyfile missing', fio.copyfile, 'nope', 'z') P('copyfile none', fio.copyfile) P('copyfile 1', fio.copyfile, 'a') P('copyfile nodir', fio.copyfile, 'x.txt', 'no/no')
P('copytree', fio.copytree, 'd', 'dd') P('copytree missing', fio.copytree, 'nope', 'zz') P('copytree none', fio.copytree) P('copytree file', fio.copytree, 'x.txt', 'zz') P('ct', function() local l=fio.listdir('dd') table.sort(l) return l end)
P('symlink', fio.symlink, 'x.txt', 'ln') P('symlink again', fio.symlink, 'x.txt', 'ln') P('symlink none', fio.symlink) P('readlink', fio.readlink, 'ln') P('readlink file', fio.readlink, 'x.txt') P('readlink none', fio.readlink) P('link', fio.link, 'x.txt', 'hard') P('link none', fio.link) P('link missing', fio.link, 'nope', 'h2')
P('rename', fio.rename, 'hard', 'hard2') P('rename missing', fio.rename, 'hard', 'hard2') P('rename none', fio.rename) P('unlink', fio.unlink, 'hard2') P('unlink missing', fio.unlink, 'hard2') P('unlink none', fio.unlink) P('unlink dir', fio.unlink, 'd')
P('chmod', fio.chmod, 'x.txt', tonumber('600',8)) P('chmod missing', fio.chmod, 'nope', 0) P('chmod none', fio.chmod) P('chmod 1', fio.chmod, 'x.txt') P('chown', fio.chown, 'x.txt', 0, 0) P('chown names', fio.chown, 'x.txt', 'root', 'root') P('chown nouser', fio.chown, 'x.txt', 'nouser_', 'root') P('chown none', fio.chown) P('chown missing', fio.chown, 'nope', 0,0)  P('chown nogrp', fio.chown, 'x.txt', 'root', 'nogrp_')
P('truncate', fio.truncate, 'y.txt', 2) P('truncate missing', fio.truncate, 'nope', 2) P('truncate none', fio.truncate) P('truncate nolen', fio.truncate, 'y.txt')
P('glob', fio.glob, '*.txt') P('glob none', fio.glob) P('glob nomatch', fio.glob, 'zz*zz') P('umask', function() local o=fio.umask(tonumber('22',8)) return o end) P('umask get', fio.umask) P('umask str', fio.umask, 'x') P('umask', fio.umask)
P('cwd', fio.cwd) P('chdir none', fio.chdir) P('chdir missing', fio.chdir, 'nope') P('chdir', fio.chdir, '.') P('sync', fio.sync)
P('tempdir', function() local d=fio.tempdir() local r=fio.path.is_dir(d) fio.rmdir(d) return (d:gsub('......$','')), r end)
P('rmtree', fio.rmtree, 'dd') P('rmtree missing', fio.rmtree, 'dd') P('rmtree none', fio.rmtree) P('rmtree file', fio.rmtree, 'y.txt')
P('utime', fio.utime, 'x.txt', 1000, 2000) print(fio.stat('x.txt').atime, fio.stat('x.txt').mtime) P('utime none', fio.utime) P('utime 1', fio.utime, 'x.txt') P('utime missing', fio.utime, 'nope') P('utime bad', fio.utime, 'x.txt', 'a') P('utime atime', fio.utime, 'x.txt', 500.5) print(fio.stat('x.txt').atime, fio.stat('x.txt').mtime) P('utime bad', fio.utime, 'x.txt', 1,'a')
for _,p in ipairs{'/a/b/c.lua','c.lua','/','','a/','/a','a/b/','//','a//b','.lua','a.b.lua'} do P('base '..p, fio.basename, p) P('base lua '..p, fio.basename, p, '.lua') P('dir '..p, fio.dirname, p) P('abs '..p, fio.abspath, p) end
P('basename none', fio.basename) P('basename num', fio.basename, 1) P('basename suf', fio.basename, 'a.lua', 1) P('dirname none', fio.dirname) P('abspath none', fio.abspath) P('abs', fio.abspath, 'a/../b/./c//d') P('abs', fio.abspath, '/../..') P('abs', fio.abspath, '../x') P('abs', fio.abspath, '/a/./b/')
P('join', fio.pathjoin, 'a','b','c') P('join', fio.pathjoin, '/a/','/b/','c/') P('join', fio.pathjoin, 'a','','b') P('join', fio.pathjoin, '','a') P('join', fio.pathjoin) P('join', fio.pathjoin, '') P('join nil', fio.pathjoin, 'a', nil, 'b') P('join num', fio.pathjoin, 1, 2) P('join', fio.pathjoin, '/') P('join', fio.pathjoin, '/', 'a') P('join', fio.pathjoin, 'a/') P('join', fio.pathjoin, '/', '/') P('join', fio.pathjoin, '//a', 'b') P('join',fio.pathjoin, 'a', '..', 'b') P('join nil', fio.pathjoin, nil) P('join',fio.pathjoin, 'a//','b') P('join',fio.pathjoin, 'a','/')
for _,f in ipairs{'exists','is_dir','is_file','is_link','lexists'} do for _,p in ipairs{'x.txt','d','ln','nope','dangling'} do P(f..' '..p, fio.path[f], p) end P(f..' none', fio.path[f]) end
P('copytree into exist', fio.copytree, 'd', 'q')
os.exit(0)
