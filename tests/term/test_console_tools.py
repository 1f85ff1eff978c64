"""What the console does around statements: output, pager, timing, shell, editor, log, history."""
import os
import re
import signal

import harness
import tap
from console_common import ENGINES, PLAIN, console, console_pids, history, is_restored, started


def script(p, name, text):
    path = p.write(name, '#!/bin/sh\n' + text)
    os.chmod(path, 0o755)
    return path


def check_output(engine):
    p = started(engine, PLAIN + 'rows = {{id = 1, name = "один"}, {id = 2, name = "two"}}\n')
    with console(p) as s:
        s.enter('\\set output vertical')
        s.enter('rows')
        s.wait('-[ row 1 ]----\nid   | 1\nname | один\n-[ row 2 ]----\nid   | 2\nname | two\n')
        s.enter('1, {10, "x"}')
        s.wait('value | 1\n-[ row 1 ]----\ncol1')
        tap.ok(True, '%s: output as vertical' % engine)
        for output, wanted in (('json', '[{"'), ('lua', '{{id = 1'), ('yaml', '- - '),
                               ('table', '| id | name |')):
            s.enter('\\set output ' + output)
            s.enter('rows')
            s.wait(wanted)
        s.enter('\\set output')
        s.wait('- output: table')
        s.enter('error("no", 0)')
        s.wait('| error |')
        tap.ok(True, '%s: all the others, and which one it is' % engine)


def check_pager(engine):
    p = started(engine, PLAIN + 'text = {}\nfor i = 1, 300 do text[i] = "line " .. i end\n')
    pager = script(p, 'pager', 'echo "paged by us"\nhead -n 2 | head -c 50\necho "left early"\n')
    with console(p, env={'PAGER': pager}) as s:
        s.enter('1 + 1')
        s.wait('- 2')
        s.enter('text')
        s.wait('paged by us\n---\n- - line 1\nleft early\napp>')
        tap.ok(True, '%s: a long result goes through PAGER, which need not read it all' % engine)
        s.enter('("x"):rep(20 * 1000 * 1000)')
        harness.wait_for(lambda: s.text().count('left early') == 2, 'the huge one')
        s.enter('2 + 2')
        s.wait('- 4\n')
        tap.ok(True, '%s: nor a huge one' % engine)
        s.enter('\\set pager off')
        s.enter('text')
        s.wait('  - line 299\n  - line 300\n...\n\napp>')
        tap.ok('left early' not in s.text(), '%s: \\set pager off' % engine)
    with console(p, env={'PAGER': 'no-such-program'}) as s:
        s.enter('text')
        s.wait('  - line 300\n...\n\napp>')
        tap.ok(True, '%s: a PAGER that is not there: printed' % engine)
    with console(p, env={'PAGER': 'less'}, width=80, height=24) as s:
        s.enter('text')
        s.wait_last_line(':')
        tap.ok('line 1' in s.text() and 'line 300' not in s.text(), '%s: less' % engine)
        s.keys('C-c')
        # less drops the keys that come while it handles Ctrl-C
        harness.wait_for(lambda: s.keys('G') or '(END)' in s.text(), 'the end in less')
        s.keys('q')
        s.wait_last_line('app>')
        s.enter('3 + 3')
        s.wait('- 6')
        s.keys('C-d')
        tap.ok(is_restored(s.wait('icanon')), '%s: Ctrl-C in it is its own' % engine)


def check_timing(engine):
    p = started(engine)
    with console(p) as s:
        s.enter('\\timing')
        s.wait('- timing: off')
        s.enter('\\timing on')
        s.enter('require("fiber").sleep(0.2)')
        s.wait('Time: ')
        ms = float(re.search(r'Time: ([0-9.]+) ms', s.text())[1])
        tap.ok(200 <= ms < 20000, '%s: \\timing on' % engine, ms)
        s.enter('\\timing off')
        s.enter('"was " .. "silent"')
        s.wait('- was silent')
        tap.ok(s.text().count('Time: ') == 1, '%s: \\timing off' % engine)


