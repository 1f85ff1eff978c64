"""The benchmark `files` of run.py: `cat` and `play` of a big snapshot, status of many."""
import glob
import os
import statistics
import subprocess
import time

import harness

ROWS = int(os.environ.get('BENCH_ROWS', 1500000))
PLAY_ROWS = 100000
WRITER = '''
box.cfg{log = 'log', memtx_memory = 4 * 2^30, wal_mode = 'none', checkpoint_interval = 0}
local rows, digest = ..., require('digest')
box.schema.space.create('s'):create_index('pk')
local pool = digest.urandom(1024 * 1024)
for i = 1, tonumber(rows) do
    local at = (i * 257) %% (#pool - 300) + 1
    box.space.s:replace{i, 'name ' .. i, i * 1.5, pool:sub(at, at + 149):hex(), {a = i}}
end
box.snapshot()
os.exit(0)
'''.replace('%%', '%')


def snapshot(directory, rows):
    os.makedirs(directory)
    script = os.path.join(directory, 'write.lua')
    with open(script, 'w', encoding='ascii') as f:
        f.write(WRITER)
    subprocess.run(['tarantool', script, str(rows)], cwd=directory, check=True)
    return max(glob.glob(os.path.join(directory, '*.snap')))


def peak_kb(pid):
    try:
        with open('/proc/%d/status' % pid, encoding='ascii') as f:
            return max([int(line.split()[1]) for line in f if line.startswith('VmHWM')] + [0])
    except OSError:
        return 0


def run(argv):
    """-> seconds, peak memory in MB"""
    peak, pid = 0, 0
    with open(os.devnull, 'w', encoding='ascii') as null:
        began = time.monotonic()
        child = subprocess.Popen(argv, stdout=null, stderr=null)
        # Its ru_maxrss would be ours: between fork and exec it is a copy of this process.
        while pid == 0:
            time.sleep(0.005)
            peak = max(peak, peak_kb(child.pid)) if time.monotonic() > began + 0.05 else 0
            pid, status = os.waitpid(child.pid, os.WNOHANG)
        took = time.monotonic() - began
    if status != 0:
        raise RuntimeError('%s: exit status %d' % (argv, status))
    return took, peak / 1024


def bench_cat(bench, path):
    size = os.path.getsize(path) / 1e6
    for form in ('json', 'yaml'):
        ours = run([harness.CTL, 'cat', path, '--format=' + form])
        theirs = run(['tarantoolctl', 'cat', path, '--format=' + form])
        bench.row('cat --format=%s, snapshot of %.0f MB, s' % (form, size), ours[0], theirs[0], 5)
        bench.row('  its peak memory, MB', ours[1], theirs[1], None, '%.1f')


def bench_play(bench, path):
    schema = ("box.schema.space.create('s'):create_index('pk')\n"
              "io.open('ready', 'w'):close()\n")  # it listens before that
    took = {}
    for tool, argv in (('ours', [harness.CTL, 'play', 'unix/:%s']),
                       ('theirs', ['tarantoolctl', 'play', '%s'])):
        server = bench.Server(bench.THEIRS, schema)
        ready = os.path.join(server.dir, 'ready')
        harness.wait_for(lambda path=ready: os.path.exists(path), 'the space')
        took[tool] = run([a.replace('%s', server.sock) for a in argv] + [path])[0]
        server.stop()
    bench.row('play of %d rows into Tarantool, s' % PLAY_ROWS, took['ours'], took['theirs'], 3)


def bench_status(bench):
    """Ours alone: nothing to compare with asks fifty of them in one command."""
    place = harness.Place()
    for i in range(50):
        place.instance('app%02d' % i, 'box.cfg{}')
    place.ctl('start', '--all', timeout=300)
    os.chdir(place.dir)
    all_of_them = statistics.median(
        bench.wall_ms([harness.CTL, 'status', '--all'], place.dir) for _ in range(10))
    one = statistics.median(
        bench.wall_ms([harness.CTL, 'status', 'app00'], place.dir) for _ in range(30))
    os.chdir(bench.ROOT)
    place.ctl('stop', '--all', timeout=300)
    bench.TABLES.append('| what | ms | wanted |\n|---|--:|--:|\n'
                        '| ctl status --all of 50 instances | %.1f | 50 |\n'
                        '| ctl status of one of them | %.1f | |\n' % (all_of_them, one))
    print('ctl status --all of 50 instances: %.1f ms, of one: %.1f ms' % (all_of_them, one))


def bench(of):
    bench_status(of)
    place = harness.tempdir()
    bench_play(of, snapshot(os.path.join(place, 'small'), PLAY_ROWS))
    bench_cat(of, snapshot(os.path.join(place, 'big'), ROWS))
