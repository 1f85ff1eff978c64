"""ctl reload-module: a C module is replaced while it serves."""
import json
import os
import threading

import harness
import iproto
import tap
from module_common import Server, build_id, engines, proc


@engines
def test_row(engine):
    s = Server(engine)
    s.write(proc(2))
    old, new = build_id(proc(1)), build_id(proc(2))
    done = s.reload('--check', 'app')
    tap.equal(done.returncode, 0, '%s: --check: exit 0' % engine)
    tap.like(done.stdout, '%s -> %s' % (old[:12], new[:12]), '%s: --check: a row' % engine)
    tap.like(done.stdout, 'can be reloaded', '%s: --check: says so' % engine)
    s.serves(1, '%s: --check changes nothing' % engine)
    done = s.reload()
    tap.equal((done.returncode, done.stderr), (0, ''), '%s: exit 0' % engine)
    tap.like(done.stdout, 'app  %s -> %s' % (old[:12], new[:12]), '%s: build-ids' % engine)
    # tarantella counts those that were called, stock does not tell which were.
    count = 2 if engine == 'tarantella' else 7
    tap.like(done.stdout, '  %d functions  0 calls open in the old  ' % count,
             '%s: counts' % engine)
    s.serves(2, engine)
    s.write(proc(3))
    done = s.reload('app', '--json', '--wait', '20s')
    row = json.loads(done.stdout)
    tap.equal((row['instance'], row['module'], row['exit'], row['old_build_id'],
               row['new_build_id'], row['functions'], row['calls']),
              ('app', 'mod', 0, new, build_id(proc(3)), count, 0), '%s: --json' % engine)
    s.serves(3, engine)
    rows = s.gens()
    tap.equal([(r['build_id'], r['state'], r['versions'], r['calls'], r['path'])
               for r in rows], [(build_id(proc(3)), 'current', 1, 0, s.file())],
              '%s: gens' % engine)
    text = s.place.ctl('gens', 'app', '--unit', 'library').stdout
    tap.like(text, 'mod              %s current  ' % build_id(proc(3))[:12],
             '%s: gens as text' % engine)
    s.stop()


@engines
def test_all_instances(engine):
    """Without INSTANCE: those that run and have it loaded, each on its own."""
    s = Server(engine)
    p = s.place
    with open(p.path('instances/app.lua'), encoding='utf-8') as f:
        text = f.read()
    p.instance('app2', text.replace('app.sock', 'app2.sock'))
    p.instance('without', 'box.cfg{}')
    p.instance('stopped', 'box.cfg{}')
    for name in ('app2', 'without'):
        assert p.ctl('start', name, env=s.env).returncode == 0
    other = iproto.Client(p.path('run/app2.sock'), timeout=60)
    tap.equal(other.ask(s.request('version')).data, [[1]], '%s: the second serves' % engine)
    s.write(proc(2))
    done = p.ctl('reload-module', 'mod')
    tap.equal((done.returncode, done.stderr), (0, ''), '%s: exit 0' % engine)
    tap.equal([line.split()[0] for line in done.stdout.splitlines()], ['app', 'app2'],
              '%s: a row for each that has it' % engine)
    tap.equal(other.ask(s.request('version')).data, [[2]], '%s: the second too' % engine)
    s.serves(2, engine)
    lines = p.ctl('gens', '--all', '--unit', 'library', '--json').stdout.splitlines()
    tap.equal(sorted(json.loads(line)['instance'] for line in lines), ['app', 'app2'],
              '%s: gens of all' % engine)
    text = p.ctl('gens', 'app', 'app2', '--unit', 'library').stdout
    tap.ok(text.startswith('app:\n') and '\napp2:\n' in text, '%s: with names' % engine, text)
    done = p.ctl('reload-module', 'nosuch')
    tap.equal(done.returncode, 1, '%s: loaded nowhere: exit 1' % engine)
    tap.like(done.stderr, "Module 'nosuch' is loaded in no running instance",
             '%s: loaded nowhere: says so' % engine)
    # One cannot do it: the others do.
    harness.os.unlink(s.file())
    assert p.ctl('eval', 'app2', '-e', "package.cpath = '%s/?.so'" % p.path('lib2')
                 ).returncode == 0
    s.write(proc(3))
    done = p.ctl('reload-module', 'mod')
    tap.equal(done.returncode, 1, '%s: one failed: exit 1' % engine)
    tap.ok('app2: ' in done.stderr and done.stdout.startswith('app '),
           '%s: one failed: the other is done' % engine, done.stderr + done.stdout)
    tap.equal(other.ask(s.request('version')).data, [[2]], '%s: it serves the old' % engine)
    s.serves(3, engine)
    done = p.ctl('reload-module', 'mod', 'without')
    tap.equal(done.returncode, 1, '%s: not there: exit 1' % engine)
    tap.equal(p.ctl('reload-module', 'mod', 'stopped').returncode, 2,
              '%s: stopped: exit 2' % engine)
    tap.equal(p.ctl('reload-module').returncode, 64, '%s: no name: exit 64' % engine)
    other.close()
    s.stop()


