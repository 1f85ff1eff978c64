"""The instance program: command line, signals, daemon, pid file, log."""
import os
import pwd
import re
import signal
import socket
import subprocess
import time

import harness
import tap

BOTH = ('tarantool', harness.TARANTELLA)


def run(argv, cwd, stdin=b'', env=None, **kw):
    """(exit code, stdout, stderr), with what differs by program made equal."""
    done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, timeout=30,
                          env=dict(os.environ, **(env or {})), **kw)
    clean = [re.sub(r'table: 0x[0-9a-f]+', 'table: ADDR',
                    text.decode('utf-8', 'replace').replace(argv[0], 'PROGRAM'))
             for text in (done.stdout, done.stderr)]
    return (done.returncode, clean[0], clean[1])


def write(cwd, name, text):
    with open(os.path.join(cwd, name), 'w', encoding='utf-8') as f:
        f.write(text)
    return os.path.join(cwd, name)


def read(cwd, name):
    with open(os.path.join(cwd, name), encoding='utf-8', errors='replace') as f:
        return f.read()


def in_log(cwd, name, text):
    return harness.wait_for(lambda: os.path.exists(os.path.join(cwd, name)) and
                            text in read(cwd, name), '%r in %s' % (text, name))


def start(cwd, text, name='app.lua', **kw):
    """The program with this script; returns when it is in its event loop."""
    process = harness.Process([harness.TARANTELLA, write(cwd, name, text)], cwd=cwd, **kw)
    return process


def test_command_line_as_tarantool():
    cwd = harness.tempdir()
    write(cwd, 'args.lua', 'print(..., select("#", ...), arg[0], arg[1], #arg)')
    write(cwd, 'error.lua', 'local function f() error("boom") end\nf()')
    write(cwd, 'object.lua', 'error({})')
    write(cwd, 'client.lua', 'box.error(box.error.NO_SUCH_SPACE, "x")')
    write(cwd, 'syntax.lua', 'x = = 1')
    write(cwd, 'shebang.lua', '#!/usr/bin/env tarantool\nprint("after the shebang")')
    write(cwd, 'exit.lua', 'os.exit(3)')
    cases = (
        ['args.lua'], ['args.lua', 'q', 'w'], ['args.lua', '-e', 'x'], ['--', 'args.lua', '1'],
        ['-e', 'print(1)'], ['-e', 'print(1)', '-e', 'print(2)'], ['-eprint(3)'],
        ['-e', 'print(1, ...)', 'args.lua', 'y'], ['-lmath', '-e', 'print(math.pi)'],
        ['-l', 'math', '-e', 'print(math.huge)'], ['-e', 'return 1'],
        ['error.lua'], ['object.lua'], ['client.lua'], ['syntax.lua'], ['shebang.lua'],
        ['exit.lua'], ['-e', 'os.exit()'], ['-e', 'os.exit(true)'], ['-e', 'os.exit(false)'],
        ['-e', 'os.exit(300)'], ['-x'], ['-e'], ['-l'], ['--foo'], ['.'],
        ['-e', 'print(arg[0] == arg[-1], arg[1])', 'args.lua'],
    )
    for argv in cases:
        real, ours = (run([program] + argv, cwd) for program in BOTH)
        tap.equal(ours, real, 'tarantella %s' % ' '.join(argv))
    for argv in (['-', 'a', 'b'], []):
        real, ours = (run([program] + argv, cwd, b'print("stdin", ...)') for program in BOTH)
        tap.equal(ours, real, 'script from stdin: %s' % argv)


