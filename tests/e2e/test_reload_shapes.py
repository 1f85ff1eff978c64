"""Applications of other shapes than the documented one: started as methods, objects of a
class, a stop that takes time, errors that are no texts, files that moved or are none, and
an application that reloads itself. On each runtime, in front of it and adopted.
"""
import os

import harness
import reload_rig
import tap
from reload_rows import good, on_each, refused

METHODS = '''local fiber = require('fiber')
%(declare)s
function App:start(options)
    self.version, self.mark = %(v)d, options.mark
    self.seen = shared.app.version or 0
    self.worker = fiber.create(function()
        fiber.name('app-%(v)d')
        while true do fiber.sleep(0.005) end
    end)
end
function App:stop()
    shared.stopped[#shared.stopped + 1] = self.version
    self.worker:cancel()
end
function App:get() return self.version end
return %(value)s
'''
# What the module is: a table, a class that is its own object, an object of a class.
METHOD_SHAPES = {
    'table': ('local App = {}', 'App'),
    'class': ('local App = {} App.__index = App', 'App'),
    'object': ('local App = {} App.__index = App', 'setmetatable({}, App)'),
}
METHOD_INSTANCE = '''rawset(_G, 'shared', {stopped = {}, app = require('app')})
require('app'):start({mark = 'args'})'''


def row_started_as_a_method(engine, adopt, label):
    for shape, (declare, value) in METHOD_SHAPES.items():
        def text(v, declare=declare, value=value):
            return METHODS % {'declare': declare, 'value': value, 'v': v}
        rig = reload_rig.Rig(engine, {'app': text(1)}, METHOD_INSTANCE, adopt=adopt)
        for v in (2, 3):
            rig.module('app', text(v))
            good(rig.reload(), label + '%s: version %d' % (shape, v))
            harness.wait_for(lambda n=v, r=rig: r.fibers() == ['app-%d' % n], 'one fiber')
        app = rig.eval("local a = require('app') return a:get(), a.mark, a.version, a.seen")
        tap.equal(app, [3, 'args', 3, 2], label + shape + ': fields are the new version\'s; its '
                  'start ran while the old one served')
        tap.equal(rig.get('shared.stopped'), [1, 2],
                  label + shape + ': each stop was called on its own version')
        rig.stop()


OBJECT_OF_FRAMEWORK = '''local app = require('framework').new()
function app:run() return %d end
return app
'''
FRAMEWORK = '''local fiber = require('fiber')
local App = {}
App.__index = App
function App:start()
    self.started = self:run()
end
function App:stop() shared.stopped[#shared.stopped + 1] = self.started end
return {new = function() return setmetatable({}, App) end}
'''


def row_start_of_a_class_in_another_module(engine, adopt, label):
    rig = reload_rig.Rig(engine, {'app': OBJECT_OF_FRAMEWORK % 1, 'framework': FRAMEWORK},
                         "rawset(_G, 'shared', {stopped = {}}) require('app'):start()", adopt=adopt)
    rig.module('app', OBJECT_OF_FRAMEWORK % 2)
    done = rig.reload()
    tap.equal(done.names(), ['app'], label + 'the class is as it was')
    tap.equal(rig.eval("return require('app').started, shared.stopped"), [2, [1]],
              label + 'the object is the application: started again, the old one stopped')
    rig.stop()


SLOW_STOP = '''local fiber = require('fiber')
local M = {}
function M.start() end
function M.stop() shared.before = fiber.time() fiber.sleep(%s) end
function M.get() return %d end
return M
'''


def row_stop_that_yields(engine, adopt, label):
    rig = reload_rig.Rig(engine, {'app': SLOW_STOP % (0.05, 1)},
                         "rawset(_G, 'shared', {}) require('app').start()", adopt=adopt)
    rig.module('app', SLOW_STOP % (1000, 2))
    done = rig.reload()
    good(done, label + 'done')
    tap.ok('BUG' not in done.notes(), label + 'nobody is blamed for what stop() does', done)
    rig.module('app', SLOW_STOP % (0, 3))
    done = rig.reload('--hook-timeout', '200ms')
    good(done, label + 'a stop without an end ends at its deadline')
    tap.like(done.notes(), 'stop did not end within 0.2 s', label + 'which is told')
    tap.equal(rig.get("require('app').get()"), 3, label + 'and the new version serves')
    rig.stop()