def check_shell(engine):
    p = started(engine)
    with console(p) as s:
        s.enter('\\sh echo "a  b"; pwd')
        s.wait('\na  b\n' + p.dir + '\napp>')
        s.enter('\\sh exit 3')
        s.wait('exit 3: exit code 3')
        s.enter('\\sh read line; echo "<$line>"')
        s.enter('typed into it')
        s.wait('<typed into it>')
        tap.ok(True, '%s: \\sh runs a command with the terminal' % engine)
        s.enter('\\sh echo slee"ps"; sleep 1000')
        s.wait('\nsleeps')
        s.keys('C-c')
        s.wait('was ended by signal 2')
        s.wait_last_line('app>')
        tap.ok('^C\napp>' not in s.text().split('signal 2')[1], '%s: Ctrl-C ends it alone' % engine)
        s.enter('7 * 6')
        s.wait('- 42')
        s.enter('\\sh exec sleep 1000')
        harness.wait_for(lambda: sleepers(p), 'the command')
        os.kill(console_pids(p)[0], signal.SIGTERM)
        tap.ok(is_restored(s.wait('icanon')), '%s: SIGTERM meanwhile: exit 143' % engine)
        tap.ok('[exit 143]' in s.text(), '%s: and the terminal is restored' % engine)
        harness.wait_for(lambda: not sleepers(p), 'the end of the command')
        tap.ok(True, '%s: the command ends too' % engine)


def sleepers(p):
    """Processes `sleep` that were started here."""
    def is_one(pid):
        try:
            with open('/proc/%s/comm' % pid, encoding='ascii') as f:
                return f.read() == 'sleep\n' and os.readlink('/proc/%s/cwd' % pid) == p.dir
        except OSError:
            return False
    return [pid for pid in os.listdir('/proc') if pid.isdigit() and is_one(pid)]


def check_edit(engine):
    p = started(engine)
    editor = script(p, 'my editor', 'cp "$1" seen\nprintf "return 1000,\\n  24" >"$1"\n')
    with console(p, env={'EDITOR': "'%s'" % editor, 'VISUAL': '', 'TMPDIR': p.dir}) as s:
        s.enter('if true then')
        s.enter('return 11 end')
        s.wait('- 11')
        s.enter('\\edit')
        s.wait('- 1000\n- 24\n...\n\napp>')
        tap.equal(p.read('seen'), 'if true then\nreturn 11 end\n',
                  '%s: \\edit runs what became of the last statement' % engine)
        s.enter('\\edit')
        s.wait('The text is as it was: nothing was run.')
        script(p, 'my editor', 'exit 5')
        s.enter('\\edit')
        s.wait('exit code 5\nNothing was run.')
        script(p, 'my editor', 'cat /dev/null >"$1"')
        s.enter('\\edit')
        s.wait('There is no text: nothing was run.')
        tap.ok(True, '%s: unchanged, failed, empty: nothing runs' % engine)
        s.enter('\\edit x')
        s.wait("error: '\\edit takes no argument: x'")
        s.keys('C-d')
        tap.ok(is_restored(s.wait('icanon')), '%s: the terminal is as before' % engine)
    tap.ok('return 1000,   24' in history(p), '%s: the edited one is in the history' % engine)
    tap.equal([f for f in os.listdir(p.dir) if f.startswith('ctl-')], [],
              '%s: no file is left' % engine)


