"""ctl init: what it makes starts, serves and reloads; nothing is overwritten. Groups."""
import os
import shutil

import harness
import tap
from ctl_common import ENGINES, PLAIN, place


def check_init(engine):
    p = place(engine)
    got = p.ctl('init', 'shop')
    tap.equal(got.returncode, 0, '%s: init: exit 0' % engine)
    made = [line[5:] for line in got.stderr.splitlines() if line.startswith('Made ')]
    tap.equal(made, [p.path('instances/shop.lua'), p.path('instances/shop/app.lua')],
              '%s: init: says what it made' % engine)
    tap.equal(p.ctl('start', 'shop').returncode, 0, '%s: it starts' % engine)
    greet = "greet('Ann').text .. ' ' .. greet('Ann').version .. ' ' .. greet('Ann').calls"
    got = p.ctl('eval', 'shop', '-e', greet)
    tap.equal(got.stdout, "---\n- Hello, Ann! 1.0 3\n...\n\n", '%s: it serves' % engine)
    text = p.read('instances/shop/app.lua')
    p.write('instances/shop/app.lua', text.replace("version = '1.0'", "version = '1.1'"))
    got = p.ctl('reload', 'shop')
    tap.equal(got.returncode, 0, '%s: it reloads: %s' % (engine, got.stderr))
    got = p.ctl('eval', 'shop', '-e', greet)
    tap.equal(got.stdout, "---\n- Hello, Ann! 1.1 6\n...\n\n", '%s: and keeps its count' % engine)
    p.ctl('stop', 'shop')
    got = p.ctl('init', 'shop')
    tap.equal((got.returncode, got.stderr), (1, "Can't make %s: File exists\n" %
                                             p.path('instances/shop.lua')),
              '%s: init again: refused' % engine)
    tap.ok("'1.1'" in p.read('instances/shop/app.lua'), '%s: init again: nothing changed' % engine)


def test_half_made():
    p = place('tarantella')
    p.write('instances/x', 'a file where the folder would be')
    got = p.ctl('init', 'x')
    tap.equal((got.returncode, os.listdir(p.path('instances'))), (1, ['x']),
              'what was made is taken back')
    for bad in ('../x', '', '.x', 'a b', 'x.lua', 'x' * 300):
        tap.equal(p.ctl('init', bad).returncode, 64, 'bad name %r' % bad[:5])
    tap.equal(os.listdir(p.path('instances')), ['x'], 'bad names: nothing is made')


def test_fresh_directory():
    """A user of no system and no configuration: it is made here."""
    p = harness.Place()
    os.unlink(p.path('.tarantoolctl'))
    for name in ('run', 'log', 'data', 'instances'):
        shutil.rmtree(p.path(name))
    os.chmod(p.dir, 0o755)
    os.chown(p.dir, 65534, 65534)

    def ctl(*argv):
        return p.run(harness.CTL, *argv, env={'HOME': p.dir}, user=65534, group=65534)
    got = ctl('init', 'mine')
    tap.equal(got.returncode, 0, 'a fresh directory: exit 0: %s' % got.stderr)
    tap.ok(os.path.exists(p.path('instances/mine.lua')), 'the instance file is here')
    tap.equal(ctl('start', 'mine').returncode, 0, 'it starts')
    tap.like(ctl('eval', 'mine', '-e', "greet('Bob')").stdout, 'text: Hello, Bob!', 'it serves')
    tap.equal(ctl('stop', 'mine').returncode, 0, 'it stops')


def test_groups():
    p = place('tarantella')
    for name in ('front1', 'front2', 'back'):
        p.instance(name, PLAIN)
    with open(p.path('.tarantoolctl'), 'a', encoding='utf-8') as f:
        f.write("groups = {web = {'front*'}, all = {'back', 'front1'}, bad = {'@web'}}\n")
    got = p.ctl('start', '@web')
    tap.ok(got.returncode == 0 and p.pid('front1') and p.pid('front2') and not p.pid('back'),
           'start @web', got.stderr)
    rows = p.ctl('status', '@all').stdout.splitlines()[1:]
    tap.equal([row.split()[:2] for row in rows], [['back', 'stopped'], ['front1', 'running']],
              'status @all: in the order of the group')
    got = p.ctl('status', '@nope')
    tap.equal(got.returncode, 1, 'an unknown group: exit 1')
    tap.like(got.stderr, "No group 'nope' in", 'an unknown group: says so')
    tap.like(p.ctl('status', '@bad').stderr, "Group 'bad' holds a group: @web",
             'a group in a group: says so')
    with open(p.path('.tarantoolctl'), 'a', encoding='utf-8') as f:
        f.write("groups = {web = 'front1'}\n")
    tap.like(p.ctl('status', '@web').stderr, 'Bad groups in', 'a bad table of groups: says so')


def test_logs():
    """The logs of several instances in one stream."""
    p = place('tarantella')
    for name in ('a', 'long_name'):
        p.instance(name, PLAIN)
    p.ctl('start', '--all')
    reader = harness.Process([harness.CTL, 'log', '-f', '-n', '1', 'a', 'long_name'], cwd=p.dir)
    harness.wait_for(lambda: len(reader.stdout().splitlines()) >= 2, 'the last lines')
    for name in ('a', 'long_name', 'a'):
        p.ctl('eval', name, '-e', "require('log').info('from %s')" % name)
        harness.wait_for(lambda: 'from %s' % name in reader.stdout().splitlines()[-1],
                         'the line of ' + name)
    lines = reader.stdout().splitlines()
    tap.equal([line.split(' | ')[0] for line in lines[-3:]], ['a        ', 'long_name', 'a        '],
              'log -f of several: each line has its name')
    reader.child.send_signal(2)
    tap.equal(reader.child.wait(30), 130, 'log -f: Ctrl-C ends it')
    got = p.ctl('log', '-n', '1', 'a', 'long_name')
    tap.equal([line.split(' | ')[0].strip() for line in got.stdout.splitlines()],
              ['a', 'long_name'], 'log of several')


def test_init():
    for engine in ENGINES:
        tap.case(check_init, engine)


tap.run(globals())
