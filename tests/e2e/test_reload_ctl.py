"""The verbs around `ctl reload`: options, texts, exit codes, and how they fail, on both
engines."""
import json
import os
import signal
import subprocess

import harness
import tap
from ctl_common import ENGINES, hang, place
from reload_app import App, wait_serves

VERBS = ('reload', 'rollback', 'gens', 'fibers', 'drain', 'purge', 'history', 'diff')


def check_usage(engine):
    p = place(engine)
    p.instance('app', 'box.cfg{}')
    p.instance('app2', 'box.cfg{}')
    p.write('module.lua', 'return 1')
    for argv, message in (
            (['reload'], 'Not enough arguments'), (['patch', 'app'], 'Not enough arguments'),
            (['reload', 'app', '--nope'], "unrecognized option '--nope'"),
            (['reload', 'app', '--order', 'first'],
             "Bad --order 'first': should be one of overlap|stop-first"),
            (['reload', 'app', '--at-drain', ''], "Bad --at-drain ''"),
            (['reload', 'app', '--drain', 'soon'], "Bad --drain 'soon': a time such as"),
            (['fibers', 'app', '--gen', 'x'], "Bad --gen 'x': a number is expected"),
            (['purge', 'app', '--soft', '--kill'], 'Either --soft or --kill, not both'),
            (['reload', 'app', '--watch', '--check'], 'not with --check'),
            (['reload', 'app', 'app2', '--watch'], '--watch works on one instance'),
            (['reload', 'app', 'module.lua'],
             "'module.lua' is a file, not an instance; did you mean "
             "'ctl eval app module.lua'?"),
            (['reload', 'module.lua'], "'module.lua' is a file, not an instance")):
        got = p.ctl(*argv)
        tap.equal(got.returncode, 64, '%s: %s: exit 64' % (engine, ' '.join(argv)))
        tap.matches(got.stderr, message, '%s: %s: says why' % (engine, ' '.join(argv)))
    for verb in VERBS:
        got = p.ctl(verb, 'nobody')
        tap.equal((got.returncode, got.stdout), (1, ''), '%s: %s of nobody' % (engine, verb))
        got = p.ctl(verb, 'app')
        tap.equal((got.returncode, got.stdout), (2, ''),
                  '%s: %s of one that does not run' % (engine, verb))
        tap.matches(got.stderr, 'app is not running', '%s: %s says so' % (engine, verb))
    got = p.ctl('patch', 'app', 'missing.lua')
    tap.equal((got.returncode, got.stderr), (2, 'missing.lua: No such file or directory\n'),
              '%s: patch with a file that is not there' % engine)


def check_hung(engine):
    app = App(engine)
    hang(app.place, 'my')
    got = app.ctl('reload')
    tap.equal(got.returncode, 2, '%s: a hung instance: exit 2' % engine)
    tap.matches(got.stderr, 'does not answer', '%s: a hung instance: says so' % engine)
    app.ctl('kill')
    app = App(engine)
    if engine == 'tarantella':
        check_spinning(app)
        app.app(2, start='while true do pcall(function() while true do end end) end')
    else:
        app.app(2, start='while true do end')
    got = app.ctl('reload', '--hook-timeout', '200ms')
    tap.equal(got.returncode, 2, '%s: a start that nothing stops: exit 2' % engine)
    tap.matches(got.stderr, 'does not answer any more: code that does not yield',
                '%s: a start that nothing stops: says so' % engine)
    app.ctl('kill')


