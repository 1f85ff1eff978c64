"""ctl play: rows of the real Tarantool's files into our instance and into a stock one."""
import glob
import os
import re
import subprocess

import harness
import tap
from ctl_common import ENGINES, place

SCHEMA = '''
box.cfg{listen = 'unix/:%s'}
box.once('schema', function()
    box.schema.user.grant('guest', 'read,write', 'universe')
    box.schema.space.create('s'):create_index('pk')
    box.schema.space.create('loc'):create_index('pk')
end)
'''

SHOW = '''
local digest, n = require('digest'), 0
local rows = {}
for _, t in box.space.s:pairs() do
    local fields = {}
    for _, v in t:pairs() do
        fields[#fields + 1] = type(v) == 'table' and require('json').encode(v) or tostring(v)
    end
    rows[#rows + 1] = table.concat(fields, '|')
end
return #rows .. ' ' .. digest.md5_hex(table.concat(rows, ' '))
'''


def files(p):
    """Files of the real Tarantool in x/."""
    os.mkdir(p.path('x'))
    script = os.path.abspath(os.path.join(harness.SOURCE_DIR, 'tests/e2e/cat_data.lua'))
    subprocess.run(['tarantool', script], cwd=p.path('x'), check=True)
    return sorted(glob.glob(p.path('x/*.xlog')))


def started(engine):
    """A place with files and an instance that listens. -> place, xlogs, URI"""
    p = place(engine)
    xlogs = files(p)
    sock = p.path('app.sock')
    p.instance('app', SCHEMA % sock)
    done = p.ctl('start', 'app')
    assert done.returncode == 0, done.stderr
    return p, xlogs, 'unix/:' + sock


def shown(p):
    return re.search(r'- (\d+ \w+)', p.ctl('eval', 'app', '-e', SHOW).stdout).group(1)


def emptied(p):
    p.ctl('eval', 'app', '-e', 'box.space.s:truncate() box.space.loc:truncate()')


def check_play(engine):
    p, xlogs, uri = started(engine)
    got = p.ctl('play', uri, xlogs[0])
    tap.equal(got.returncode, 0, '%s: exit 0' % engine)
    tap.like(got.stderr, '202 rows are played', '%s: says how many' % engine)
    ours = shown(p)
    emptied(p)
    theirs = p.tarantoolctl('play', p.path('app.sock'), xlogs[0])
    tap.equal(shown(p), ours, '%s: the same data as by tarantoolctl play %s' %
              (engine, theirs.stderr))
    tap.ok(ours.startswith('197 '), '%s: all of it' % engine, ours)
    for batch in ('1', '7'):
        emptied(p)
        p.ctl('play', uri, xlogs[0], '--batch', batch)
        tap.equal(shown(p), ours, '%s: --batch %s' % (engine, batch))
    emptied(p)
    p.ctl('play', uri, xlogs[0], '--to', '12')
    p.ctl('play', uri, xlogs[0], '--from', '12')
    tap.equal(shown(p), ours, '%s: in two parts, by lsn' % engine)


def check_failure(engine):
    p, xlogs, uri = started(engine)
    p.ctl('play', uri, xlogs[0], '--space', '512')
    got = p.ctl('play', uri, xlogs[0], '--space', '512')
    tap.equal(got.returncode, 3, '%s: a row that fails: exit 3' % engine)
    tap.like(got.stderr, "The row with lsn 5 failed: Duplicate key exists",
             '%s: a row that fails: which and why' % engine)
    tap.like(got.stderr, 'Go on with --from=5', '%s: a row that fails: where to go on' % engine)
    emptied(p)
    p.ctl('eval', 'app', '-e', 'box.space.s:insert{2}')
    got = p.ctl('play', uri, xlogs[0], '--space', '512', '--batch', '1')
    tap.like(got.stderr, '\n1 rows are played. Go on with --from=5\n',
             '%s: --batch=1 sends nothing behind a failure' % engine)
    tap.like(p.ctl('eval', 'app', '-e', 'return box.space.s:len()').stdout, '- 2\n',
             '%s: --batch=1: what was done is what it says' % engine)
    got = p.ctl('play', uri, xlogs[0], '--space', '600,513,700')
    tap.equal(got.returncode, 0, '%s: spaces that no row is of' % engine)


def check_damage(engine):
    p, xlogs, uri = started(engine)
    with open(xlogs[0], 'rb') as f:
        data = bytearray(f.read())
    p.write('x/torn.xlog', bytes(data[:-40]))
    data[600] ^= 1
    p.write('x/flip.xlog', bytes(data))
    got = p.ctl('play', uri, 'x/flip.xlog')
    tap.equal(got.returncode, 2, '%s: a damage: exit 2' % engine)
    tap.ok(re.search(r'flip\.xlog: at byte \d+: .*\n\d+ rows are played\n', got.stderr),
           '%s: a damage: where, and how many were played' % engine, got.stderr)
    emptied(p)
    got = p.ctl('play', uri, 'x/flip.xlog', '--skip-damaged')
    tap.equal(got.returncode, 2, '%s: --skip-damaged: exit 2' % engine)
    tap.matches(got.stderr, r'flip\.xlog: \d+ bytes skipped',
                '%s: --skip-damaged: how much' % engine)
    tap.matches(got.stderr, '^201 rows are played$', '%s: --skip-damaged: all others' % engine)
    emptied(p)
    got = p.ctl('play', uri, 'x/torn.xlog')
    tap.equal(got.returncode, 0, '%s: a torn end: exit 0' % engine)
    tap.like(got.stderr, 'the last block is not whole', '%s: a torn end: says so' % engine)


