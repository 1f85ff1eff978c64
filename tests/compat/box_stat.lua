-- box.stat: what counts as what.
box.cfg({log_level = 1, memtx_max_tuple_size = 20000})
local function show_lsn()
    print(box.info.lsn, box.info.signature, box.info.vclock[1], box.info.replication[1].lsn,
          box.info.gc().vclock[1])
    print(require('json').encode(box.info.vclock), require('yaml').encode({box.info.vclock}))
end
show_lsn()
local s = box.schema.space.create('t')
s:create_index('p')
box.stat.reset()
local function show()
    local list = {}
    for name, value in pairs(box.stat()) do
        table.insert(list, name .. '=' .. value.total)
    end
    table.sort(list)
    print(table.concat(list, ' '))
end
show()
s:insert({1})
s:replace({1, 2})
s:update(1, {{'=', 2, 3}})
s:upsert({1}, {})
s:get(1)
s:select()
s:select({}, {limit = 1})
s:delete(1)
for _ in s:pairs() do end
s.index.p:min()
s.index.p:max()
show()
print(pcall(s.insert, s, {'x'}))
print((pcall(s.insert, s, {2, ('x'):rep(30000)})))
show()
print(box.stat.INSERT.total, box.stat.NOSUCH, box.stat.net.NOSUCH)
box.stat.reset()
show()
s:insert({1})
print(box.stat.INSERT.total)
show_lsn()
os.exit(0)
