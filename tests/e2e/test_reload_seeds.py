"""What a reload costs where the recipes of other systems fail, part one: the rows of
Tarantool's own recipe. Each on tarantella and on stock Tarantool, with the engine in
front of the application and adopted while it runs. Clients call without a pause.

TEST_TIMES makes the long rows as many times longer.
"""
import os
import threading

import harness
import reload_rig
import tap
from reload_rows import (INSTANCE, app, files, good, on_each, refused, rig_of, unharmed,
                        write)
from reload_rig import TIMES

# Tarantool's documentation: the instance file is evaluated again.
RECIPE = '''
local app = package.loaded.app
app.stop()
package.loaded.app, package.loaded.dep, package.loaded.leaf = nil, nil, nil
require('app').start({mark = 'args'})
'''
BY_NAME = INSTANCE + '''
rawset(_G, 'api', function() return require('app').call() end)
'''


def row_t1_the_recipe_works_beside_the_engine(engine, adopt, label):
    rig = rig_of(engine, adopt, instance=BY_NAME)
    with rig.load() as load:
        for v in (2, 3):
            write(rig, v)
            done = rig.place.ctl('eval', 'app', '-e', RECIPE)
            tap.equal(done.returncode, 0, label + 'the recipe by eval, version %d' % v)
            unharmed(load, v, label + 'serves it')
        write(rig, 4)
        good(rig.reload(), label + 'a reload after the recipe')
        unharmed(load, 4, label + 'serves its version')
        tap.equal(rig.fibers(), ['app-worker-4'], label + 'one background fiber')
        write(rig, 5)
        done = rig.place.ctl('eval', 'app', '-e', RECIPE)
        tap.equal(done.returncode, 0, label + 'the recipe after a reload')
        unharmed(load, 5, label + 'serves its version')
        write(rig, 6)
        good(rig.reload(), label + 'and a reload again')
        unharmed(load, 6, label + 'serves its version')
        tap.equal(rig.fibers(), ['app-worker-6'], label + 'one background fiber')
    rig.stop()


def row_t2_eight_reloads(engine, adopt, label):
    rig = rig_of(engine, adopt)
    with rig.load(connections=8) as load:
        for v in range(2, 10):
            write(rig, v)
            done = rig.reload()
            if done.exit != 0 or done.names() != ['app', 'dep', 'leaf']:
                tap.ok(False, label + 'reload %d' % v, done)
        unharmed(load, 9, label + 'eight reloads: no call failed or was mixed')
        tap.equal(rig.fibers(), ['app-worker-9'], label + 'one background fiber')
    tap.ok(load.sum['silence_ms'] < 1000, label + 'longest silence %.1f ms at %d calls/s' % (
        load.sum['silence_ms'], load.sum['requests'] / load.sum['seconds']))
    rig.stop()


def row_t2_a_module_of_2_mb(engine, adopt, label):
    big = '\n'.join('function M.f%d(a, b) local t = {a = a, b = b, "%s"} return t end' % (
        i, 'x' * 40) for i in range(20000))
    rig = rig_of(engine, adopt, functions=big)
    with rig.load() as load:
        for v in (2, 3):
            write(rig, v, functions=big)
            good(rig.reload(), label + 'version %d' % v)
            unharmed(load, v, label + 'no call failed')
    tap.ok(load.sum['silence_ms'] < 1000,
           label + 'longest silence %.1f ms' % load.sum['silence_ms'])
    rig.stop()


def ticks(rig, name):
    """The background fiber of the running version goes on."""
    before = rig.get('shared.ticks')
    harness.wait_for(lambda: rig.get('shared.ticks') > before + 1, 'ticks')
    tap.ok(True, name)


