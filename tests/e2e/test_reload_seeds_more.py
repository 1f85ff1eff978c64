"""What a reload costs where the recipes of other systems fail, part two: the rows of
Erlang's code loading and of skynet's hotfix, and hooks that never return. Each on
tarantella and on stock Tarantool, with the engine in front of the application and
adopted while it runs.

TEST_TIMES makes the long rows as many times longer.
"""
import os
import signal
import subprocess
import time

import harness
import reload_rig
import tap
from reload_rows import INSTANCE, app, good, on_each, only, refused, rig_of, unharmed, write
from reload_rig import TIMES

FIBERS = 20000


def row_e1_calls_hop_local_loops_stay(engine, adopt, label):
    loops = '''function M.step() return %d end
        local function stay()
            fiber.name('app-stay')
            while not shared.quit do shared.stays = M.step() fiber.sleep(0.002) end
        end
        function M.spawn() fiber.create(stay) end'''
    rig = rig_of(engine, adopt, functions=loops % 1, instance=INSTANCE + '''
        app.spawn()
        require('fiber').create(function()
            while not shared.quit do shared.hops = app.step() require('fiber').sleep(0.002) end
        end)''')
    with rig.load() as load:
        write(rig, 2, functions=loops % 2)
        done = rig.reload('--at-drain', 'wait', '--drain', '50ms')
        tap.equal(done.exit, 5, label + 'a loop inside the old version goes on: exit 5')
        tap.like(str(done.answer.get('lingering')), 'app-stay', label + 'and is named')
        harness.wait_for(lambda: rig.get('shared.hops') == 2, 'the loop outside to hop')
        tap.equal(rig.get('shared.stays'), 1, label + 'its calls stay, those from outside hop')
        rig.eval('shared.quit = true')
        unharmed(load, 2, label + 'no call failed')
    rig.stop()


@only('first')
def row_e1_a_named_loop_hops(engine, adopt, label):
    loop = '''function M.tick() shared.tick = %d fiber.sleep(0.002) end'''
    start = "require('reload').loop('app-loop', 'app.tick')"
    rig = rig_of(engine, adopt, functions=loop % 1, start=start)
    harness.wait_for(lambda: rig.get('shared.tick') == 1, 'the loop')
    for v in (2, 3):
        write(rig, v, functions=loop % v, start=start)
        good(rig.reload(), label + 'version %d' % v)
        harness.wait_for(lambda n=v: rig.get('shared.tick') == n, 'the loop to hop')
        harness.wait_for(lambda n=v: rig.fibers() == ['app-loop', 'app-worker-%d' % n],
                         'one loop')
        tap.ok(True, label + 'the loop is on version %d' % v)
    rig.stop()


def row_e2_third_generation(engine, adopt, label):
    old = '''fiber.create(function()
        fiber.name('app-old-%d')
        while true do fiber.sleep(0.01) end
    end)'''
    rig = rig_of(engine, adopt, start=old % 1, instance=INSTANCE + '''
        require('fiber').create(function()
            require('fiber').name('app-bystander')
            while true do require('fiber').sleep(0.01) end
        end)''')
    with rig.load() as load:
        write(rig, 2, start=old % 2)
        done = rig.reload('--at-drain', 'wait', '--drain', '50ms')
        tap.equal(done.exit, 5, label + 'the old one lingers: exit 5')
        before = rig.snapshot()
        write(rig, 3, start=old % 3)
        done = rig.reload()
        refused(done, 'lock', 'app-old-1', label + 'a third is refused and says who lingers')
        tap.equal(reload_rig.difference(before, rig.snapshot()), '', label + 'nothing changed')
        tap.equal(rig.ctl('reload', '--check').exit, 0, label + '--check is not refused')
        tap.equal(rig.ctl('reload', '--dry-run').exit, 0, label + '--dry-run is not refused')
        good(rig.reload('--supersede', '--at-drain', 'kill'), label + '--supersede, kill')
        harness.wait_for(lambda: rig.fibers() == ['app-bystander', 'app-old-3', 'app-worker-3'],
                         'exactly the old ones to be gone')
        unharmed(load, 3, label + 'exactly the lingering fibers are gone')
    rig.stop()