def test_command_line_better_than_tarantool():
    cwd = harness.tempdir()
    rc, out, err = run([harness.TARANTELLA, 'nosuch.lua'], cwd)
    tap.equal((rc, out, err),
              (2, '', "Can't open script nosuch.lua: No such file or directory\n"),
              'a missing script is told on stderr')
    rc, out, err = run([harness.TARANTELLA, '-e', 'error("x", 0)'], cwd)
    tap.equal((rc, out, err), (1, '', 'LuajitError: x\nfatal error, exiting the event loop\n'),
              'an error in -e ends the program (the real one hangs)')
    rc, out, _ = run([harness.TARANTELLA, '-v'], cwd)
    tap.ok(rc == 0 and out.startswith('Tarantool 2.6.0-'), '-v', out)
    tap.equal(run([harness.TARANTELLA, '-V'], cwd)[1], out, '-V is -v')
    rc, out, _ = run([harness.TARANTELLA, '--help'], cwd)
    tap.ok(rc == 0 and 'SCRIPT [ARGS]' in out, '--help', out)
    write(cwd, 'fiber.lua', 'local f = require("fiber") '
          'f.create(function() f.sleep(0.02) print("late") end) print("early")')
    tap.equal(run([harness.TARANTELLA, 'fiber.lua'], cwd)[:2], (0, 'early\nlate\n'),
              'without box.cfg the program ends when its fibers have')
    rc, _, err = run([harness.TARANTELLA, '-e', ''], cwd, env={'TARANTELLA_JIT': 'perhaps'})
    tap.ok(rc == 1 and 'TARANTELLA_JIT must be auto, on or off' in err, 'a wrong JIT mode', err)
    rc, out, err = run([harness.TARANTELLA, '-e', 'print((jit.status()))'], cwd,
                       env={'TARANTELLA_JIT': 'off'})
    tap.equal((rc, out, err), (0, 'false\n', ''), 'TARANTELLA_JIT=off')


def test_interactive():
    cwd = harness.tempdir()
    rc, out, err = run([harness.TARANTELLA, '-e', 'x = 5', '-i'], cwd,
                       b'x + 1\nfor i = 1, 2 do\nprint(i)\nend\nerror("boom", 0)\n'
                       b'require("fiber").sleep(0.001)\n\\set output lua\n{a = 1}\n')
    tap.equal((rc, err), (0, ''), '-i: the end of the input ends it')
    tap.equal(out.split('\n', 2)[2].replace('tarantella> ', '').replace('          > ', ''),
              '---\n- 6\n...\n\n1\n2\n---\n...\n\n---\n- error: boom\n...\n\n---\n...\n\n'
              'true;\n{a = 1};\n\n', '-i: statements over several lines, errors, output')
    rc, _, _ = run([harness.TARANTELLA, '-i'], cwd, b'os.exit(7)\n')
    tap.equal(rc, 7, '-i: os.exit')


def test_signals():
    for signum in (signal.SIGTERM, signal.SIGINT):
        cwd = harness.tempdir()
        p = start(cwd, 'box.cfg{log = "app.log", pid_file = "app.pid"} '
                  'box.ctl.on_shutdown(function() require("log").info("first") end) '
                  'box.ctl.on_shutdown(function() require("fiber").sleep(0.001) error("x") end)')
        in_log(cwd, 'app.log', 'entering the event loop')
        p.child.send_signal(signum)
        tap.equal(p.child.wait(harness.DEADLINE), 0, 'signal %d: exit 0' % signum)
        tap.ok(not os.path.exists(os.path.join(cwd, 'app.pid')), 'the pid file is gone')
        log = read(cwd, 'app.log')
        tap.ok(re.search(r'main/\d+/on_shutdown I> first\n', log) is not None,
               'every on_shutdown trigger runs, newest first', log)
    cwd = harness.tempdir()
    p = start(cwd, 'box.cfg{log = "app.log"} '
              'box.ctl.on_shutdown(function() require("fiber").sleep(1000) end)')
    in_log(cwd, 'app.log', 'entering the event loop')
    p.child.send_signal(signal.SIGTERM)
    in_log(cwd, 'app.log', 'got signal 15')
    p.child.send_signal(signal.SIGTERM)
    tap.equal(p.child.wait(harness.DEADLINE), 1, 'a second signal does not wait for triggers')
    cwd = harness.tempdir()
    p = start(cwd, 'require("fiber").sleep(1000)')
    harness.wait_for(lambda: os.path.exists('/proc/%d' % p.pid), 'the process')
    harness.wait_for(lambda: 'SigCgt' in open('/proc/%d/status' % p.pid).read() and
                     int(re.search(r'SigCgt:\s*(\w+)',
                                   open('/proc/%d/status' % p.pid).read()).group(1), 16) & 0x4000,
                     'the handler')
    p.child.send_signal(signal.SIGTERM)
    tap.equal(p.child.wait(harness.DEADLINE), 0, 'a script is stopped by a signal too')