def check_spinning(app):
    """Code that does not yield, in each hook: it is stopped at the deadline."""
    for hook, options, message in (
            ('start', {'start': 'local n = 0 while true do n = n + 1 end'}, 'phase start'),
            ('check', {'more': 'function M.check() while true do end end'}, 'phase check'),
            ('prepare', {'more': 'function M.prepare(old) while true do end end'},
             'phase prepare')):
        app.app(2, **options)
        fails(app, 'tarantella', '%s that does not yield' % hook,
              '%s took longer than 0.2 s without yielding' % hook,
              args=('--hook-timeout', '200ms'), phase=message.split()[1])
    app.app(2, stop='while true do end')
    got = app.ctl('reload')
    tap.equal(got.returncode, 0, 'tarantella: a version whose stop does not yield')
    app.app(3)
    got = app.ctl('reload', '--hook-timeout', '200ms')
    tap.equal(app.serves(), [3, 1], 'tarantella: it is stopped too: the next one serves')
    tap.matches(got.stdout + got.stderr, 'stop took longer than 0.2 s without yielding',
                'tarantella: the report says so')
    app.app(1)
    app.ctl('reload')


def check_reload(engine):
    app = App(engine)
    got = app.ctl('reload')
    tap.equal((got.returncode, got.stderr), (0, ''), '%s: nothing changed: exit 0' % engine)
    tap.matches(got.stdout, 'Nothing changed', '%s: nothing changed: says so' % engine)
    app.dep(2)
    got = app.ctl('reload', '--dry-run')
    tap.equal(got.returncode, 0, '%s: --dry-run: exit 0' % engine)
    tap.matches(got.stdout, 'A reload would replace 2 modules', '%s: --dry-run: says so' % engine)
    tap.matches(got.stdout, r"app +requires 'dep'", '%s: --dry-run: the reason' % engine)
    got = app.ctl('diff')
    tap.matches(got.stdout, r'dep .*changed', '%s: diff' % engine)
    tap.equal(app.serves(), [1, 1], '%s: --dry-run: the old version serves' % engine)
    got = app.ctl('reload')
    tap.equal((got.returncode, got.stderr), (0, ''), '%s: reload: exit 0' % engine)
    for pattern in (r'dep +changed +/.*/lib/dep.lua', r"app +requires 'dep'", r'switch [\d.]+ ms'):
        tap.matches(got.stdout, pattern, '%s: reload: %s' % (engine, pattern))
    tap.equal(app.serves(), [1, 2], '%s: reload: the new version serves' % engine)
    app.app(3)
    code, answer = app.json('reload')
    tap.equal((code, answer.get('exit'), answer.get('instance')), (0, 0, 'my'),
              '%s: --json' % engine)
    tap.equal([m['name'] for m in answer['modules']], ['app'], '%s: --json: modules' % engine)
    tap.equal(sorted(answer['modules'][0]), ['name', 'path', 'reason'],
              '%s: --json: a module' % engine)
    tap.ok(answer['generation'] > answer['previous'], '%s: --json: generations' % engine, answer)
    tap.ok(answer['switch_ms'] < answer['total_ms'], '%s: --json: times' % engine, answer)
    names = [phase['name'] for phase in answer['phases']]
    tap.ok(set(('read', 'load', 'start', 'switch', 'stop')) <= set(names),
           '%s: --json: phases' % engine, names)
    tap.equal(app.serves(), [3, 2], '%s: the new version serves' % engine)
    tap.equal(app.workers(), ['worker3'], '%s: one background fiber' % engine)
    tap.equal(app.eval('return name'), ['first'], '%s: start had its argument' % engine)
    got = app.ctl('reload', '--modules', 'dep')
    tap.matches(got.stdout, r'dep +named', '%s: --modules' % engine)
    got = app.ctl('reload', '--all-modules', '--now')
    tap.matches(got.stdout, r'dep +all', '%s: --all-modules' % engine)
    got = app.ctl('reload', '--modules', 'dep,nosuch')
    tap.equal(got.returncode, 1, '%s: --modules of what is not loaded: exit 1' % engine)
    tap.matches(got.stderr, 'nosuch', '%s: --modules of what is not loaded: named' % engine)
    got = app.ctl('gens')
    tap.matches(got.stdout, r'current', '%s: gens' % engine)
    got = app.ctl('history')
    tap.matches(got.stdout, r'reload .*dep, app|reload .*app, dep', '%s: history' % engine)
    code, answer = app.json('history')
    tap.equal((code, answer['instance']), (0, 'my'), '%s: history --json' % engine)
    got = app.ctl('fibers')
    tap.matches(got.stdout, r'app.lua:\d+', '%s: fibers: where it sleeps' % engine)


