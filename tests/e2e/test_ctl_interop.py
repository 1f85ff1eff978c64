"""An instance of stock Tarantool that the real tarantoolctl started, driven by ctl; and one
that ctl started, driven by tarantoolctl."""
import harness
import tap
from ctl_common import place


def prepared():
    p = place('tarantool')
    p.instance('app', 'box.cfg{} answer = 42')
    return p


def is_ready(p):
    harness.wait_for(lambda: p.ctl('status', 'app').returncode == 0, 'the instance')


def start_as_before(p):
    done = p.tarantoolctl('start', 'app')
    assert done.returncode == 0, done.stderr
    is_ready(p)
    return p.pid('app')


def test_started_by_tarantoolctl():
    p = prepared()
    pid = start_as_before(p)
    for argv, code, output in (
            (['status', 'app'], 0, 'app is running (pid: %s)' % p.path('run/app.pid')),
            (['wait', 'app'], 0, ''),
            (['start', 'app'], 1, 'The daemon is already running: PID %d' % pid),
            (['eval', 'app', '-e', 'return answer'], 0, '- 42\n'),
            (['status', 'app', '--json'], 0, '"pid": %d' % pid),
            (['logrotate', 'app'], 0, ''),
            (['log', 'app', '-n', '1'], 0, 'Rotate log file')):
        got = p.ctl(*argv)
        name = 'started by tarantoolctl: ' + ' '.join(argv[:2] + argv[2:3])
        tap.ok(got.returncode == code and output in got.stdout + got.stderr, name,
               (got.returncode, got.stdout, got.stderr))
    got = p.ctl('restart', 'app')
    tap.ok(got.returncode == 0 and not harness.is_alive(pid) and harness.is_alive(p.pid('app')),
           'started by tarantoolctl: restart', got.stderr)
    for verb in 'stop', 'kill':
        if p.pid('app') is None:
            start_as_before(p)
        pid = p.pid('app')
        got = p.ctl(verb, 'app')
        tap.ok(got.returncode == 0 and not harness.is_alive(pid) and p.pid('app') is None,
               'started by tarantoolctl: ' + verb, got.stderr)


def test_driven_by_tarantoolctl():
    p = prepared()
    tap.equal(p.ctl('start', 'app').returncode, 0, 'started by ctl')
    pid = p.pid('app')
    got = p.tarantoolctl('status', 'app')
    tap.equal((got.returncode, got.stderr),
              (0, 'app is running (pid: %s)\n' % p.path('run/app.pid')), 'tarantoolctl status')
    tap.equal(p.tarantoolctl('logrotate', 'app').returncode, 0, 'tarantoolctl logrotate')
    harness.wait_for(lambda: 'Rotate log file' in p.read('log/app.log'), 'the line in the log')
    got = p.tarantoolctl('eval', 'app', stdin='return answer')
    tap.equal((got.returncode, got.stdout.strip()), (0, '---\n- 42\n...'), 'tarantoolctl eval')
    got = p.tarantoolctl('enter', 'app', stdin='answer + 1\n')
    tap.like(got.stdout, '- 43\n', 'tarantoolctl enter')
    got = p.tarantoolctl('restart', 'app')
    is_ready(p)
    tap.ok(got.returncode == 0 and p.pid('app') != pid and not harness.is_alive(pid),
           'tarantoolctl restart', got.stderr)
    pid = p.pid('app')
    tap.equal(p.tarantoolctl('stop', 'app').returncode, 0, 'tarantoolctl stop')
    harness.wait_for(lambda: not harness.is_alive(pid), 'its end')
    got = p.ctl('status', 'app')
    tap.equal((got.returncode, got.stderr), (1, 'app is stopped (pid file does not exist)\n'),
              'and ctl sees it stopped')


def test_sql():
    p = prepared()
    p.ctl('start', 'app')
    got = p.ctl('enter', 'app', '--language=sql', stdin='select 40 + 2\n')
    tap.ok(got.returncode == 0 and '  rows:\n  - [42]\n' in got.stdout, 'enter --language=sql', got)


tap.run(globals())
