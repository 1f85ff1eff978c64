"""Editing text of all kinds in narrow and wide terminals, and many consoles at once."""
import json
import os
import subprocess
import sys

import harness
import tap
from screen import Screen

sys.path.insert(0, os.path.join(harness.SOURCE_DIR, 'tests', 'e2e'))
from ctl_common import ENGINES, started  # pylint: disable=wrong-import-position

# What is typed, then changed with the keys; what the statement must be then.
EDITS = [
    ('кириллица', "'привет мир'", ['Left', 'BSpace', 'BSpace', 'BSpace'], "'привет '"),
    ('CJK', "'漢字かな交じり文'", ['Left', 'Left', 'BSpace'], "'漢字かな交じ文'"),
    ('emoji', "'a🙂b🚀c'", ['Left', 'Left', 'BSpace'], "'a🙂bc'"),
    ('a long line', "'%s'" % 'слово ' * 1 + " .. '%s'" % ('длинное ' * 30),
     ['Home', 'Right', 'DC', 'End'], None),
]


def console(p, width):
    s = Screen([harness.CTL, 'enter', 'app'], cwd=p.dir, env={'HOME': p.dir, 'PWD': p.dir},
               width=width)
    harness.wait_for(lambda: s.text().endswith('>'), 'the prompt', 10)
    return s


def check_editing(engine, p, width):
    """What the instance gets is what was edited, whatever the cells are like."""
    for name, text, keys, wanted in EDITS:
        with console(p, width) as s:
            s.type('_G.got = ' + text)
            s.keys('Home', 'End')
            s.keys(*keys)
            if wanted is None: # behind '_' of _G at the front, which is typed again
                s.keys('Home', 'Right')
                s.type('G')
                wanted = text
                s.keys('End')
            s.keys('Enter')
            s.type('print("edited")')
            s.keys('Enter')
            s.wait('\nedited')
        got = p.ctl('eval', 'app', '--json', '-e', '_G.got').stdout
        said = p.ctl('eval', 'app', '--json', '-e', wanted).stdout
        tap.equal(json.loads(got), json.loads(said),
                  '%s: %s in %d columns' % (engine, name, width))


def check_many(engine, p):
    """Ten consoles at once: each has its own statements and results, none is lost."""
    screens = [console(p, 80) for _ in range(10)]
    try:
        for i, s in enumerate(screens):
            s.type('for k = 1, 20 do print("console %d", k) require("fiber").sleep(0.01) end '
                   'return "done %d"' % (i, i))
            s.keys('Enter')
        for i, s in enumerate(screens):
            s.wait('- done %d' % i, 30)
            others = [k for k in range(10) if k != i and 'console %d\t' % k in s.text()]
            tap.equal(others, [], '%s: console %d of ten shows its own output' % (engine, i))
        for s in screens:
            s.keys('C-d')
        for s in screens:
            s.wait('[exit 0]')
        lines = p.read('.tarantool_history').splitlines()
        tap.equal(sum('console ' in line for line in lines), 10,
                  '%s: the history has the statements of all ten' % engine)
    finally:
        for s in screens:
            s.close()


def check_big_result(engine, p):
    """A result of 100 MB into a reader that goes after its first line."""
    got = subprocess.run(['sh', '-c', '"%s" eval app -e "(\'x\'):rep(100 * 1024 * 1024)" | '
                          'head -c 7' % harness.CTL], cwd=p.dir, capture_output=True, check=False)
    tap.equal(got.stdout, b"---\n- '" if got.stdout[6:7] == b"'" else b'---\n- x',
              '%s: the head of 100 MB' % engine)
    tap.equal(p.ctl('eval', 'app', '-e', '1').returncode, 0, '%s: it serves on' % engine)


def test_all():
    for engine in ENGINES:
        p = started(engine)
        for width in (80, 200):
            tap.case(check_editing, engine, p, width)
        tap.case(check_many, engine, p)
        tap.case(check_big_result, engine, p)


tap.run(globals())
