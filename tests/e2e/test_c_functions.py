"""C functions and box.lib in an instance: what tests/compat/capi cannot compare, since
stock Tarantool dies of it or has no box.lib."""
import os
import subprocess

import harness
import tap
from module_common import CXX, HERE

SCRIPT = '''
local dir = '%(dir)s'
local fio = require('fio')
local fiber = require('fiber')
box.cfg{log = dir .. '/log', work_dir = dir}
local function install(version)
    os.execute(('cp %%s/v%%d.so %%s/new && mv %%s/new %%s/mod.so'):format(dir, version, dir, dir, dir))
end
local function try(what, f, ...)
    local r = {pcall(f, ...)}
    local text = tostring(r[2]):gsub('/[^ ]*/mod', 'DIR/mod')
    print(what, r[1], r[1] and text or (type(r[2]) == 'cdata' and r[2].type or '?') .. ': ' .. text)
end
local function call(name, ...)
    return box.func['mod.' .. name]:call(...)
end
install(1)
for _, name in ipairs{'version', 'throws', 'raises', 'raises_after_sleep', 'echo', 'fiber_raises',
        'gives_lua', 'registers'} do
    box.schema.func.create('mod.' .. name, {language = 'C'})
end

-- A Lua file of the same name is another matter.
os.execute('echo "return 1" > ' .. dir .. '/mod.lua')
try('beside a Lua file', call, 'version')

for _ = 1, 3 do
    try('throws', call, 'throws')
    try('raises', call, 'raises')
    try('raises after a sleep', call, 'raises_after_sleep')
end
try('in a coroutine', coroutine.wrap(function() return call('raises') end))
try('a fiber raises', call, 'fiber_raises')
try('goes on', call, 'version')
box.begin()
try('in a transaction', call, 'raises')
print('still in it', box.is_in_txn())
box.rollback()

-- box.lib
local lib = box.lib
for _, wrong in ipairs{{}, {''}, {'mod', 1}, {{}}} do
    try('load', lib.load, unpack(wrong))
end
try('load nothing', lib.load, 'nothing')
local a, b = lib.load('mod'), lib.load('mod')
local version, echo = a:load('version'), b:load('echo')
print(version(), unpack(echo(1, 'x', {y = 2}), 1, 2))
print(#echo(), #echo(nil, nil), echo(('x'):rep(100000))[1]:len())
try('no function', a.load, a, 'nothing')
try('no name', a.load, a)
try('no self', a.load, 'version')
install(2)
local c = lib.load('mod')
print('another file', c:load('version')(), version())
box.schema.func.reload('mod')
print('reload is for functions', call('version'), version(), a:load('version')())
print(a:unload())
try('unloaded', a.load, a, 'version')
try('unload again', a.unload, a)
print('its function', version())
print(version:unload())
try('unloaded', version)
try('unload again', version.unload, version)
try('raises', c:load('raises'))
-- Forgotten without an unload, also while it is called.
local done = fiber.channel(1)
fiber.create(function()
    local f = lib.load('mod'):load('echo')
    done:put(f('kept')[1])
end)
print(done:get())
a, b, c, version, echo = nil
collectgarbage()
collectgarbage()
local left = 0
for _, v in ipairs(require('module').list()) do
    left = left + v.handles
end
print('handles left', left)
-- What Lua has of a module stays callable.
for _, name in ipairs{'gives_lua', 'registers'} do
    call(name)
    install(1)
    box.schema.func.reload('mod')
end
print(version_of_module(), registered_by_module.version(), call('version'))
for _, v in ipairs(require('module').list()) do
    print(v.state, v.stuck)
end
print('left in TMPDIR', #fio.listdir(dir .. '/tmp'))
os.exit(0)
'''

WANTED = '''beside a Lua file true 1
throws false LuajitError: C++ exception
raises false LuajitError: raised by 1
raises after a sleep false ClientError: set and raised
throws false LuajitError: C++ exception
raises false LuajitError: raised by 1
raises after a sleep false ClientError: set and raised
throws false LuajitError: C++ exception
raises false LuajitError: raised by 1
raises after a sleep false ClientError: set and raised
in a coroutine false LuajitError: raised by 1
a fiber raises false LuajitError: raised in a fiber
goes on true 1
in a transaction false LuajitError: raised by 1
still in it true
load false IllegalParams: Expects box.lib.load('name') but no name passed
load false IllegalParams: Expects box.lib.load('name') but no name passed
load false IllegalParams: Expects box.lib.load('name') but no name passed
load false IllegalParams: Expects box.lib.load('name') but no name passed
load nothing false ClientError: Failed to dynamically load module 'nothing': module not found
1 1 x
0 2 100000
no function false ClientError: Failed to dynamically load function 'nothing': DIR/mod.so: undefined symbol: nothing
no name false IllegalParams: Expects module:load('name') but no name passed
no self false IllegalParams: Expects module:load('name') but no name passed
another file 2 1
reload is for functions 2 1 1
true
unloaded false IllegalParams: The module is unloaded
unload again false IllegalParams: The module is unloaded
its function 1
true
unloaded false IllegalParams: The function is unloaded
unload again false IllegalParams: The function is unloaded
raises false LuajitError: raised by 2
kept
handles left 0
2 1 1
cannot be unloaded Lua has functions of it
cannot be unloaded Lua has functions of it
current nil
left in TMPDIR 0
'''


def test_functions():
    for jit in ('on', 'off'):
        directory = harness.tempdir()
        for version in (1, 2):
            subprocess.run([*CXX, '-shared', '-fPIC', '-O1', '-I/usr/include/tarantool',
                            '-DVERSION=%d' % version, '-o', '%s/v%d.so' % (directory, version),
                            os.path.join(HERE, 'module', 'functions.cc')], check=True)
        os.mkdir(directory + '/tmp')
        with open(directory + '/script.lua', 'w') as f:
            f.write(SCRIPT % {'dir': directory})
        env = dict(os.environ, TMPDIR=directory + '/tmp', TARANTELLA_JIT=jit)
        done = subprocess.run([harness.TARANTELLA, directory + '/script.lua'], env=env,
                              capture_output=True, text=True, timeout=120)
        tap.ok(done.returncode == 0, 'JIT %s: it ends well' % jit, done.stderr)
        tap.equal(done.stdout.replace('\t', ' '), WANTED, 'JIT %s: the output' % jit)


tap.run(globals())
