"""What ctl does when what it writes goes nowhere: a full disk, closed descriptors, a pipe whose
reader has gone."""
import os
import re
import signal
import subprocess

import harness
import tap
from ctl_common import ENGINES, place

# Every verb that writes results, and one that prints much.
WRITING = (
    ['status', '--all'], ['status', 'a', '--json'], ['status', '--all', '--json'],
    ['status', 'a', '--watch'], ['log', 'a'], ['log', '--all'], ['log', '-f', 'a'],
    ['instances'], ['instances', '--json'], ['eval', 'a', '-e', 'return 1'],
    ['eval', 'a', '--json', '-e', 'return 1'], ['eval', '*', '-e', 'return 1'],
    ['eval', 'a', '-e', 'return string.rep("x", 1000000)'],
    ['eval', 'a', '-e', 'for i = 1, 100 do print(i) end'], ['gens', 'a'], ['gens', '--all'],
    ['fibers', 'a'], ['history', 'a'], ['diff', 'a'], ['cat', 'x'], ['cat', 'x', '--format', 'lua'],
    ['cat', '-f', 'x'], ['help'], ['help', 'status'], ['completion', 'bash'], ['version'])


def prepared(engine):
    """Two instances that run, and files of the real Tarantool in x/."""
    p = place(engine)
    os.mkdir(p.path('x'))
    script = os.path.abspath(os.path.join(harness.SOURCE_DIR, 'tests/e2e/cat_data.lua'))
    subprocess.run(['tarantool', script], cwd=p.path('x'), check=True)
    for name in 'ab':
        p.instance(name, 'box.cfg{}')
    done = p.ctl('start', '--all')
    assert done.returncode == 0, done.stderr
    return p


def run(p, argv, **kw):
    """-> exit code, the lines of stderr but for those that tell what goes on."""
    kw = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.PIPE,
          **kw}
    done = subprocess.run([harness.CTL] + argv, cwd=p.dir, check=False, timeout=60, **kw)
    lines = (done.stderr or b'').decode().splitlines()
    news = re.compile(r'(\w+: )?connected to|Processing file')
    return done.returncode, [line for line in lines if not news.match(line)]


def check_full_disk(engine, p):
    with open('/dev/full', 'wb') as full:
        for argv in WRITING:
            code, lines = run(p, argv, stdout=full)
            tap.ok(code == 1 and len(lines) == 1 and lines[0].startswith("Can't write the "),
                   '%s: %s > /dev/full: exit 1, one line' % (engine, ' '.join(argv)),
                   '%d %r' % (code, lines))


def closing(*fds):
    def close():
        for fd in fds:
            os.close(fd)
    return close


def check_closed(engine, p):
    """A socket or a pid file must not get the number of what was closed."""
    for argv in WRITING:
        code, lines = run(p, argv, preexec_fn=closing(1))
        tap.ok(code == 1 and len(lines) == 1 and lines[0].startswith("Can't write the "),
               '%s: %s >&-: exit 1, one line' % (engine, ' '.join(argv)), '%d %r' % (code, lines))
    code, _ = run(p, ['eval', 'a', '-e', 'return 1'], preexec_fn=closing(2))
    tap.equal(code, 0, '%s: eval 2>&-' % engine)
    code, _ = run(p, ['status', 'a'], preexec_fn=closing(0, 1, 2))
    tap.equal(code, 0, '%s: status without any' % engine)
    for argv in (['restart', 'a'], ['stop', 'a'], ['start', 'a']):
        code, _ = run(p, argv, preexec_fn=closing(0, 1, 2))
        tap.equal(code, 0, '%s: %s without any' % (engine, argv[0]))
        tap.equal(p.ctl('status', 'a').returncode, int(argv[0] == 'stop'),
                  '%s: %s without any did it' % (engine, argv[0]))


def check_gone(engine, p):
    """SIGPIPE ends it, or one line tells it; where that is ignored, always the line."""
    for argv in (['eval', 'a', '-e', 'return string.rep("x", 1000000)'], ['cat', 'x'],
                 ['log', '-f', '--all'], ['status', '--all', '--watch'],
                 ['eval', 'a', '-e', 'while true do print("x") require("fiber").sleep(0) end']):
        for is_ignored in (False, True):
            r, w = os.pipe()
            os.close(r)
            code, lines = run(p, argv, stdout=w, restore_signals=not is_ignored)
            os.close(w)
            name = '%s: %s | (gone)%s' % (engine, ' '.join(argv)[:20], ', ignored' * is_ignored)
            said = {1: 'Broken pipe', 130: 'Interrupted: the code was cancelled',
                    -signal.SIGPIPE: 'Broken pipe'}
            is_silent = code == -signal.SIGPIPE and not is_ignored and lines == []
            tap.ok(code in said and code != -signal.SIGPIPE * is_ignored and
                   (is_silent or (len(lines) == 1 and said[code] in lines[0])), name,
                   '%d %r' % (code, lines))
    tap.equal(p.ctl('status', '--all').returncode, 0, '%s: the instances serve on' % engine)


def test_all():
    for engine in ENGINES:
        p = prepared(engine)
        for check in (check_full_disk, check_closed, check_gone):
            tap.case(check, engine, p)


tap.run(globals())