KILLER = '''local fiber = require('fiber')
local M = {}
function M.start() shared.serves = %d end
function M.stop()
    for id, f in pairs(fiber.info()) do
        if f.name == 'reload' then fiber.kill(id) end
    end
end
return M
'''


def row_stop_that_cancels_the_reload(engine, adopt, label):
    rig = reload_rig.Rig(engine, {'app': KILLER % 1},
                         "rawset(_G, 'shared', {}) require('app').start()", adopt=adopt)
    rig.module('app', KILLER % 2)
    done = rig.reload()
    tap.equal(done.exit, 4, label + 'rolled back')
    tap.like(done.answer.get('message'), 'somebody cancelled the fiber of the reload',
             label + 'and why')
    tap.equal(rig.get('shared.serves'), 1, label + 'the old version was started again')
    rig.stop()


# State in a global, a background fiber, no start and no stop.
STORE = '''local fiber = require('fiber')
local M = rawget(_G, '__store')
if M == nil then
    M = {version = 0, items = {}}
    rawset(_G, '__store', M)
end
M.version = M.version + 1
local function tick()
    fiber.name('app-store')
    while true do fiber.sleep(0.005) end
end
local function cfg()
    if M.fiber == nil or M.fiber:status() == 'dead' then M.fiber = fiber.create(tick) end
end
return {cfg = cfg, get = function() return %d, M.version end, internal = M}
'''


def row_a_store_without_start_and_stop(engine, adopt, label):
    rig = reload_rig.Rig(engine, {'store': STORE % 1}, "require('store').cfg()", adopt=adopt)
    rig.module('store', STORE % 2)
    done = rig.reload()
    good(done, label + 'done')
    tap.matches(done.notes(), "1 background fiber of the old version was cancelled.*app-store",
             label + 'what is not done any more is told')
    tap.equal(rig.eval("""local s = require('store')
                          local v, n = s.get()
                          return v, n, s.internal == __store"""), [2, 2, True],
              label + 'its state is the same')
    rig.eval("require('store').cfg()")
    rig.module('store', STORE % 3)
    done = rig.reload('--at-drain', 'wait', '--drain', '10ms')
    tap.equal([done.exit, rig.fibers()], [5, ['app-store']], label + 'told to wait, it goes on')
    rig.stop()


STATE = '''local fiber = require('fiber')
local M = {version = %d}
local users = {{name = 'ann', roles = {1}}}
function M.save() return {users = users} end
function M.load(state, from)
    users = state.users
    for _, user in ipairs(users) do user.roles, user.name, user.from = nil, 'new', from end
    users[2] = nil
    %s
end
function M.start() %s end
function M.stop() end
function M.add() users[#users + 1] = {name = 'bob'} end
function M.get()
    local u = users[1]
    return #users, u.name, u.roles and u.roles[1] or 'none', u.from or 0
end
return M
'''


def row_state_of_a_reload_that_fails(engine, adopt, label):
    rig = reload_rig.Rig(engine, {'app': STATE % (1, '', '')},
                         "require('app').start() require('app').add()", adopt=adopt)
    ask = "return require('app').get()"
    rig.module('app', STATE % (2, "error('cannot')", ''))
    refused(rig.reload(), 'keep', 'cannot', label + 'load() raises')
    tap.equal(rig.eval(ask), [2, 'ann', 1, 0], label + 'what it changed is undone')
    rig.module('app', STATE % (2, '', "package.loaded.fiber.sleep(0.05) error('no start')"))
    refused(rig.reload(), 'start', 'no start', label + 'start() raises later')
    tap.equal(rig.eval(ask), [2, 'ann', 1, 0], label + 'undone too')
    rig.module('app', STATE % (2, '', "shared_app.add() error('no start')"))
    rig.eval("rawset(_G, 'shared_app', require('app'))")
    refused(rig.reload(), 'start', 'no start', label + 'the old version writes meanwhile')
    tap.equal(rig.eval(ask), [2, 'ann', 1, 0], label + 'its fields stay')
    rig.module('app', STATE % (2, '', ''))
    good(rig.reload(), label + 'load() that passes')
    tap.equal(rig.eval(ask), [1, 'new', 'none', 1], label + 'has its way')
    rig.stop()


