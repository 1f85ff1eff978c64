"""The interactive console of `ctl enter` and `ctl connect`, in a real terminal."""
import os
import signal

import harness
import tap
from console_common import ENGINES, PLAIN, Screen, console, console_pids, history, place, started


def check_basics(engine):
    p = started(engine)
    with console(p) as s:
        s.keys('1 + 1', 'Enter')
        s.wait('app> 1 + 1\n---\n- 2\n...\n\napp>')
        tap.ok(True, '%s: a statement and its result' % engine)
        s.keys('error("no", 0)', 'Enter')
        s.wait("- error: 'no'\n")
        tap.ok(True, '%s: an error' % engine)
        s.keys('for i = 1, 2 do', 'Enter')
        s.wait_last_line('   >')
        s.keys('print("i", i) end', 'Enter')
        s.wait('i       2')
        tap.ok(True, '%s: a statement of two lines, print comes here' % engine)
        s.type('box.session.push("pushed")')
        s.keys('Enter')
        s.wait('pushed')
        tap.ok(True, '%s: push comes here' % engine)
        s.keys('C-d')
        s.wait('[exit 0]')
        screen = s.wait('icanon')
        tap.ok(' echo ' in screen and ' icanon' in screen and '-icanon' not in screen,
               '%s: Ctrl-D ends it, the terminal is as before' % engine)
    tap.equal(history(p)[:4], ['1 + 1', 'error("no", 0)', 'for i = 1, 2 do print("i", i) end',
                               'box.session.push("pushed")'], '%s: history' % engine)
    tap.equal(os.stat(p.path('.tarantool_history')).st_mode & 0o777, 0o600,
              '%s: history is the user\'s alone' % engine)


def check_keys(engine):
    p = started(engine)
    with console(p) as s:
        s.keys('1 + 2', 'Home', '5 + ', 'End', ' + 3', 'Enter')
        s.wait('app> 5 + 1 + 2 + 3\n---\n- 11\n')
        s.keys('Up', 'Home', 'DC', '6', 'Enter')
        s.wait('app> 6 + 1 + 2 + 3\n---\n- 12\n')
        tap.ok(True, '%s: Home, End, Del and Up' % engine)
        s.type('"привет" .. "日本"')
        s.keys('Left', 'Left', 'BSpace', 'Enter')
        s.wait('- привет本')
        tap.ok(True, '%s: UTF-8 is edited by characters' % engine)
        s.keys('half a line')
        s.wait_last_line('app> half a line')
        s.keys('C-c')
        s.wait('^C')
        s.wait_last_line('app>')
        s.keys('7 * 6', 'Enter')
        s.wait('- 42')
        tap.ok(True, '%s: Ctrl-C clears the line' % engine)
        s.keys('for i = 1, 2 do', 'Enter')
        s.wait_last_line('   >')
        s.keys('C-c')
        s.wait_last_line('app>')
        tap.ok(True, '%s: Ctrl-C forgets the lines of a statement' % engine)
        s.paste('local a = 20\nlocal b = 3 -- a comment\nreturn a + b\n')
        s.wait('return a + b')
        s.keys('Enter')
        s.wait('- 23')
        tap.ok(True, '%s: a paste of several lines is one statement' % engine)
        s.keys('Up', 'Enter')
        harness.wait_for(lambda: s.text().count('- 23') == 2, 'the pasted entry again')
        tap.ok(True, '%s: and one history entry' % engine)
        s.resize(60, 30)
        s.keys('10 * 10', 'Enter')
        s.wait('- 100')
        tap.ok(True, '%s: after a resize' % engine)


def check_completion(engine):
    p = started(engine, PLAIN + 'thing = {alpha = 1, alpine = 2, beta = function() end}\n')
    with console(p) as s:
        s.keys('thing.al', 'Tab')
        s.wait('app> thing.alp')
        s.keys('Tab')
        s.wait('thing.alpine')
        tap.ok('thing.alpha' in s.text(), '%s: Tab lists what fits' % engine)
        s.keys('h', 'Tab')
        s.wait_last_line('app> thing.alpha')
        tap.ok(True, '%s: Tab completes' % engine)
        s.keys('C-c')
        s.wait('^C')
        s.type('\\set out')
        s.keys('Tab')
        s.wait_last_line('app> \\set output')
        tap.ok(True, '%s: Tab completes backslash commands' % engine)


