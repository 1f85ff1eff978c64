-- Who runs replaced code: cancelled, waited for, listed, refused, purged.
local L = dofile((arg[0]:gsub('[^/]+$', 'lib.lua')))
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
local M = {}
local worker
function M.version() return $v end
function M.slow(gate) fiber.self():name('call$v') gate:get() return $v end
function M.with_child(gate)
    local answer = fiber.channel(1)
    fiber.create(function() fiber.name('child$v') gate:get() answer:put($v) end)
    return answer:get()
end
function M.wrapped(gate)
    return coroutine.wrap(function() gate:get() return $v end)()
end
function M.stubborn(flag)
    fiber.create(function()
        fiber.name('stubborn$v')
        while not flag.stop do pcall(fiber.sleep, 0.01) end
    end)
end
function M.start()
    worker = fiber.create(function()
        fiber.name('worker$v')
        while true do fiber.sleep(0.01) end
    end)
end
$stop
return M
]]
local STOP = 'function M.stop() worker:cancel() end'
local version = 0

local function app(stop)
    version = version + 1
    L.write('app', APP, {v = version, stop = stop or STOP})
end

app()
local M = require('app')
local start_args = L.mode == 'adopt' and 'nil' or nil
M.start()

local function reload(opts, stop)
    app(stop)
    opts = opts or {}
    opts.app, opts.start_args = start_args and 'app', start_args
    return L.op('reload', opts)
end

-- A fiber of somebody else that is in a call of the application.
local function call(name)
    local gate, result = fiber.channel(0), {}
    fiber.create(function()
        result.ok, result.value = pcall(M[name], gate)
        result.done = true
    end)
    return gate, result
end

L.exit(reload(), 0, 'nothing lingers')
L.equal(L.fibers('worker'), 'worker2', 'stop() ended the old worker')

-- stop() forgets its fiber: it is cancelled.
app('function M.stop() end')
L.exit(L.op('reload'), 0, 'stop() without the fiber')
local a = reload()
L.exit(a, 0, 'the fiber it forgot is cancelled')
L.wait(function() return L.fibers('worker') == 'worker4' end, 'and gone')

-- stop() raises: the same.
app('function M.stop() error("no") end')
L.exit(L.op('reload'), 0, 'to a version whose stop raises')
a = reload()
L.exit(a, 0, 'stop() that raises is a warning')
L.wait(function() return L.fibers('worker') == 'worker6' end, 'its fiber is cancelled')