def row_e3_check_fails(engine, adopt, label):
    rig = rig_of(engine, adopt)
    with rig.load() as load:
        write(rig, 2, end_="function M.check() return false, 'not today' end")
        refused(rig.reload(), 'check', 'not today', label + 'check() returns false')
        write(rig, 3, end_="function M.check() error('broken') end")
        refused(rig.reload(), 'check', 'broken', label + 'check() raises')
        rig.modules['dep'] += '\n'
        rig.module('dep', rig.modules['dep'].replace(
            'return M\n', "function M.check() return nil, 'dep is bad' end\nreturn M\n"))
        write(rig, 4, end_='function M.check() return true end',
              dep="function M.check() error('dep is bad') end")
        refused(rig.reload(), 'check', 'dep is bad', label + 'the check of a dependency raises')
        done = rig.ctl('reload', '--check')
        tap.equal(done.exit, 1, label + 'ctl reload --check says so too')
        unharmed(load, 1, label + 'the current version is kept')
        write(rig, 5, end_='function M.check() return true end')
        tap.equal(rig.ctl('reload', '--check').exit, 0, label + '--check passes')
        unharmed(load, 1, label + 'and changes nothing')
        good(rig.reload(), label + 'check() passes')
        unharmed(load, 5, label + 'the new version serves')
    rig.stop()


def row_e4_one_of_two_is_bad(engine, adopt, label):
    extra = {'a': 'return {v = 1}\n', 'b': 'return {v = 1}\n'}
    rig = rig_of(engine, adopt, extra=extra, instance=INSTANCE + '''
        local a, b = require('a'), require('b')
        rawset(_G, 'both', function() return a.v, b.v end)''')
    good(rig.reload(), label + 'nothing to do')
    rig.module('a', 'return {v = 2}\n')
    rig.module('b', "local v = 2 error('bad') return {v = v}\n")
    refused(rig.reload(), 'load', 'b.lua:1: bad', label + 'one of two modules fails')
    tap.equal(rig.eval('return both()'), [1, 1], label + 'none is changed')
    rig.module('b', 'return {v = 2}\n')
    done = rig.reload()
    tap.equal(done.names(), ['a', 'b'], label + 'both are good: both are reloaded')
    tap.equal(rig.eval('return both()'), [2, 2], label + 'both are new')
    rig.stop()


def row_e5_state_moves_up_and_down(engine, adopt, label):
    def parts(v, key, load=''):
        return {'top': 'local state = {%s = 10}' % key, 'functions': '''
            M.version = %d
            function M.state() return state.%s or -1 end
            function M.add() state.%s = state.%s + 1 end
            function M.save() return state end
            function M.load(old, from)
                %s
                state = {%s = old.n or old.count}
                shared.from = from
            end''' % (v, key, key, key, load, key)}

    rig = rig_of(engine, adopt, **parts(1, 'n'))
    with rig.load() as load:
        rig.eval("require('app').add()")
        for v, key in ((2, 'count'), (1, 'n'), (2, 'count')):
            come_from = rig.get("require('app').version")
            write(rig, v, **parts(v, key))
            good(rig.reload(), label + 'to version %d' % v)
            tap.equal(rig.eval("return require('app').state(), shared.from"), [11, come_from],
                      label + 'its state came along')
        load.lap()
        write(rig, 3, **parts(3, 'n', "old.count = nil error('cannot load')"))
        done = rig.reload()
        tap.ok(done.exit == 1 and 'cannot load' in str(done.answer.get('message')),
               label + 'a migration that raises is refused', done)
        tap.equal(rig.get("require('app').version"), 2, label + 'the code is the old one')
        lap = harness.wait_for(lambda: [x for x in [load.lap()] if x['requests']], 'answers')[0]
        tap.equal((lap['failed'], lap['low'], lap['high']), (0, 2, 2), label + 'and serves')
    rig.stop()


def row_e6_over_the_socket(engine, adopt, label):
    rig = rig_of(engine, adopt)
    write(rig, 2)
    good(rig.reload(), label + 'the first')
    took = []
    for v in range(3, 9):
        write(rig, v)
        done = rig.reload()
        took.append(done.answer.get('total_ms') or 1e9)
    tap.ok(min(took) < 100, label + 'a small one takes %.2f ms inside' % min(took), took)
    pid = rig.pid()
    os.kill(pid, signal.SIGKILL)
    harness.wait_for(lambda: not harness.is_alive(pid), 'its end')
    tap.equal(rig.reload().exit, 2, label + 'an instance that is gone: exit 2')
    rig.stop()


