"""Reloads under load: the recipe of Tarantool's documentation on the real Tarantool,
beside `ctl reload` on tarantella and on Tarantool, in one run.

The application answers with its version from two modules, so calls that fail, calls that
mix versions and the longest silence are counted in each case.
"""
import os
import statistics
import time

import reload_rows
import reload_rig

RECIPE, OURS, STOCK = 'recipe', 'tarantella', 'tarantool'
SIDES = tuple(os.environ.get('BENCH_SIDES', 'recipe tarantella tarantool').split())
INSTANCE = reload_rows.INSTANCE + '''
rawset(_G, 'api', function() return require('app').call() end)
'''
# `forgotten` is what its author did not think of.
EVAL = '''
local app = package.loaded.app
app.stop()
for _, name in ipairs({'app', 'dep', 'leaf'}) do
    if name ~= '%s' then package.loaded[name] = nil end
end
require('app').start({mark = 'args'})
'''
BIG = '\n'.join('function M.f%d(a, b) local t = {a = a, b = b, "%s"} return t end' % (
    i, 'x' * 40) for i in range(20000))
FIBERS = 28000


class Case:
    """An application on one side; reload() as one does it there."""

    def __init__(self, side, more='', **parts):
        self.side, self.parts = side, parts
        self.rig = reload_rig.Rig(
            STOCK if side == RECIPE else side, reload_rows.files(1, **parts), INSTANCE + more,
            adopt=side == RECIPE)

    def write(self, version, **parts):
        reload_rows.write(self.rig, version, **dict(self.parts, **parts))

    def reload(self, forgotten=''):
        if self.side != RECIPE:
            return self.rig.reload()
        path = self.rig.place.write('recipe.lua', EVAL % forgotten)
        return self.rig.place.tarantoolctl('eval', 'app', path)


def ms(value):
    return '%.1f ms' % value


def eight_reloads(side, **parts):
    """Failed calls, longest silence, calls a second; milliseconds inside."""
    case = Case(side, **parts)
    inside = []
    with case.rig.load(connections=8) as load:
        time.sleep(0.5)
        load.lap()
        for version in range(2, 10):
            case.write(version)
            done = case.reload()
            if side != RECIPE:
                if done.exit != 0:
                    raise RuntimeError(repr(done))
                inside.append(done.answer['total_ms'])
            time.sleep(0.2)  # spread over the load, nothing waits for it
    case.rig.stop()
    total = load.sum
    return ('%d' % (total['failed'] + total['mixed']), ms(total['silence_ms']),
            '%.0f' % (total['requests'] / total['seconds']),
            '%.2f ms' % statistics.median(inside) if inside else '')


def broken(side, expected, forgotten='', first=None, **parts):
    """Calls that failed or mixed versions in the second after a bad reload, and whether
    the version that ought to serves."""
    case = Case(side, **(first or {}))
    if parts.pop('syntax', False):
        reload_rows.write(case.rig, 2)
        case.rig.module('dep', 'local = 1\n')
    else:
        reload_rows.write(case.rig, 2, **parts)
    with case.rig.load(connections=8) as load:
        load.lap()
        case.reload(forgotten)
        time.sleep(1)  # the measured second
        lap = load.lap()
        time.sleep(0.1)
        served = load.lap()['high']
    case.rig.stop()
    bad = lap['failed'] + lap['mixed']
    if not bad and served != expected:
        return '0, version %d serves' % served
    return '%d of %d' % (bad, lap['requests']) if bad else '0'


def many_fibers(side):
    """The switch and the longest silence beside many fibers."""
    if side == RECIPE:
        return '', ''
    case = Case(side, '''
        local fiber = require('fiber')
        for i = 1, %d do fiber.create(function() fiber.sleep(1e6) end) end''' % FIBERS)
    switches = []
    with case.rig.load(connections=8) as load:
        for version in range(2, 7):
            case.write(version)
            done = case.reload()
            if done.exit != 0:
                raise RuntimeError(repr(done))
            switches.append(done.answer['switch_ms'])
    case.rig.stop()
    return '%.3f ms' % statistics.median(switches), ms(load.sum['silence_ms'])


STUB = '''
local clock = require('clock')
local function best(f, n)
    local least = 1e9
    for _ = 1, 7 do
        local t = clock.proc() f(n) least = math.min(least, (clock.proc() - t) / n * 1e9)
    end
    return least
end
local app = require('app')
local direct = loadstring('return function(a) return a + 1 end')()
local stubbed = app.plus
local out = {}
for _, mode in ipairs({'on', 'off'}) do
    jit[mode]() jit.flush()
    for _, f in ipairs({direct, stubbed}) do
        local run = loadstring('local f = ... return function(n) local x = 0 '
            .. 'for i = 1, n do x = f(x) end return x end')(f)
        out[#out + 1] = best(run, mode == 'on' and 1e7 or 1e6)
    end
end
jit.on()
return out
'''


def stubs(side):
    """A call through a module's export: ns, compiled and interpreted."""
    plus = 'function M.plus(a) return a + 1 end'
    case = Case(side, functions=plus)
    if side != RECIPE:
        case.write(2)
        case.reload()
    out = case.rig.eval(STUB)[0]
    case.rig.stop()
    return '%.2f (direct %.2f)' % (out[1], out[0]), '%.1f (direct %.1f)' % (out[3], out[2])


def rows():
    """The table: name, one text for each side, what is wanted."""
    table = []

    def add(names, wanted, function, *args, **kw):
        results = []
        for side in SIDES:
            got = function(side, *args, **kw)
            results.append(got if isinstance(got, tuple) else (got,))
        for i, name in enumerate(names):
            line = (name, *[r[i] for r in results], wanted[i])
            table.append(line)
            print('%-52s %18s %18s %18s   %s' % line, flush=True)

    print('%-52s %18s %18s %18s   %s' % (
        '', 'recipe, Tarantool', 'reload, tarantella', 'reload, Tarantool', 'wanted'))
    add(('8 reloads, small app: failed or mixed calls', '  longest silence', '  calls a second',
         '  total inside, median'),
        ('0', '7 ms', '50000', '1 ms (Tarantool 3 ms)'), eight_reloads)
    add(('8 reloads, a module of 2 MB: failed or mixed calls', '  longest silence',
         '  calls a second', '  total inside, median'),
        ('0', '10 ms (Tarantool 20 ms)', '', ''), eight_reloads, functions=BIG)
    add(('the switch beside %d fibers, median' % FIBERS, '  longest silence'), ('1 ms', ''),
        many_fibers)
    add(('syntax error: failed calls in 1 s',), ('0',), broken, 1, syntax=True)
    add(('failing start: failed calls in 1 s',), ('0',), broken, 1,
        start="fiber.sleep(0.2) error('cannot start')")
    add(('failing stop: failed calls in 1 s',), ('0',), broken, 2,
        first={'stop': "error('cannot stop')"})
    add(('forgotten dependency: mixed calls in 1 s',), ('0',), broken, 2, forgotten='leaf')
    add(('a call through an export, compiled, ns', '  interpreted, ns'), ('direct', ''), stubs)
    return table


def markdown(table):
    lines = ['| what | recipe on Tarantool 2.6 | `ctl reload`, tarantella | '
             '`ctl reload`, Tarantool 2.6 | wanted |', '|---|--:|--:|--:|--:|']
    return '\n'.join(lines + ['| %s |' % ' | '.join(line) for line in table]) + '\n'