def fails(app, engine, what, message, code=1, args=(), phase=None):
    """A reload that fails: its texts, and version 1 serves with its fiber."""
    got = app.ctl('reload', *args)
    what = '%s: %s' % (engine, what)
    tap.equal((got.returncode, got.stdout), (code, ''), '%s: exit %d' % (what, code))
    tap.matches(got.stderr, message, '%s: says what and where' % what)
    if phase:
        tap.matches(got.stderr, 'in phase %s' % phase, '%s: the phase' % what)
    tap.equal(app.serves(), [1, 1], '%s: the old version serves' % what)
    tap.equal(app.workers(), ['worker1'], '%s: with its fiber' % what)
    code, answer = app.json('history')
    return got


def check_failures(engine):
    app = App(engine)
    app.write('app', 'local M = {\nlocal x\n')
    got = fails(app, engine, 'syntax error', r'lib/app.lua:2: .*near', phase='compile')
    tap.matches(got.stderr, 'Generation 1 serves, as before', '%s: a sentence says what runs' % engine)
    fails(app, engine, 'syntax error, --check', r'lib/app.lua:2: ', args=['--check'])
    app.write('app', 'local M = {}\nglobal = 1\nerror("oops")\n')
    got = fails(app, engine, 'error at the top level', r'lib/app.lua:3: oops', phase='load')
    tap.matches(got.stderr, 'stack traceback', '%s: its traceback' % engine)
    tap.equal(app.eval('return rawget(_G, "global")'), [None], '%s: its global' % engine)
    app.app(2, more='function M.check() return false, "not today" end')
    fails(app, engine, 'check() that says no', 'not today', phase='check')
    fails(app, engine, 'check() that says no, --check', 'not today', args=['--check'])
    app.app(2, more='function M.check() error("broken") end')
    fails(app, engine, 'check() that raises', r'app.lua:\d+: broken', phase='check')
    app.app(2, more='function M.prepare(old) error("not ready") end')
    fails(app, engine, 'prepare() that raises', r'app.lua:\d+: not ready', phase='prepare')
    app.app(2, start='error("no start")')
    got = fails(app, engine, 'start() that raises', r'app.lua:\d+: no start', phase='start')
    app.app(2, start='fiber.create(function() fiber.name("worker2") fiber.sleep(100) end) '
            'fiber.sleep(1000)')
    fails(app, engine, 'start() that does not end', r'start did not end within 0.2 s',
          args=['--hook-timeout', '200ms'], phase='start')
    app.write('app', 'return "a string"')
    fails(app, engine, 'another kind of value', r'returned table before and string now')
    app.write('app', 'local M = {keep = {"nothing"}}\nreturn M')
    fails(app, engine, 'keep of a name that is not there', r"keep 'nothing'")
    os.unlink(app.place.path('lib/app.lua'))
    got = app.ctl('reload')
    tap.matches(got.stdout + got.stderr, r'lib/app.lua', '%s: a file that is gone is named' % engine)
    tap.equal(app.serves(), [1, 1], '%s: a file that is gone: the old version serves' % engine)
    app.app(2, stop='error("no stop")')
    app.dep(2)
    got = app.ctl('reload')
    tap.equal(got.returncode, 0, '%s: a good version after all that: exit 0' % engine)
    tap.equal(app.serves(), [2, 2], '%s: a good version after all that' % engine)
    app.app(3)
    got = app.ctl('reload')
    tap.matches(got.stdout, r'note: .*app.lua:\d+: no stop', '%s: old stop() that raises' % engine)
    tap.equal(app.serves(), [3, 2], '%s: old stop() that raises: the new serves' % engine)
    code, answer = app.json('history')
    exits = [entry['exit'] for entry in answer['entries']]
    tap.equal((exits.count(0), exits[-1]), (2, 0), '%s: history has the failures too' % engine)
    got = app.ctl('history')
    tap.matches(got.stdout, r'compile: .*app.lua:2:', '%s: history: what failed' % engine)


