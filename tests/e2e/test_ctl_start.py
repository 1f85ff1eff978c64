"""start, restart: readiness, and each way of not getting there."""
import json
import os
import signal
import subprocess

import harness
import tap
from ctl_common import ENGINES, PLAIN, dead_socket, place, started, \
    write_pid_file_of_the_dead


def check_ready(engine):
    p = place(engine)
    p.instance('app', 'require("fiber").sleep(0.1) box.cfg{} marker = "done"\n')
    done = p.ctl('start', 'app')
    tap.equal(done.returncode, 0, '%s: start: exit 0' % engine)
    tap.like(done.stderr, 'Starting instance app...', '%s: start: says what it does' % engine)
    tap.like(done.stderr, 'Run console at unix/:%s' % p.path('run/app.control'),
             '%s: start: names the console' % engine)
    tap.equal(done.stdout, '', '%s: start: nothing on stdout' % engine)
    tap.ok(harness.is_alive(p.pid('app')), '%s: start: the pid file has the pid' % engine)
    got = p.ctl('eval', 'app', '-e', 'marker')
    tap.equal(got.stdout, '---\n- done\n...\n\n', '%s: start: the file had returned' % engine)
    again = p.ctl('start', 'app')
    tap.equal(again.returncode, 1, '%s: start of a running one: exit 1' % engine)
    tap.like(again.stderr, 'The daemon is already running: PID %d' % p.pid('app'),
             '%s: start of a running one: says so' % engine)


def check_defaults(engine):
    p = started(engine, 'box.cfg{wal_mode = "none", memtx_memory = 64 * 1024 * 1024}\n'
                        'box.cfg{pid_file = "other.pid"}\n', extra='readahead = 20000')
    got = p.ctl('eval', 'app', '--json', '-e',
                '{box.cfg.readahead, box.cfg.wal_mode, box.cfg.background, '
                'os.getenv("TARANTOOLCTL"), arg[0], box.cfg.wal_dir}')
    tap.equal(json.loads(got.stdout), {
        'ok': True, 'result': [[20000, 'none', True, 'true', 'app', p.path('data/app')]]},
        '%s: defaults below the file, pid file above it' % engine)
    tap.ok(p.pid('app'), '%s: the pid file stays where the defaults say' % engine)
    tap.equal(os.stat(p.path('data/app')).st_mode & 0o7777, 0o750,
              '%s: directories are made 0750' % engine)
    tap.equal(os.stat(p.path('run/app.control')).st_mode & 0o777, 0o600,
              '%s: the control socket is the owner\'s alone' % engine)


def check_arguments(engine):
    p = place(engine)
    p.instance('app', 'box.cfg{} given = table.concat(arg, "|")\n')
    p.ctl('start', 'app', '--', 'one', '--two', 'a b"\n')
    got = p.ctl('eval', 'app', '--json', '-e', 'given')
    tap.equal(got.stdout, '{"ok": true, "result": ["one|--two|a b\\"\\n"]}\n',
              '%s: arguments after -- reach the file' % engine)


FAILURES = [
    ('error before box.cfg', 'local x = nil\nerror("oops")\n', 'app.lua:2: oops'),
    ('error after box.cfg', 'box.cfg{}\nlocal x = nil + 1\n', 'app.lua:2: attempt to'),
    ('wrong option', 'box.cfg{memtx_memory = "much"}\n', 'Configuration failed: Incorrect '
     'value for option \'memtx_memory\': should be of type number'),
    ('bad listen URI', 'box.cfg{listen = "/no/such/dir/sock"}\n', 'bind'),
    ('no box.cfg', 'x = 1\n', 'ended without calling box.cfg'),
    ('exit', 'box.cfg{} os.exit(0)\n', 'ended before app was ready'),
    ('killed', 'box.cfg{} require("ffi").cdef("int raise(int);") '
     'require("ffi").C.raise(9)\n', 'Start failed'),
]


def check_failures(engine):
    for name, text, message in FAILURES:
        p = place(engine)
        p.instance('app', text)
        done = p.ctl('start', 'app')
        tap.equal(done.returncode, 1, '%s: %s: exit 1' % (engine, name))
        tap.like(done.stderr, message, '%s: %s: the reason is shown' % (engine, name))
        tap.equal(os.listdir(p.path('run')), [], '%s: %s: nothing is left' % (engine, name))