def row_t3_syntax_error(engine, adopt, label):
    rig = rig_of(engine, adopt)
    with rig.load() as load:
        write(rig, 2)
        good(rig.reload(), label + 'a first good one')
        before = rig.snapshot()
        gens = rig.ctl('gens').answer
        for name in ('app', 'dep'):
            text = rig.modules[name]
            rig.module(name, text + '\n)')
            done = rig.reload()
            where = '%s.lua:%d:' % (name, text.count('\n') + 2)
            refused(done, 'compile', where, label + 'a syntax error in %s is told' % name)
            tap.like(done.stderr + done.stdout, where, label + 'with file and line')
            unharmed(load, 2, label + 'costs nothing')
            rig.module(name, text)
        ticks(rig, label + 'the old background fiber ticks')
        tap.equal(reload_rig.difference(before, rig.snapshot()), '', label + 'no trace is left')
        tap.equal([g['number'] if 'number' in g else g.get('id') or g.get('generation')
                   for g in rig.ctl('gens').answer.get('generations', [])
                   if g.get('state') != 'failed'],
                  [g['number'] if 'number' in g else g.get('id') or g.get('generation')
                   for g in gens.get('generations', [])], label + 'gens shows what it did')
        good(rig.reload(), label + 'the repaired files: nothing to do')
    rig.stop()


def row_t4_start_raises(engine, adopt, label):
    rig = rig_of(engine, adopt)
    with rig.load() as load:
        for n, fault in enumerate(("error('cannot start')",
                                   "fiber.sleep(0.1) error('cannot start')")):
            before = rig.snapshot()
            write(rig, 2 + n, start=fault)
            line = rig.modules['app'][:rig.modules['app'].index('cannot start')].count('\n') + 1
            done = rig.reload()
            refused(done, 'start', 'app.lua:%d: cannot start' % line, label + fault)
            unharmed(load, 1, label + 'the old version serves on')
            tap.equal(rig.fibers(), ['app-worker-1'], label + 'no fiber of the new one is left')
            if not adopt or n > 0:
                tap.equal(reload_rig.difference(before, rig.snapshot()), '', label + 'no trace')
        write(rig, 9)
        good(rig.reload(), label + 'a good version after them')
        unharmed(load, 9, label + 'serves')
    rig.stop()


def row_t5_stop_raises(engine, adopt, label):
    rig = rig_of(engine, adopt, stop="error('cannot stop')")
    with rig.load() as load:
        write(rig, 2)
        done = rig.reload()
        good(done, label + 'the reload is done')
        tap.like(done.notes(), 'cannot stop', label + 'with a warning')
        unharmed(load, 2, label + 'the new version serves')
        harness.wait_for(lambda: rig.fibers() == ['app-worker-2'],
                         'the fiber that stop left to be cancelled')
    rig.stop()


def row_t6_dependency_that_nobody_names(engine, adopt, label):
    rig = rig_of(engine, adopt, extra={'other': 'return {}\n'}, top="local other = require('other')")
    with rig.load() as load:
        write(rig, 2, top="local other = require('other')")
        good(rig.reload(), label + 'all')
        before = rig.get("tostring(require('other'))")
        # app is as it was: it reads its version from the leaf from now on.
        text = app(2, top="local other = require('other')").replace(
            'return 2, dep.get()', 'return dep.get(), dep.get()')
        rig.module('app', text)
        good(rig.reload(), label + 'the reading one')
        for v in (3, 4):
            rig.module('leaf', 'return {version = %d}\n' % v)
            done = rig.reload()
            good(done, label + 'only the leaf changed')
            tap.equal(done.names(), ['app', 'dep', 'leaf'], label + 'what needs it is reloaded')
            unharmed(load, v, label + 'no answer mixes versions')
        tap.equal(rig.get("tostring(require('other'))"), before, label + 'nothing else is')
    rig.stop()


