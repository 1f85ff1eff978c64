-- Stored procedures in C: made, called from Lua and over the protocol, with rights,
-- dropped, reloaded (func.c).
local dir = os.getenv('CAPI_DIR')
package.cpath = dir .. '/?.so;' .. package.cpath
local fiber = require('fiber')
local fio = require('fio')
local json = require('json')
local net_box = require('net.box')
local work_dir = fio.tempdir()
local socket = work_dir .. '/s.sock'
box.cfg{listen = socket, log = 'file:' .. work_dir .. '/log', wal_mode = 'none',
    work_dir = work_dir, checkpoint_interval = 0}

local function clean(text)
    return (text:gsub('builtin/[%w/_.]+:%d+: ', ''):gsub('/tmp/[%w_/]*/', ''):gsub('[^ ]*/(capi_func)', '%1'))
end

local function show(what, ok, ...)
    local values = {...}
    if ok then
        local types = {}
        for i = 1, select('#', ...) do
            types[i] = type(values[i])
        end
        print(what, 'ok', table.concat(types, ' '), clean(json.encode(values)):sub(1, 200))
    elseif type(values[1]) == 'cdata' then
        print(what, 'error', values[1].type, values[1].code, clean(values[1].message):sub(1, 200))
    else
        print(what, 'error', clean(tostring(values[1])))
    end
    if box.is_in_txn() then
        print(what, 'left a transaction')
        box.rollback()
    end
end

local function try(what, f, ...)
    show(what, pcall(f, ...))
end

local create = box.schema.func.create
local function call(name, ...)
    return box.func[name]:call(...)
end

local names = {'capi_func', 'nothing', 'one', 'several', 'many', 'echo', 'tuple', 'tuples', 'fails',
    'fails_with_1', 'raises_code', 'raises_client', 'error_but_ok', 'result_but_fails', 'begins',
    'begins_and_fails', 'yields', 'no_such_symbol'}
for i, name in ipairs(names) do
    if name ~= 'capi_func' then
        names[i] = 'capi_func.' .. name
    end
    create(names[i], {language = 'C'})
    box.schema.user.grant('guest', 'execute', 'function', names[i])
end
local c = net_box.connect(socket)
for _, name in ipairs(names) do
    try('lua ' .. name, call, name, {1, {a = 2}, 'x'})
    try('net ' .. name, c.call, c, name, {1, {a = 2}, 'x'})
    try('func.call ' .. name, box.schema.func.call, name, 1, 2)
end

