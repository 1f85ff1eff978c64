"""The benchmark `cproc` of run.py: stored procedures in C, their calls and reloads."""
import json
import os
import re
import shutil
import statistics
import subprocess
import time

import harness
import iproto

HERE = os.path.dirname(os.path.abspath(__file__))
SLOW_S = 2
FUNCTIONS = ('nothing', 'version', 'slow', 'get', 'put')
INSTANCE = '''
package.cpath = '%s/lib/?.so;' .. package.cpath
local clock = require('clock')
local s = box.schema.space.create('s', {id = 512})
s:create_index('pk', {parts = {{1, 'string'}}})
s:insert{'key', 1, 2, 3}
for _, name in ipairs{%s} do
    box.schema.func.create('cproc.' .. name, {language = 'C'})
end
function reload(times)
    local worst = 0
    for _ = 1, times do
        local began = clock.monotonic()
        box.schema.func.reload('cproc')
        worst = math.max(worst, clock.monotonic() - began)
    end
    return worst * 1000
end
'''


def build(directory, version):
    path = os.path.join(directory, 'cproc%d.so' % version)
    subprocess.run(['cc', '-shared', '-fPIC', '-O2', '-Wl,--build-id', '-DVERSION=%d' % version,
                    '-DSLOW_S=%d' % SLOW_S, '-I/usr/include/tarantool', '-o', path,
                    os.path.join(HERE, 'cproc.c')], check=True)
    return path


def put(server, versions, version):
    """As a build would: the file is replaced by a new one."""
    place = os.path.join(server.dir, 'lib')
    os.makedirs(place, exist_ok=True)
    shutil.copy(versions[version], os.path.join(place, 'new'))
    os.rename(os.path.join(place, 'new'), os.path.join(place, 'cproc.so'))


def copies(server):
    """How many copies of the module are mapped."""
    with open('/proc/%d/maps' % server.pid, encoding='utf-8') as f:
        return len({m[1] for m in (re.search(r' (\d+) +\S*cproc', line) for line in f) if m})


def descriptors(server):
    return len(os.listdir('/proc/%d/fd' % server.pid))


def calls(run, servers):
    cases = (('nothing', []), ('version', []), ('get', ['key']), ('put', ['other']))
    for connections, depth in ((8, 64), (1, 1)):
        for name, args in cases:
            rate, cpu = {}, {}
            for _ in range(3):
                for engine, server in servers.items():
                    before = server.cpu_s()
                    result = run.load(server, ['call', 'cproc.' + name, *args], connections,
                                      depth, 2)
                    if result['failed']:
                        raise RuntimeError('%s failed: %r' % (name, result))
                    rate[engine] = max(rate.get(engine, 0),
                                       result['requests'] / result['seconds'])
                    used = (server.cpu_s() - before) / result['requests'] * 1e6
                    cpu[engine] = min(cpu.get(engine, used), used)
            what = 'C %s, %d x %d, ' % (name, connections, depth)
            run.row(what + 'calls/s', rate[run.OURS], rate[run.THEIRS], 1, '%.0f', True)
            run.row(what + 'server CPU, us/call', cpu[run.OURS], cpu[run.THEIRS], 2)


def silence_without(run, server):
    """The longest silence of the same load when nothing is reloaded: the machine's."""
    return run.load(server, ['call', 'cproc.version'], 8, 16, 5)['silence_ms']