def test_exit_in_shutdown_trigger():
    cwd = harness.tempdir()
    got = run([harness.TARANTELLA, '-e', 'box.cfg{log_level = 0} '
               'box.ctl.on_shutdown(function() print("first") os.exit(5) end) os.exit(3)'], cwd)
    tap.equal(got[:2], (3, 'first\n'), 'os.exit() in an on_shutdown trigger ends at once')


def test_log_rotation():
    cwd = harness.tempdir()
    p = start(cwd, 'box.cfg{log = "app.log"} local f = require("fiber") '
              'for i = 1, 1e9 do f.sleep(0.005) require("log").info("line %d", i) end')
    in_log(cwd, 'app.log', 'line 1\n')
    os.rename(os.path.join(cwd, 'app.log'), os.path.join(cwd, 'old.log'))
    p.child.send_signal(signal.SIGHUP)
    in_log(cwd, 'app.log', 'log file has been reopened\n')
    in_log(cwd, 'app.log', ' I> line ')
    tap.ok(True, 'SIGHUP reopens the log')
    p.terminate()
    numbers = [int(n) for n in re.findall(r' I> line (\d+)\n',
                                          read(cwd, 'old.log') + read(cwd, 'app.log'))]
    tap.equal(numbers, list(range(1, len(numbers) + 1)), 'no line is lost by a rotation')


def test_full_disk():
    cwd = harness.tempdir()
    p = start(cwd, 'box.cfg{log = "/dev/full", listen = "unix/:./s.sock"} '
              'for i = 1, 1000 do require("log").info("nowhere to go") end print("done")'
              'io.stdout:flush()')
    harness.wait_for(lambda: p.stdout() == 'done\n', 'the script')
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(cwd, 's.sock'))
        tap.ok(s.recv(9).startswith(b'Tarantool'), 'a full disk for the log: the instance serves')
    tap.equal(p.terminate(), 0, 'a full disk for the log: it stops cleanly')


def test_stuck_log_reader():
    cwd = harness.tempdir()
    p = start(cwd, 'box.cfg{log = "|sleep 1000"} '
              'for i = 1, 10000 do require("log").info(("x"):rep(100)) end '
              'print("done") io.stdout:flush()')
    harness.wait_for(lambda: p.stdout() == 'done\n', 'the script')
    tap.ok(True, 'a reader of the log that is stuck does not stop the instance')
    children = open('/proc/%d/task/%d/children' % (p.pid, p.pid)).read().split()
    p.terminate()
    for child in children:
        os.kill(int(child), signal.SIGKILL)


def test_log_to_command_and_lost_lines():
    cwd = harness.tempdir()
    p = start(cwd, 'box.cfg{log = "|cat > out.log"} require("log").warn("to a command")')
    in_log(cwd, 'out.log', 'W> to a command\n')
    tap.like(p.stderr(), 'started logging into a pipe, SIGHUP log rotation disabled\n',
             'a pipe is told on stderr')
    tap.equal(p.terminate(), 0, 'an instance with a log command stops')


def test_syslog():
    cwd = harness.tempdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(os.path.join(cwd, 'syslog'))
        s.settimeout(harness.DEADLINE)
        for program in BOTH:
            script = write(cwd, 'app.lua', 'box.cfg{log = "syslog:server=unix:%s/syslog,'
                           'identity=me,facility=user"} require("log").error("to syslog") '
                           'os.exit()' % cwd)
            line = ''
            with subprocess.Popen([program, script], cwd=cwd, stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL):
                while 'to syslog' not in line:
                    line = s.recv(10000).decode()
            tap.ok(re.fullmatch(r'<11>\w{3} [ \d]\d \d\d:\d\d:\d\d me\[\d+\]: main/\d+/app.lua '
                                r'app.lua:1 E> to syslog\n', line), '%s: syslog line' % program,
                   line)