def row_e7_many_fibers(engine, adopt, label):
    rig = rig_of(engine, adopt, instance=INSTANCE + '''
        local fiber = require('fiber')
        for i = 1, %d do fiber.create(function() fiber.sleep(1e6) end) end''' % FIBERS)
    with rig.load() as load:
        switches = []
        for v in (2, 3, 4):
            write(rig, v)
            done = rig.reload()
            good(done, label + 'version %d' % v)
            switches.append(done.answer.get('switch_ms') or 1e9)
        tap.ok(min(switches) < 20, label + 'the switch beside %d fibers takes %.3f ms' % (
            FIBERS, min(switches)), switches)
        began = time.monotonic()
        listed = rig.ctl('gens')
        tap.equal(listed.exit, 0, label + 'who runs what is told after %.0f ms' % (
            (time.monotonic() - began) * 1e3))
        unharmed(load, 4, label + 'no call failed')
    rig.stop()


def row_e8_memory_comes_back(engine, adopt, label):
    big = '\n'.join('function M.f%d(a) return {a, "%s%d"} end' % (i, 'x' * 20, i)
                    for i in range(2000))
    rig = rig_of(engine, adopt, functions=big)
    sizes = []
    for v in range(2, 2 + 8 * TIMES):
        write(rig, v, functions=big)
        done = rig.reload()
        if done.exit != 0:
            tap.ok(False, label + 'version %d' % v, done)
        sizes.append(rig.memory_kb())
    # One version more or less is 600 KB; the text of the previous one is kept.
    tap.ok(min(sizes[-3:]) < sizes[1] * 1.15 + 100, label + 'what was replaced is given back', sizes)
    rig.stop()


def row_k6_hotfix(engine, adopt, label):
    """Replace single functions: as skynet's hotfix, without its faults."""
    top = '''local count, limit = 0, 10
        local function private() return 'private' end'''
    functions = '''function M.add(n) count = count + n return count end
        function M.count() return count end
        function M.limit() return limit end
        M.deep = {get = function() return private(), count end}
        do
            local count = 5
            function M.twin() return count end
        end'''
    rig = rig_of(engine, adopt, top=top, functions=functions)
    rig.eval("require('app').add(7)")

    def patch(text):
        path = rig.place.write('fix.lua', text)
        return rig.ctl('patch', path)

    with rig.load() as load:
        good(patch("local app = require('app')\nlocal count\n"
                   "function app.add(n) count = count + 2 * n return count end\n"),
             label + 'one function')
        tap.equal(rig.eval("return require('app').add(1), require('app').count()"), [9, 9],
                  label + 'it works on the local that was there')
        before = rig.snapshot()
        done = patch("local app = require('app')\nfunction app.add( return 1 end\n")
        tap.ok(done.exit == 1 and 'fix.lua:2' in repr(done), label + 'a syntax error', done)
        done = patch("local app = require('app')\nfunction app.add() return 0 end\n"
                     "function app.no_such() return 0 end\n")
        tap.ok(done.exit == 1 and 'no_such' in repr(done),
               label + 'an unknown function is refused by name', done)
        tap.equal(rig.eval("return require('app').count(), require('app').add(0)"), [9, 9],
                  label + 'nothing of it is applied')
        done = patch("local app = require('app')\nlocal count\n"
                     "function app.limit() return count end\n")
        tap.ok(done.exit == 1 and 'ambiguous' in repr(done) and 'app.lua:15' in repr(done),
               label + 'a local that may be either of two: both places are named', done)
        done = patch("local app = require('app')\nfunction app.add() return 0 end\nerror('late')\n")
        tap.ok(done.exit == 1 and 'late' in repr(done), label + 'a file that raises', done)
        tap.equal(reload_rig.difference(before, rig.snapshot()), '', label + 'no trace is left')
        good(patch("local app = require('app')\nlocal private\n"
                   "function app.deep.get() return private(), 'fixed' end\n"),
             label + 'a function in a nested table')
        tap.equal(rig.eval("return require('app').deep.get()")[1], 'fixed', label + 'it is new')
        good(rig.ctl('rollback'), label + 'rollback of a patch')
        tap.equal(rig.eval("return require('app').deep.get()")[1], 9, label + 'the old is back')
        unharmed(load, 1, label + 'no call failed')
    rig.stop()