def check_rights(engine):
    """Over TCP, by a user who may not write, and by one who may."""
    p, xlogs, _ = started(engine)
    port = harness.free_port()
    code = """box.cfg{listen = '127.0.0.1:%d'}
        for _, name in ipairs{'poor', 'rich'} do box.schema.user.create(name, {password = 'p'}) end
        box.schema.user.grant('rich', 'read,write', 'space', 's')""" % port
    done = p.ctl('eval', 'app', stdin=code)
    assert done.returncode == 0, done.stderr
    p.ctl('eval', 'app', '-e', "box.schema.user.revoke('guest', 'read,write', 'universe')")
    for login in 'poor:p@', '':
        got = p.ctl('play', '%s127.0.0.1:%d' % (login, port), xlogs[0], '--space=512')
        tap.equal(got.returncode, 3, "%s: play by '%s', who has no rights: exit 3" %
                  (engine, login))
        tap.matches(got.stderr, "^The row with lsn 4 failed: .*denied for user '%s'$" %
                    (login[:4] or 'guest'), "%s: play by '%s': says why" % (engine, login))
        tap.like(got.stderr, '\n0 rows are played. Go on with --from=4\n', "%s: play by '%s': nothing done" %
                 (engine, login))
    got = p.ctl('play', 'rich@127.0.0.1:%d' % port, xlogs[0], '--space=512',
                env={'CTL_PASSWORD': 'p'})
    tap.equal(got.returncode, 0, '%s: play over TCP: exit 0' % engine)
    tap.ok(shown(p).startswith('197 '), '%s: play over TCP: all of it' % engine)


def check_refused(engine):
    p, xlogs, uri = started(engine)
    control = 'unix/:' + p.path('run/app.control')
    if engine == 'tarantool':
        got = p.ctl('play', control, xlogs[0])
        tap.equal(got.returncode, 2, '%s: a text console: exit 2' % engine)
        tap.like(got.stderr, 'play needs the binary protocol', '%s: says so' % engine)
    for argv, code, message in (
            ((uri,), 64, 'Not enough arguments'),
            (('unix/:/no/such', xlogs[0]), 2, 'No such file or directory'),
            ((uri, '/no/such.xlog'), 2, "Can't read /no/such.xlog"),
            ((uri, '/etc/passwd'), 2, 'not an .xlog or .snap file'),
            ((uri, xlogs[0], '--batch=0'), 64, "Bad --batch '0'"),
            (('guest:wrong@' + uri, xlogs[0]), 2, 'Incorrect password supplied for user')):
        got = p.ctl('play', *argv)
        tap.equal(got.returncode, code, '%s: play %s: exit %d' % (engine, argv[-1][:12], code))
        tap.like(got.stderr, message, '%s: play %s: says why' % (engine, argv[-1][:12]))


def check_lost(engine):
    """The instance goes while we play into it."""
    p, xlogs, uri = started(engine)
    p.ctl('eval', 'app', '-e', 'box.space.s:on_replace(function() '
          'if box.space.s:len() == 100 then os.exit(9) end end)')
    got = p.ctl('play', uri, xlogs[0], '--space=512')
    tap.equal(got.returncode, 2, '%s: a lost connection: exit 2' % engine)
    tap.ok(re.search(r'\d+ rows are played, of [1-9]\d* more it is not known', got.stderr),
           '%s: a lost connection: says what is not known' % engine, got.stderr)


def check_much(engine):
    """More than fits the socket's buffers in both directions: rows and replies."""
    p, _, uri = started(engine)
    os.mkdir(p.path('y'))
    p.write('write.lua', "box.cfg{log = 'log'} box.schema.space.create('s'):create_index('pk') "
            "for i = 1, 20000 do box.space.s:replace{i, ('x'):rep(500)} end "
            "box.snapshot() os.exit(0)")
    subprocess.run(['tarantool', p.path('write.lua')], cwd=p.path('y'), check=True)
    got = p.ctl('play', uri, max(glob.glob(p.path('y/*.snap'))), '--batch=10000', timeout=120)
    tap.equal(got.returncode, 0, '%s: much at one time: exit 0' % engine)
    tap.like(got.stderr, '20000 rows are played', '%s: much at one time: all of it' % engine)


def test_own_log_ends():
    """What is played is written to the log that it comes from; tarantoolctl never ends."""
    p, _, uri = started('tarantool')
    p.ctl('eval', 'app', '-e', 'for i = 1, 1000 do box.space.s:replace{i} end')
    own = sorted(glob.glob(p.path('data/app/*.xlog')))[-1]
    got = p.ctl('play', uri, own, timeout=60)
    tap.equal(got.returncode, 0, "an instance's own log: it ends")
    tap.like(got.stderr, '1000 rows are played', "an instance's own log: what it held")


def test_both():
    for engine in ENGINES:
        for check in (check_play, check_failure, check_damage, check_rights, check_refused,
                      check_lost, check_much):
            tap.case(check, engine)


tap.run(globals())