def daemon(cwd, extra=''):
    write(cwd, 'd.lua', 'box.cfg{background = true, log = "d.log", pid_file = "d.pid"%s} '
          'print("printed") io.stderr:write("to stderr\\n")' % extra)
    done = run([harness.TARANTELLA, 'd.lua'], cwd)
    tap.equal(done, (0, '', ''), 'the parent of a daemon ends at once')
    in_log(cwd, 'd.log', 'entering the event loop')
    return int(read(cwd, 'd.pid'))


def test_daemon():
    cwd = harness.tempdir()
    pid = daemon(cwd)
    try:
        log = read(cwd, 'd.log')
        tap.ok('printed\n' in log and 'to stderr\n' in log, 'stdout and stderr are the log', log)
        tap.equal(os.getsid(pid), pid, 'a session of its own')
        tap.equal(os.readlink('/proc/%d/fd/0' % pid), '/dev/null', 'stdin is /dev/null')
        tap.equal(read('/proc/%d' % pid, 'cmdline').rstrip('\0'), 'tarantella d.lua <running>',
                  'the process title')
        tap.equal(read(cwd, 'd.pid'), str(pid), 'the pid file has the pid and no newline')
        tap.equal(os.stat(os.path.join(cwd, 'd.pid')).st_mode & 0o777, 0o644, 'its mode')
        tap.equal(os.stat(os.path.join(cwd, 'd.log')).st_mode & 0o777, 0o640, "the log's mode")
        rc, _, err = run([harness.TARANTELLA, '-e', 'box.cfg{pid_file = "d.pid"}'], cwd)
        tap.ok(rc == 1 and 'the daemon is already running: PID %d\n' % pid in err,
               'a second instance is refused', err)
        tap.equal(read(cwd, 'd.pid'), str(pid), 'and leaves the pid file alone')
        os.rename(os.path.join(cwd, 'd.log'), os.path.join(cwd, 'old.log'))
        os.kill(pid, signal.SIGHUP)
        in_log(cwd, 'd.log', 'reopened')
        tap.ok(os.readlink('/proc/%d/fd/1' % pid).endswith('/d.log'), 'stdout follows a rotation')
    finally:
        os.kill(pid, signal.SIGTERM)
    harness.wait_for(lambda: not harness.is_alive(pid), 'the end')
    tap.ok(not os.path.exists(os.path.join(cwd, 'd.pid')), 'the pid file goes with the daemon')


def test_stale_pid_file():
    cwd = harness.tempdir()
    write(cwd, 'x.pid', '1')
    rc, out, _ = run([harness.TARANTELLA, '-e',
                      'box.cfg{pid_file = "x.pid", log_level = 0} '
                      'print(io.open("x.pid"):read("*a") == tostring(box.info.pid)) os.exit()'],
                     cwd)
    tap.equal((rc, out), (0, 'true\n'), 'a stale pid file is taken over')


