"""status, stop, kill, wait, logrotate, log, instances, check."""
import json
import os
import select
import signal
import socket
import subprocess

import harness
import tap
from ctl_common import ENGINES, PLAIN, dead_socket, hang, place, started, \
    write_pid_file_of_the_dead

NOBODY = 65534


def expect(p, argv, code, message, name):
    done = p.ctl(*argv)
    tap.equal(done.returncode, code, '%s: %s: exit %d' % (p.engine, name, code))
    tap.like(done.stderr, message, '%s: %s: says so' % (p.engine, name))
    return done


def check_status(engine):
    p = place(engine)
    p.instance('app', PLAIN)
    expect(p, ['status', 'app'], 1, 'app is stopped (pid file does not exist)', 'stopped')
    p.ctl('start', 'app')
    expect(p, ['status', 'app'], 0, 'app is running (pid: %s)' % p.path('run/app.pid'),
           'running')
    real = p.tarantoolctl('status', 'app')
    tap.equal(p.ctl('status', 'app').stderr, real.stderr, '%s: as tarantoolctl' % engine)
    got = json.loads(p.ctl('status', '--json', 'app').stdout)
    tap.equal((got['instance'], got['state'], got['pid'], got['box']['status']),
              ('app', 'running', p.pid('app'), 'running'), '%s: status --json' % engine)
    hang(p)
    expect(p, ['status', 'app', '--timeout', '300ms'], 2, 'app is hung: process %d lives'
           % p.pid('app'), 'hung')
    os.kill(p.pid('app'), signal.SIGKILL)
    p.ctl('wait', 'app', '--stopped')
    done = p.ctl('status', 'app')
    tap.equal(done.returncode, 2, '%s: killed: exit 2' % engine)
    tap.like(done.stderr, "Can't access control socket '%s' [111]: Connection refused"
             % p.path('run/app.control'), '%s: killed: as tarantoolctl' % engine)
    os.unlink(p.path('run/app.control'))
    expect(p, ['status', 'app'], 2, "Pid file exists, but the control socket (%s) doesn't"
           % p.path('run/app.control'), 'stale pid file')


def answers(path):
    """Does somebody listen? Between bind() and listen() there is a file already."""
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