-- Arguments
local f = box.func['capi_func.echo']
try('none', f.call, f)
try('empty', f.call, f, {})
try('map', f.call, f, {a = 1})
try('mixed', f.call, f, {1, a = 1})
try('tuple', f.call, f, box.tuple.new{1, 2})
try('tuple inside', f.call, f, {box.tuple.new{1, 2}})
try('null', f.call, f, {box.NULL})
try('number', f.call, f, 1)
try('no self', f.call, {1})
try('big', function() return #f:call({('x'):rep(1000000)})[1] end)

-- Names
for _, name in ipairs{'', '.', '..', 'a.', '.a', 'no_module.f', 'capi_func.sub.f', 'dir/capi_func.f',
        dir .. '/capi_func.one', 'a\0b.c', 'tab\t.f', ('x'):rep(300) .. '.f'} do
    local shown = ('<%s>'):format(clean(name):sub(1, 20):gsub('%c', '?'))
    try('create ' .. shown, create, name, {language = 'C'})
    if box.func[name] then
        try('call ' .. shown, call, name)
        box.schema.func.drop(name)
    end
end

-- Options
try('body', create, 'm.body', {language = 'C', body = 'x'})
try('sandboxed', create, 'm.sandboxed', {language = 'C', is_sandboxed = true})
try('language', create, 'm.language', {language = 'D'})
create('m.lower', {language = 'c'})
create('m.hidden', {language = 'C', exports = {}})
create('m.sql', {language = 'C', exports = {'SQL'}})
create('m.both', {language = 'C', exports = {'LUA', 'SQL'}, is_deterministic = true, comment = 'why',
    returns = 'integer', setuid = true})
print(box.func['m.lower'] ~= nil, box.func['m.hidden'], box.func['m.sql'])
local object = {}
for k, v in pairs(box.func['m.both']) do
    v = k == 'exports' and {v.lua, v.sql} or v
    table.insert(object, k == 'id' and k or k .. '=' .. json.encode(v))
end
table.sort(object)
print(table.concat(object, ' '))
try('exists', create, 'm.both', {language = 'C'})
try('if_not_exists', create, 'm.both', {language = 'C', if_not_exists = true})
print(box.schema.func.exists('m.both'), box.space._func.index.name:get('m.both')[5])
box.func['m.both']:drop()
print(box.schema.func.exists('m.both'), box.func['m.both'])

-- Rights
box.schema.user.revoke('guest', 'execute', 'function', 'capi_func.one')
try('no right', c.call, c, 'capi_func.one')
box.schema.user.create('u')
box.session.su('u', function() try('no right in lua', call, 'capi_func.one') end)
local s = box.schema.space.create('s')
s:create_index('pk')
create('capi_func.stores', {language = 'C'})
box.schema.user.grant('guest', 'execute', 'function', 'capi_func.stores')
try('without the owner\'s rights', c.call, c, 'capi_func.stores', {1, 'x'})
box.schema.func.drop('capi_func.stores')
create('capi_func.stores', {language = 'C', setuid = true})
box.schema.user.grant('guest', 'execute', 'function', 'capi_func.stores')
try('setuid', c.call, c, 'capi_func.stores', {1, 'x'})
try('setuid', c.call, c, 'capi_func.stores', {'x'})
print(json.encode(s:select()))

-- In a transaction
box.begin()
call('capi_func.stores', {2, 'y'})
box.rollback()
print(json.encode(s:select()))

-- Reload
try('reload', box.schema.func.reload, 'capi_func')
try('again', call, 'capi_func.one')
for _, name in ipairs{'capi_func.one', 'nobody', '', 'm', '../capi_func'} do
    try('reload <' .. name .. '>', box.schema.func.reload, name)
end
try('reload number', box.schema.func.reload, 1)
try('reload nothing', box.schema.func.reload)
box.begin()
s:replace{3}
try('reload in a transaction', box.schema.func.reload, 'capi_func')
s:replace{4}
box.rollback()

box.session.su('u', function() try('reload without rights', box.schema.func.reload, 'capi_func') end)
box.schema.user.grant('u', 'execute', 'function', 'capi_func.one')
box.session.su('u', function() try('reload, execute on one', box.schema.func.reload, 'capi_func') end)
box.schema.user.grant('u', 'execute', 'universe')
box.session.su('u', function() try('reload, execute on all', box.schema.func.reload, 'capi_func') end)
box.session.su('guest', function() try('reload as guest', box.schema.func.reload, 'nobody') end)

-- Drop: undone by a rollback; the last one takes the module with it.
box.begin()
box.schema.func.drop('capi_func.nothing')
box.rollback()
try('drop undone', call, 'capi_func.nothing')
for _, name in ipairs(names) do
    box.schema.func.drop(name)
end
try('reload with one left', box.schema.func.reload, 'capi_func')
box.schema.func.drop('capi_func.stores')
try('reload with none left', box.schema.func.reload, 'capi_func')
try('dropped', c.call, c, 'capi_func.echo')

-- Many at once
create('capi_func.yields', {language = 'C'})
local wrong, done = 0, fiber.channel()
for i = 1, 100 do
    fiber.create(function()
        if call('capi_func.yields', {i, 'x'})[1] ~= i then
            wrong = wrong + 1
        end
        done:put(true)
    end)
end
for _ = 1, 100 do
    done:get()
end
print('wrong', wrong)
c:close()
fio.rmtree(work_dir)
os.exit(0)