def test_start_failures():
    cwd = harness.tempdir()
    cases = (
        ('log = "nosuch/x.log"', "can't open log file: %s/nosuch/x.log: No such file or directory"
         % cwd),
        ('pid_file = "nosuch/x.pid"',
         "failed to create pid file 'nosuch/x.pid': No such file or directory"),
        ('work_dir = "nosuch"', "can't chdir to `nosuch': No such file or directory"),
        ('username = "nosuch-user"', 'User not found: nosuch-user'),
        ('background = true', "'background' requires 'log' configuration option to be set"),
        ('memtx_dir = "nosuch"', "error reading directory 'nosuch'"),
        ('log = "syslog:server=unix:/nonexistent"', 'syslog logger: No such file or directory'),
        ('replication = "127.0.0.1:1"', 'engine = "tarantool" runs it'),
    )
    for cfg, text in cases:
        rc, out, err = run([harness.TARANTELLA, '-e', 'box.cfg{%s}' % cfg], cwd)
        tap.ok((rc, out) == (1, '') and text in err, 'box.cfg{%s}' % cfg, err)
    with socket.socket() as busy:
        busy.bind(('127.0.0.1', 0))
        busy.listen()
        cfg = 'listen = %d, log_level = 0' % busy.getsockname()[1]
        rc, out, err = run([harness.TARANTELLA, '-e', 'print(pcall(box.cfg, {%s}))' % cfg], cwd)
        tap.equal((rc, out), (0, 'false\tbinary: failed to bind, called on fd -1\n'),
                  'a port in use: an error, and no server')
    rc, out, _ = run([harness.TARANTELLA, '-e',
                      'print((pcall(box.cfg, {log = "nosuch/x.log"}))) '
                      'print((pcall(box.cfg, {log = "x.log"}))) print(type(box.cfg)) os.exit()'],
                     cwd)
    tap.equal((rc, out), (0, 'false\ntrue\ntable\n'), 'a failed box.cfg{} can be called again')


def test_idle():
    cwd = harness.tempdir()
    p = start(cwd, 'box.cfg{log = "app.log", listen = "unix/:./s.sock"} '
              'require("console").listen("unix/:./con.sock") require("log").info("up")')
    in_log(cwd, 'app.log', 'I> up\n')
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(cwd, 's.sock'))
        s.recv(128)
        s.sendall(b'\x05\x82\x00\x40\x01\x07')
        s.recv(128)
        quiet = [0, '']

        def is_quiet():
            wakeups = re.findall(r'^voluntary_ctxt_switches:\s*(\d+)', ''.join(
                read('/proc/%d/task' % p.pid, '%s/status' % thread)
                for thread in os.listdir('/proc/%d/task' % p.pid)), re.M)
            if wakeups != quiet[1]:
                quiet[:] = time.monotonic(), wakeups
            return time.monotonic() - quiet[0] > 1.5
        harness.wait_for(is_quiet, 'an idle instance that sleeps')
    tap.ok(True, 'an idle instance does not wake up')
    p.terminate()


def test_other_user():
    if os.getuid() != 0:
        return tap.ok(True, 'username # SKIP not root')
    cwd = harness.tempdir()
    os.chmod(cwd, 0o777)
    uid = pwd.getpwnam('nobody').pw_uid
    rc, out, err = run([harness.TARANTELLA, '-e',
                        'box.cfg{username = "nobody", log = "u.log"} os.exit()'], cwd)
    tap.equal((rc, os.stat(os.path.join(cwd, 'u.log')).st_uid), (0, uid),
              'username: the log belongs to that user')
    os.chmod(cwd, 0o755)
    rc, _, err = run([harness.TARANTELLA, '-e',
                      'box.cfg{username = "nobody", log = "denied.log"} os.exit()'], cwd)
    tap.ok(rc == 1 and "can't open log file: %s/denied.log: Permission denied" % cwd in err,
           'a directory that user may not write', err)
    rc, _, err = run([harness.TARANTELLA, '-e', 'box.cfg{username = "root"}'], cwd, user='nobody')
    return tap.ok(rc == 1 and "can't switch to root: i'm not root" in err,
                  'username needs root', err)


def test_notify():
    cwd = harness.tempdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(os.path.join(cwd, 'notify'))
        s.settimeout(harness.DEADLINE)
        p = start(cwd, 'box.cfg{log = "app.log"}',
                  env={'NOTIFY_SOCKET': os.path.join(cwd, 'notify')})
        tap.equal(s.recv(1000).decode().split('\n'),
                  ['READY=1', 'STATUS=running', 'MAINPID=%d' % p.pid], 'sd_notify: ready')
        p.terminate()
        tap.like(s.recv(1000).decode(), 'STOPPING=1', 'sd_notify: stopping')


tap.run(globals())