def check_loading(engine):
    p = place(engine)
    p.instance('app', 'require("fiber").sleep(1000) box.cfg{}\n')
    child = subprocess.Popen([harness.CTL, 'start', 'app'], cwd=p.dir,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    harness.wait_for(lambda: answers(p.path('run/app.control')), 'the control socket')
    expect(p, ['status', 'app'], 1, 'app is loading', 'loading')
    got = p.ctl('wait', 'app', '--timeout', '200ms')
    tap.equal((got.returncode, got.stderr), (1, 'app is not ready after 0.2 s\n'),
              '%s: wait for one that is loading' % engine)
    child.send_signal(signal.SIGINT)
    tap.equal(child.wait(30), 130, '%s: Ctrl-C during start: exit 130' % engine)
    tap.equal(os.listdir(p.path('run')), [], '%s: Ctrl-C during start: nothing left' % engine)


def check_stop(engine):
    p = started(engine)
    pid = p.pid('app')
    expect(p, ['stop', 'app'], 0, 'Stopping instance app...', 'stop')
    tap.ok(not harness.is_alive(pid), '%s: stop: the process is gone' % engine)
    tap.equal(os.listdir(p.path('run')), [], '%s: stop: no pid file, no socket' % engine)
    expect(p, ['stop', 'app'], 0, 'Process is not running (pid: %s)' % p.path('run/app.pid'),
           'stop of a stopped one')
    write_pid_file_of_the_dead(p, 'app')
    dead_socket(p.path('run/app.control'))
    expect(p, ['stop', 'app'], 0, 'Process is not running', 'stop with stale files')
    tap.equal(os.listdir(p.path('run')), [], '%s: stale files are removed' % engine)
    # Somebody else's pid in the file: nobody is signalled.
    with subprocess.Popen(['sleep', '1000']) as other:
        p.write('run/app.pid', str(other.pid))
        expect(p, ['stop', 'app'], 0, 'Process is not running', 'a recycled pid')
        tap.ok(other.poll() is None, '%s: a recycled pid is not signalled' % engine)
        other.kill()
    p.write('run/app.pid', 'garbage')
    expect(p, ['stop', 'app'], 0, 'Process is not running', 'garbage in the pid file')


def check_stop_hung(engine):
    p = started(engine)
    pid = hang(p)
    expect(p, ['stop', 'app', '--timeout', '300ms'], 1, 'still runs after 0.3 s', 'stop hung')
    tap.ok(harness.is_alive(pid), '%s: without --kill it lives' % engine)
    expect(p, ['stop', 'app', '--timeout', '300ms', '--kill'], 0, 'SIGKILL', 'stop --kill')
    tap.ok(not harness.is_alive(pid), '%s: --kill ends it' % engine)
    tap.equal(os.listdir(p.path('run')), [], '%s: --kill: nothing left' % engine)


def check_kill(engine):
    p = started(engine)
    pid = p.pid('app')
    expect(p, ['kill', 'app'], 0, 'Killing instance app (PID %d)' % pid, 'kill')
    tap.ok(not harness.is_alive(pid), '%s: kill: it is gone' % engine)
    tap.equal(os.listdir(p.path('run')), [], '%s: kill: nothing left' % engine)
    expect(p, ['kill', 'app'], 0, 'Process is not running', 'kill of a stopped one')


def check_wait(engine):
    p = place(engine)
    p.instance('app', 'require("fiber").sleep(0.2) box.cfg{}\n')
    waiter = subprocess.Popen([harness.CTL, 'wait', 'app'], cwd=p.dir)
    p.ctl('start', 'app')
    tap.equal(waiter.wait(30), 0, '%s: wait returns when it is ready' % engine)
    waiter = subprocess.Popen([harness.CTL, 'wait', '--stopped', 'app'], cwd=p.dir)
    p.ctl('stop', 'app')
    tap.equal(waiter.wait(30), 0, '%s: wait --stopped returns when it is gone' % engine)
    expect(p, ['wait', 'app', '--timeout', '100ms'], 1, 'app is not ready after 0.1 s',
           'wait for one that does not come')
    p.ctl('start', 'app')
    expect(p, ['wait', '--stopped', 'app', '--timeout', '100ms'], 1,
           'app is not stopped after 0.1 s', 'wait for one that stays')


def check_logrotate(engine):
    p = started(engine)
    os.rename(p.path('log/app.log'), p.path('log/app.log.1'))
    done = p.ctl('logrotate', 'app')
    tap.equal(done.returncode, 0, '%s: logrotate: exit 0' % engine, )
    tap.like(p.read('log/app.log'), 'Rotate log file', '%s: logrotate: a new file' % engine)
    p.ctl('eval', 'app', '-e', 'require("log").info("line %d", 7)')
    tap.like(p.read('log/app.log'), 'line 7', '%s: logrotate: in use' % engine)
    p.ctl('stop', 'app')
    expect(p, ['logrotate', 'app'], 0, 'app is stopped', 'logrotate of a stopped one')
    dead_socket(p.path('run/app.control'))
    expect(p, ['logrotate', 'app'], 2, "doesn't listen", 'logrotate with a dead socket')


def check_log(engine):
    p = started(engine)
    p.ctl('eval', 'app', '-e', 'for i = 1, 20 do require("log").info("line %d", i) end')
    lines = p.ctl('log', 'app', '-n', '3').stdout.splitlines()
    tap.equal([line.split('> ')[1] for line in lines], ['line 18', 'line 19', 'line 20'],
              '%s: log -n' % engine)
    tap.equal(len(p.ctl('log', 'app').stdout.splitlines()), 10, '%s: log: 10 lines' % engine)
    child = subprocess.Popen([harness.CTL, 'log', '-n', '0', '-f', 'app'], cwd=p.dir,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)

    def next_line(code):
        def is_shown():
            p.ctl('eval', 'app', '-e', 'require("log").info("%s")' % code)
            while select.select([child.stdout], [], [], 0.3)[0]:
                if code in child.stdout.readline().decode():
                    return True
            return False
        return harness.wait_for(is_shown, code)

    tap.ok(next_line('followed'), '%s: log -f' % engine)
    os.rename(p.path('log/app.log'), p.path('log/app.log.1'))
    p.ctl('logrotate', 'app')
    tap.ok(next_line('rotated'), '%s: log -f follows a rotation' % engine)
    child.send_signal(signal.SIGINT)
    child.stdout.read()
    tap.equal(child.wait(30), 130, '%s: log -f ends with Ctrl-C' % engine)
    child.stdout.close()
    p.instance('new', PLAIN)
    expect(p, ['log', 'new'], 2, "Can't read the log %s" % p.path('log/new.log'), 'no log yet')
    expect(p, ['log', 'app', '-n', 'x'], 64, "Bad --lines 'x'", 'log -n x')


def check_instances(engine):
    p = started(engine)
    p.instance('b', PLAIN)
    write_pid_file_of_the_dead(p, 'b')
    rows = [line.split() for line in p.ctl('instances').stdout.splitlines()]
    tap.equal(rows, [['app', 'running', str(p.pid('app')), p.path('instances/app.lua')],
                     ['b', 'stale', '-', p.path('instances/b.lua')]], '%s: instances' % engine)
    rows = [json.loads(line) for line in p.ctl('instances', '--json').stdout.splitlines()]
    tap.equal([(r['instance'], r['process']) for r in rows],
              [('app', 'running'), ('b', 'stale')], '%s: instances --json' % engine)


def check_table(engine, p):
    """Two run, one is stopped, one has failed."""
    got = p.ctl('status', '--all')
    lines = got.stdout.splitlines()
    tap.equal(lines[0].split(), ['NAME', 'STATE', 'PID', 'UPTIME', 'MEMORY', 'FIBERS', 'CONNS',
                                 'REQ/S', 'GEN', 'RESTARTS', 'ENGINE', 'VERSION', 'LISTEN'],
              '%s: status of several: a table' % engine)
    tap.equal([line.split()[:2] for line in lines[1:]],
              [['app1', 'running'], ['app2', 'running'], ['app3', 'stopped'],
               ['other', 'stopped']], '%s: a row each' % engine)
    row = lines[1].split()
    tap.equal(row[2], str(p.pid('app1')), '%s: the pid' % engine)
    tap.ok(float(row[4]) > 1 and row[5] == 'MB' and int(row[6]) > 0 and row[9] == '1' and
           row[11].lower() == engine, '%s: memory, fibers, generation, engine' % engine, row)
    tap.equal(len(set(map(len, (line[:60] for line in lines)))), 1, '%s: columns' % engine)
    box = json.loads(p.ctl('status', '--json', 'app1').stdout)
    tap.ok(box['memory'] > 1e6 and box['box']['fibers'] > 0, '%s: the same in JSON' % engine, box)
    watch = harness.Process([harness.CTL, 'status', '--watch', 'app1'], cwd=p.dir)
    harness.wait_for(lambda: watch.stdout().count('app1 ') >= 2, 'status --watch: a second look')
    watch.child.send_signal(2)
    tap.equal(watch.child.wait(30), 130, '%s: status --watch goes on until Ctrl-C' % engine)


def check_many(engine):
    p = place(engine)
    for name in ('app1', 'app2', 'other'):
        p.instance(name, PLAIN)
    p.instance('app3', 'error("no")')
    done = p.ctl('start', 'app*')
    tap.equal(done.returncode, 1, '%s: a pattern: the failure of one shows' % engine)
    tap.like(done.stderr, 'app3: Start failed', '%s: a line says whose it is' % engine)
    tap.ok(p.pid('app1') and p.pid('app2') and not p.pid('other'),
           '%s: a pattern: one failure does not stop the rest' % engine)
    done = p.ctl('eval', 'app[12]', '-e', 'return 1')
    tap.equal(done.stdout, '# app1\n---\n- 1\n...\n\n# app2\n---\n- 1\n...\n\n',
              '%s: eval on two' % engine)
    got = p.ctl('status', '--json', '--all')
    tap.equal([json.loads(line)['state'] for line in got.stdout.splitlines()],
              ['running', 'running', 'stopped', 'stopped'], '%s: status --all' % engine)
    tap.equal(got.returncode, 1, '%s: status --all: stopped ones: exit 1' % engine)
    check_table(engine, p)
    got = p.ctl('stop', 'app1', 'nope', 'app2')
    tap.equal(got.returncode, 1, '%s: an unknown one among others: exit 1' % engine)
    tap.ok(not p.pid('app1') and not p.pid('app2'), '%s: the others are stopped' % engine)


def check_interrupt(engine):
    """SIGINT of a command over several, to it or to its group, which reaches each twice:
    all are stopped, and say so."""
    p = place(engine)
    for name in 'ab':
        p.instance(name, PLAIN)
    p.ctl('start', '--all')
    for what, send in (('', os.kill), (' (the group)', os.killpg)):
        p.ctl('eval', '[ab]', '-e', 'began = false')
        child = subprocess.Popen([harness.CTL, 'eval', '[ab]', '-e',
                                  'began = true require("fiber").sleep(300)'], cwd=p.dir,
                                 stderr=subprocess.PIPE, start_new_session=True)
        for name in 'ab':
            harness.wait_for(lambda n=name: 'true' in p.ctl('eval', n, '-e',
                                                            'return began').stdout, 'the code')
        send(child.pid, signal.SIGINT)
        _, stderr = child.communicate(timeout=60)
        tap.equal(child.returncode, 130, '%s: SIGINT of several%s: exit 130' % (engine, what))
        for name in 'ab':
            tap.like(stderr.decode(), '%s: Interrupted: the code was cancelled\n' % name,
                     '%s: SIGINT of several%s: %s says so' % (engine, what, name))


def check_permission(engine):
    if os.getuid() != 0:
        tap.ok(True, '%s: permissions: only root can test them # SKIP' % engine)
        return
    p = started(engine)
    os.chmod(p.dir, 0o755)

    def as_nobody(*argv):
        return p.run(harness.CTL, *argv, preexec_fn=lambda: (
            os.setgroups([]), os.setgid(NOBODY), os.setuid(NOBODY)), env={'HOME': '/'})

    done = as_nobody('status', 'app')
    tap.equal(done.returncode, 2, '%s: status as another user: exit 2' % engine)
    tap.like(done.stderr, 'Permission denied', '%s: status as another user: why' % engine)
    done = as_nobody('eval', 'app', '-e', '1')
    tap.equal(done.returncode, 2, '%s: eval as another user: exit 2' % engine)
    tap.like(done.stderr, 'Permission denied', '%s: eval as another user: why' % engine)
    done = as_nobody('stop', 'app')
    tap.equal(done.returncode, 1, '%s: stop as another user: exit 1' % engine)
    tap.like(done.stderr, "Can't kill process", '%s: stop as another user: why' % engine)
    tap.ok(harness.is_alive(p.pid('app')), '%s: it still runs' % engine)


def test_check():
    p = place('tarantella')
    p.instance('good', '#!/usr/bin/env tarantool\nbox.cfg{}\nerror("not run")\n')
    p.instance('bad', 'box.cfg{}\nlocal = 1\n')
    expect(p, ['check', 'good'], 0, "File '%s' is OK" % p.path('instances/good.lua'), 'check')
    expect(p, ['check', 'bad'], 1, "Failed to check instance file '%s:2:"
           % p.path('instances/bad.lua'), 'check of a bad one')
    expect(p, ['check', 'nope'], 1, 'Instance nope is not found in %s' % p.path('instances'),
           'check of an unknown one')
    expect(p, ['check', 'instances/good.lua'], 0, 'is OK', 'check by path')
    expect(p, ['check', 'good.lua'], 0, 'is OK', 'check by file name')


for each in ENGINES:
    for check in (check_status, check_loading, check_stop, check_stop_hung, check_kill,
                  check_wait, check_logrotate, check_log, check_instances, check_many,
                  check_interrupt, check_permission):
        tap.case(check, each)
tap.run(globals())
