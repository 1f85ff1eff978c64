"""eval, and connect from a pipe: results, errors, output, cancelling."""
import json
import os
import signal
import subprocess

import harness
import tap
from ctl_common import ENGINES, dead_socket, hang, place, started, \
    write_pid_file_of_the_dead

VALUES = [
    'return', 'return nil', 'return 1, nil, 2.5, "x", ""', 'return {}', 'return {1, {a = {}}}',
    'return 1ULL, -5LL, 18446744073709551615ULL', 'return true, false, box.NULL',
    'return "two\\nlines", "it\'s", "- x", "null", "1"', 'return "\\xff\\xfe\\0"',
    'local t = {} t.t = t return t', 'local t = {1} return t, t', 'return {error = "no error"}',
    'return 0/0, 1/0, -1/0', 'return box.tuple.new({1, "a", {b = 2}})', '1 + 1', 'x = 1',
    'return {[1] = 1, [5] = 5}', 'return setmetatable({1}, {__serialize = "map"})', '', '-- x',
]


def check_output(engine):
    p = started(engine)
    for code in VALUES:
        ours = p.ctl('eval', 'app', stdin=code)
        real = p.tarantoolctl('eval', 'app', stdin=code)
        if code.startswith('return {error'):
            real.stdout, real.returncode = '---\n- error: no error\n...\n\n', 0
        tap.equal((ours.returncode, ours.stdout), (real.returncode, real.stdout),
                  '%s: as tarantoolctl: %s' % (engine, code.encode()))
    ours = p.ctl('eval', 'app', '-e', 'print')
    tap.ok(ours.stdout.startswith("---\n- 'function: "), '%s: a function prints' % engine)
    ours = p.ctl('eval', 'app', '--json', '-e', 'return 1, nil, {a = {1}}, "x"')
    tap.equal(json.loads(ours.stdout), {'ok': True, 'result': [1, None, {'a': [1]}, 'x']},
              '%s: --json' % engine)
    ours = p.ctl('eval', 'app', '--json', '-e',
                 'local t = {f = print} t.t = t return t')
    tap.ok(json.loads(ours.stdout)['ok'], '%s: --json of what json cannot hold' % engine)


def check_files(engine):
    p = started(engine)
    p.write('a.lua', 'local a, b = ...\nreturn a, b, select("#", ...)\n')
    got = p.ctl('eval', 'app', 'a.lua', '--', 'x', '--y', '1')
    tap.equal(got.stdout, "---\n- x\n- --y\n- 3\n...\n\n", '%s: arguments after --' % engine)
    p.write('bad.lua', 'local x = 1\n\nlocal function f()\n    error("oops")\nend\nf()\n')
    got = p.ctl('eval', 'app', 'bad.lua')
    tap.equal(got.returncode, 3, '%s: error in the chunk: exit 3' % engine)
    tap.like(got.stderr, 'bad.lua:4: oops', '%s: error: file and line' % engine)
    tap.like(got.stderr, "bad.lua:6: in main chunk", '%s: error: traceback' % engine)
    tap.ok('xpcall' not in got.stderr, '%s: error: only the code\'s frames' % engine)
    tap.equal(got.stdout, '', '%s: error: nothing on stdout' % engine)
    got = p.ctl('eval', 'app', '--json', 'bad.lua')
    tap.equal((got.returncode, json.loads(got.stdout)['error']), (3, 'bad.lua:4: oops'),
              '%s: error: --json' % engine)
    p.write('syntax.lua', 'return 1\nlocal 2\n')
    got = p.ctl('eval', 'app', 'syntax.lua')
    tap.equal(got.returncode, 3, '%s: syntax error: exit 3' % engine)
    tap.like(got.stderr, "syntax.lua:2:", '%s: syntax error: file and line' % engine)
    for name, text in (('shebang', '#!/usr/bin/env x\nreturn 1\n'),
                       ('bom', b'\xef\xbb\xbfreturn 1\n'), ('crlf', b'return\r\n1\r\n'),
                       ('bom and shebang', b'\xef\xbb\xbf#!/x\nreturn 1'),
                       ('5 MB', '--' + 'x' * 5000000 + '\nreturn 1\n')):
        p.write('f.lua', text)
        got = p.ctl('eval', 'app', 'f.lua')
        tap.equal((got.returncode, got.stdout), (0, '---\n- 1\n...\n\n'),
                  '%s: a file with %s' % (engine, name))
    p.write('f.lua', '#!/x\nerror("at 2")\n')
    tap.like(p.ctl('eval', 'app', 'f.lua').stderr, 'f.lua:2: at 2',
             '%s: a shebang line counts' % engine)
    got = p.ctl('eval', 'app', '-e', 'return ("x"):rep(4000000)')
    tap.equal(len(got.stdout), 4000000 + len('---\n- \n...\n\n'), '%s: a 4 MB result' % engine)