def check_syntax(engine):
    p = place(engine)
    p.instance('app', 'box.cfg{}\nlocal 1\n')
    done = p.ctl('start', 'app')
    tap.equal(done.returncode, 1, '%s: syntax error: exit 1' % engine)
    tap.like(done.stderr, "app.lua:2: '<name>' expected", '%s: syntax error: where' % engine)


def check_timeout(engine):
    p = place(engine)
    p.instance('app', 'require("fiber").sleep(1000) box.cfg{}\n')
    done = p.ctl('start', 'app', '--timeout', '300ms')
    tap.equal(done.returncode, 1, '%s: not configured in time: exit 1' % engine)
    tap.like(done.stderr, 'not ready after 0.3 s', '%s: not in time: says so' % engine)
    tap.equal(os.listdir(p.path('run')), [], '%s: not in time: ended, nothing left' % engine)

    p.instance('slow', 'box.cfg{} require("fiber").sleep(1000)\n')
    done = p.ctl('start', 'slow', '--timeout', '1s')
    tap.equal(done.returncode, 0, '%s: configured, file still runs: exit 0' % engine)
    tap.like(done.stderr, 'still runs', '%s: file still runs: a note' % engine)

    p.instance('busy', 'box.cfg{} while true do end\n')
    done = p.ctl('start', 'busy', '--timeout', '500ms')
    tap.equal(done.returncode, 1, '%s: configured but spinning: exit 1' % engine)
    tap.like(done.stderr, 'it does not answer', '%s: spinning: says so' % engine)
    tap.ok(p.pid('busy') is None, '%s: spinning: the process is ended' % engine)

    done = p.ctl('start', 'busy', '--timeout', '500ms', '--keep')
    tap.equal(done.returncode, 1, '%s: --keep: exit 1 too' % engine)
    tap.ok(p.pid('busy') and harness.is_alive(p.pid('busy')), '%s: --keep: it lives' % engine)
    p.ctl('kill', 'busy')


def check_stale(engine):
    p = place(engine)
    p.instance('app', PLAIN)
    dead_socket(p.path('run/app.control'))
    write_pid_file_of_the_dead(p, 'app')
    tap.equal(p.ctl('start', 'app').returncode, 0, '%s: over stale files: starts' % engine)
    os.kill(p.pid('app'), signal.SIGKILL)
    p.ctl('wait', 'app', '--stopped')
    tap.equal(p.ctl('start', 'app').returncode, 0, '%s: after kill -9: starts' % engine)
    running = p.pid('app')
    os.unlink(p.path('run/app.pid'))
    done = p.ctl('start', 'app')
    tap.equal(done.returncode, 1, '%s: running without pid file: refused' % engine)
    tap.like(done.stderr, 'already running: PID %d ' % running,
             '%s: without pid file: says so' % engine)
    os.kill(running, signal.SIGKILL)


def check_recycled_pid(engine):
    p = place(engine)
    p.instance('app', PLAIN)
    p.write('run/app.pid', str(os.getpid()))
    tap.equal(p.ctl('start', 'app').returncode, 0, '%s: pid of another process: starts' % engine)
    tap.ok(p.pid('app') != os.getpid(), '%s: pid of another process: replaced' % engine)


