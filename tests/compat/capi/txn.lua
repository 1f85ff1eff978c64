-- Transactions through the C API.
local lib = dofile(os.getenv('COMPAT_DIR') .. '/lib.lua')
local c, mp, show = lib.capi, lib.mp, lib.show
local fiber = require('fiber')
box.cfg{log_level = 1}
local s = box.schema.space.create('s', {id = 600})
s:create_index('pk')

local function ids()
    local list = {}
    for _, t in s:pairs() do
        list[#list + 1] = tostring(t[1])
    end
    return table.concat(list, ' ')
end

-- None
show('none', c.txn(), c.txn_id())
show('commit', c.txn_commit())
show('rollback', c.txn_rollback())
show('alloc', c.txn_alloc(1, 10))

-- One
show('begin', c.txn_begin())
show('one', c.txn(), c.txn_id() > 0, box.is_in_txn())
show('begin', c.txn_begin())
show('Lua begins', pcall(box.begin))
local id = c.txn_id()
show('alloc', c.txn_alloc(100, 1000))
show('alloc', c.txn_alloc(1, 0))
show('alloc', c.txn_alloc(1, 10000000))
show('insert', c.insert(600, mp(1)))
show('insert', c.insert(600, mp(1)))
show('insert', c.insert(600, mp(2)))
show('same', c.txn_id() == id)
show('commit', c.txn_commit())
show('over', c.txn(), c.txn_id(), box.is_in_txn(), ids())
show('commit', c.txn_commit())

-- Rolled back
c.txn_begin()
show('later', c.txn_id() > id)
c.insert(600, mp(3))
c.replace(600, mp(1, 'x'))
c.delete(600, 0, mp(2))
c.update(600, 0, mp(1), mp({'=', 1, 'y'}))
c.upsert(600, 0, mp(1), mp({'=', 1, 'z'}))
c.txn_alloc(10, 100)
show('inside', ids(), c.index_get(600, 0, mp(1)))
show('rollback', c.txn_rollback())
show('over', ids(), c.index_get(600, 0, mp(1)))

-- Begun in Lua, ended in C, and the other way
box.begin()
s:insert{4}
show('commit', c.txn_commit(), ids())
c.txn_begin()
s:insert{5}
box.rollback()
show('rollback', c.txn(), ids())
box.begin()
local log = {}
box.on_commit(function() log[#log + 1] = 'committed' end)
box.on_rollback(function() log[#log + 1] = 'rolled back' end)
c.txn_alloc(5, 5)
s:insert{5}
c.txn_commit()
box.begin()
c.txn_alloc(5, 5)
box.on_commit(function() log[#log + 1] = 'committed' end)
box.on_rollback(function() log[#log + 1] = 'rolled back' end)
c.txn_alloc(5, 5)
s:insert{6}
c.txn_rollback()
show('triggers', table.concat(log, ' '), ids())
box.begin()
s:insert{7}
local sp = box.savepoint()
c.txn_alloc(5, 5)
c.insert(600, mp(8))
box.rollback_to_savepoint(sp)
c.insert(600, mp(9))
c.txn_commit()
show('savepoint', ids())

-- A yield
c.txn_begin()
c.insert(600, mp(10))
fiber.sleep(0)
show('after a yield', c.txn(), ids())
show('insert', c.insert(600, mp(11)))
show('commit', c.txn_commit())
show('over', c.txn(), ids())
c.txn_begin()
c.insert(600, mp(10))
fiber.sleep(0)
c.txn_alloc(3, 3)
show('rollback', c.txn_rollback(), ids())
c.txn_begin()
fiber.sleep(0)
show('nothing was done', c.insert(600, mp(12)), c.txn_commit(), ids())
c.txn_begin()
c.index_get(600, 0, mp(1))
fiber.sleep(0)
show('only read', c.txn_commit(), ids())

-- Of the fiber
c.txn_begin()
fiber.create(function()
    show('another fiber', c.txn(), c.txn_id())
    show('another fiber', c.txn_begin(), c.txn_commit())
end)
show('this one', c.txn())
c.txn_rollback()
local f = fiber.new(function()
    c.txn_begin()
    c.insert(600, mp(100))
    c.txn_alloc(3, 100)
end)
f:set_joinable(true)
show('left open', f:join())
show('left open', ids())

-- Inside a statement
s:on_replace(function(old, new)
    show('in a trigger', c.txn(), c.txn_id() > 0)
    show('commit', c.txn_commit())
    show('rollback', c.txn_rollback())
    show('begin', c.txn_begin())
    show('alloc', c.txn_alloc(3, 100))
    if new ~= nil and new[1] < 1000 then
        show('nested', c.insert(600, mp(new[1] + 400)))
    end
end)
show('insert', c.insert(600, mp(201)))
show('over', ids())
c.txn_begin()
show('insert', c.insert(600, mp(601)))
show('commit', c.txn_commit())
show('over', ids())
os.exit(0)