-- A call in flight is listed, never cancelled.
local gate, result = call('slow')
a = reload({drain = 0.05})
L.exit(a, 5, 'a call in flight', 'drain', 'app.lua:5')
L.equal(#a.lingering, 1, 'is listed')
L.equal(a.lingering[1].kind, 'call', 'as a call')
L.equal(a.lingering[1].generation, L.op('gens').generation - 1, 'of the old generation')
L.equal(a.lingering[1].waiting, 'get', 'with what it waits in')
L.ok(a.lingering[1].fiber, 'and its fiber', a.lingering)
L.ok(not result.done, 'and goes on')
a = reload()
L.exit(a, 1, 'the third version is refused', 'lock', 'call')
L.like(a.message, 'app.lua:5', 'naming where it sleeps')
L.exit(L.op('check', {names = {'app'}}), 0, 'a check is never refused')
L.exit(L.op('plan', {names = {'app'}}), 0, 'nor a plan')
L.exit(L.op('purge', {}), 1, 'purge --soft refuses too', 'lock', 'app.lua:5')
gate:put(true)
L.wait(function() return result.done end, 'the call ends')
L.equal(result.value, 6, 'with the answer of its own version')
L.exit(L.op('drain'), 0, 'then nothing drains')
L.exit(L.op('reload'), 0, 'and the next reload goes on')
L.equal(M.version(), 8, 'to the version on disk')

-- What a call made and waits for is a part of the call.
gate, result = call('with_child')
a = reload({drain = 0.05})
L.exit(a, 5, 'a call with a fiber of its own')
L.equal(#a.lingering, 1, 'which is listed as a part of the call')
gate:put(true)
L.wait(function() return result.done end, 'it ends')
L.equal(result.value, 8, 'and was not cancelled')

-- Inside of a coroutine.
gate, result = call('wrapped')
a = reload({drain = 0.05})
L.exit(a, 5, 'code in a coroutine is seen', 'drain', 'app.lua:12')
gate:put(true)
L.wait(function() return result.done end, 'it ends')
L.equal(result.value, 9, 'with its version')

-- Fibers that swallow the cancel: listed; supersede and kill remove exactly those
-- that can be removed.
local flag = {}
fiber.create(M.stubborn, flag)
a = reload({drain = 0.05})
L.exit(a, 5, 'a fiber that swallows the cancel', 'drain', 'goes on after it was cancelled')
L.equal(a.lingering[1].name, 'stubborn10', 'is named')
local other_gate, other = call('slow')
a = reload({drain = 0.05})
L.exit(a, 1, 'the next is refused', 'lock', 'stubborn10')
a = L.op('reload', {drain = 0.05, supersede = true, at_drain = 'kill'})
L.exit(a, 5, '--supersede goes on', 'drain')
L.equal(M.version(), 12, 'with the new version')
L.ok(L.has(a.lingering, 'name', 'stubborn10'), 'the stubborn one is still listed', a.lingering)
L.ok(L.has(a.lingering, 'name', 'call11') == nil, 'the call was ended', a.lingering)
L.wait(function() return other.done end, 'the call that ran older code ended')
L.ok(not other.ok and tostring(other.value):find('cancelled'), 'it was cancelled',
     tostring(other.value))
L.equal(L.fibers('worker'), 'worker12', 'nobody else was')
flag.stop = true
L.wait(function() return L.fibers('stubborn') == '' end, 'the stubborn one ends')

-- at_drain = wait cancels nothing.
app('function M.stop() end')
L.exit(L.op('reload'), 0, 'once more a stop() that forgets')
a = reload({drain = 0.05, at_drain = 'wait'})
L.exit(a, 5, '--at-drain wait', 'drain')
L.equal(L.fibers('worker'), 'worker13 worker14', 'leaves the fiber alone')
a = L.op('fibers', {gen = a.lingering[1].generation})
L.equal(#a.fibers, 1, 'fibers --gen tells who')
L.like(a.fibers[1].where, 'app.lua:23', 'and where it sleeps')
L.exit(L.op('purge', {kill = true, gen = L.op('gens').generation}), 1, 'purge of the current one')
L.exit(L.op('purge', {gen = 1}), 0, 'purge of one that nobody runs')
L.equal(L.fibers('worker'), 'worker13 worker14', 'leaves the fiber alone')
L.exit(L.op('purge', {kill = true}), 0, 'purge --kill')
L.equal(L.fibers('worker'), 'worker14', 'ends exactly that')

-- Release: proven, or what holds it is named.
L.wait(function()
    for _, g in ipairs(L.op('gens').generations) do
        if g.state ~= 'released' and g.state ~= 'current' then
            return false
        end
    end
    return true
end, 'all old generations are released')
holder = {deep = {M = 1}}
local f = (function()
    for _, record in pairs(L.E.state.records) do
        return record.slots.cur.version
    end
end)()
holder.deep.leak = f
reload()
a = L.op('purge', {})
L.exit(a, 0, 'purge with something that holds a function')
L.like(L.has(a.retained, 'held_by', 'leak') and L.has(a.retained, 'held_by', 'leak').held_by,
       '_G.holder.deep.leak', 'names the way to it')
holder, f = nil, nil
L.equal(#L.op('purge', {}).retained, 0, 'and nothing when it is gone')

-- Many reloads leave nothing.
collectgarbage() collectgarbage()
for _ = 1, 70 do reload() end -- fills the rings of the engine
L.op('purge', {}) collectgarbage() collectgarbage()
local before = collectgarbage('count')
for _ = 1, 100 do reload() end
-- What the engine still looks for in the background comes and goes.
local grown
L.wait(function()
    L.op('purge', {}) collectgarbage() collectgarbage()
    grown = collectgarbage('count') - before
    return grown < 150
end, '100 reloads leave nothing behind')
L.equal(L.fibers('worker'), 'worker' .. version, 'one worker')
L.done()
