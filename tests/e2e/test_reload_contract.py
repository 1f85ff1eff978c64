"""The contract as docs/reload.md shows it, an example each, on both engines."""
import os

import harness
import tap
from ctl_common import ENGINES
from reload_app import App


def reloads(app, engine, what, wanted, *args, code=0):
    got = app.ctl('reload', *args)
    tap.equal((got.returncode, app.eval('return ask()')), (code, wanted),
              '%s: %s' % (engine, what))
    return got


def write(app, text):
    """A module `app` with a global function ask()."""
    app.write('app', 'local fiber = require("fiber")\nlocal M = {}\n' + text + '\n'
              'function M.start() end\nfunction M.stop() end\n'
              'rawset(_G, "ask", function() return M.ask() end)\nreturn M\n')


def begin(engine, text, extra=''):
    app = App(engine, extra)
    app.ctl('stop')
    write(app, text)
    done = app.ctl('start')
    assert done.returncode == 0, done.stderr
    return app


def check_keep(engine):
    app = begin(engine, 'M.keep = {"calls"}\nlocal calls = 0\n'
                'function M.ask() calls = calls + 1 return 1, calls end')
    tap.equal([app.eval('return ask()') for _ in range(3)], [[1, 1], [1, 2], [1, 3]],
              '%s: keep: before' % engine)
    write(app, 'M.keep = {"calls"}\nlocal calls = 0\n'
          'function M.ask() calls = calls + 1 return 2, calls end')
    reloads(app, engine, 'keep: the local goes on', [2, 4])
    write(app, 'M.keep = {"calls", "more"}\nlocal calls, more = 0, 7\n'
          'function M.ask() calls = calls + 1 return more, calls end')
    reloads(app, engine, 'keep: a new name begins with its value', [7, 5])
    write(app, 'M.keep = {"calls"}\nlocal calls = 0\nfunction M.ask() calls = calls + 1 '
          'return 2, calls end\nif true then local calls = 1 function M.other() '
          'calls = calls + 1 return calls end end')
    got = reloads(app, engine, 'keep: two locals of the name', [7, 6], code=1)
    tap.matches(got.stderr, r"keep 'calls' of module 'app' is ambiguous.*app.lua:\d+ and .*app.lua:"
                r'\d+', '%s: keep: two locals of the name: both places' % engine)
    app = begin(engine, 'M.keep = {"seen"}\nM.seen = {}\n'
                'function M.ask() table.insert(M.seen, 1) return #M.seen end')
    app.eval('return ask()')
    write(app, 'M.keep = {"seen"}\nM.seen = {}\n'
          'function M.ask() table.insert(M.seen, 1) return #M.seen + 10 end')
    reloads(app, engine, 'keep: a field', [12])


def check_save_load(engine):
    app = begin(engine, 'M.version = 1\nlocal users = {"ann"}\n'
                'function M.save() return {users = users} end\n'
                'function M.ask() return M.version, users[1] end')
    write(app, 'M.version = 2\nlocal users = {}\nfunction M.save() return {users = users} end\n'
          'function M.load(state, from)\n'
          '    for i, name in ipairs(state.users) do users[i] = {name = name, from = from} end\n'
          'end\nfunction M.ask() return M.version, users[1].name, users[1].from end')
    reloads(app, engine, 'save and load: the state is migrated', [2, 'ann', 1])
    write(app, 'M.version = 3\nlocal users = {}\n'
          'function M.load(state) state.users[1].name = "broken" error("cannot") end\n'
          'function M.ask() return M.version, users[1].name end')
    got = app.ctl('reload')
    tap.equal(got.returncode, 1, '%s: load that raises: exit 1' % engine)
    tap.matches(got.stderr, r'app.lua:\d+: cannot', '%s: load that raises: says where' % engine)
    tap.equal(app.eval('return ask()'), [2, 'ann', 1],
              '%s: load that raises: the old code and the old state' % engine)


def check_hooks(engine):
    app = begin(engine, 'function M.ask() return 1 end')
    write(app, 'function M.check() return false, "create the index by_email first" end\n'
          'function M.ask() return 2 end')
    got = reloads(app, engine, 'check() that says no', [1], code=1)
    tap.matches(got.stderr, 'in phase check: .*create the index by_email first',
                '%s: check() that says no: why' % engine)
    write(app, 'function M.check() fiber.sleep(0.01) return true end\n'
          'local was\nfunction M.prepare(old) fiber.sleep(0.01) was = old.ask() end\n'
          'function M.ask() return 3, was end')
    reloads(app, engine, 'prepare(old) calls the version that serves', [3, 1])
    write(app, 'M.order = "stop-first"\nfunction M.ask() return 4 end')
    got = reloads(app, engine, 'order = "stop-first"', [4])
    phases = got.stdout[got.stdout.index('phases'):]
    tap.ok(phases.index('stop') < phases.index('start'),
           '%s: order = "stop-first": stop comes first' % engine, phases)