def check_options(engine):
    app = App(engine)
    app.app(2)
    got = app.ctl('reload', '--check')
    tap.equal((got.returncode, app.serves()), (0, [1, 1]), '%s: --check changes nothing' % engine)
    tap.matches(got.stdout, '1 module can be reloaded', '%s: --check says so' % engine)
    app.app(2, start='error("no start")')
    got = app.ctl('reload', '--order', 'stop-first')
    tap.equal(got.returncode, 4, '%s: stop-first and a failing start: exit 4' % engine)
    tap.equal((app.serves(), app.workers()), ([1, 1], ['worker1']),
              '%s: stop-first and a failing start: the old runs again' % engine)
    app.app(2)
    tap.equal(app.ctl('reload', '--order', 'stop-first').returncode, 0, '%s: stop-first' % engine)
    tap.equal((app.serves(), app.workers()), ([2, 1], ['worker2']), '%s: stop-first' % engine)
    app.app(3, start='error("never called")')
    got = app.ctl('reload', '--no-lifecycle', '--at-drain', 'wait', '--drain', '0s')
    tap.equal((got.returncode, app.serves()), (5, [3, 1]), '%s: --no-lifecycle' % engine)
    tap.equal(app.workers(), ['worker2'], '%s: --no-lifecycle: no start, no stop' % engine)
    tap.equal(app.ctl('drain').returncode, 0, '%s: drain cancels the old fiber' % engine)
    app.write('dep', 'return {other = function() end}')
    got = app.ctl('reload', '--strict', '--no-lifecycle')
    tap.equal(got.returncode, 1, '%s: --strict: exit 1' % engine)
    tap.matches(got.stderr, "of module 'dep' is removed, used by app", '%s: --strict: named' % engine)
    tap.equal(app.serves(), [3, 1], '%s: --strict: nothing changed' % engine)
    app.write('dep', 'return setmetatable({version = function() return 4 end}, {})')
    app.app(4)
    tap.equal(app.ctl('reload', '--no-lifecycle').returncode, 0, '%s: reload' % engine)
    app.write('dep', 'return true')
    app.app(5, more='dep = {version = function() return 5 end}')
    tap.equal(app.ctl('reload').returncode, 1, '%s: another kind: exit 1' % engine)
    got = app.ctl('reload', '--kind-change')
    tap.equal((got.returncode, app.serves()), (0, [5, 5]), '%s: --kind-change' % engine)
    app.app(6, start='rawset(_G, "healthy", false)', more='dep = {version = function() '
            'return 5 end}')
    got = app.ctl('reload', '--probation', '5s', '--health', 'healthy')
    tap.equal((got.returncode, app.serves()), (4, [5, 5]), '%s: --health: rolled back' % engine)
    tap.matches(got.stderr, 'in phase probation', '%s: --health: says so' % engine)
    got = app.ctl('reload', '--probation', '300ms', '--health', 'not healthy')
    tap.equal((got.returncode, app.serves()), (0, [6, 5]), '%s: --health: good' % engine)
    got = app.ctl('reload', '--modules', 'app', '--health', 'not (')
    tap.equal(got.returncode, 1, '%s: --health that does not compile: exit 1' % engine)