def check_log(engine):
    p = started(engine, PLAIN + 'log = require("log")\n')
    with console(p) as s:
        s.enter('\\log on')
        s.wait('Following the log')
        s.type('"a line that is being typed%s, and that is longer than the screen"' % (' on' * 20))
        s.wait('screen"')
        for i in (1, 2):
            p.ctl('eval', 'app', '-e', 'log.warn("message %d for\\27[2J you")' % i)
        s.wait('message 2 for.[2J you')
        harness.wait_for(lambda: s.text().replace('\n', '').endswith(
            'longer than the screen"'), 'the line again')
        tap.equal(s.text().count('a line that is being typed'), 1,
                  '%s: \\log on: lines above the prompt, the one being typed stays' % engine)
        s.keys('Enter')
        s.wait('- a line that')
        p.ctl('logrotate', 'app')
        os.rename(p.path('log/app.log'), p.path('log/app.log.1'))
        p.ctl('logrotate', 'app')
        p.ctl('eval', 'app', '-e', 'log.error("after the rotation")')
        s.wait('after the rotation')
        tap.ok(True, '%s: also after a rotation' % engine)
        s.enter('for i = 1, 5000 do log.info("flood %d of it", i) end')
        s.wait('flood 5000 of it')
        s.wait('bytes of the log are left out')
        tap.ok(True, '%s: a flood is cut' % engine)
        s.enter('\\log off')
        s.wait('- log: off')
        p.ctl('eval', 'app', '-e', 'log.error("nobody sees that")')
        s.enter('5 * 5')
        s.wait('- 25')
        tap.ok('nobody sees' not in s.text(), '%s: \\log off' % engine)
    p = started(engine, 'box.cfg{log = "| exec cat >/dev/null 2>&1"}\n')
    with console(p) as s:
        s.enter('\\log on')
        s.wait('is not written to a file')
        tap.ok(True, '%s: a log that is no file' % engine)


def check_colours(engine):
    p = started(engine, PLAIN + 'box.cfg{read_only = true}\n')
    for env, has in (({}, True), ({'NO_COLOR': '1'}, False)):
        with console(p, env=env) as s:
            s.enter('error("no", 0)')
            s.wait("- error: 'no'\n")
            tap.equal('\x1b[31m' in s.coloured(), has, '%s: errors in red %r' % (engine, env))
            tap.equal('\x1b[33m(ro)' in s.coloured(), has, '%s: the state %r' % (engine, env))
    got = p.ctl('enter', 'app', stdin='error("no", 0)\n\\nosuch\n', env={'TERM': 'screen'})
    tap.ok('\x1b' not in got.stdout + got.stderr, '%s: no colours in a pipe' % engine, got.stdout)


def check_bad_commands(engine):
    p = started(engine)
    with console(p) as s:
        for line, wanted in (
                ('\\nosuch', 'Invalid command \\nosuch. Type \\help for help.'),
                ('\\timing maybe', '\\timing is on or off, not maybe'),
                ('\\log maybe', '\\log is on or off, not maybe'),
                ('\\set', 'Set what? language, output, delimiter, pager or transaction'),
                ('\\set nosuch 1', 'Unknown parameter: nosuch'),
                ('\\set pager maybe', 'Invalid value "maybe", supported: on and off.'),
                ('\\set delimiter ' + 'x' * 64, 'The delimiter is too long')):
            s.enter(line)
            s.wait("- error: '" + wanted)
            s.wait_last_line('app>')
        tap.ok(True, '%s: wrong commands: one line each' % engine)
        s.enter('\\help')
        s.wait('quit interactive console')
        tap.equal([w for w in re.findall(r'^ {6}(\\\w+ ?\w*)', s.text(), re.M)],
                  ['\\set language', '\\set output', '\\set delimiter', '\\set pager',
                   '\\set transaction', '\\sh ', '\\edit ', '\\timing ', '\\log ', '\\help ',
                   '\\quit '], '%s: \\help lists them all' % engine)
        s.type('\\tim')
        s.keys('Tab')
        s.wait_last_line('app> \\timing')
        s.type(' on')
        s.keys('Enter')
        s.wait('- timing: on')
        tap.ok(True, '%s: Tab knows them' % engine)
    got = p.ctl('enter', 'app', stdin='\\sh echo no\n\\edit\n1\n', env={'HOME': p.dir})
    tap.equal((got.returncode, got.stdout.count('needs a terminal')), (0, 2),
              '%s: \\sh and \\edit need a terminal' % engine)


for each in ENGINES:
    for check in (check_output, check_pager, check_timing, check_shell, check_edit, check_log,
                  check_colours, check_bad_commands):
        tap.case(check, each)
tap.done()
