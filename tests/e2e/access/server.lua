-- server.lua SOCKET: users, functions and triggers for access/client.lua.
local path = arg[1]
box.cfg{listen = 'unix/:' .. path, log_level = 0, wal_mode = 'none'}

local events = {}
local function note(name)
    return function(...)
        events[#events + 1] = {name, box.session.user(), box.session.effective_user(),
            box.session.type(), box.session.peer() ~= nil, ...}
    end
end
box.session.on_connect(note('connect'))
-- When clients go is not known: what is noted of it is asked for by itself.
local gone = {}
box.session.on_disconnect(function()
    gone[box.session.user()] = {box.session.effective_user(), box.session.type(), box.session.peer(),
        box.session.storage.value}
end)
function wait_gone(user)
    while gone[user] == nil do
        require('fiber').sleep(0.001)
    end
    return gone[user]
end
box.session.on_auth(note('auth'))
box.session.on_access_denied(note('denied'))

function who()
    return box.session.user(), box.session.effective_user(), box.session.uid(),
        box.session.euid(), box.session.type(), box.session.peer(), box.session.fd() > 0,
        box.session.sync() > 0
end
function as_owner()
    return who()
end
function remember(value)
    local before = box.session.storage.value
    box.session.storage.value = value
    return before
end
function become(name)
    box.session.su(name)
end
function become_for_a_while(name)
    return box.session.su(name, who)
end
function in_fiber()
    local f = require('fiber').new(function() return box.session.user(), box.session.type() end)
    f:set_joinable(true)
    return f:join()
end
function takes_events()
    local taken = events
    events = {}
    return taken
end
function leaves_transaction()
    box.begin()
    box.space.t:replace{1000}
end
function fails_in_transaction()
    box.begin()
    box.space.t:replace{1000}
    error('oops', 0)
end
function reads() return box.space.t:select() end
function writes(n) return box.space.t:replace{n} end
function alters() return box.space.t:format({{'id', 'unsigned'}}) end
function count() return box.space.t:count() end
deep = {er = {path = function(...) return 'deep', ... end}}

local t = box.schema.space.create('t')
t:create_index('pk')
t:insert{1}

box.schema.user.create('eve')
box.schema.user.create('ann', {password = 'secret'})
box.schema.user.create('root', {password = 'r'})
box.schema.user.grant('root', 'super')
box.schema.role.create('readers')
box.schema.role.grant('readers', 'read', 'space', 't')
for _, name in ipairs{'who', 'remember', 'become', 'become_for_a_while', 'in_fiber', 'reads', 'writes',
        'alters', 'leaves_transaction', 'fails_in_transaction', 'deep.er.path', 'count'} do
    box.schema.func.create(name)
    box.schema.user.grant('ann', 'execute', 'function', name)
end
box.schema.func.create('as_owner', {setuid = true})
box.schema.user.grant('guest', 'execute', 'function', 'as_owner')
box.schema.func.create('persistent', {body = 'function(a, b) return a + b, box.session.effective_user() end',
    setuid = true})
box.schema.func.create('undefined')
box.schema.user.grant('guest', 'execute', 'function', 'undefined')
box.schema.user.grant('ann', 'execute', 'function', 'persistent')
io.stdout:write('ready\n')
io.stdout:flush()
