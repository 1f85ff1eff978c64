-- box.once, box.func and persistent functions.
box.cfg{log_level = 0, wal_mode = 'none', listen = nil}
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