def row_t7_files_rewritten_in_place(engine, adopt, label):
    """A deploy that writes into the files, again and again, while they are reloaded."""
    rig = rig_of(engine, adopt)
    stop, version = threading.Event(), [1]

    def deploy():
        while not stop.is_set():
            version[0] += 1
            for name, text in files(version[0]).items():
                with open(rig.place.path(name + '.lua'), 'w', encoding='utf-8') as f:
                    for i in range(0, len(text), 97):
                        f.write(text[i:i + 97])
                        f.flush()
            # Now and then there is a pause in which a reload can read.
            stop.wait(0.15 if version[0] % 20 == 0 else 0)

    thread = threading.Thread(target=deploy)
    with rig.load() as load:
        thread.start()
        results, odd = [], []
        try:
            for _ in range(12 * TIMES):
                done = rig.reload('--rest')
                results.append(done.exit)
                if done.exit not in (0, 1):
                    odd.append(repr(done))
                if rig.get('type(package.loaded.app) ~= "table" or '
                           'type(package.loaded.dep) ~= "table"'):
                    odd.append('a half module is loaded')
        finally:
            stop.set()
            thread.join()
        tap.equal(odd, [], label + '%d of %d got through, none is broken' % (
            results.count(0), len(results)))
        lap = load.answered()
        tap.equal(reload_rig.wrong(lap), None, label + 'no call failed, no half deploy answered')
        write(rig, version[0] + 1)
        for name, text in files(version[0] + 1).items():
            rig.module(name, text)
        good(rig.reload('--rest'), label + 'when the files rest')
        unharmed(load, version[0] + 1, label + 'the last version serves')
    rig.stop()


def row_t8_a_stop_that_forgets_its_fiber(engine, adopt, label):
    def leak(v):
        return '''fiber.create(function()
            fiber.name('app-leak-%d')
            while true do fiber.sleep(0.005) end
        end)''' % v

    rig = rig_of(engine, adopt, start=leak(1))
    with rig.load() as load:
        write(rig, 2, start=leak(2))
        done = rig.reload('--drain', '100ms', '--at-drain', 'wait')
        tap.equal(done.exit, 5, label + 'a fiber of the old version is left: exit 5')
        generation = done.answer.get('previous')
        listed = rig.ctl('fibers', '--gen', str(generation))
        tap.like(str(listed.answer), 'app-leak-1', label + 'fibers --gen names it')
        tap.like(str(listed.answer), 'app.lua:', label + 'and where it sleeps')
        rig.ctl('purge', '--kill')
        harness.wait_for(lambda: rig.fibers() == ['app-leak-2', 'app-worker-2'], 'the purge')
        sizes = []
        for v in range(3, 3 + 10 * TIMES):
            write(rig, v, start=leak(v))
            done = rig.reload('--at-drain', 'cancel')
            if done.exit != 0:
                tap.ok(False, label + 'reload %d' % v, done)
            sizes.append(rig.memory_kb())
        tap.equal(rig.fibers(), ['app-leak-%d' % v, 'app-worker-%d' % v],
                  label + 'cancelled each time: one of each is left')
        # A hash table that grows or shrinks makes steps of 0.2 MB; a leak only grows.
        half = len(sizes) // 2
        tap.ok(min(sizes[half:]) < max(sizes[:half]) * 1.1, label + 'memory is flat', sizes)
        unharmed(load, v, label + 'no call failed')
    rig.stop()


def row_t9_calls_in_flight(engine, adopt, label):
    slow = '''function M.slow()
        local version = M.version
        fiber.sleep(0.3)
        return version, M.version, dep.get()
    end'''
    rig = rig_of(engine, adopt, functions=slow, instance=INSTANCE + '''
        rawset(_G, 'slow', function() return app.slow() end)''')
    for v in (2, 3):
        write(rig, v, functions=slow)
        with rig.load('slow', connections=4, depth=4) as load:
            lap = load.lap()
            good(rig.reload('--drain', '3s'), label + 'version %d' % v)
            lap = harness.wait_for(lambda l=load, n=v: [x for x in [l.lap()] if x['high'] == n],
                                   'the new version')
        tap.ok(lap and not load.sum['failed'] and not load.sum['mixed'],
               label + 'calls in flight end on their own version', load.sum)
    rig.stop()


