-- Calls of clients in flight: never cancelled by default, found by --at-drain kill.
local L = dofile((arg[0]:gsub('[^/]+$', 'lib.lua')))
local fiber = require('fiber')
local net_box = require('net.box')

box.cfg{log = L.dir .. '/box.log', wal_mode = 'none', memtx_dir = L.dir, wal_dir = L.dir,
        vinyl_dir = L.dir, listen = L.dir .. '/s'}
box.schema.user.grant('guest', 'super')
gate = fiber.channel(0)

local APP = [[
local fiber = require('fiber')
local M = {}
function M.version() return $v end
function M.slow()
    local got = gate:get()
    return $v
end
function M.elsewhere()
    local got = gate:get()
    return $v
end
return M
]]
L.write('app', APP, {v = 1})
local M = require('app')
api_slow, api_elsewhere = M.slow, M.elsewhere

local function reload(v, opts)
    L.write('app', APP, {v = v})
    return L.op('reload', opts)
end

local function call(name)
    local conn = net_box.connect(L.dir .. '/s')
    local result = {}
    local before = #L.op('fibers').fibers
    fiber.create(function()
        result.ok, result.value = pcall(conn.call, conn, name)
        result.done = true
    end)
    L.wait(function() return #L.op('fibers').fibers == before + 1 end, name .. ' is in flight')
    return result
end

local first = call('api_slow')
local a = reload(2, {drain = 0.05})
L.exit(a, 5, 'a call of a client', 'drain', 'app.lua:5')
L.equal(#a.lingering, 1, 'is listed')
L.equal(a.lingering[1].kind, 'call', 'as a call')
L.ok(a.lingering[1].fiber, 'with its fiber', a.lingering)
L.ok(not first.done, 'and goes on')
L.exit(reload(3), 1, 'the next reload is refused', 'lock', 'call')
gate:put(true)
L.wait(function() return first.done end, 'it is answered')
L.equal(first.value, 1, 'by its own version')

-- kill: old and new calls sleep in different places.
L.exit(L.op('drain'), 0, 'nothing drains')
local old = call('api_slow')
a = reload(4, {drain = 0.05})
L.exit(a, 5, 'once more')
local new = call('api_elsewhere')
a = L.op('purge', {kill = true})
L.exit(a, 0, 'purge --kill')
L.wait(function() return old.done end, 'ends the old call')
L.ok(not old.ok and tostring(old.value):find('cancelled'), 'with an error', tostring(old.value))
fiber.sleep(0.02)
L.ok(not new.done, 'and not the new one')

-- Both in one place: where nobody can say which is which, nothing is killed.
local other = call('api_slow')
a = reload(5, {drain = 0.05, at_drain = 'kill'})
L.exit(a, 0, '--at-drain kill')
L.wait(function() return other.done and new.done end, 'ends both calls')
other = call('api_slow')
a = reload(6, {drain = 0.05})
new = call('api_slow')
a = L.op('purge', {kill = true})
if a.exit == 0 then
    L.wait(function() return other.done end, 'the old call is ended')
    L.ok(not new.done, 'the new one is not')
else
    L.exit(a, 5, 'calls that cannot be told apart are listed')
    L.equal(a.lingering[1].alike, 2, 'with how many there are')
    L.ok(not other.done and not new.done, 'and left alone')
end
gate:put(true)
L.wait(function() return new.done or other.done end, 'the rest is answered')
L.done()
