"""Does the rig of the reload tests see what a bad reload costs? The recipe of
Tarantool's documentation, evaluated by ctl: its good case loses nothing; a syntax
error, a failing start and a forgotten dependency do, and the rig must say so.
"""
import harness
import reload_rig
import tap

DEP = 'return {version = %d}\n'
APP = '''
local fiber = require('fiber')
local dep = require('dep')
local worker
local M = {}
function M.call() return %(v)d, dep.version end
function M.start()
    %(start)s
    worker = fiber.create(function()
        fiber.name('app-worker-%(v)d')
        while true do fiber.sleep(0.01) end
    end)
end
function M.stop() worker:cancel() end
return M
'''
INSTANCE = '''
rawset(_G, 'api', function() return require('app').call() end)
require('app').start()
'''
# As Tarantool's documentation spells it, with the dependencies that it is told of.
RECIPE = '''
local app = package.loaded.app
app.stop()
for _, name in ipairs({...}) do package.loaded[name] = nil end
require('app').start()
'''


def app(v, start=''):
    return APP % {'v': v, 'start': start}


def recipe(rig, *names):
    return rig.place.ctl('eval', 'app', '-e', RECIPE, '--', *names)


def each(engine):
    rig = reload_rig.Rig(engine, {'app': app(0), 'dep': DEP % 0}, INSTANCE)
    with rig.load('api') as load:
        for v in (1, 2, 3):
            rig.module('app', app(v))
            rig.module('dep', DEP % v)
            done = recipe(rig, 'app', 'dep')
            tap.equal(done.returncode, 0, '%s: the recipe, version %d' % (engine, v))
        harness.wait_for(lambda: load.answered()['low'] == 3, 'version 3')
        tap.equal(reload_rig.wrong(load.answered()), None, 'no call failed')
        tap.equal(rig.fibers(), ['app-worker-3'], 'one background fiber')

        rig.module('app', app(4))
        rig.module('dep', DEP % 4)
        recipe(rig, 'app')
        lap = harness.wait_for(lambda: [x for x in [load.lap()] if x['mixed']], 'a mixed answer')
        tap.ok(lap[0]['mixed'] > 0, 'a forgotten dependency: answers mix versions')
        recipe(rig, 'app', 'dep')
        harness.wait_for(lambda: not load.answered()['mixed'], 'an end of that')

        good = rig.snapshot()
        rig.module('dep', 'return {version = }\n')
        done = recipe(rig, 'app', 'dep')
        tap.equal(done.returncode, 3, 'a syntax error')
        lap = harness.wait_for(lambda: [x for x in [load.lap()] if x['failed']], 'failed calls')
        tap.like(lap[0]['error'], "loading module 'app'", 'makes calls fail, and the first error is told')
        shown = reload_rig.difference(good, rig.snapshot())
        tap.ok('loaded.app' in shown and 'loaded.dep' in shown and 'app-worker-4' in shown,
               'and the snapshot shows what is gone', shown)
        rig.module('dep', DEP % 5)
        rig.module('app', app(5))
        rig.eval("package.loaded.app, package.loaded.dep = nil require('app').start()")
        harness.wait_for(lambda: not load.answered()['failed'], 'repair')

        rig.module('app', app(6, "rawset(_G, 'left', 1) error('cannot start')"))
        rig.module('dep', DEP % 6)
        good = rig.snapshot()
        recipe(rig, 'app', 'dep')
        load.lap()
        tap.equal(load.answered()['high'], 6,
                  'a start that fails: its version serves nevertheless')
        shown = reload_rig.difference(good, rig.snapshot())
        tap.ok('_G.left' in shown and 'app-worker-5' in shown, 'and the snapshot shows it', shown)
    tap.ok(load.sum['failed'] > 0 and load.sum['mixed'] > 0, 'the sum has it all', load.sum)
    rig.stop()


def test_snapshot_sees_what_a_reload_may_leave():
    for engine in reload_rig.ENGINES:
        rig = reload_rig.Rig(engine, {'app': app(0), 'dep': DEP % 0}, INSTANCE + '''
            box.schema.space.create('t'):create_index('pk')
            require('dep').deep = setmetatable({list = {1, {2}}}, {__index = {a = 1}})
        ''')
        before = rig.snapshot()
        tap.equal(reload_rig.difference(before, rig.snapshot()), '', engine + ': nothing moved')
        for what, part in (
                ("rawset(_G, 'x', 1)", '_G.x'),
                ("require('dep').deep.list[2][1] = 3", 'module dep.deep.list.[number 2]'),
                ("getmetatable(require('dep').deep).__index.a = 2", 'module dep.deep<mt>.__index.a'),
                ("require('app').call = function() end", 'module app.call'),
                ("package.loaded.other = true", 'loaded.other'),
                ("package.path = package.path .. ';x'", 'package.path'),
                ("string.more = 1", 'string.more'),
                ("box.space.t:on_replace(function() end)", 'trigger t.on_replace'),
                ("box.session.on_connect(function() end)", 'trigger session.on_connect'),
                ("require('fiber').create(function() require('fiber').name('app-x') "
                 "require('fiber').sleep(100) end)", ': None -> app-x')):
            before = rig.snapshot()
            rig.eval(what)
            tap.like(reload_rig.difference(before, rig.snapshot()), part, 'seen: ' + part)
        rig.stop()


def test_recipe():
    for engine in reload_rig.ENGINES:
        each(engine)


tap.run(globals())