def check_parallel(engine):
    p = place(engine)
    p.instance('app', 'require("fiber").sleep(0.2) box.cfg{}\n')
    starts = [subprocess.Popen([harness.CTL, 'start', 'app'], cwd=p.dir,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
              for _ in range(4)]
    errors = [s.communicate(timeout=60)[1].decode() for s in starts]
    codes = sorted(s.returncode for s in starts)
    tap.equal(codes, [0, 1, 1, 1], '%s: four starts at once: one wins' % engine)
    tap.equal(sum('already running' in e for e in errors), 3,
              '%s: four starts at once: the others say why' % engine)
    tap.equal(sorted(os.listdir(p.path('run'))), ['app.control', 'app.pid'],
              '%s: four starts at once: no lock is left' % engine)


def check_foreground(engine):
    p = place(engine, 'background = false')
    p.instance('app', 'box.cfg{} print("in front")\n')
    child = subprocess.Popen([harness.CTL, 'start', 'app'], cwd=p.dir,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tap.equal(p.ctl('wait', 'app').returncode, 0, '%s: background=false: ready' % engine)
    tap.equal(p.pid('app'), child.pid, '%s: background=false: ctl is the instance' % engine)
    tap.equal(p.ctl('stop', 'app').returncode, 0, '%s: background=false: stops' % engine)
    tap.equal(child.wait(30), 0, '%s: background=false: exit 0' % engine)

    p = place(engine)
    p.instance('app', 'box.cfg{background = false}\n')
    child = subprocess.Popen([harness.CTL, 'start', 'app'], cwd=p.dir,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tap.equal(p.ctl('wait', 'app').returncode, 0, '%s: the file says foreground: ready' % engine)
    tap.ok(child.poll() is None, '%s: the file says foreground: ctl stays' % engine)
    child.terminate()
    tap.equal(child.wait(30), 0, '%s: the file says foreground: SIGTERM goes on' % engine)
    harness.wait_for(lambda: p.pid('app') is None, 'the end of the instance')


def check_long_path(engine):
    p = place(engine)
    deep = p.path('run', 'd' * 60, 'e' * 60)
    os.makedirs(deep)
    text = p.read('.tarantoolctl').replace("pid_file = '%s'" % p.path('run'),
                                           "pid_file = '%s'" % deep)
    p.write('.tarantoolctl', text)
    p.instance('app', PLAIN)
    done = p.ctl('start', 'app')
    tap.ok(len(deep) > 107 and done.returncode == 0,
           '%s: a control socket path above 107 bytes: starts' % engine, done.stderr)
    got = p.ctl('eval', 'app', '-e', '1 + 1')
    tap.equal(got.stdout, '---\n- 2\n...\n\n', '%s: long path: eval' % engine)
    tap.equal(p.ctl('status', 'app').returncode, 0, '%s: long path: status' % engine)
    tap.equal(p.ctl('stop', 'app').returncode, 0, '%s: long path: stop' % engine)


def check_restart(engine):
    p = started(engine, 'box.cfg{} again = os.getenv("TARANTOOL_RESTARTED")\n')
    pid = p.pid('app')
    done = p.ctl('restart', 'app')
    tap.equal(done.returncode, 0, '%s: restart: exit 0' % engine)
    tap.ok(p.pid('app') not in (pid, None), '%s: restart: another process' % engine)
    tap.equal(p.ctl('eval', 'app', '-e', 'again').stdout, "---\n- 'true'\n...\n\n",
              '%s: restart: TARANTOOL_RESTARTED' % engine)
    pid = p.pid('app')
    p.instance('app', 'box.cfg{')
    done = p.ctl('restart', 'app')
    tap.equal(done.returncode, 1, '%s: restart with a syntax error: exit 1' % engine)
    tap.equal(p.pid('app'), pid, '%s: restart with a syntax error: it still runs' % engine)
    p.instance('other', PLAIN)
    tap.equal(p.ctl('restart', 'other').returncode, 0, '%s: restart of a stopped one' % engine)


def test_engine_is_kept_by_restart():
    p = place('tarantella')
    p.instance('app', PLAIN)
    p.ctl('start', 'app', '--engine', 'tarantool')
    p.ctl('restart', 'app')
    got = p.ctl('eval', 'app', '-e', 'box.info.package')
    tap.equal(got.stdout, '---\n- Tarantool\n...\n\n', 'restart keeps the engine')
    p.ctl('stop', 'app')
    done = p.ctl('start', 'app', '--engine', 'nonesuch')
    tap.equal(done.returncode, 1, 'an engine that is not installed: exit 1')
    tap.like(done.stderr, "The engine 'nonesuch' is not installed", 'says so')


for each in ENGINES:
    for check in (check_ready, check_defaults, check_arguments, check_failures, check_syntax,
                  check_timeout, check_stale, check_recycled_pid, check_parallel,
                  check_foreground, check_long_path, check_restart):
        tap.case(check, each)
tap.run(globals())