def check_errors(engine):
    p = started(engine)
    for code, message in (('error("a", 0)', 'a'), ('error({code = 1})', '{"code":1}'),
                          ('error()', 'nil'), ('box.error(box.error.NO_SUCH_SPACE, "x")',
                                               "Space 'x' does not exist"),
                          ('error(setmetatable({}, {__tostring = function() return "T" end}))',
                           'T')):
        got = p.ctl('eval', 'app', '-e', code)
        tap.equal((got.returncode, got.stderr.splitlines()[1]), (3, message),
                  '%s: %s' % (engine, code))
    got = p.ctl('eval', 'app', '-e', 'return {error = "mine"}')
    tap.equal((got.returncode, got.stdout), (0, '---\n- error: mine\n...\n\n'),
              '%s: a returned {error = ...} is no error' % engine)


def check_streams(engine):
    p = started(engine)
    got = p.ctl('eval', 'app', '-e', 'print("a", 1, nil) print("\\0b") return 2')
    tap.equal(got.stdout, 'a\t1\tnil\n\0b\n---\n- 2\n...\n\n', '%s: print comes out' % engine)
    got = p.ctl('eval', 'app', '-e', 'box.session.push({1, "x"}) return 2')
    value = "--- [1, 'x']" if engine == 'tarantella' else '---\n- 1\n- x'
    tap.equal(got.stdout, '%%TAG !push! tag:tarantool.io/push,2018\n%s\n...\n---\n- 2\n'
              '...\n\n' % value, '%s: box.session.push comes out' % engine)
    got = p.ctl('eval', 'app', '--json', '-e', 'print("a") return 2')
    tap.equal((got.stdout, got.stderr), ('{"ok": true, "result": [2]}\n', 'a\n'),
              '%s: --json keeps stdout for the result' % engine)
    child = subprocess.Popen([harness.CTL, 'eval', 'app', '-e',
                              'print("first") require("fiber").sleep(1000)'],
                             cwd=p.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    tap.equal(child.stdout.readline(), b'first\n', '%s: print comes while it runs' % engine)
    child.kill()
    child.wait()
    child.stdout.close()
    p.ctl('eval', 'app', '-e', 'old = print late = require("fiber").new(function() '
          'require("fiber").sleep(0.01) print("to the log") io.stdout:flush() end)')
    harness.wait_for(lambda: 'to the log' in p.read('log/app.log'), 'the log line')
    tap.ok(True, '%s: a fiber that outlives the eval prints to the log' % engine)


def check_cancel(engine):
    p = started(engine)
    p.write('slow.lua', 'tries = (tries or 0) + 1\nrequire("fiber").sleep(1000)\n')
    got = p.ctl('eval', 'app', 'slow.lua', '--timeout', '200ms')
    tap.equal(got.returncode, 3, '%s: --timeout: exit 3' % engine)
    tap.like(got.stderr, 'Timed out after 0.2 s: the code was cancelled',
             '%s: --timeout: says so' % engine)
    child = subprocess.Popen([harness.CTL, 'eval', 'app', '-e', 'print("up") local ok, e = '
                              'pcall(require("fiber").sleep, 1000) why = tostring(e)'],
                             cwd=p.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    err = child.communicate(timeout=30)[1].decode()
    tap.equal(child.returncode, 130, '%s: Ctrl-C: exit 130' % engine)
    tap.like(err, 'Interrupted: the code was cancelled', '%s: Ctrl-C: says so' % engine)
    tap.equal(p.ctl('eval', 'app', '-e', 'why').stdout, '---\n- fiber is cancelled\n...\n\n',
              '%s: Ctrl-C: the code saw it' % engine)
    got = p.ctl('eval', 'app', '--timeout', '100ms', '-e', 'pcall(require("fiber").sleep, 1000) '
                'local n = 0 while not stop do n = n + 1 pcall(require("fiber").sleep, 0.01) end')
    tap.equal(got.returncode, 3, '%s: --timeout of code that catches the cancel: exit 3' % engine)
    tap.like(got.stderr, 'catches the cancel, so it goes on running',
             '%s: --timeout of code that catches the cancel: says so' % engine)
    p.ctl('eval', 'app', '-e', 'stop = true')
    if engine == 'tarantella':
        got = p.ctl('eval', 'app', '--timeout', '100ms', '-e',
                    'pcall(require("fiber").sleep, 1000) while true do end')
        tap.like(got.stderr, 'the code was cancelled', 'one that catches it and spins is stopped')
        tap.equal(p.ctl('status', 'app').returncode, 0, 'and the instance answers')
    child = subprocess.Popen([harness.CTL, 'eval', 'app', '-e', 'print("up") '
                              'require("fiber").sleep(0.1) return "the end"'],
                             cwd=p.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdout.readline()
    child.kill()
    child.wait()
    child.stdout.close()
    harness.wait_for(lambda: 'the end' in p.read('log/app.log'), 'the result in the log')
    tap.ok(True, '%s: a lost client: the code ends, the result is logged' % engine)


def check_unreachable(engine):
    p = place(engine)
    p.instance('app', 'box.cfg{}')
    cases = [('nope', "Instance nope is not found in %s" % p.path('instances'), 1),
             ('app', 'app is not running: there is no control socket', 2)]
    for name, message, code in cases:
        got = p.ctl('eval', name, '-e', '1')
        tap.equal(got.returncode, code, '%s: eval of %s: exit %d' % (engine, name, code))
        tap.like(got.stderr, message, '%s: eval of %s: says why' % (engine, name))
    write_pid_file_of_the_dead(p, 'app')
    tap.like(p.ctl('eval', 'app', '-e', '1').stderr, "Pid file exists, but the control socket",
             '%s: stale pid file: says so' % engine)
    dead_socket(p.path('run/app.control'))
    got = p.ctl('eval', 'app', '-e', '1')
    tap.equal(got.returncode, 2, '%s: dead socket: exit 2' % engine)
    tap.like(got.stderr, "Control socket exists, but Tarantool doesn't listen on it",
             '%s: dead socket: says so' % engine)
    got = p.ctl('eval', 'app', 'missing.lua')
    tap.equal((got.returncode, got.stderr),
              (2, 'missing.lua: No such file or directory\n'), '%s: missing file' % engine)


def check_hung(engine):
    p = started(engine)
    hang(p)
    got = p.ctl('eval', 'app', '-e', '1', '--timeout', '300ms')
    tap.ok(got.returncode in (2, 3), '%s: eval of a hung instance ends' % engine)
    p.ctl('kill', 'app')


def check_connect(engine):
    p = place(engine)
    sock = p.path('bin.sock')
    p.instance('app', 'box.cfg{listen = "%s"}\n' % sock +
               'box.schema.user.create("u", {password = "secret"})\n'
               'box.schema.user.grant("u", "execute", "universe")\n')
    tap.equal(p.ctl('start', 'app').returncode, 0, '%s: start with listen' % engine)
    got = p.ctl('connect', 'u:secret@unix/:%s' % sock, stdin='return box.session.user(), 1')
    tap.equal((got.returncode, got.stdout), (0, '---\n- u\n- 1\n...\n\n'),
              '%s: connect from a pipe as a user' % engine)
    tap.ok('secret' not in got.stderr, '%s: connect: no password is shown' % engine)
    got = p.ctl('connect', 'u:wrong@unix/:%s' % sock, stdin='return 1')
    tap.equal(got.returncode, 2, '%s: connect with a wrong password: exit 2' % engine)
    tap.like(got.stderr, "Incorrect password supplied for user 'u'", '%s: says so' % engine)
    got = p.ctl('connect', 'unix/:%s' % sock, stdin='return 1')
    tap.equal(got.returncode, 3, '%s: connect as guest: exit 3' % engine)
    tap.like(got.stderr, "Execute access to universe '' is denied for user 'guest'",
             '%s: connect as guest: says so' % engine)
    got = p.ctl('connect', 'unix/:%s' % p.path('run/app.control'), stdin='error("x", 0)')
    tap.equal((got.returncode, got.stderr.splitlines()[1]), (3, 'x'),
              '%s: connect to the control socket' % engine)
    check_connect_code(engine, p, sock)
    got = p.ctl('connect', 'unix/:/no/such', stdin='1')
    tap.equal(got.returncode, 2, '%s: connect to nothing: exit 2' % engine)
    port = harness.free_port()
    got = p.ctl('connect', '127.0.0.1:%d' % port, stdin='1')
    tap.equal(got.returncode, 2, '%s: connect to a closed port: exit 2' % engine)
    tap.like(got.stderr, 'Connection refused', '%s: closed port: says so' % engine)
    p.ctl('eval', 'app', '-e', 'box.cfg{listen = "127.0.0.1:%d"}' % port)
    got = p.ctl('connect', 'u:secret@127.0.0.1:%d' % port, stdin='return 5')
    tap.equal(got.stdout, '---\n- 5\n...\n\n', '%s: connect over TCP' % engine)
    for bad in ('', 'host', 'a b:1'):
        tap.equal(p.ctl('connect', bad, stdin='1').returncode, 64,
                  '%s: bad URI %r: exit 64' % (engine, bad))


def check_connect_code(engine, p, sock):
    uri = 'unix/:%s' % sock
    p.write('code.lua', 'return box.session.user(), ...')
    for env, argv, user in (({'CTL_USER': 'u', 'CTL_PASSWORD': 'secret'}, uri, 'u'),
                            ({'CTL_PASSWORD': 'secret'}, 'u@' + uri, 'u'),
                            ({'CTL_USER': 'nope', 'CTL_PASSWORD': 'x'}, 'u:secret@' + uri, 'u')):
        got = p.ctl('connect', argv, '-f', 'code.lua', '--', 'a', 'b', env=env)
        tap.equal(got.stdout, '---\n- %s\n- a\n- b\n...\n\n' % user,
                  '%s: connect -f, user from %s' % (engine, ' '.join(env)))
    got = p.ctl('connect', 'u:secret@' + uri, '-e', '6 * 7', '--json')
    tap.equal(json.loads(got.stdout), {'ok': True, 'result': [42]}, '%s: connect -e' % engine)
    got = p.ctl('connect', 'u:secret@' + uri, '-f', 'nofile.lua')
    tap.equal((got.returncode, got.stderr), (2, 'nofile.lua: No such file or directory\n'),
              '%s: connect -f of no file' % engine)
    # The password is gone from the command line while it runs.
    busy = harness.Process([harness.CTL, 'connect', 'u:secret@' + uri, '-e',
                            'print("here") require("fiber").sleep(100)'], cwd=p.dir)
    harness.wait_for(lambda: 'here' in busy.stdout(), 'the code to run')
    with open('/proc/%d/cmdline' % busy.pid, encoding='utf-8') as f:
        line = f.read()
    tap.ok('secret' not in line and 'u:xxxxxx@' in line, '%s: ps shows no password' % engine, line)
    busy.child.send_signal(2)
    tap.equal(busy.child.wait(30), 130, '%s: connect -e: Ctrl-C' % engine)


def check_socket(engine):
    """An instance by its control socket, without any configuration."""
    p = started(engine)
    os.unlink(p.path('.tarantoolctl'))
    sock = p.path('run/app.control')
    env = {'HOME': p.dir}
    got = p.ctl('eval', 'unix/:' + sock, '-e', '6 * 7', env=env)
    tap.equal(got.stdout, '---\n- 42\n...\n\n', '%s: eval unix/:PATH' % engine)
    got = p.ctl('status', 'unix/:' + sock, env=env)
    tap.equal((got.returncode, got.stderr),
              (0, 'unix/:%s is running (PID %d)\n' % (sock, p.pid('app'))),
              '%s: status unix/:PATH' % engine)
    got = p.ctl('status', 'unix/:' + p.path('none'), env=env)
    tap.equal((got.returncode, got.stderr),
              (2, "Can't connect to unix/:%s: No such file or directory\n" % p.path('none')),
              '%s: status of no socket' % engine)
    got = p.ctl('stop', 'unix/:' + sock)
    tap.equal(got.returncode, 64, '%s: stop unix/:PATH: exit 64' % engine)
    tap.like(got.stderr, "'stop' needs an instance of the configuration, not a socket",
             '%s: stop unix/:PATH: says why' % engine)
    far = p.path('x' * 100)
    os.makedirs(far)
    os.rename(sock, far + '/s')
    got = p.ctl('eval', 'unix/:' + far + '/s', '-e', '1', env=env)
    tap.equal(got.stdout, '---\n- 1\n...\n\n', '%s: a path of %d bytes' % (engine, len(far)))


def check_lost_reader(engine):
    """Who reads our output goes away: the instance serves on. On tarantella the code is
    cancelled; stock Tarantool cannot interrupt code that does not yield."""
    p = started(engine)
    got = p.run('sh', '-c', '"$CTL" eval app -e "while true do print(1) end" | head -n 1')
    tap.equal(got.stdout, '1\n', '%s: eval | head: the first line' % engine)
    tap.like(got.stderr, 'Interrupted' if engine == 'tarantella' else 'could not be cancelled',
             '%s: eval | head: what became of the code' % engine)
    tap.equal(p.ctl('status', 'app').returncode, 0, '%s: eval | head: it serves on' % engine)


for each in ENGINES:
    for check in (check_output, check_files, check_errors, check_streams, check_cancel,
                  check_unreachable, check_hung, check_connect, check_socket,
                  check_lost_reader):
        tap.case(check, each)
tap.done()
