-- What the clients of test_netbox.py talk to. Arguments: socket.
box.cfg({listen = 'unix/:' .. arg[1], log_level = 2})
box.schema.user.create('u', {password = 'p'})
box.schema.user.grant('u', 'read,write,execute,create,drop,alter', 'universe')
box.schema.user.grant('guest', 'read,write,execute', 'universe')
local s = box.schema.space.create('t', {format = {{'id', 'unsigned'},
    {'name', 'string', is_nullable = true}}})
s:create_index('pk')
s:create_index('sk', {parts = {{2, 'string', is_nullable = true}}, unique = false})
for i = 1, 5 do
    s:insert({i, 'n' .. i})
end

function f(...)
    return ...
end

function err()
    error('oops', 0)
end

function box_err()
    box.error(box.error.NO_SUCH_SPACE, 'zz')
end

function pusher()
    box.session.push(1)
    box.session.push({2})
    return 3
end

function slow()
    require('fiber').sleep(100)
end

print('ready')
io.stdout:flush()
