-- Patches: single functions, all or none.
local L = dofile((arg[0]:gsub('[^/]+$', 'lib.lua')))
local fiber = require('fiber')

L.write('app', [[
local fiber = require('fiber')
local M = {nested = {}}
local count = 0
local limit = 10
local function helper(n) return n * 2 end
function M.version() return 1 end
function M.next() count = count + 1 return count end
function M.total(n) return helper(n) + limit end
function M.both() return M.version() end
function M.slow(gate) gate:get() return 1 end
function M.nested.deep() return 'old' end
local function a() local same = 1 return function() same = same + 1 return same end end
local function b() local same = 2 return function() same = same + 1 return same end end
M.first, M.second = a(), b()
local direct = M.version
function M.through() return direct() end
rawset(_G, 'api', function() return M.version() end)
function plain() return 'old' end
M.number = 5
return M
]])
L.write('other', "local M = {} function M.f() return 'other' end return M")
local M, other = require('app'), require('other')
captured, dispatch = M.version, {run = M.version}

local function patch(text, opts)
    opts = opts or {}
    opts.text, opts.file = text, opts.file or 'fix.lua'
    return L.op('patch', opts)
end

local function refused(text, phase, part, name)
    local before = L.op('gens').generation
    L.exit(patch(text), 1, name, phase, part)
    L.equal(L.op('gens').generation, before, name .. ': nothing changed')
end

-- Refused before anything changed.
refused('function app.version( return 2 end', 'compile', 'fix.lua:1', 'a syntax error')
refused("local app = require 'app'\nfunction app.version() return 2 end\nerror('stop')", 'load',
        'fix.lua:3: stop', 'a chunk that raises')
refused("local app = require 'app'\nfunction app.version() return 2 end\nfunction app.verson() end",
        'check', 'fix.lua:3: app.verson: there is no such function', 'an unknown function')
refused("local app = require 'app'\napp.number = 6", 'check', 'replaces functions',
        'something else than a function')
refused("local app = require 'app'\nfunction app.number() end", 'check', 'no such function',
        'a function in the place of a number')
refused('local x = 1', 'check', 'replaces no function', 'an empty patch')
refused('function print() end', 'check', 'no function of the application', 'a function of the runtime')
refused("local app = require 'app'\nlocal same\nfunction app.total() same = 1 end", 'check',
        "local 'same' is ambiguous", 'an ambiguous local')
L.like(patch("local app = require 'app'\nlocal same\nfunction app.total() same = 1 end").message,
       'app.lua:12 and', 'names both places')
L.equal(M.version(), 1, 'the old function serves')
L.exit(patch("local app = require 'app'\nfunction app.version() return 9 end", {check = true}), 0,
       'a check')
L.equal(M.version(), 1, 'changes nothing')