def row_k7_inject(engine, adopt, label):
    rig = rig_of(engine, adopt)
    before = rig.snapshot()
    done = rig.place.ctl('eval', 'app', '-e', "print('here', require('app').version)")
    tap.equal((done.returncode, done.stdout.split()[:2]), (0, ['here', '1']),
              label + 'output of a statement')
    done = rig.place.ctl('eval', 'app', '-e', "require('app').no_such()")
    tap.ok(done.returncode == 3 and 'no_such' in done.stderr, label + 'an error is told',
           done.stderr)
    tap.equal(reload_rig.difference(before, rig.snapshot()), '', label + 'the state is as before')
    rig.stop()


SWALLOW = "while not shared.quit do pcall(fiber.sleep, 0.01) end"


def row_hooks_that_never_return(engine, adopt, label):
    rig = rig_of(engine, adopt)
    with rig.load() as load:
        v = 1
        for phase, parts in (
                ('check', {'end_': 'function M.check() fiber.sleep(1000) end'}),
                ('prepare', {'end_': 'function M.prepare() fiber.sleep(1000) end'}),
                ('prepare', {'end_': 'function M.prepare() %s end' % SWALLOW}),
                ('start', {'start': 'fiber.sleep(1000)'}),
                ('start', {'start': SWALLOW}),
                ('load', {'top': 'fiber.sleep(1000)'}),
                ('load', {'top': 'while true do end'})):
            v += 1
            write(rig, v, **parts)
            done = rig.reload('--hook-timeout', '200ms')
            text = list(parts.values())[0]
            refused(done, phase, '', label + '%s: %s' % (phase, text[:50]))
            unharmed(load, 1, label + 'the old version serves on')
            if 'pcall' in text:
                rig.eval('shared.quit = true')
                harness.wait_for(lambda: not rig.fibers('reload.'), 'the hook to let go')
            harness.wait_for(lambda: rig.fibers() == ['app-worker-1'], 'no fiber to be left')
            rig.eval('shared.quit = nil')
        write(rig, 20, stop='fiber.sleep(1000)')
        good(rig.reload(), label + 'a version whose stop will not return')
        write(rig, 21)
        done = rig.reload('--hook-timeout', '200ms')
        tap.ok(done.exit == 0 and 'stop' in done.notes(), label + 'is replaced, with a warning', done)
        harness.wait_for(lambda: rig.fibers() == ['app-worker-21'], 'one worker')
        unharmed(load, 21, label + 'the new version serves')
        tap.ok(len(rig.ctl('history').answer.get('entries') or []) >= 8,
               label + 'the journal has them all', rig.ctl('history'))
    rig.stop()


def row_ctl_killed_in_the_middle(engine, adopt, label):
    rig = rig_of(engine, adopt)
    with rig.load() as load:
        for v, end in ((2, ''), (3, "error('late')")):
            write(rig, v, start="shared.starting = %d fiber.sleep(0.4) %s" % (v, end))
            with subprocess.Popen([harness.CTL, 'reload', 'app', '--now'], cwd=rig.place.dir,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ctl:
                harness.wait_for(lambda n=v: rig.get('shared.starting') == n, 'start to run')
                ctl.kill()
            done = rig.reload()
            tap.ok(done.exit == 1 and done.answer.get('phase') == 'lock',
                   label + 'one at a time', done)
            done = rig.reload('--wait', '20s')
            tap.equal(done.exit, 0 if v == 2 else 1, label + 'the transaction ended by itself')
            unharmed(load, 2, label + 'version 2 serves')
            harness.wait_for(lambda: rig.fibers() == ['app-worker-2'], 'one worker')
    rig.stop()


def row_what_cannot_be_found(engine, adopt, label):
    rig = rig_of(engine, adopt)
    done = rig.reload('--modules', 'no_such_module')
    tap.ok(done.exit == 1 and 'no_such_module' in repr(done), label + 'an unknown module', done)
    os.unlink(rig.place.path('leaf.lua'))
    done = rig.reload()
    tap.ok(done.exit == 1 and 'leaf' in repr(done), label + 'a module whose file is gone', done)
    rig.module('leaf', 'return {version = 1}\n')
    done = rig.ctl('rollback')
    tap.ok(done.exit == 1 and done.answer.get('message'), label + 'nothing to roll back to', done)
    done = rig.ctl('patch', rig.place.path('no_such.lua'))
    tap.equal(done.exit, 2, label + 'a patch that cannot be read: exit 2')
    rig.stop()


ONLY = os.environ.get('ROWS', '').split()
if ONLY:  # for one who works on a row
    for key in [k for k in globals() if k.startswith('row_')]:
        if not any(part in key for part in ONLY):
            del globals()[key]
on_each(globals())
