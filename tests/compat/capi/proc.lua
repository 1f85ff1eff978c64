-- Stored procedures that use box, over IPROTO.
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
local netbox = require('net.box')
local fiber = require('fiber')
local json = require('json')
box.cfg{log_level = 1, listen = 'unix/:./proc.sock'}
local s = box.schema.space.create('s', {id = 600})
s:create_index('pk')
local names = {'push', 'put', 'leave_open', 'fail_in_transaction', 'yield_in_transaction',
    'rolled_back', 'keep', 'move_all', 'with_latch', 'twice', 'nothing_found', 'raise_kept'}
for _, name in ipairs(names) do
    box.schema.func.create('capi_proc.' .. name, {language = 'C'})
end
box.schema.user.create('u', {password = 'p'})
box.schema.user.grant('u', 'execute', 'universe')
local admin = netbox.connect('unix/:./proc.sock')
box.schema.user.grant('guest', 'execute,read,write', 'universe')
local user = netbox.connect('unix/:./proc.sock', {user = 'u', password = 'p'})

local function show(name, ok, ...)
    local list = {}
    for i = 1, select('#', ...) do
        local value = select(i, ...)
        if type(value) == 'cdata' and box.tuple.is(value) then
            list[i] = 'tuple ' .. json.encode(value)
        elseif type(value) == 'cdata' and value ~= nil then
            list[i] = value.type .. ' ' .. tostring(value.code) .. ' ' .. value.message
        else
            list[i] = json.encode(value)
        end
    end
    print(name, ok, table.concat(list, ' | '))
end
local function call(con, name, args, opts)
    show(name, pcall(con.call, con, 'capi_proc.' .. name, args, opts))
end
local function ids()
    local list = {}
    for _, t in s:pairs() do
        list[#list + 1] = tostring(t[1])
    end
    return table.concat(list, ' ')
end

-- Messages before the answer
local pushed = {}
call(admin, 'push', {}, {on_push = function(_, value) pushed[#pushed + 1] = json.encode(value) end})
print(table.concat(pushed, ' '))
local future = admin:call('capi_proc.push', {}, {is_async = true})
for i, message in future:pairs() do
    print(i, json.encode(message))
end
show('in Lua', pcall(function() return box.func['capi_proc.push']:call{} end))

call(admin, 'put', {7, 'x', {1}})
call(admin, 'put', {7})
call(admin, 'put', {})
call(admin, 'put', {'x'})
call(user, 'put', {8})
print(ids())
call(admin, 'leave_open')
print(ids(), box.is_in_txn())
call(admin, 'fail_in_transaction')
print(ids())
call(admin, 'yield_in_transaction')
print(ids())
call(admin, 'rolled_back')
print(ids())
call(user, 'rolled_back')
call(admin, 'keep', {905})
call(admin, 'keep', {905})
print(ids())
for i = 1, 200 do
    s:replace{i, ('x'):rep(i)}
end
call(admin, 'move_all')
call(admin, 'move_all')
print(ids())
s:replace{1}
call(user, 'move_all')
print(ids())
call(admin, 'twice')
call(admin, 'nothing_found')
call(user, 'nothing_found')

-- The same error object each time
local kept = box.error.new{code = 1000, reason = 'kept'}
rawset(_G, 'raise_kept', function() error(kept) end)
for _ = 1, 3 do
    show('raise kept', pcall(box.func['capi_proc.raise_kept'].call, box.func['capi_proc.raise_kept']))
    call(admin, 'raise_kept')
end

-- Many at once
local results, left = {}, 20
for i = 1, left do
    fiber.create(function()
        local answer = admin:call('capi_proc.with_latch')
        results[#results + 1] = answer[1]
        left = left - 1
    end)
end
while left > 0 do
    fiber.sleep(0.001)
end
table.sort(results, function(a, b) return tonumber(a:match('%d+$')) < tonumber(b:match('%d+$')) end)
print(table.concat(results, ', '))

-- In a transaction of the caller
box.begin()
s:replace{50}
show('in mine', pcall(box.func['capi_proc.leave_open'].call, box.func['capi_proc.leave_open']))
print(box.is_in_txn(), ids())
show('in mine', pcall(box.func['capi_proc.move_all'].call, box.func['capi_proc.move_all']))
print(box.is_in_txn(), ids())
box.rollback()
print(ids())
os.exit(0)
