"""The application of the reload tests, and each test on each runtime: with the engine
in front of the instance file, and adopted while it runs."""
import time

import reload_rig
import tap

APP = '''
local fiber = require('fiber')
local dep = require('dep')
%(top)s
local worker
local M = {version = %(v)d}
function M.call() return %(v)d, dep.get() end
%(functions)s
function M.start(options)
    if options.mark ~= 'args' then error('start without its arguments') end
    worker = fiber.create(function()
        fiber.name('app-worker-%(v)d')
        while true do
            shared.ticks = shared.ticks + 1
            fiber.sleep(0.002)
        end
    end)
    %(start)s
    rawset(_G, 'api_global', M.call)
end
function M.stop()
    %(stop)s
    worker:cancel()
end
%(end)s
return M
'''
DEP = '''local leaf = require('leaf')
local M = {}
function M.get() return leaf.version end
%s
return M
'''
LEAF = 'return {version = %d}\n'
# Who uses the application from outside: by name, by table, by captured function, by a
# global that its start made.
INSTANCE = '''
rawset(_G, 'shared', {ticks = 0, hits = 0})
local app = require('app')
local call = app.call
app.start({mark = 'args'})
local function add(out, a, b)
    out[#out + 1] = a
    out[#out + 1] = b
end
rawset(_G, 'api', function()
    local out = {}
    add(out, app.call())
    add(out, call())
    add(out, api_global())
    add(out, require('app').call())
    return unpack(out)
end)
'''


def app(v, **parts):
    holes = dict.fromkeys(('top', 'functions', 'start', 'stop', 'end'), '')
    holes.update(parts, v=v)
    if 'end_' in parts:
        holes['end'] = parts['end_']
    return APP % holes


def files(v, dep='', **parts):
    return {'app': app(v, **parts), 'dep': DEP % dep, 'leaf': LEAF % v}


def write(rig, v, **parts):
    """A new version on disk; only what differs is written."""
    for name, text in files(v, **parts).items():
        if rig.modules.get(name) != text:
            rig.module(name, text)


def rig_of(engine, adopt, version=1, instance=INSTANCE, jit=True, extra=None, **parts):
    modules = files(version, **parts)
    modules.update(extra or {})
    return reload_rig.Rig(engine, modules, instance, adopt=adopt, jit=jit)


def good(done, name):
    """The reload is done; shows the whole answer when it is not."""
    return tap.ok(done.exit == 0, name, done)


def refused(done, phase, part, name):
    """Exit 1 in that phase; the message has a part, and the state is told."""
    answer = done.answer
    return tap.ok(done.exit == 1 and answer.get('phase') == phase and
                  part in str(answer.get('message')) and bool(answer.get('state')), name, done)


def unharmed(load, version, name):
    """No call failed, and this version answers."""
    problem = load.serves(version)
    return tap.ok(problem is None, name, problem)


def on_each(namespace, modes=('first', 'adopted')):
    """Run each row_* function of a test as f(engine, adopt, label), then end the test."""
    for name, function in list(namespace.items()):
        if not name.startswith('row_'):
            continue
        for engine in reload_rig.ENGINES:
            for mode in getattr(function, 'modes', modes):
                label = '%s %s, %s: ' % (name[4:], engine, mode)
                tap.case(labelled(function), engine, mode == 'adopted', label)
    tap.done()


def labelled(function):
    """The row's name, when it raises, says where it ran."""
    def call(engine, adopt, label):
        call.__name__ = label + 'raised'
        began = time.monotonic()
        function(engine, adopt, label)
        print('# %s%.1f s' % (label, time.monotonic() - began))
    return call


def only(*modes):
    """A row that makes sense in these modes only."""
    def mark(function):
        function.modes = modes
        return function
    return mark
