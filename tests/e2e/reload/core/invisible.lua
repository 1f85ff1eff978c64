-- Rules f, l, t: what the engine must not change, and loaders of other kinds.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fio = require('fio')

rig.run(function()
    -- Errors of require.
    rig.write('missing', "local x = 1\nlocal y = require('nosuch')")
    local ok, err = pcall(require, 'missing')
    rig.ok(not ok, 'a require of what is not there raises')
    rig.like(err, '^' .. rig.path('missing') .. ":2: module 'nosuch' not found:",
        'with the place and the words of the runtime')
    rig.write('broken', 'local x = = 1')
    ok, err = pcall(require, 'broken')
    rig.like(err, "^error loading module 'broken' from file '" .. rig.path('broken') ..
        "':\n\t" .. rig.path('broken') .. ':1: ', 'so does one that does not compile')
    rig.write('raising', 'error({code = 7})')
    ok, err = pcall(require, 'raising')
    rig.ok(type(err) == 'table' and err.code == 7, 'an error object stays what it is')
    ok, err = pcall(require, 'raising')
    rig.ok(not ok, 'a second time too')
    rig.write('self', "return require('self')")
    ok, err = pcall(require, 'self')
    rig.like(err, 'loop or previous error loading module', 'a loop is a loop')
    rig.write('args', 'return {name = ..., n = select("#", ...)}')
    rig.is(require('args').name, 'args', 'a chunk gets its name')

    -- A folder with init.lua; a name that is the runtime's.
    rig.write('pack.init', "return {v = $1, sub = require('pack.sub')}", 1)
    rig.write('pack.sub', 'return {v = $1}', 1)
    rig.write('fun', 'return {mine = true}')
    local pack, fun = require('pack'), require('fun')
    rig.ok(fun.mine == nil, 'a module of the runtime wins over a file of its name')
    -- A custom loader.
    local version, asked = 1, 0
    table.insert(package.loaders, 2, function(name)
        if name == 'virtual' then
            asked = asked + 1
            return loadstring(('return {v = function() return %d end}'):format(version),
                '=virtual')
        end
    end)
    local virtual = require('virtual')
    rig.is(asked, 1, 'a loader is asked once')
    -- A module of the application that changes the directory.
    rig.settle()
    rig.write('pack.sub', 'return {v = $1}', 2)
    local a = rig.reloads('a module in a folder')
    rig.is(rig.names(a), 'pack pack.sub', 'goes with init.lua')
    rig.is(pack.sub.v, 2, 'serves')
    version = 2
    a = rig.reloads('a custom loader gives another chunk')
    rig.is(rig.names(a), 'virtual', 'which is noticed')
    rig.is(virtual.v(), 2, 'and serves')
    a = rig.reloads('--all', {all = true})
    rig.ok(not (' ' .. rig.names(a) .. ' '):find(' fun '), 'does not take the runtime')
    local before = fio.cwd()
    fio.chdir('/')
    rig.write('pack.sub', 'return {v = $1}', 3)
    rig.reloads('after the working directory changed')
    rig.is(pack.sub.v, 3, 'serves')
    fio.chdir(before)
    local answer = rig.call('reload', {names = {'pack.sub'}, check = true})
    rig.is(answer.exit, 0, 'a check')
    rig.is(require('reload').generation and type(require('reload').generation()), 'number',
        "require('reload')")
end)