def row_t10_captured_functions(engine, adopt, label):
    gone = 'function M.gone() return %d end'
    rig = rig_of(engine, adopt, functions=gone % 1, instance=INSTANCE + '''
        local held = {f = app.call, gone = app.gone}
        local methods = {[1] = app.call}
        rawset(_G, 'held', function() return held.f(), (methods[1]()) end)
        rawset(_G, 'held_gone', function() return held.gone() end)
        rawset(_G, 'same', function() return held.f == app.call end)''')
    with rig.load() as load:
        write(rig, 2, functions=gone % 2)
        good(rig.reload(), label + 'version 2')
        tap.equal(rig.eval('return held()'), [2, 2], label + 'what captured a function follows')
        tap.equal(rig.eval('return held_gone()'), [2], label + 'another too')
        tap.equal(rig.eval('return same()'), [True], label + 'and it is the same function')
        write(rig, 3)
        done = rig.reload()
        good(done, label + 'an export is removed')
        tap.like(done.notes(), 'gone', label + 'which is told')
        said = rig.eval('return pcall(held_gone)')
        tap.ok(said[0] is False and 'gone' in said[1] and 'app' in said[1] and 'removed' in said[1],
               label + 'its call raises an error that names it', said)
        tap.equal(rig.eval('return app == nil, require("app").gone == nil'), [True, True],
                  label + 'the table has it no more')
        unharmed(load, 3, label + 'no other call failed')
    rig.stop()


def row_t11_errors_in_probation(engine, adopt, label):
    fault = 'function M.work() if shared.bad then error("burst") end return %d end'
    rig = rig_of(engine, adopt, functions=fault % 1, instance=INSTANCE + '''
        rawset(_G, 'work', function() local ok, v = pcall(app.work) return ok and v or 0 end)''')
    if adopt:  # what ran before the engine came cannot be rolled back to: F2
        rig.module('leaf', rig.modules['leaf'] + '-- known\n')
        good(rig.reload(), label + 'its texts are known from now on')
    write(rig, 2, functions=fault.replace('shared.bad', 'true') % 2)
    with rig.load('work') as load:
        done = rig.reload('--probation', '5s')
        tap.equal(done.exit, 4, label + 'an error burst in probation is rolled back: exit 4')
        lap = harness.wait_for(lambda: [x for x in [load.lap()] if x['low'] == x['high'] == 1],
                               'the old version')
        tap.ok(bool(lap), label + 'the old version answers again')
        tap.like(str(rig.ctl('history').answer), 'probation', label + 'the journal has it')
    harness.wait_for(lambda: rig.fibers() == ['app-worker-1'], 'one worker')
    write(rig, 3, functions=fault % 3)
    good(rig.reload('--probation', '200ms'), label + 'a good one stays')
    tap.equal(rig.eval('return work()'), [3], label + 'and serves')
    write(rig, 4, functions=fault % 4)
    done = rig.reload('--probation', '1s', '--health', 'return false')
    tap.equal(done.exit, 4, label + 'a health expression that is false: exit 4')
    tap.equal(rig.eval('return work()'), [3], label + 'the old version serves')
    rig.stop()


def hot(engine, adopt, label, jit):
    keep = '''local count = 0
        local function add() count = count + 1 end'''
    functions = '''function M.add(n) for i = 1, n do add() end return %d end
        function M.count() return count end
        M.keep = {'count'}'''
    rig = rig_of(engine, adopt, jit=jit, top=keep, functions=functions % 1, instance=INSTANCE + '''
        local done = 0
        require('fiber').create(function()
            while not shared.quit do
                for i = 1, 100 do app.add(10) done = done + 1000 app.add(990) end
                require('fiber').sleep(0)
            end
            shared.done = done
        end)''')
    with rig.load() as load:
        for v in range(2, 22):
            write(rig, v, top=keep, functions=functions % v)
            done = rig.reload()
            if done.exit != 0:
                tap.ok(False, label + 'reload %d' % v, done)
                break
        rig.eval('shared.quit = true')
        count = harness.wait_for(lambda: rig.get('shared.done'), 'the end of the counting')
        tap.equal(rig.get("require('app').count()"), count,
                  label + 'none of %d increments is lost over 20 reloads' % count)
        tap.ok(count > 10**6, label + 'they were many')
        unharmed(load, 21, label + 'no call failed')
    rig.stop()


def row_t12_hot_counter(engine, adopt, label):
    hot(engine, adopt, label, True)


def row_t12_hot_counter_interpreted(engine, adopt, label):
    hot(engine, adopt, label, False)


ONLY = os.environ.get('ROWS', '').split()
if ONLY:  # for one who works on a row
    for key in [k for k in globals() if k.startswith('row_')]:
        if not any(part in key for part in ONLY):
            del globals()[key]
on_each(globals())