def check_adoption(engine):
    app = App(engine, extra='reload = false,')
    tap.equal(app.eval('return debug.getregistry()["tarantella.reload.engine"] == nil'), [True],
              '%s: reload = false: no engine' % engine)
    app.app(2)
    got = app.ctl('reload')
    tap.equal((got.returncode, app.serves()), (0, [2, 1]), '%s: adoption' % engine)
    tap.equal((app.workers(), app.eval('return name')), (['worker2'], ['first']),
              '%s: adoption: arguments from the instance file' % engine)
    computed = '''
package.path = '%(dir)s/lib/?.lua;' .. package.path
box.cfg{}
local cfg = {name = tostring('first')}
require('app').start(cfg)
'''
    app = App(engine, extra='reload = false,', instance=computed)
    app.app(2)
    got = app.ctl('reload')
    tap.equal((got.returncode, app.serves()), (1, [1, 1]), '%s: arguments unknown: exit 1' % engine)
    tap.matches(got.stderr, r'ctl eval .*--start-args', '%s: arguments unknown: what to do' % engine)
    got = app.ctl('reload', '--app', 'app', '--start-args', "{name = 'told'}")
    tap.equal((got.returncode, app.serves(), app.eval('return name')), (0, [2, 1], ['told']),
              '%s: --app, --start-args' % engine)
    got = app.ctl('reload', '--modules', 'app', '--app', 'app', '--start-args', '{')
    tap.equal(got.returncode, 1, '%s: --start-args that do not compile: exit 1' % engine)


def check_tarantoolctl(engine):
    """An instance that the real tarantoolctl started, with nothing of ours in it."""
    if engine != 'tarantool':
        return
    app = App(engine)
    app.ctl('stop')
    tap.equal(app.place.tarantoolctl('start', 'my').returncode, 0, 'tarantoolctl start')
    harness.wait_for(lambda: app.serves() == [1, 1], 'the instance')
    app.dep(2)
    got = app.ctl('reload')
    tap.equal((got.returncode, app.serves()), (0, [1, 2]), 'tarantoolctl start: reload')
    tap.equal(app.workers(), ['worker1'], 'tarantoolctl start: reload: one fiber')
    # The recipe goes on working: stop, unload, require, start.
    app.app(3)
    app.place.write('recipe.lua', 'require("app").stop() package.loaded.app = nil '
                    'package.loaded.dep = nil require("app").start({name = "again"})')
    got = app.place.tarantoolctl('eval', 'my', 'recipe.lua')
    tap.equal((got.returncode, app.serves()), (0, [3, 2]), 'tarantoolctl eval of the recipe')
    app.app(4)
    got = app.ctl('reload')
    tap.equal((got.returncode, app.serves()), (0, [4, 2]), 'tarantoolctl eval: reload after it')
    tap.equal((app.workers(), app.eval('return name')), (['worker4'], ['again']),
              'tarantoolctl eval: reload after it: start as the recipe did')
    tap.equal(app.place.tarantoolctl('stop', 'my').returncode, 0, 'tarantoolctl stop')


def check_instance_file(engine):
    """It is not reloaded; a report says when it is another one than what ran."""
    for extra in ('', 'reload = false,'):
        app = App(engine, extra)
        what = '%s%s' % (engine, ', adopted' if extra else '')
        app.dep(2)
        tap.ok('instance file' not in app.ctl('reload').stdout, '%s: as it ran' % what)
        app.place.instance('my', app.place.read('instances/my.lua').replace('first', 'other'))
        for step in ('', ' again'):
            tap.matches(app.ctl('reload').stdout, 'the instance file .*/my.lua is another one',
                        '%s: a changed instance file is told%s' % (what, step))
        tap.equal(app.eval('return name'), ['first'], '%s: it did not run' % what)
        tap.equal(app.ctl('eval', app.instance_file).returncode, 0, '%s: ctl eval runs it' % what)
        tap.ok('instance file' not in app.ctl('reload').stdout, '%s: it ran' % what)


