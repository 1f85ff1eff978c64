"""The console and its instance: what the prompt tells of it, how it ends, comes back, hangs."""
import os
import signal

import harness
import tap
from console_common import (ENGINES, PLAIN, Screen, console, console_pids, hang, is_restored,
                            place, started)


def start_again(p):
    """Start the instance, as soon as the process before is gone."""
    harness.wait_for(lambda: p.ctl('start', 'app').returncode == 0, 'the start')


def check_restart(engine):
    p = started(engine)
    with console(p) as s:
        s.keys('half', 'Left')
        os.kill(p.pid('app'), signal.SIGKILL)
        s.wait('The instance closed the connection.')
        s.wait_last_line('app (not connected)> half')
        tap.ok(True, '%s: the end at the prompt is said, what was typed stays' % engine)
        s.keys('C-c')
        s.wait_last_line('app (not connected)>')
        s.enter('40 + 1')
        s.wait('The statement was not run.')
        tap.ok('ontrol socket' in s.text(), '%s: no instance: a statement is not run' % engine,
               s.text())
        start_again(p)
        s.wait('Connected again to app, which was restarted.')
        s.wait_last_line('app>')
        tap.ok('- 41' not in s.text(), '%s: connects again, repeats nothing' % engine, s.text())
        s.enter('40 + 2')
        s.wait('- 42')
        tap.ok(True, '%s: and goes on' % engine)


def check_end_in_statement(engine):
    p = started(engine, PLAIN + 'count = 0\n')
    with console(p) as s:
        s.enter('require("fio").open("ran", {"O_CREAT", "O_APPEND", "O_WRONLY"}, 420)'
                ':write("x") os.exit(0)')
        s.wait('The instance closed the connection. The statement may have been carried out\n'
               'or not; it is not repeated.')
        tap.ok(True, '%s: the end during a statement is said' % engine)
        start_again(p)
        s.wait('Connected again')
        s.enter('"still " .. "here"')
        s.wait('- still here')
        ran = [os.path.join(d, f) for d, _, files in os.walk(p.dir) for f in files if f == 'ran']
        tap.equal([os.path.getsize(f) for f in ran], [1], '%s: the statement ran once' % engine)
        p.ctl('stop', 'app')
        s.wait_last_line('app (not connected)>')
        s.keys('C-d')
        s.wait('[exit 2]')
        tap.ok(is_restored(s.wait('icanon')), '%s: Ctrl-D without an instance: exit 2' % engine)
    with Screen([harness.CTL, 'enter', 'app'], cwd=p.dir, env={'HOME': p.dir}) as s:
        s.wait('[exit 2]')
        tap.ok('ontrol socket' in s.text(), '%s: enter of a stopped one' % engine)


def check_state(engine):
    p = place(engine)
    p.instance('app', 'box.cfg{}\nbox.cfg{read_only = true}\n')
    p.ctl('start', 'app')
    with console(p) as s:
        s.wait_last_line('app (ro)>')
        s.enter('box.cfg{read_only = false}')
        s.wait_last_line('app>')
        s.enter('box.cfg{read_only = true} error("no")')
        s.wait_last_line('app (ro)>')
        s.enter('if true then')
        s.wait_last_line('        >')
        tap.ok(True, '%s: the prompt shows that it is read-only' % engine)
    p.instance('slow', 'while not require("fio").path.exists("%s") do '
               'require("fiber").sleep(0.01) end\nbox.cfg{}\n' % p.path('go'))
    harness.Process([harness.CTL, 'start', 'slow'], cwd=p.dir)
    harness.wait_for(lambda: p.ctl('eval', 'slow', '-e', '1').returncode == 0, 'slow answers')
    with console(p, 'enter', 'slow') as s:
        s.wait_last_line('slow (loading)>')
        tap.ok(True, '%s: and that it is loading' % engine)
        s.type('half a line')
        s.wait_last_line('slow (loading)> half a line')
        p.write('go', '')
        s.wait_last_line('slow> half a line')
        tap.ok(True, '%s: until it is not, with nobody pressing a key' % engine)


SPACE = '''box.cfg{}
s = box.schema.space.create('s', {if_not_exists = true})
s:create_index('pk', {if_not_exists = true})
'''
VINYL = '''
v = box.schema.space.create('v', {if_not_exists = true, engine = 'vinyl'})
v:create_index('pk', {if_not_exists = true})
'''


