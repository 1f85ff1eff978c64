"""ctl top, in a real terminal."""
import os
import re
import signal
import subprocess
import sys

import harness
import tap
from screen import Screen

sys.path.insert(0, os.path.join(harness.SOURCE_DIR, 'tests', 'e2e'))
from ctl_common import ENGINES, hang, place  # pylint: disable=wrong-import-position

APP = 'box.cfg{listen = "unix/:./%s.sock"} box.schema.user.grant("guest", "super")\n'


def made(engine, names):
    p = place(engine)
    for name in names:
        p.instance(name, APP % name)
    done = p.ctl('start', '--all')
    assert done.returncode == 0, done.stderr
    return p


def top(p, *argv, **kw):
    env = dict({'PWD': p.dir}, **kw.pop('env', {}))
    return Screen([harness.CTL, 'top', *argv], cwd=p.dir, env=env, **kw)


def row(s, name):
    """The columns behind the name, None when there is no such row."""
    for line in s.text().splitlines():
        if line.startswith(name + ' '):
            return line[15:].split()
    return None


def wait_row(s, name, condition, what):
    def is_so():
        got = row(s, name)
        return got is not None and condition(got) and got
    try:
        return harness.wait_for(is_so, what)
    except AssertionError as e:
        raise AssertionError('%s; the screen:\n%s' % (e, s.text())) from e


def wait_exit(s, code, name, is_resized=False):
    s.wait('[exit %d]' % code)
    harness.wait_for(lambda: ' echoke' in s.text(), 'what stty says')
    text = s.text()
    # tmux keeps lines of the other screen when its size changed.
    tap.ok(('NAME' not in text or is_resized) and ' icanon' in text and ' echo ' in text,
           '%s: exit %d, the terminal is as it was' % (name, code), text)


def check_view(engine):
    p = made(engine, ['app', 'other'])
    with top(p, '--all', width=80, height=24) as s:
        got = wait_row(s, 'app', lambda r: r[0] == 'running' and 'ms' in r, 'a row')
        s.wait('2 of 2 running')
        tap.ok(re.match(r'\d+\.\d\d$', got[got.index('ms') - 1]), '%s: latency' % engine, got)
        tap.ok(float(got[got.index('MB') - 1]) > 1 and int(got[-2]) > 0 and got[-1] == '1',
               '%s: memory, fibers, generation' % engine, got)
        text = s.text()
        tap.ok(all(len(line) <= 80 for line in text.splitlines()), '%s: 80 columns' % engine, text)
        lines = text.splitlines()
        tap.equal((lines[1].split(), len(lines)), (
            ['NAME', 'STATE', 'REQ/S', 'LATENCY', 'MEMORY', 'FIBERS', 'GEN'], 4),
            '%s: the columns' % engine)
        tap.equal(lines[1].index('GEN') + 3, len(lines[2]), '%s: they are in line' % engine)
        # A load, seen as a rate and in the sparkline.
        code = 'local c = require("net.box").connect("unix/:%s") ' \
            'for i = 1, 1e6 do c:ping() require("fiber").sleep(0.0005) end' % p.path('app.sock')
        with subprocess.Popen([harness.CTL, 'eval', 'other', '-e', code], cwd=p.dir,
                              stderr=subprocess.DEVNULL) as load:
            try:
                wait_row(s, 'app', lambda r: r[1] != '-' and float(r[1]) > 20, 'a rate')
                wait_row(s, 'app', lambda r: '█' in r[2], 'the sparkline')
                tap.ok(True, '%s: rate and sparkline' % engine)
            finally:
                load.send_signal(signal.SIGINT)
        s.resize(60, 20)
        harness.wait_for(lambda: all(len(line) <= 60 for line in s.text().splitlines()) and
                         row(s, 'app'), '60 columns')
        s.resize(120, 20)
        harness.wait_for(lambda: any(len(line) > 100 for line in s.text().splitlines()),
                         '120 columns')
        tap.ok(True, '%s: another size' % engine)
        p.ctl('kill', 'other')
        wait_row(s, 'other', lambda r: r[0] == 'stopped', 'stopped')
        hang(p)
        wait_row(s, 'app', lambda r: r[0] == 'hung', 'hung')
        s.wait('0 of 2 running')
        tap.ok(True, '%s: stopped and hung ones' % engine)
        s.keys('q')
        wait_exit(s, 0, '%s: q' % engine, is_resized=True)


def check_ends(engine):
    p = made(engine, ['app'])
    with top(p, 'app', width=80, height=24) as s:
        wait_row(s, 'app', lambda r: r[0] == 'running', 'a row')
        s.keys('C-z')
        s.keys('C-c')
        wait_exit(s, 130, '%s: Ctrl-C' % engine)
    with top(p, 'unix/:' + p.path('run/app.control'), width=80, height=24) as s:
        s.wait('1 of 1 running')
        s.keys('C-d')
        wait_exit(s, 0, '%s: Ctrl-D, of a socket' % engine)
    with top(p, 'app', width=80, height=24, env={'LC_ALL': 'C', 'NO_COLOR': '1'}) as s:
        wait_row(s, 'app', lambda r: r[0] == 'running', 'a row')
        tap.ok('\033[7m' not in s._tmux('capture-pane', '-p', '-e'),  # pylint: disable=W0212
               '%s: NO_COLOR' % engine)
        s.keys('q')
        wait_exit(s, 0, '%s: plain' % engine)


def test_many():
    p = place('tarantella')
    for i in range(30):
        p.instance('instance_%02d' % i, APP % i)
    with top(p, '--all', width=80, height=12) as s:
        s.wait('... 21 more')
        tap.ok('instance_08' in s.text() and 'instance_09' not in s.text(), 'as many as fit')
        s.keys('Down')
        s.wait('... 20 more')
        tap.ok('instance_09' in s.text() and 'instance_00' not in s.text(), 'down')
        s.keys('Up')
        s.wait('instance_00')
        tap.ok(True, 'up')
        s.resize(20, 3)
        harness.wait_for(lambda: all(len(line) <= 20 for line in s.text().splitlines()[-3:]),
                         'a tiny one')
        s.keys('q')
        s.wait('[exit 0]')
        tap.ok(True, 'a tiny window')


def test_no_terminal():
    p = place('tarantella')
    p.instance('app', 'box.cfg{}')
    got = p.ctl('top', 'app')
    tap.equal((got.returncode, got.stdout), (1, ''), 'no terminal: refused')
    tap.like(got.stderr, "'top' needs a terminal", 'it says so')
    tap.equal(p.ctl('top').returncode, 64, 'without an instance: usage')
    tap.equal(p.ctl('top', 'nosuch').returncode, 1, 'an unknown instance')


def test_engines():
    for engine in ENGINES:
        tap.case(check_view, engine)
        tap.case(check_ends, engine)


tap.run(globals())