@engines
def test_load(engine):
    """C1: ten reloads under load."""
    s = Server(engine)
    stop = threading.Event()
    answers, errors = set(), []

    def load():
        c = iproto.Client(s.place.path('run/app.sock'), timeout=60)
        while not stop.is_set():
            c.send(*[s.request('version')] * 200)
            for reply in c.replies(200):
                if reply.error:
                    errors.append(reply.error)
                else:
                    answers.add(reply.data[0][0])
        c.close()

    threads = [threading.Thread(target=load) for _ in range(2)]
    for t in threads:
        t.start()
    codes = []
    for i in range(10):
        s.write(proc(2 + i % 2))
        codes.append(s.reload().returncode)
    stop.set()
    for t in threads:
        t.join()
    tap.equal(codes, [0] * 10, '%s: ten reloads' % engine)
    tap.equal(errors, [], '%s: no call failed' % engine)
    tap.equal(answers - {1, 2, 3}, set(), '%s: whole answers' % engine)
    tap.ok({2, 3} <= answers, '%s: the load saw the new versions' % engine)
    s.wait_copies(1)
    s.serves(3, engine)
    s.stop()


@engines
def test_overlap(engine):
    """C2: slow calls over four reloads end in their own versions."""
    s = Server(engine)
    clients = []
    for version in range(1, 6):
        s.start_slow(clients)
        if version == 5:
            break
        s.write(proc(version + 1))
        done = s.reload()
        tap.like(done.stdout, '1 call open in the old' if engine == 'tarantella' else
                 'the old is still mapped', '%s: %d is inside' % (engine, version))
    rows = s.gens()
    tap.equal(len(rows), 5, '%s: five versions live' % engine)
    if engine == 'tarantella':
        tap.equal([r['calls'] for r in rows], [1] * 5, '%s: a call in each' % engine)
    tap.equal(sorted(r['state'] for r in rows), ['current'] + ['draining'] * 4,
              '%s: states' % engine)
    s.write(proc(6))
    done = s.reload('app', '--wait', '50ms')
    tap.equal(done.returncode, 5, '%s: --wait in vain: exit 5' % engine)
    tap.like(done.stderr, 'is still there: ' + ('1 call' if engine == 'tarantella' else
             'calls are open'), '%s: --wait in vain: says what' % engine)
    s.open('gate')
    tap.equal([c.receive().data for c in clients], [[[v]] for v in range(1, 6)],
              '%s: each answers its own version' % engine)
    s.wait_copies(1)
    s.write(proc(5))
    done = s.reload('app', '--wait', '30s')
    tap.equal((done.returncode, done.stderr), (0, ''), '%s: --wait: exit 0' % engine)
    tap.like(done.stdout, 'old version gone', '%s: --wait: says so' % engine)
    tap.equal(s.copies(), 1, '%s: one version is left' % engine)
    s.serves(5, engine)
    s.stop()


@engines
def test_in_place(engine):
    """C5: the file is overwritten in place, as `cp` and linkers do."""
    s = Server(engine)
    inode = os.stat(s.file()).st_ino
    for version in (2, 3, 1):
        with open(s.file(), 'r+b') as f:
            f.write(proc(version))
            f.truncate()
        s.serves(1 if version == 2 else version - 1 or 3, '%s: not reloaded yet' % engine)
        tap.equal(s.reload().returncode, 0, '%s: reloaded' % engine)
        s.serves(version, '%s: written in place' % engine)
    tap.equal(os.stat(s.file()).st_ino, inode, 'it is the same file')
    s.stop()


