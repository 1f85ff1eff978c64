-- Deadlines of the application's hooks: cancelled, undone, abandoned and listed.
local L = dofile((arg[0]:gsub('[^/]+$', 'lib.lua')))
local fiber = require('fiber')

local APP = [[
local fiber = require('fiber')
$top
local M = {}
local worker
function M.version() return $v end
function M.start()
    worker = fiber.create(function()
        fiber.name('worker$v')
        while true do fiber.sleep(0.01) end
    end)
    $start
end
function M.stop() worker:cancel() $stop end
$more
return M
]]

local function app(values)
    for _, name in ipairs({'top', 'start', 'stop', 'more'}) do
        values[name] = values[name] or ''
    end
    L.write('app', APP, values)
end

app({v = 1})
local M = require('app')
M.start()

local function reload(values, opts)
    app(values)
    opts = opts or {}
    opts.hook_timeout = opts.hook_timeout or 0.2
    opts.app, opts.start_args = 'app', 'nil'
    return L.op('reload', opts)
end

local function same(name)
    L.equal(M.version(), 1, name .. ': the old version serves')
    L.wait(function() return L.fibers('worker') == 'worker1' end, name .. ': its fiber runs')
    L.equal(L.op('status').pending, nil, name .. ': nothing is pending')
end

-- Each that never returns.
local a = reload({v = 2, start = 'fiber.sleep(1000)'})
L.exit(a, 1, 'start() that never returns', 'start', 'start did not end within 0.2 s')
L.like(a.message, 'app.lua:11', 'with the place')
same('start')
a = reload({v = 2, more = 'function M.prepare() fiber.sleep(1000) end'})
L.exit(a, 1, 'prepare() that never returns', 'prepare', 'app.lua:14')
same('prepare')
a = reload({v = 2, more = 'function M.check() fiber.sleep(1000) end'})
L.exit(a, 1, 'check() that never returns', 'check', 'app.lua:14')
same('check')
a = reload({v = 2, top = 'fiber.sleep(1000)'})
L.exit(a, 1, 'a chunk that sleeps', 'load', 'load did not end within 0.2 s')
same('load')
a = reload({v = 2, top = 'local n = 0 while true do n = n + 1 end'})
L.exit(a, 1, 'a chunk that spins', 'load', 'without yielding')
same('spin')
a = reload({v = 2, start = 'error({code = 7})'})
L.exit(a, 1, 'start() that raises a table', 'start', '"code":7')
same('raise')
a = reload({v = 2, start = 'error("here")'})
L.exit(a, 1, 'start() that raises', 'start', 'app.lua:11: here')
L.like(a.traceback, 'app.lua:11', 'with a traceback')
same('raise')

-- One that swallows the cancel: abandoned, listed, and the next reload goes on.
flag = {}
a = reload({v = 2, start = 'while not flag.stop do pcall(fiber.sleep, 0.01) end'})
L.exit(a, 1, 'start() that swallows the cancel', 'start', 'left behind')
same('stubborn')
local list = L.op('gens').abandoned
L.equal(#list, 1, 'is listed')
L.equal(list[1].phase, 'start', 'with its phase')
L.like(list[1].where, 'app.lua:11', 'and where it is')
L.exit(reload({v = 3}), 0, 'the lock is free')
L.equal(M.version(), 3, 'the new version serves')
flag.stop = true
L.wait(function() return #L.op('gens').abandoned == 0 end, 'it ends when it wants to')

-- stop() that never returns: the switch is done, a warning.
app({v = 4, stop = 'fiber.sleep(1000)'})
L.exit(L.op('reload'), 0, 'to a version with an endless stop()')
a = reload({v = 5})
L.ok(a.exit == 0 or a.exit == 5, 'stop() that never returns', a)
L.like(table.concat(a.notes, ' '), 'stop did not end', 'is a warning')
L.equal(M.version(), 5, 'the new version serves')
L.wait(function() return L.fibers('worker') == 'worker5' end, 'with its fiber alone')

-- What start() made without running it yet never runs.
ran = false
a = reload({v = 6, start = 'fiber.new(function() ran = true end) error("no")'})
L.exit(a, 1, 'start() that fails after fiber.new()', 'start')
fiber.sleep(0.05)
L.equal(ran, false, 'the new fiber never ran')

-- A hook's results and its arguments.
local got = {L.E.hooks.run(1, 'test', function(...) fiber.sleep(0.001) return select('#', ...), ... end,
                           5, nil, 'x', nil)}
L.ok(got[1] == true and got[2] == 3 and got[4] == 'x', 'arguments and results pass', got)
L.done()