def check_commands(engine):
    p = started(engine)
    with console(p) as s:
        s.type('\\help')
        s.keys('Enter')
        s.wait('set expression delimiter')
        s.type('\\set output json')
        s.keys('Enter')
        s.type('{1, {a = "b"}}')
        s.keys('Enter')
        s.wait('[1,{"a":"b"}]')
        s.type('\\set output lua')
        s.keys('Enter')
        s.type('{1, {a = "b"}}')
        s.keys('Enter')
        s.wait('{1, {a = "b"}};')
        s.type('\\set output table')
        s.keys('Enter')
        s.type('{{1, "one"}, {2, "two"}}')
        s.keys('Enter')
        s.wait('| col1 | col2 |\n+------+------+\n| 1    | one  |\n| 2    | two  |\n')
        tap.ok(True, '%s: output as json, lua and table' % engine)
        s.type('\\set output xml')
        s.keys('Enter')
        s.wait('Invalid format "xml"')
        s.type('\\set output yaml')
        s.keys('Enter')
        s.type('\\set delimiter ;')
        s.keys('Enter')
        s.type('local x = 3')
        s.keys('Enter')
        s.type('return x * 3;')
        s.keys('Enter')
        s.wait('- 9')
        tap.ok(True, '%s: \\set delimiter' % engine)
        s.type('\\foo')
        s.keys('Enter')
        s.wait('Invalid command \\foo. Type \\help for help.')
        s.type('\\quit')
        s.keys('Enter')
        s.wait('[exit 0]')
        tap.ok(True, '%s: \\quit' % engine)


def check_interrupt(engine):
    p = started(engine)
    with console(p) as s:
        s.type('print("asleep") require("fiber").sleep(1000)')
        s.keys('Enter')
        s.wait('\nasleep')
        s.keys('C-c')
        s.wait('Interrupted.')
        s.keys('6 * 7', 'Enter')
        s.wait('- 42')
        tap.ok(True, '%s: Ctrl-C interrupts a statement, the console goes on' % engine)
        s.type('print("busy") pcall(require("fiber").sleep, 0.01) while true do end')
        s.keys('Enter')
        s.wait('\nbusy')
        s.keys('C-c')
        if engine == 'tarantella':
            harness.wait_for(lambda: s.text().count('Interrupted.') == 2, 'the second one')
            tap.ok(True, '%s: one that spins is interrupted too' % engine)
        else:
            s.wait('cannot be interrupted: it does not yield')
            s.wait('[exit 130]')
            tap.ok(True, '%s: one that spins: says that it cannot' % engine)
    p.ctl('kill', 'app')


def check_two_consoles(engine):
    p = started(engine)
    p.write('.tarantool_history', 'old entry\n#1700000000\nnewer entry\n')
    with console(p) as one, console(p) as two:
        one.keys('101', 'Enter')
        one.wait('- 101')
        two.keys('102', 'Enter')
        two.wait('- 102')
        one.keys('103', 'Enter')
        one.wait('- 103')
        two.keys('C-d')
        two.wait('[exit 0]')
        one.keys('C-d')
        one.wait('[exit 0]')
    tap.equal(history(p), ['old entry', '#1700000000', 'newer entry', '101', '102', '103'],
              '%s: two consoles lose nothing' % engine)
    with console(p) as s:
        s.keys('Up', 'Up', 'Up', 'Up')
        s.wait_last_line('app> newer entry')
        tap.ok(True, '%s: history of before, time stamps are no entries' % engine)
        s.keys('C-c')
        s.wait('^C')
        s.keys('C-r')
        s.type('old')
        s.wait('old entry')
        tap.ok(True, '%s: Ctrl-R searches it' % engine)


def check_connect(engine):
    p = place(engine)
    sock = p.path('b.sock')
    p.instance('app', 'box.cfg{listen = "%s"}\nbox.schema.user.grant("guest", "execute", '
               '"universe")\n' % sock)
    p.ctl('start', 'app')
    with console(p, 'connect', 'unix/:' + sock) as s:
        s.keys('box.session.user()', 'Enter')
        s.wait('- guest')
        tap.ok(True, '%s: connect' % engine)
    p.ctl('eval', 'app', '-e', 'box.schema.user.create("u", {password = "secret"}) '
          'box.schema.user.grant("u", "execute", "universe")')
    with Screen([harness.CTL, 'connect', 'u@unix/:' + sock], cwd=p.dir) as s:
        s.wait('Password of u:')
        s.type('secret')
        s.keys('Enter')
        s.wait('connected to')
        s.keys('box.session.user()', 'Enter')
        s.wait('- u\n')
        tap.ok('secret' not in s.text(), '%s: connect asks for the password' % engine, s.text())
    with Screen([harness.CTL, 'connect', 'u@unix/:' + sock], cwd=p.dir) as s:
        s.wait('Password of u:')
        s.type('sec')
        s.keys('C-c')
        s.wait('[exit 130]')
        s.wait(' echo ')
        tap.ok(True, '%s: Ctrl-C at the password: exit 130, the terminal shows again' % engine)


def check_signal(engine):
    p = started(engine)
    with console(p) as s:
        s.type('print("pid", require("fiber").sleep(0))')
        s.keys('Enter')
        s.wait('...')
        os.kill(console_pids(p)[0], signal.SIGTERM)
        s.wait('[exit 143]')
        screen = s.wait('icanon')
        tap.ok('-icanon' not in screen, '%s: SIGTERM: the terminal is restored' % engine)


for each in ENGINES:
    for check in (check_basics, check_keys, check_completion, check_commands, check_interrupt,
                  check_two_consoles, check_connect, check_signal):
        tap.case(check, each)
tap.done()