@engines
def test_temporary_files(engine):
    """C6: TMPDIR is honoured, and nothing is left in it."""
    s = Server(engine)
    tap.equal(s.temporary_files(), [], '%s: nothing after the load' % engine)
    for version in (2, 3):
        s.write(proc(version))
        tap.equal(s.reload().returncode, 0, '%s: reloaded' % engine)
        tap.equal(s.temporary_files(), [], '%s: nothing after a reload' % engine)
    s.write(b'\x7fELF')
    s.reload()
    s.write(proc(2, '-DNO_OTHER'))
    s.reload()
    tap.equal(s.temporary_files(), [], '%s: nothing after a refused one' % engine)
    with open('/proc/%d/maps' % s.pid, encoding='utf-8') as f:
        maps = f.read()
    if engine == 'tarantool':
        tap.like(maps, s.place.path('tmp') + '/', 'copies were made in TMPDIR')
    s.serves(3, engine)
    s.stop()


@engines
def test_dotted_name(engine):
    s = Server(engine, functions=())
    p = s.place
    os.makedirs(p.path('lib/deep/er'))
    s.name = 'deep.er.mod'
    s.write(proc(1))
    code = """for _, f in ipairs{'version', 'other'} do
        box.schema.func.create('deep.er.mod.' .. f, {language = 'C'}) end"""
    tap.equal(p.ctl('eval', 'app', '-e', code).returncode, 0, '%s: made' % engine)
    s.serves(1, '%s: dotted name' % engine)
    s.write(proc(2))
    done = s.reload()
    tap.equal((done.returncode, done.stderr), (0, ''), '%s: dotted name: exit 0' % engine)
    s.serves(2, '%s: dotted name' % engine)
    done = s.reload(name='deep.er.mod.version')
    tap.like(done.stderr, "it is a function; its module is 'deep.er.mod'",
             '%s: a function is no module' % engine)
    s.stop()


def test_lib():
    """box.lib has versions of its own."""
    s = Server('tarantella', functions=())
    done = s.place.ctl('eval', 'app', '-e', """
        lib = box.lib.load('mod')
        version, slow = lib:load('version'), lib:load('slow')
        return version()""")
    tap.like(done.stdout, '- 1', 'box.lib: loaded')
    tap.equal([(r['handles'] > 0, r['functions']) for r in s.gens()], [(True, 0)],
              'box.lib: listed')
    done = s.reload()
    tap.equal(done.returncode, 1, 'box.lib: not for reload-module: exit 1')
    tap.like(done.stderr, 'it is loaded by box.lib only', 'box.lib: says so')
    done = s.place.ctl('eval', 'app', '-e', """
        require('fiber').create(function() slow() end)
        lib:unload() version:unload() slow:unload()
        box.schema.func.create('mod.version', {language = 'C'})
        return box.func['mod.version']:call()""")
    tap.like(done.stdout, '- 1', 'box.lib: and as a function')
    s.write(proc(2))
    done = s.reload('app', '--wait', '100ms')
    tap.equal((done.returncode, s.call('version')), (5, 2), 'box.lib: its call is waited for')
    tap.like(done.stderr, 'still there: 1 call', 'box.lib: its call is told')
    s.open('gate')
    s.wait_copies(1)
    s.stop()


@engines
def test_not_reached(engine):
    s = Server(engine)
    s.place.ctl('stop', 'app')
    done = s.reload('app', '--json')
    tap.equal((done.returncode, json.loads(done.stdout)),
              (2, {'instance': 'app', 'module': 'mod', 'exit': 2, 'message': 'not reached'}),
              '%s: stopped: --json' % engine)
    tap.like(done.stderr, 'app is not running', '%s: stopped: says so' % engine)
    tap.equal(s.place.ctl('gens', 'app', '--unit', 'library').returncode, 2,
              '%s: stopped: gens' % engine)
    s.place.instance('bare', "require('fiber').sleep(1e9)")
    bare = harness.Process([harness.CTL, 'start', 'bare'], cwd=s.place.dir)
    # The file of the socket is there a moment before anybody listens.
    harness.wait_for(lambda: s.place.ctl('eval', 'bare', '-e', 'return 1').returncode == 0,
                     'its socket')
    done = s.place.ctl('gens', 'bare', '--unit', 'library')
    tap.equal((done.returncode, done.stdout), (0, ''), '%s: box not configured: gens' % engine)
    done = s.reload('bare')
    tap.equal(done.returncode, 1, '%s: box not configured: exit 1' % engine)
    tap.like(done.stderr, 'there is no such module', '%s: box not configured: says' % engine)
    s.place.ctl('kill', 'bare')
    bare.kill()
    s.stop()


tap.run(globals())
