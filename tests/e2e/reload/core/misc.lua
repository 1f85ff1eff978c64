-- Rules h, p, q, r, s, t: reads, rollback, removed exports, loops, ffi, the recipe.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local ffi = require('ffi')
local fiber = require('fiber')

rig.run(function()
    local uses = "local dep = require('dep') local M = {v = $1} " ..
        "function M.use() return dep.removed() end function M.loop() local M = M " ..
        'while not STOP do M.step() require("fiber").sleep(0.002) end end ' ..
        'function M.step() STEP = $1 end function M.keyed() return TABLE[M.step] end return M'
    rig.write('dep', "return {removed = function() return 'still' end, v = 1}")
    rig.write('app', uses, 1)
    local app = require('app')
    rig.settle()
    rawset(_G, 'TABLE', {[app.step] = 'found'})
    rawset(_G, 'STOP', false)
    rawset(_G, 'STEP', 0)

    -- A rest: a file that was just written is not read at once.
    rig.write('dep', "return {removed = function() return 'still' end, v = 2}")
    local at = fiber.time()
    fiber.sleep(0)
    rig.reloads('with the rest', {now = false})
    fiber.sleep(0)
    rig.ok(fiber.time() - at >= 0.09, 'the files rested', fiber.time() - at)
    local writing = true
    fiber.create(function()
        while writing do
            rig.write('dep', "return {removed = function() return 'still' end, v = 3}")
            fiber.sleep(0.03)
        end
    end)
    local a = rig.reloads('files that do not rest', {now = false}, 1, 'read')
    writing = false
    rig.like(a.message, 'dep.lua: the files do not come to rest', 'are refused')

    -- Rollback.
    rig.write('app', uses, 2)
    rig.write('dep', "return {removed = function() return 'still' end, v = 4}")
    rig.reloads('version 2')
    rig.is(app.v, 2, 'serves')
    a = rig.call('rollback')
    rig.ok(a.exit == 0, 'rollback: ' .. tostring(a.message))
    rig.is(app.v, 1, 'the previous version serves')
    a = rig.reloads('a reload after it')
    rig.is(app.v, 2, 'is as new')

    -- Removed exports.
    rig.write('dep', 'return {v = 5}')
    a = rig.reloads('strict refuses a removed export', {strict = true}, 1, 'check')
    rig.like(a.message, "export 'removed' of module 'dep' is removed, used by app", 'by name')
    rig.reloads('else it is said')
    rig.has_note("export 'removed' of module 'dep' is removed, used by app", 'by name')
    rig.ok(not pcall(app.use), 'and its user fails')
    rig.write('dep', "return {removed = function() return 'back' end}")
    rig.reloads('it comes back')
    rig.is(app.use(), 'back', 'works')

    -- A loop inside a module stays; a loop through a stub hops.
    fiber.create(function()
        while not STOP do
            OUTSIDE = app.v
            app.step()
            fiber.sleep(0.002)
        end
    end)
    rig.write('app', uses, 3)
    rig.reloads('version 3')
    rig.wait(function() return STEP == 3 end, 'the loop outside hops')
    rawset(_G, 'STOP', true)
    rig.is(app.keyed(), 'found', 'a table keyed by an exported function is found by it')

    -- ffi.
    local cffi = "local ffi = require('ffi') ffi.cdef('struct rig_s { int x; $2 };') " ..
        "local t = ffi.metatype('struct rig_s', {__index = {get = function(s) return $1 end}}) " ..
        'return {new = function() return t() end}'
    rig.write('cf', cffi, 1, '')
    local cf = require('cf')
    rig.settle()
    local object = cf.new()
    local function read()
        local sum = 0
        for _ = 1, 300 do sum = sum + object:get() end
        return sum
    end
    rig.is(read(), 300, 'a metatype, hot')
    rig.write('cf', cffi, 2, '')
    rig.reloads('the same cdef', {names = {'cf'}})
    rig.is(read(), 600, 'old objects follow')
    rig.write('cf', cffi, 3, 'int y;')
    a = rig.reloads('a changed cdef', {names = {'cf'}}, 1, 'load')
    rig.like(a.message, 'ffi.cdef needs a new process', 'is refused')
    rig.is(read(), 600, 'the old one serves')
    rig.write('cf', cffi, 4, '')
    rig.reloads('back', {names = {'cf'}})
    rig.is(read(), 1200, 'serves')

    -- The recipe.
    local held = app
    package.loaded.app = nil
    rig.write('app', uses, 4)
    local probe = false
    fiber.new(function() probe = true end)
    local again = require('app')
    rig.ok(not probe, 'require does not yield')
    rig.ok(again.v == 4 and held.v == 3, 'the recipe does what it always did')
    rig.write('app', uses, 5)
    rig.reloads('a reload after the recipe')
    rig.ok(again.v == 5 and require('app') == again and held.v == 3, 'goes on from there')
    local check = rig.call('check')
    rig.ok(check.exit == 0, 'check after it')
end)