def check_followers(engine):
    app = begin(engine, 'function M.ask() return 1 end\nfunction M.gone() return 1 end')
    app.eval('held = require("app") captured = held.ask api = ask gone = held.gone')
    write(app, 'function M.ask() return 2 end')
    got = reloads(app, engine, 'followers', [2])
    tap.matches(got.stdout, "note: export 'gone' of module 'app' is removed",
                '%s: a removed export is told' % engine)
    tap.equal(app.eval('return held.ask(), captured(), api(), held == require("app")'),
              [2, 2, 2, True], '%s: table, captured function and global follow' % engine)
    got = app.ctl('eval', '-e', 'return gone()')
    tap.equal(got.returncode, 3, '%s: a removed export raises' % engine)
    tap.matches(got.stderr, "gone", '%s: a removed export is named' % engine)
    tap.equal(app.eval('return captured == held.ask'), [True], '%s: two captures are equal' % engine)


def check_api(engine):
    app = begin(engine, '''
local reload = require('reload')
function M.step() fiber.step_of = 1 fiber.sleep(0.001) end
function M.ask() return 1, reload.generation() end
reload.on_release(function() fiber.released = 1 end)
''')
    app.eval('require("reload").loop("sweeper", "app.step")')
    write(app, 'local reload = require("reload")\n'
          'function M.step() fiber.step_of = 2 fiber.sleep(0.001) end\n'
          'function M.ask() return 2, reload.generation() end')
    reloads(app, engine, 'generation()', [2, 2])
    harness.wait_for(lambda: app.eval('return require("fiber").step_of') == [2], 'the hop')
    tap.ok(True, '%s: loop() follows the switch' % engine)
    harness.wait_for(lambda: app.eval('return require("fiber").released') == [1], 'on_release')
    write(app, 'function M.ask() return 3 end\nfunction M.step() fiber.sleep(0.001) end')
    tap.equal(app.eval('local a = require("reload").reload({by = "me"}) '
                       'return a.exit, a.modules[1].name, ask()'),
              [0, 'app', 3], '%s: a reload from inside' % engine)
    tap.matches(app.ctl('history').stdout, 'me', '%s: a reload from inside: who' % engine)


def check_shared_state(engine):
    """A module that both versions share keeps a fiber: the old stop() finds the new one.
    That is noticed, and each time one fiber is left."""
    app = App(engine)
    app.ctl('stop')
    app.write('beat', 'local fiber = require("fiber")\nlocal bg\nreturn {start = function() '
              'bg = fiber.create(function() fiber.name("worker1") while true do '
              'fiber.sleep(0.01) end end) end, stop = function() bg:cancel() end}')
    text = ('local beat = require("beat")\nlocal M = {}\nfunction M.start() beat.start() '
            'rawset(_G, "api", function() return %d end) end\n'
            'function M.stop() beat.stop() end\nreturn M')
    app.write('app', text % 1)
    tap.equal(app.ctl('start').returncode, 0, '%s: start' % engine)
    app.write('app', text % 2)
    for _ in range(3):
        got = app.ctl('reload')
        tap.equal((got.returncode, app.serves(), app.workers()), (4, [1], ['worker1']),
                  '%s: a fiber in a shared module: rolled back, one fiber' % engine)
        tap.matches(got.stderr, r"fiber \d+ 'worker1'.*use --order stop-first",
                    '%s: a fiber in a shared module: what to do' % engine)
    got = app.ctl('reload', '--order', 'stop-first')
    tap.equal((got.returncode, app.serves(), app.workers()), (0, [2], ['worker1']),
              '%s: a fiber in a shared module: stop-first' % engine)
    app.write('app', text % 3)
    got = app.ctl('reload', '--modules', 'beat')
    tap.equal((got.returncode, app.serves(), app.workers()), (0, [3], ['worker1']),
              '%s: a fiber in a shared module: named, it is reloaded with the rest' % engine)


def check_outside(engine):
    """require('reload') on an instance without the engine: an app that uses it boots. On
    stock Tarantool the module is the file that is installed."""
    app = App(engine, 'reload = false,')
    app.ctl('stop')
    with open(os.path.join(os.environ['BUILD_DIR'], 'lua', 'reload', 'reload.lua'),
              encoding='utf-8') as f:
        app.write('reload', f.read())
    text = ('local reload = require("reload")\nfunction M.step() fiber.sleep(0.001) '
            'fiber.step_of = %d end\nfunction M.ask() return %d end')
    write(app, text % (1, 1))
    tap.equal(app.ctl('start').returncode, 0, '%s: it boots' % engine)
    app.eval('require("reload").loop("sweeper", "app.step")')
    harness.wait_for(lambda: app.eval('return require("fiber").step_of') == [1], 'the loop')
    write(app, text % (2, 2))
    reloads(app, engine, 'an engine that was asleep', [2])
    harness.wait_for(lambda: app.eval('return require("fiber").step_of') == [2], 'the hop')
    tap.ok(True, '%s: an engine that was asleep: the loop hops' % engine)


for each in ENGINES:
    for check in (check_keep, check_save_load, check_hooks, check_followers, check_api,
                  check_shared_state, check_outside):
        tap.case(check, each)
tap.done()
