"""Measure tarantella and ctl beside the real Tarantool and tarantoolctl.

usage: run.py [NAME...]      names: see BENCHES at the end; default: all

Both sides run on the same machine, in the same run, turn by turn; a row is
    what, ours, theirs, ratio (how many times better ours is), wanted
and the table is what docs/benchmarks.md shows. Everything stays on Unix sockets
and loopback, in temporary directories, and ends by itself.
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
BUILD = os.environ.get('BUILD_DIR', os.path.join(ROOT, 'build'))
os.environ.setdefault('TARANTELLA', os.path.join(BUILD, 'instance', 'tarantella'))
os.environ.setdefault('CTL', os.path.join(BUILD, 'ctl', 'ctl'))
os.environ.setdefault('BUILD_DIR', BUILD)
sys.path.insert(0, os.path.join(ROOT, 'tests', 'bench'))
import cproc  # noqa: E402  pylint: disable=wrong-import-position
import files  # noqa: E402  pylint: disable=wrong-import-position
import harness  # noqa: E402  pylint: disable=wrong-import-position
import reload  # noqa: E402  pylint: disable=wrong-import-position

LOAD = os.path.join(BUILD, 'tests', 'bench', 'load')
OURS, THEIRS = 'tarantella', 'tarantool'
PROGRAM = {OURS: harness.TARANTELLA, THEIRS: 'tarantool'}
TOOL = {OURS: harness.CTL, THEIRS: 'tarantoolctl'}
ROWS = []
TABLES = []  # more tables, as markdown


def row(what, ours, theirs, wanted, fmt='%.2f', more_is_better=False):
    """One line of the table; wanted is the ratio asked for, or None."""
    ratio = (ours / theirs if more_is_better else theirs / ours) if ours and theirs else 0
    ROWS.append((what, fmt % ours, fmt % theirs, '%.1f' % ratio,
                 '' if wanted is None else '%g' % wanted))
    print('%-58s %12s %12s   x %-6.1f %s' % (
        what, fmt % ours, fmt % theirs, ratio,
        '' if wanted is None else '(wanted %g: %s)' % (
            wanted, 'yes' if ratio >= wanted else 'NO')), flush=True)


def greeted(path):
    """Is there a server that greets on this Unix socket?"""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.settimeout(5)
            return len(s.recv(128)) == 128
    except OSError:
        return False


def rss_kb(pid):
    with open('/proc/%d/status' % pid, encoding='ascii') as f:
        for line in f:
            if line.startswith('VmRSS'):
                return int(line.split()[1])
    return 0


class Server:
    """An instance in the foreground with a Lua file of ours."""

    def __init__(self, engine, lua='', directory=None):
        self.dir = directory or harness.tempdir()
        self.sock = os.path.join(self.dir, 's.sock')
        path = os.path.join(self.dir, 'init.lua')
        with open(path, 'w', encoding='ascii') as f:
            f.write("box.cfg{listen='unix/:%s', log='%s/log', work_dir='%s', "
                    "wal_mode='none'}\n" % (self.sock, self.dir, self.dir))
            f.write("box.once('bench', function() box.schema.user.grant("
                    "'guest', 'read,write,execute', 'universe') end)\n" + lua)
        if os.path.exists(self.sock):
            os.unlink(self.sock)
        self.began = time.monotonic()
        self.process = harness.Process([PROGRAM[engine], path], cwd=self.dir)
        while not greeted(self.sock):
            if self.process.child.poll() is not None:
                raise RuntimeError(self.process.stderr())
            time.sleep(0.0002)
        self.ready_s = time.monotonic() - self.began
        self.pid = self.process.pid

    def cpu_s(self):
        """User and system time of the server so far."""
        with open('/proc/%d/stat' % self.pid, encoding='ascii') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def stop(self):
        self.process.terminate()


def wall_ms(argv, cwd, stdin=None):
    """A command as a whole process: milliseconds until it is gone."""
    null = os.open('/dev/null', os.O_RDWR)
    began = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, dict(os.environ, PWD=cwd), file_actions=[
        (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1),
        (os.POSIX_SPAWN_DUP2, null, 2)])
    _, status = os.waitpid(pid, 0)
    took = (time.monotonic() - began) * 1000
    os.close(null)
    if status != 0:
        raise RuntimeError('%s: exit status %d' % (' '.join(argv), status))
    return took


def bench_tools():
    """ctl and tarantoolctl as whole processes, each on its own running instance."""
    places = {}
    for engine in (OURS, THEIRS):
        place = places[engine] = harness.Place()
        place.instance('app', "box.cfg{listen='unix/:%s'}" % place.path('s.sock'))
        place.write('f.lua', 'return 1')
        done = place.run(TOOL[engine], 'start', 'app')
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        harness.wait_for(lambda p=place: greeted(p.path('s.sock')), 'the instance')
    for command, wanted in ((['eval', 'app', 'f.lua'], 10), (['status', 'app'], 10)):
        took = {OURS: [], THEIRS: []}
        for i in range(100):
            for engine in (OURS, THEIRS):
                os.chdir(places[engine].dir)
                if engine == OURS or i < 30:
                    took[engine].append(wall_ms([TOOL[engine], *command], places[engine].dir))
        row('ctl %s, whole process, ms (median)' % command[0],
            statistics.median(took[OURS]), statistics.median(took[THEIRS]), wanted)
    bare = [wall_ms(['true'], '/') for _ in range(100)]
    row('  for comparison: `true`, ms', statistics.median(bare), statistics.median(bare), None)
    os.chdir(ROOT)
    for engine in (OURS, THEIRS):
        places[engine].run(TOOL[engine], 'stop', 'app')


def bench_start():
    """Start to the first answer, and idle memory."""
    ready, memory, dirs = {OURS: [], THEIRS: []}, {}, {}
    for i in range(11):
        for engine in (OURS, THEIRS):
            server = Server(engine, directory=dirs.get(engine))
            dirs[engine] = server.dir
            if i > 0:  # the first start of Tarantool makes its files
                ready[engine].append(server.ready_s * 1000)
            memory[engine] = rss_kb(server.pid) / 1024
            server.stop()
    row('start to ready, ms (median)', statistics.median(ready[OURS]),
        statistics.median(ready[THEIRS]), 4)
    row('idle resident memory, MB', memory[OURS], memory[THEIRS], 3)


def load(server, what, connections, depth, seconds):
    done = subprocess.run(
        [LOAD, '-c', str(connections), '-d', str(depth), '-t', str(seconds), '-j',
         *what, 'unix/:' + server.sock],
        check=True, capture_output=True, timeout=seconds + 30)
    return json.loads(done.stdout)


def bench_requests():
    """Requests per second and server CPU per request."""
    lua = 'function f() return 1 end\n'
    cases = ((['ping'], 'PING'), (['eval', 'return 1'], 'EVAL `return 1`'),
             (['call', 'f'], 'CALL f()'))
    servers = {engine: Server(engine, lua) for engine in (OURS, THEIRS)}
    for connections, depth, cpu_wanted in ((8, 64, 2), (1, 1, 1)):
        for what, name in cases:
            rate, cpu = {OURS: [], THEIRS: []}, {OURS: [], THEIRS: []}
            for _ in range(3):
                for engine, server in servers.items():
                    before = server.cpu_s()
                    result = load(server, what, connections, depth, 2)
                    if result['failed']:
                        raise RuntimeError('%s failed: %r' % (name, result))
                    rate[engine].append(result['requests'] / result['seconds'])
                    cpu[engine].append(
                        (server.cpu_s() - before) / result['requests'] * 1e6)
            where = '%s, %d x %d' % (name, connections, depth)
            row(where + ', requests/s', max(rate[OURS]), max(rate[THEIRS]), 1, '%.0f', True)
            row(where + ', server CPU, us/request', min(cpu[OURS]), min(cpu[THEIRS]),
                cpu_wanted)
    for server in servers.values():
        server.stop()


def bench_reload():
    """Reloads under load, three sides: a table of its own."""
    TABLES.append(reload.markdown(reload.rows()))


def in_both(name, script, wanted):
    """Run a Lua script that prints `what number` lines (smaller is better) in both."""
    results = {OURS: {}, THEIRS: {}}
    for _ in range(3):
        for engine in (OURS, THEIRS):
            directory = harness.tempdir()
            done = subprocess.run([PROGRAM[engine], os.path.join(ROOT, 'tests/bench', script)],
                                  cwd=directory, capture_output=True, timeout=120, check=True)
            for line in done.stdout.decode().splitlines():
                what, number = line.rsplit(' ', 1)
                best = results[engine].setdefault(what, float(number))
                results[engine][what] = min(best, float(number))
    for what, number in results[OURS].items():
        row('%s: %s' % (name, what), number, results[THEIRS][what], wanted, '%.1f')


def bench_interrupt():
    """What it costs that `ctl eval` can stop code that spins: tight loops before and
    after the first eval of an instance (default_cfg.interrupt)."""
    place = harness.Place()
    place.instance('app', 'box.cfg{}\ndofile(%r)\n' % os.path.join(
        ROOT, 'tests/bench/loops.lua'))
    place.run(TOOL[OURS], 'start', 'app')

    def loops():  # through the text console, which starts no interrupt thread
        done = place.run('tarantoolctl', 'eval', 'app', stdin='return loops()')
        return json.loads(' '.join(done.stdout.split("'")[1].split()))

    before = [loops() for _ in range(3)]
    place.run(TOOL[OURS], 'eval', 'app', '-e', 'return 1')
    after = [loops() for _ in range(3)]
    place.run(TOOL[OURS], 'stop', 'app')
    for name in before[0]:
        row('%s, ms: interrupt on beside off' % name, min(b[name] for b in after),
            min(b[name] for b in before), None, '%.0f')


def bench_fiber():
    """Fibers from Lua, ns per operation."""
    in_both('fiber', 'fiber.lua', 1)


def bench_box():
    """Data operations from Lua, ns per operation."""
    in_both('box', 'box.lua', 1)


def bench_cproc():
    """Stored procedures in C: calls, and reloads under load."""
    cproc.bench(sys.modules[__name__])


def bench_files():
    """cat and play of big files; status of many instances."""
    files.bench(sys.modules[__name__])


BENCHES = {'tools': bench_tools, 'start': bench_start, 'requests': bench_requests,
           'reload': bench_reload, 'interrupt': bench_interrupt, 'fiber': bench_fiber, 'box': bench_box,
           'cproc': bench_cproc, 'files': bench_files}


def main():
    names = sys.argv[1:] or list(BENCHES)
    for name in names:
        if name not in BENCHES:
            sys.exit("no benchmark '%s'; there are: %s" % (name, ' '.join(BENCHES)))
    print('%-58s %12s %12s   %s' % ('', 'tarantella', 'tarantool', 'ratio'))
    for name in names:
        BENCHES[name]()
    with open(os.path.join(BUILD, 'bench.md'), 'w', encoding='ascii') as f:
        f.write('| what | tarantella | Tarantool 2.6 | ratio | wanted |\n|---|--:|--:|--:|--:|\n')
        for r in ROWS:
            f.write('| %s |\n' % ' | '.join(r))
        for table in TABLES:
            f.write('\n' + table)
    print('(the table as markdown: %s)' % os.path.join(BUILD, 'bench.md'))


main()