# What is raised -> what is told of it.
ERRORS = {
    "error({code = 3, reason = 'no disk'})": 'no disk',
    'error()': 'an error without a value',
    "error(setmetatable({}, {__tostring = function() error('in the text') end}))": 'in the text',
    "error(setmetatable({}, {__tostring = function() return 'its text' end}))": 'its text',
    "error('bytes \\255\\254')": 'app.lua:1: bytes',
    'local t = {} t.t = t error(t)': 'table',
    'box.error(box.error.PROC_LUA, "boxed")': 'boxed',
}
CHECKS = {
    'return false': 'returned false',
    "return false, 'why not'": 'why not',
    "return nil, 'why not'": 'why not',
    "return false, {reason = 'no disk'}": 'no disk',
}


def row_errors_that_are_no_texts(engine, adopt, label):
    rig = reload_rig.Rig(engine, {'app': 'return {}'}, "require('app')", adopt=adopt)
    for raises, told in ERRORS.items():
        rig.module('app', raises + ' return {}')
        refused(rig.reload(), 'load', told, label + raises)
    for answers, told in CHECKS.items():
        rig.module('app', 'return {check = function() %s end}' % answers)
        refused(rig.reload(), 'check', told, label + 'check: ' + answers)
    rig.stop()


def row_files_that_move(engine, adopt, label):
    rig = reload_rig.Rig(engine, {
        'app': "local M, d = {}, require('dep') function M.get() return d.v end return M",
        'dep': 'return {v = 1}'}, "require('app')", adopt=adopt)
    path = rig.place.path('dep.lua')
    os.unlink(path)
    rig.module('dep/init', 'return {v = 2}')
    good(rig.reload(), label + 'dep.lua became dep/init.lua')
    tap.equal(rig.get("require('app').get()"), 2, label + 'the new one is there')
    path = rig.place.path('dep/init.lua')
    for kind, make in (('directory', os.mkdir), ('pipe', os.mkfifo)):
        os.unlink(path)
        make(path)
        refused(rig.reload(timeout=20), 'read', 'not a regular file', label + 'a ' + kind)
        (os.rmdir if kind == 'directory' else os.unlink)(path)
        rig.module('dep/init', 'return {v = 2}')
    os.unlink(path)
    refused(rig.reload(), 'read', 'is gone', label + 'no file')
    os.symlink('init.lua', path)
    refused(rig.reload(), 'read', 'is gone', label + 'a link to itself')
    rig.stop()


SELF = '''local fiber = require('fiber')
local M = {}
local function reload()
    local began = fiber.time()
    local answer = require('reload').reload({now = true})
    return answer.exit, fiber.time() - began < 4, answer.message
end
function M.start()
    local queue = fiber.channel(1)
    shared.queue = queue
    fiber.create(function()
        fiber.name('app-%(v)d')
        while queue:get() do
            shared.exit = reload()
            fiber.sleep(0.001)
        end
    end)
end
function M.stop() end
M.reload = reload
return M
'''


def row_an_application_that_reloads_itself(engine, adopt, label):
    rig = reload_rig.Rig(engine, {'app': SELF % {'v': 1}},
                         "rawset(_G, 'shared', {}) require('app').start()", adopt=adopt)
    if adopt:
        rig.reload()
    rig.module('app', SELF % {'v': 2})
    tap.equal(rig.eval("return require('app').reload()")[:2], [0, True],
              label + 'a call that reloads is not waited for')
    harness.wait_for(lambda: rig.fibers() == ['app-2'], 'the new fiber')
    for v in (3, 4):
        rig.module('app', SELF % {'v': v})
        rig.eval('shared.exit = nil shared.queue:put(true)')
        harness.wait_for(lambda: rig.get('shared.exit or 99') == 0, 'the answer')
        harness.wait_for(lambda n=v: rig.fibers() == ['app-%d' % n], 'the new fiber alone')
    tap.ok(True, label + 'a fiber that reloads has its answer, then it ends')
    rig.stop()


on_each(globals())