def reloads(run, server, engine, versions):
    """Ten reloads while clients call; each takes a new file."""
    control = silence_without(run, server)
    sock = 'unix/:' + server.sock
    client = subprocess.Popen([run.LOAD, '-c', '8', '-d', '16', '-t', '5', '-j', 'call',
                               'cproc.version', sock], stdout=subprocess.PIPE)
    took = []
    with iproto.Client(server.sock) as c:
        time.sleep(0.3)
        for i in range(10):
            put(server, versions, 1 + (i + 1) % 5)
            took.append(c.eval('return reload(1)')[0])
            time.sleep(0.3)  # spread over the load; nothing waits for it
    result = json.loads(client.communicate(timeout=60)[0])
    rate = result['requests'] / result['seconds']
    print('10 reloads under %.0f C calls/s (%s): %d failed, longest silence %.1f ms (without '
          'reloads %.1f), reload %.2f ms (median; longest %.2f)' % (
              rate, engine, result['failed'], result['silence_ms'], control,
              statistics.median(took), max(took)), flush=True)
    run.ROWS.append((
        '10 C reloads under %d k calls/s: failed, longest silence (without reloads), longest '
        'reload (%s)' % (rate / 1000, engine),
        '%d, %.1f (%.1f) ms, %.2f ms' % (result['failed'], result['silence_ms'], control,
                                         max(took)), '', '', '0, 3.2 ms, 1 ms'))
    return statistics.median(took)


def overlapping(server, versions):
    """Four slow calls, each begun before the next reload. What they answer, and how many
    copies were mapped with them inside and are afterwards."""
    put(server, versions, 1)
    clients = []
    with iproto.Client(server.sock) as c:
        c.eval('return reload(1)')
        for version in (1, 2, 3, 4):
            client = iproto.Client(server.sock)
            client.send(iproto.frame({iproto.TYPE: iproto.CALL, iproto.SYNC: version},
                                     {iproto.FUNCTION: 'cproc.slow', iproto.TUPLE: []}))
            clients.append(client)
            c.eval("require('fiber').sleep(0.05)")  # it is inside by then
            put(server, versions, version + 1)
            c.eval('return reload(1)')
        most = copies(server)
        answers = [client.receive().data[0][0] for client in clients]
        c.eval("require('fiber').sleep(0.05)")
    return answers, most, copies(server)


def many(server, count):
    """Memory and descriptors before and after that many reloads."""
    with iproto.Client(server.sock, timeout=300) as c:
        c.eval('return reload(...)', 200)
        before = rss_kb(server), descriptors(server)
        began = time.monotonic()
        c.eval('return reload(...)', count)
        took = (time.monotonic() - began) / count * 1000
        return before, (rss_kb(server), descriptors(server)), took


def rss_kb(server):
    with open('/proc/%d/status' % server.pid, encoding='ascii') as f:
        return int(re.search(r'VmRSS:\s+(\d+)', f.read())[1])


def bench(run):
    """`run` is the module run.py: its rows, servers and load."""
    place = harness.tempdir()
    versions = {v: build(place, v) for v in range(1, 6)}
    names = ', '.join("'%s'" % n for n in FUNCTIONS)
    servers = {}
    for engine in (run.OURS, run.THEIRS):
        directory = harness.tempdir()
        os.mkdir(os.path.join(directory, 'lib'))
        shutil.copy(versions[1], os.path.join(directory, 'lib', 'cproc.so'))
        servers[engine] = run.Server(engine, INSTANCE % (directory, names), directory)
    calls(run, servers)
    took = {e: reloads(run, s, e, versions) for e, s in servers.items()}
    run.row('C reload under load, ms (median)', took[run.OURS], took[run.THEIRS], None)
    for engine, server in servers.items():
        answers, most, after = overlapping(server, versions)
        print('4 slow calls over 4 reloads (%s): they answer %s; mapped copies %d, then %d' % (
            engine, answers, most, after), flush=True)
        run.ROWS.append(('4 slow C calls over 4 reloads: answers, mapped copies (%s)' % engine,
                         '%s, %d -> %d' % (' '.join(map(str, answers)), most, after), '', '',
                         '1 2 3 4, 5 -> 1'))
    for engine, server in servers.items():
        before, after, took = many(server, 10000)
        print('10000 reloads (%s), %.2f ms each: %d -> %d KB, %d -> %d descriptors' % (
            engine, took, before[0], after[0], before[1], after[1]), flush=True)
        run.ROWS.append(('10000 C reloads: resident KB, descriptors (%s)' % engine,
                         '%+d KB, %+d' % (after[0] - before[0], after[1] - before[1]), '', '',
                         'flat'))
    for server in servers.values():
        server.stop()
