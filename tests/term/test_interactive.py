"""`tarantella -i` in a real terminal: the editor of `ctl enter`, fibers beside it."""
import os

import harness
import tap
from screen import Screen


def console(cwd, *argv):
    s = Screen([harness.TARANTELLA, *argv], cwd=cwd, env={'HOME': cwd})
    s.wait_last_line('tarantella>')
    return s


def test_editor():
    cwd = harness.tempdir()
    with console(cwd, '-e', 'thing = {alpha = 1, alpine = 2}', '-i') as s:
        s.keys('1 + 2', 'Home', '5 + ', 'End', ' + 3', 'Enter')
        s.wait('tarantella> 5 + 1 + 2 + 3\n---\n- 11\n...\n\ntarantella>')
        tap.ok(True, 'Home and End')
        s.keys('thing.al', 'Tab')
        s.wait_last_line('tarantella> thing.alp')
        s.keys('Tab')
        s.wait('thing.alpine')
        s.keys('ha', 'Enter')
        s.wait('thing.alpha\n---\n- 1\n')
        tap.ok(True, 'Tab completes and lists')
        s.keys('for i = 1, 2 do', 'Enter')
        s.wait_last_line('          >')
        s.keys('print("i", i) end', 'Enter')
        s.wait('i       2')
        tap.ok(True, 'a statement of two lines')
        s.keys('Up', 'Enter')
        harness.wait_for(lambda: s.text().count('i       2') == 2, 'the statement again')
        tap.ok(True, 'and one entry of the history')
        s.type('_ = require("fiber").create(function() '
               'require("fiber").sleep(0) print("from a fiber") end)')
        s.keys('Enter')
        harness.wait_for(lambda: s.text().count('from a fiber') == 2, 'typed and printed')
        tap.ok(True, 'fibers run while the console waits')
        s.keys('C-d')
        s.wait('[exit 0]')
        screen = s.wait('icanon')
        tap.ok('-icanon' not in screen, 'Ctrl-D ends it, the terminal is as before')
    with open(os.path.join(cwd, '.tarantool_history'), encoding='utf-8') as f:
        entries = f.read().splitlines()
    tap.equal(entries[:3], ['5 + 1 + 2 + 3', 'thing.alpha',
                            'for i = 1, 2 do print("i", i) end'], 'history')


def test_completion_of_box():
    with console(harness.tempdir(), '-e', 'box.cfg{wal_mode = "none", log_level = 0}', '-i') as s:
        for typed, whole in (('box.inf', 'box.info'), ('box.sla', 'box.slab'),
                             ('box.sta', 'box.stat')):
            s.keys(typed, 'Tab')
            s.wait_last_line('tarantella> ' + whole)
            s.keys('C-u')
            s.wait_last_line('tarantella>')
            tap.ok(True, '%s is completed' % whole)


def test_end():
    for what, keys, code in (('os.exit()', ('os.exit(7)', 'Enter'), 7), ('Ctrl-C', ('C-c',), 0)):
        with console(harness.tempdir(), '-i') as s:
            s.keys(*keys)
            s.wait('[exit %d]' % code)
            screen = s.wait('icanon')
            tap.ok('-icanon' not in screen, '%s: the terminal is as before' % what)


for case in (test_editor, test_completion_of_box, test_end):
    tap.case(case)
tap.done()