def check_transaction(engine):
    p = started(engine, SPACE + (VINYL if engine == 'tarantool' else ''))
    with console(p) as s:
        s.enter('box.begin()')
        s.wait('Statements are kept, and run together at box.commit()')
        s.wait_last_line('app (tx)>')
        s.enter('s:insert{1, "one"}')
        s.enter('for i = 2, 3 do')
        s.enter('s:insert{i} end')
        s.enter('box.is_in_txn()')
        s.enter('s:count()')
        s.wait_last_line('app (tx)>')
        s.enter('box.commit()')
        s.wait("- [1, 'one']\n...\n\n---\n...\n\n---\n- true\n...\n\n---\n- 3\n...\n\n---\n...\n")
        s.wait_last_line('app>')
        tap.ok(True, '%s: a transaction of several statements' % engine)
        s.enter('box.begin()')
        s.enter('s:insert{4}')
        s.enter('s:insert{1}')
        s.enter('box.commit()')
        s.wait('statement 3 (s:insert{1}): Duplicate key exists')
        s.enter('s:count() .. " rows"')
        s.wait('- 3 rows')
        tap.ok('the transaction was rolled back' in s.text(),
               '%s: one that fails names its statement and leaves nothing' % engine)
        s.enter('box.begin()')
        s.enter('s:insert{5}')
        s.enter('s:insert(}')
        s.enter('box.commit()')
        s.wait('; nothing was run')
        tap.ok(True, '%s: a syntax error: nothing is run' % engine)
        s.enter('box.begin()')
        s.enter('s:insert{6}')
        s.wait_last_line('app (tx)>')
        s.enter('box.rollback()')
        s.wait('none of it was run')
        s.wait_last_line('app>')
        s.enter('box.begin()')
        s.wait_last_line('app (tx)>')
        s.keys('C-c')
        s.wait_last_line('app>')
        s.enter('s:count() .. " rows now"')
        s.wait('- 3 rows now')
        tap.ok(True, '%s: box.rollback() and Ctrl-C drop it' % engine)
        s.enter('box.begin() s:insert{7}')
        # The text console leaves it open until it waits for the next line.
        s.wait('cannot stay open' if engine == 'tarantella' else 'app (tx)>')
        s.enter('box.rollback() return s:count() .. " in the end"')
        s.wait('- 3 in the end')
        tap.ok(True, '%s: one that a statement leaves open' % engine)
        s.enter('\\set transaction live')
        s.enter('box.begin()')
        if engine == 'tarantella':
            harness.wait_for(lambda: s.text().count('cannot stay open') == 2, 'live: it refuses')
        else:
            s.wait_last_line('app (tx)>')
            s.enter('v:insert{1, "in vinyl"}')
            s.enter('box.commit()')
            s.wait_last_line('app>')
            s.enter('v:get(1)[2] .. " it is"')
            s.wait('- in vinyl it is')
        tap.ok(True, '%s: live: the instance decides' % engine)


def check_hung(engine):
    p = started(engine)
    with console(p) as s:
        pid = p.pid('app')
        os.kill(pid, signal.SIGSTOP)
        s.type('box.inf')
        s.keys('Tab')
        s.wait('The instance does not answer: nothing is completed.')
        s.wait_last_line('app> box.inf')
        s.type('o.status')
        s.wait_last_line('app> box.info.status')
        tap.ok(True, '%s: Tab of a hung instance gives up, the line is as it was' % engine)
        os.kill(pid, signal.SIGCONT)
        s.keys('Enter')
        s.wait('- running')
        tap.ok(True, '%s: and the console goes on' % engine)
        hang(p)
        s.type('box.inf')
        s.keys('Tab')
        harness.wait_for(lambda: s.text().count('nothing is completed') == 2, 'the second time')
        s.keys('C-c')
        s.wait_last_line('app>')
        tap.ok(True, '%s: one whose loop is busy too' % engine)
    os.kill(p.pid('app'), signal.SIGKILL)


def check_closed_terminal(engine):
    p = started(engine)
    for what, keys in (('at the prompt', 'half'),
                       ('in a statement', 'require("fiber").sleep(1000)\n'),
                       ('in \\sh', '\\sh echo sh"ell"; cat >/dev/null\n')):
        with console(p) as s:
            s.type(keys)
            s.wait('shell' if 'sh ' in keys else keys.strip())
            harness.wait_for(lambda: len(console_pids(p)) == 1, 'the console')
        harness.wait_for(lambda: not console_pids(p), 'its end')
        tap.ok(True, '%s: the terminal is closed %s: it ends' % (engine, what))


def check_piped(engine):
    p = started(engine)
    got = p.ctl('enter', 'app', stdin='1 + 1\nos.exit(0)\n2 + 2\n', env={'HOME': p.dir})
    tap.equal((got.returncode, got.stdout, got.stderr),
              (2, '---\n- 2\n...\n\n', 'The instance closed the connection.\n'),
              '%s: without a terminal nothing is waited for' % engine)
    start_again(p)
    got = p.ctl('enter', 'app', stdin='box.begin()\nerror("never")\n')
    tap.like(got.stderr, 'The transaction had no box.commit(): none of it was run.',
             '%s: a transaction that does not end' % engine)


for each in ENGINES:
    for check in (check_restart, check_end_in_statement, check_state, check_transaction,
                  check_hung, check_closed_terminal, check_piped):
        tap.case(check, each)
tap.done()