def check_drain(engine):
    app = App(engine)
    call = subprocess.Popen([harness.CTL, 'eval', 'my', '-e', 'print("in") '
                             'return require("dep").sleep(1000)'], cwd=app.place.dir,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    call.stdout.readline()
    app.dep(2)
    got = app.ctl('reload', '--drain', '100ms')
    tap.equal((got.returncode, app.serves()), (5, [1, 2]), '%s: a call in flight: exit 5' % engine)
    tap.matches(got.stdout, r'still running old code: 1', '%s: a call in flight is listed' % engine)
    tap.matches(got.stdout, r'dep.lua:4', '%s: a call in flight: where it is' % engine)
    got = app.ctl('fibers', '--gen', '1')
    tap.matches(got.stdout, r'dep.lua:4', '%s: fibers --gen' % engine)
    got = app.ctl('gens')
    tap.matches(got.stdout, 'draining', '%s: gens: it drains' % engine)
    app.dep(3)
    got = app.ctl('reload')
    tap.equal((got.returncode, app.serves()), (1, [1, 2]), '%s: the third load is refused' % engine)
    tap.matches(got.stderr, r'still drains: .*dep.lua:4', '%s: and names who lingers' % engine)
    for option in ('--check', '--dry-run'):
        tap.equal(app.ctl('reload', option).returncode, 0, '%s: %s is not refused' % (engine, option))
    got = app.ctl('drain', '--drain', '100ms')
    tap.equal(got.returncode, 5, '%s: drain: exit 5' % engine)
    got = app.ctl('purge', '--soft')
    tap.equal(got.returncode, 1, '%s: purge --soft: exit 1' % engine)
    got = app.ctl('reload', '--supersede', '--drain', '100ms')
    tap.equal((got.returncode, app.serves()), (5, [1, 3]), '%s: --supersede' % engine)
    got = app.ctl('purge', '--kill')
    tap.equal(got.returncode, 0, '%s: purge --kill: exit 0' % engine)
    tap.equal(call.wait(30), 3, '%s: purge --kill: the call is cancelled' % engine)
    call.stdout.close()
    tap.equal(app.ctl('drain').returncode, 0, '%s: drain: nothing is left' % engine)


def check_rollback(engine):
    app = App(engine)
    got = app.ctl('rollback')
    tap.equal(got.returncode, 1, '%s: rollback to nothing: exit 1' % engine)
    app.app(2)
    app.dep(2)
    app.ctl('reload')
    got = app.ctl('rollback')
    tap.equal((got.returncode, app.serves()), (0, [1, 1]), '%s: rollback' % engine)
    tap.equal(app.workers(), ['worker1'], '%s: rollback: its fiber' % engine)
    got = app.ctl('reload')
    tap.equal((got.returncode, app.serves()), (0, [2, 2]), '%s: reload after it' % engine)
    code, answer = app.json('rollback')
    tap.equal((code, answer['exit'], app.serves()), (0, 0, [1, 1]), '%s: rollback --json' % engine)


def check_patch(engine):
    app = App(engine)
    fix = app.place.write('fix.lua', 'local dep\nfunction app.serve()\n    return 7, dep.version()\nend\n')
    tap.equal(app.ctl('patch', fix).returncode, 0, '%s: patch: exit 0' % engine)
    tap.equal(app.serves(), [7, 1], '%s: patch' % engine)
    tap.matches(app.ctl('history').stdout, 'patch', '%s: patch: in the history' % engine)
    for text, message in (('function app.nosuch() end', 'nosuch'), ('function app.', r'fix.lua:1: '),
                          ('function nomodule.f() end', 'nomodule'), ('', '')):
        app.place.write('fix.lua', text)
        got = app.ctl('patch', fix)
        tap.equal(got.returncode, 1, '%s: patch: %r: exit 1' % (engine, text))
        tap.matches(got.stderr, message, '%s: patch: %r: says why' % (engine, text))
        tap.equal(app.serves(), [7, 1], '%s: patch: %r: nothing changed' % (engine, text))
    tap.equal(app.ctl('rollback').returncode, 0, '%s: patch: rollback' % engine)
    tap.equal(app.serves(), [1, 1], '%s: patch: rollback' % engine)


def check_many(engine):
    app = App(engine)
    p = app.place
    p.instance('my2', p.read('instances/my.lua'))
    p.instance('off', 'box.cfg{}')
    assert p.ctl('start', 'my2').returncode == 0
    app.dep(2)
    got = p.ctl('reload', 'my*')
    tap.equal(got.returncode, 0, '%s: a pattern: exit 0' % engine)
    rows = got.stdout.splitlines()
    tap.equal([row.split(':')[0] for row in rows], ['my', 'my2'], '%s: a row each' % engine)
    app.dep(3)
    got = p.ctl('reload', 'off', 'my', 'my2', '--json')
    tap.equal(got.returncode, 2, '%s: one does not run: exit 2' % engine)
    tap.matches(got.stderr, '^off: off is not running', '%s: one does not run: said' % engine)
    answers = [json.loads(line) for line in got.stdout.splitlines()]
    tap.equal([(a['instance'], a['exit']) for a in answers], [('my', 0), ('my2', 0)],
              '%s: --json: a line each' % engine)
    app.write('dep', 'return {')
    got = p.ctl('reload', '--all')
    tap.equal(got.returncode, 2, '%s: --all: exit codes are merged' % engine)
    tap.matches(got.stdout, r'my: .*dep.lua:1: ', '%s: --all: rows of failures' % engine)
    got = p.ctl('gens', 'my', 'my2')
    tap.matches(got.stdout, r'# my\n(.*\n)+# my2\n', '%s: gens of several' % engine)


# What a start sees and shows to others: its globals are private until the switch.
SLOW_START = 'fiber.begun = true while not fiber.go do fiber.sleep(0.01) end'


def check_killed(engine):
    app = App(engine)
    for version, sig, code in ((2, signal.SIGKILL, -9), (3, signal.SIGINT, 130)):
        app.eval('require("fiber").begun, require("fiber").go = nil')
        app.app(version, start=SLOW_START)
        child = subprocess.Popen([harness.CTL, 'reload', 'my'], cwd=app.place.dir,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        harness.wait_for(lambda: app.eval('return require("fiber").begun') == [True],
                         'the new start')
        child.send_signal(sig)
        err = child.communicate(timeout=30)[1].decode()
        tap.equal(child.returncode, code, '%s: signal %d: exit %d' % (engine, sig, code))
        if sig == signal.SIGINT:
            tap.matches(err, "ends by itself in the instance; 'ctl history my' tells",
                        '%s: Ctrl-C: says so' % engine)
        got = app.ctl('reload')
        tap.equal(got.returncode, 1, '%s: another reload meanwhile: exit 1' % engine)
        tap.matches(got.stderr, 'in phase lock', '%s: another reload meanwhile: says so' % engine)
        tap.equal(app.serves(), [version - 1, 1], '%s: the old version serves meanwhile' % engine)
        app.eval('require("fiber").go = true')
        got = app.ctl('reload', '--wait', '30s')
        tap.equal(got.returncode, 0, '%s: --wait: exit 0' % engine)
        wait_serves(app, [version, 1])
        tap.equal(app.workers(), ['worker%d' % version],
                  '%s: signal %d: it ended well' % (engine, sig))


def check_dies(engine):
    app = App(engine)
    app.app(2, start='os.exit(3)')
    got = app.ctl('reload')
    tap.equal((got.returncode, got.stdout), (2, ''), '%s: it ends meanwhile: exit 2' % engine)
    tap.matches(got.stderr, 'lost|closed|reset', '%s: it ends meanwhile: says so' % engine)


def check_bytes(engine):
    """Texts of any bytes pass: options, names of files, messages."""
    app = App(engine)
    app.place.write('lib/app.lua', b'error("\xff \xd1\x8f \x01 end")')
    got = app.ctl('reload')
    tap.matches(got.stderr, 'end', '%s: a message of any bytes' % engine)
    raw = subprocess.run([harness.CTL, 'reload', 'my', '--json'], cwd=app.place.dir,
                         capture_output=True, check=False).stdout
    tap.equal(json.loads(raw.decode('utf-8'))['exit'], 1, '%s: --json is UTF-8' % engine)
    app.app(2)
    got = app.ctl('reload', '--probation', '10ms', '--health', '"\u044f\\n" == "\u044f\\n"')
    tap.equal((got.returncode, app.serves()), (0, [2, 1]), '%s: an option of any bytes' % engine)
    fix = app.place.write('fix.lua', b'function app.serve() return #"\xff\x00\xd1\x8f", "\xfe" end')
    tap.equal(app.ctl('patch', fix).returncode, 0, '%s: a patch of any bytes' % engine)
    tap.equal(app.eval('return (api())'), [4], '%s: a patch of any bytes' % engine)


def check_watch(engine):
    app = App(engine)
    out = app.place.path('out')
    with open(out, 'wb') as f:
        child = subprocess.Popen([harness.CTL, 'reload', 'my', '--watch'], cwd=app.place.dir,
                                 stdout=f, stderr=f)
    harness.wait_for(lambda: 'Nothing changed' in app.place.read('out'), 'the first look')
    app.dep(2)
    wait_serves(app, [1, 2])
    app.write('dep', 'return {\n')
    harness.wait_for(lambda: 'dep.lua:2:' in app.place.read('out'), 'the error')
    tap.equal((app.serves(), child.poll()), ([1, 2], None), '%s: --watch: a bad version' % engine)
    app.app(3)
    app.dep(3)
    wait_serves(app, [3, 3])
    app.write('dep.tmp', app.place.read('lib/dep.lua').replace('3', '4'))
    os.rename(app.place.path('lib/dep.tmp.lua'), app.place.path('lib/dep.lua'))
    wait_serves(app, [3, 4])
    child.send_signal(signal.SIGINT)
    tap.equal(child.wait(30), 130, '%s: --watch: Ctrl-C ends it' % engine)
    tap.ok(True, '%s: --watch: each save is loaded' % engine)


def check_engines(engine):
    """Another version of the engine: a later one stays, an older one is replaced and its
    state goes on."""
    app = App(engine)
    app.app(2)
    app.ctl('reload')
    key = 'debug.getregistry()["tarantella.reload.engine"]'
    app.eval('local e = %s e.hash, e.version = "99.later", 99' % key)
    app.app(3)
    tap.equal((app.ctl('reload').returncode, app.serves()), (0, [3, 1]),
              '%s: a later engine is talked to' % engine)
    tap.equal(app.eval('return %s.version' % key), [99], '%s: a later engine stays' % engine)
    app.eval('local e = %s e.hash, e.version = "0.older", 0' % key)
    app.app(4)
    tap.equal((app.ctl('reload').returncode, app.serves()), (0, [4, 1]),
              '%s: an older engine is replaced' % engine)
    tap.ok(app.eval('return %s.version' % key)[0] >= 1, '%s: an older engine is replaced' % engine)
    tap.equal(app.workers(), ['worker4'], '%s: its life cycle goes on' % engine)
    code, answer = app.json('history')
    tap.equal([e['exit'] for e in answer['entries']], [0, 0, 0], '%s: the journal too' % engine)
    tap.equal(app.ctl('rollback').returncode, 0, '%s: rollback to before it' % engine)
    tap.equal(app.serves(), [3, 1], '%s: rollback to before it' % engine)


CHECKS = (check_usage, check_hung, check_reload, check_failures, check_options, check_adoption,
          check_tarantoolctl, check_instance_file, check_drain, check_rollback, check_patch,
          check_many, check_killed, check_dies, check_bytes, check_watch, check_engines)
ONLY = os.environ.get('ONLY', '').split()

for each in ENGINES:
    for check in CHECKS:
        if not ONLY or check.__name__[len('check_'):] in ONLY:
            tap.case(check, each)
tap.done()