-- The wanted case: a counter goes on, whoever holds the function follows.
for _ = 1, 5 do M.next() end
local a = patch([[
local app = require 'app'
local count, helper
function app.version() return 2 end
function app.next() count = count + 10 return count end
function app.total(n) return helper(n) end
]])
L.exit(a, 0, 'a patch of three functions')
L.equal(#a.modules, 3, 'are listed')
L.equal(M.next(), 15, 'the counter goes on')
L.equal(M.total(4), 8, 'a local function is joined')
L.equal(M.version(), 2, 'the new function')
L.equal(captured(), 2, 'a captured function follows')
L.equal(dispatch.run(), 2, 'one in a table too')
L.equal(api(), 2, 'and the global that calls it')
L.equal(M.both(), 2, 'and the module itself')
L.equal(M.through(), 2, 'also through a local')
L.equal(L.op('gens').generation, a.generation, 'a generation of its own')
local row = L.has(L.op('diff', {names = {'app'}}).modules, 'name', 'app')
L.like(row.patches and row.patches[1], 'fix.lua', 'diff tells of the patch')

-- A hot loop keeps its count, with old and new code on one cell.
for _ = 1, 1000 do M.next() end
local before = M.next()
for i = 1, 20 do
    patch(("local app = require 'app'\nlocal count\nfunction app.next() count = count + %d " ..
           'return count end'):format(i % 2 + 1))
    for _ = 1, 2000 do M.next() end
end
L.equal(M.next() - before, 20 * 2000 * 1.5 + 1, 'no count is lost')

-- A local that is never assigned in the old code, and is in the new.
L.exit(patch([[
local app = require 'app'
local limit
function app.both() limit = limit + 1 return limit end
function app.total(n) return n + limit end
]]), 0, 'a constant becomes a variable')
local good = true
for i = 1, 500 do good = good and M.both() == 10 + i and M.total(0) == 10 + i end
L.ok(good, 'that both functions share, also when compiled')

-- Nested tables, globals, local functions, --module, a local of its own.
L.exit(patch("local app = require 'app'\nfunction app.nested.deep() return 'new' end"), 0, 'nested')
L.equal(M.nested.deep(), 'new', 'is replaced')
L.exit(patch("function plain() return 'new' end"), 0, 'a global function')
L.equal(plain(), 'new', 'is replaced')
L.exit(patch("local app = require 'app'\nlocal helper\nfunction app.total(n) return helper(n) end"), 0,
       'back to the helper')
L.exit(patch("locals(require 'app').helper = function(n) return n * 3 end"), 0, 'a local function')
L.equal(M.total(4), 12, 'is replaced')
L.exit(patch("function version() return 3 end", {module = 'app'}), 0, '--module')
L.equal(M.version(), 3, 'names the module')
a = patch("local app = require 'app'\nlocal count = 100\nlocal fresh\n" ..
          'function app.next() count = count + 1 fresh = count return fresh end')
L.exit(a, 0, 'a local with a value of its own')
L.equal(M.next(), 101, 'is not joined')
L.like(table.concat(a.notes, ' '), "local 'count' has a value", 'which is noted')
L.like(table.concat(a.notes, ' '), "local 'fresh' is not in the module", 'and so is a new one')
L.exit(patch("local app, other = require 'app', require 'other'\n" ..
             "function app.both() return other.f() end\nfunction other.f() return 'patched' end"), 0,
       'two modules at once')
L.equal(M.both(), 'patched', 'and each sees the other')

-- Rollback takes the last one back, then the one before.
L.exit(L.op('rollback'), 0, 'rollback of a patch')
L.equal(other.f(), 'other', 'the function before serves')
L.equal(L.op('history', {count = 1}).entries[1].op, 'rollback', 'and it is journalled')
L.exit(L.op('rollback'), 0, 'another')
L.equal(M.next() < 100, false, 'its counter too')

-- Calls in flight end with what they began.
local gate, got = fiber.channel(0)
fiber.create(function() got = M.slow(gate) end)
L.exit(patch("local app = require 'app'\nfunction app.slow() return 2 end"), 0, 'with a call in flight')
gate:put(true)
L.wait(function() return got end, 'it ends')
L.equal(got, 1, 'with its own version')
L.equal(M.slow(), 2, 'the next has the new one')

-- A reload replaces patches by what is on disk.
L.exit(L.op('reload', {names = {'app'}, app = 'app', start_args = 'nil', no_lifecycle = true}), 0,
       'a reload after patches')
L.equal(M.version(), 1, 'has the text from disk')
L.equal(captured(), 1, 'also for who captured a function')

-- Probation of a patch.
local stop
fiber.create(function() while not stop do pcall(M.version) fiber.sleep(0.001) end end)
a = patch("local app = require 'app'\nfunction app.version() error('bad fix') end", {probation = 20})
L.exit(a, 4, 'a patch that fails in its probation', 'probation', 'bad fix')
L.equal(M.version(), 1, 'is taken out')
stop = true
L.done()
