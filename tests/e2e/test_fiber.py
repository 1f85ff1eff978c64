"""Fibers in the real program: its end, overflows, limits, errors, many seeds."""
import os
import subprocess

import harness
import tap

STRESS = os.path.join(harness.SOURCE_DIR, 'tests', 'compat', 'fiber_stress.lua')
IS_SANITIZED = b'__asan_init' in open(harness.TARANTELLA, 'rb').read()


def run(script, timeout=60, **env):
    """Run a script given as text: (exit code, stdout, stderr)."""
    place = harness.tempdir()
    path = os.path.join(place, 'script.lua')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(script)
    done = subprocess.run([harness.TARANTELLA, path], cwd=place, timeout=timeout,
                          env=dict(os.environ, **env), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_ends_when_nothing_is_left_to_run():
    code, out, _ = run('''
        local fiber = require('fiber')
        fiber.create(function() fiber.sleep(0.05) print('woke') end)
        fiber.create(function() fiber.channel():get() print('never') end)
        print('end of script')
    ''')
    tap.equal((code, out), (0, 'end of script\nwoke\n'),
              'a sleeper is waited for, one that nobody can wake is not')


def test_overflow_names_the_fiber():
    code, _, err = run('''
        local fiber = require('fiber')
        local function deep(s) return (s:gsub('.', deep)) end
        local f = fiber.new(deep, 'x')
        f:name('greedy')
    ''')
    tap.equal(code, -11, 'an overflow ends the process by SIGSEGV')
    tap.like(err, 'stack overflow in fiber greedy (id 104)', 'and names the fiber')


def test_too_many_fibers():
    if IS_SANITIZED:
        return  # the sanitizer itself runs out of maps
    code, out, _ = run('''
        local fiber = require('fiber')
        local all = {}
        local ok, err = pcall(function()
            while true do
                all[#all + 1] = fiber.create(function() fiber.sleep(1000) end)
            end
        end)
        print(ok, err.type, tostring(err):match('max_map_count'), #all > 1000)
        for _, f in ipairs(all) do f:cancel() end
        while all[#all]:status() ~= 'dead' do fiber.sleep(0.001) end
        fiber.create(function() print('works again') end)
        os.exit(0)
    ''', timeout=200)
    tap.equal((code, out), (0, 'false\tOutOfMemory\tmax_map_count\ttrue\nworks again\n'),
              'beyond the limit there is a clear error, and nothing else breaks')


def test_without_guards():
    """More fibers than the kernel allows maps for guards."""
    if IS_SANITIZED:
        return  # the sanitizer itself runs out of maps
    script = '''
        local fiber = require('fiber')
        local n, all = 40000, {}
        for i = 1, n do
            all[i] = fiber.create(function() fiber.sleep(1000) return i end)
        end
        print(#all)
        for i = 1, n do all[i]:cancel() end
        while all[n]:status() ~= 'dead' do fiber.sleep(0.001) end
        os.exit(0)
    '''
    code, out, err = run(script, timeout=200, TARANTELLA_FIBER_GUARD='off')
    tap.equal((code, out), (0, '40000\n'), 'TARANTELLA_FIBER_GUARD=off: 40 000 fibers: ' + err)
    code, _, err = run(script, TARANTELLA_FIBER_GUARD='maybe')
    tap.ok(code == 1 and "must be on or off, not 'maybe'" in err, 'another value is refused', err)
    p = harness.Place("fiber_guard = 'off',")
    p.instance('app', 'box.cfg{}\n' + script.replace('os.exit(0)', '_G.made = n'))
    p.ctl('start', 'app', timeout=120)
    tap.like(p.ctl('eval', 'app', '-e', 'made').stdout, '- 40000\n', "fiber_guard = 'off'")


def test_death_is_logged():
    _, _, err = run('''
        local fiber = require('fiber')
        fiber.create(function() error('first') end)
        fiber.create(function() fiber.sleep(10) end):cancel()
        fiber.create(function() box.error(box.error.NO_SUCH_SPACE, 'second') end)
        local f = fiber.new(function() error('third') end)
        f:set_joinable(true)
        f:join()
    ''')
    tap.like(err, 'LuajitError: ', 'the error of a fiber that nobody joins is logged')
    tap.like(err, 'first', 'with its text')
    tap.like(err, "ER_NO_SUCH_SPACE: Space 'second' does not exist", 'box errors by name')
    tap.ok('cancelled' not in err, 'a cancelled fiber ends silently', err)
    tap.ok('third' not in err, 'a joined one too', err)


def test_yield_in_a_finaliser():
    code, out, _ = run('''
        local fiber = require('fiber')
        local ok, err
        do
            local p = newproxy(true)
            getmetatable(p).__gc = function() ok, err = pcall(fiber.yield) end
        end
        collectgarbage()
        collectgarbage()
        print(ok, err)
        fiber.sleep(0)
        print('fine')
    ''')
    tap.equal((code, out), (0, 'false\tbad action while in __gc metamethod\nfine\n'),
              'a finaliser that yields gets an error')


def test_backtrace_shows_coroutine_and_resumer():
    _, out, _ = run('''
        local fiber = require('fiber')
        local function inner() fiber.sleep(100) end
        local function outer() coroutine.wrap(function() inner() end)() end
        local f = fiber.create(function() outer() return 1 end)
        for _, row in ipairs(fiber.info()[f:id()].backtrace) do print(row.L) end
        os.exit(0)
    ''')
    lines = [line.split(' in ')[0] for line in out.splitlines()]
    tap.ok(lines.index('sleep') < lines.index('inner') < lines.index('outer'),
           'a fiber asleep in a coroutine shows who resumed it', out)


def test_storage_goes_with_its_fiber():
    code, out, _ = run('''
        local fiber = require('fiber')
        local weak = setmetatable({}, {__mode = 'v'})
        for i = 1, 100 do
            fiber.create(function() fiber.self().storage.big = weak end)
            local f = fiber.new(function()
                local t = {}
                weak[#weak + 1] = t
                fiber.self().storage.t = t
            end)
            f:set_joinable(true)
            f:join()
        end
        collectgarbage()
        collectgarbage()
        print(next(weak))
    ''')
    tap.equal((code, out), (0, 'nil\n'), 'fiber.storage is freed with the fiber')


def test_stress():
    """The same totals whatever the schedule, with the JIT and without."""
    rounds = '3' if IS_SANITIZED else '12'
    wanted = None
    for jit in ('auto', 'off'):
        for seed in ('1', '2', '3'):
            done = subprocess.run(
                [harness.TARANTELLA, STRESS], cwd=harness.tempdir(), timeout=200,
                env=dict(os.environ, FIBER_SEED=seed, FIBER_ROUNDS=rounds,
                         FIBER_COUNT='300', TARANTELLA_JIT=jit),
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            wanted = wanted or done.stdout
            tap.ok(done.returncode == 0 and done.stdout == wanted
                   and 'joined\t300' in done.stdout,
                   'jit %s, seed %s' % (jit, seed), done.stdout + done.stderr)


tap.run(globals())
