"""Under systemd: the units, READY=1, and commands that are handed over to systemctl."""
import os
import shutil
import socket
import subprocess
import sys

import harness
import tap
from ctl_common import ENGINES, PLAIN, place

# Tells what the test wrote, notes what it was asked, ends as it was told to.
SYSTEMCTL = '''#!%s
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
with open(here + '/asked', 'a') as f:
    f.write(' '.join(sys.argv[1:]) + '\\n')
if sys.argv[1] == 'show':
    sys.stdout.write(open(here + '/show').read())
else:
    print('systemctl was here')
    sys.exit(int(open(here + '/code').read()))
''' % sys.executable


class Fake:
    """A place whose instances are systemd's, and a systemctl that only tells."""

    def __init__(self, engine, is_systemd='true'):
        self.p = place(engine)
        with open(self.p.path('.tarantoolctl'), 'a', encoding='utf-8') as f:
            f.write('systemd = %s\n' % is_systemd)
        os.mkdir(self.p.path('bin'))
        self.p.write('bin/systemctl', SYSTEMCTL)
        os.chmod(self.p.path('bin/systemctl'), 0o755)
        self.p.instance('app', PLAIN)
        self.says('MainPID=0\nActiveState=inactive\nUnitFileState=disabled\n', 0)

    def says(self, show, code):
        self.p.write('bin/show', show)
        self.p.write('bin/code', str(code))

    def asked(self):
        """What was asked since the last time, but for `show`."""
        path = self.p.path('bin/asked')
        if not os.path.exists(path):
            return []
        lines = self.p.read('bin/asked').splitlines()
        os.unlink(path)
        return [line for line in lines if not line.startswith('show')]

    def ctl(self, *argv, env=None):
        return self.p.ctl(*argv, env=dict(
            env or {}, PATH=self.p.path('bin') + ':' + os.environ['PATH']))


def check_forward(engine):
    f = Fake(engine)
    tap.equal((f.ctl('start', 'app').returncode, f.asked()), (0, []),
              '%s: a unit that is not enabled: started by ctl' % engine)
    f.says('MainPID=1\nActiveState=active\nUnitFileState=enabled\n', 0)
    tap.equal((f.ctl('status', 'app').returncode, f.asked()), (0, []),
              '%s: the unit runs another process: not its own' % engine)
    f.says('MainPID=%d\nActiveState=active\nUnitFileState=disabled\n' % f.p.pid('app'), 0)
    for verb in ('start', 'stop', 'restart'):
        f.p.write('bin/code', '0')
        got = f.ctl(verb, 'app')
        tap.equal((got.returncode, got.stdout, f.asked()),
                  (0, 'systemctl was here\n', ['--no-pager %s tarantella@app.service' % verb]),
                  '%s: %s is handed over' % (engine, verb))
        f.p.write('bin/code', '6')
        got = f.ctl(verb, 'app')
        tap.equal((got.returncode, len(f.asked())), (6, 1),
                  '%s: %s: the exit code is kept' % (engine, verb))
    got = f.ctl('status', 'app')
    tap.equal((got.returncode, got.stdout), (6, 'systemctl was here\n'),
              '%s: status: systemd has its say, its exit code is kept' % engine)
    tap.like(got.stderr, 'app is running (pid: ', '%s: status: ctl too' % engine)
    f.asked()
    for argv in (['stop', 'app', '--kill'], ['start', 'app', '--restart', 'on-failure'],
                 ['restart', 'app', '--engine', 'tarantella'], ['start', 'app', '--', 'x']):
        got = f.ctl(*argv)
        tap.equal((got.returncode, f.asked()), (64, []),
                  '%s: %s: what cannot be passed is refused' % (engine, ' '.join(argv)))
        tap.like(got.stderr, 'cannot be passed', '%s: it says so' % engine)
    f.says('MainPID=0\nActiveState=inactive\nUnitFileState=enabled\n', 0)
    tap.equal((f.ctl('stop', 'app').returncode, f.asked(), f.p.pid('app')), (0, [], None),
              '%s: what ctl started itself it stops itself' % engine)
    for state in ('ActiveState=inactive\nUnitFileState=enabled\n',
                  'ActiveState=failed\nUnitFileState=disabled\n',
                  'ActiveState=activating\nUnitFileState=disabled\n'):
        f.says('MainPID=0\n' + state, 5)
        tap.equal((f.ctl('start', 'app').returncode, len(f.asked())), (5, 1),
                  '%s: %r: the start is handed over' % (engine, state))


def check_not_asked(engine):
    enabled = 'MainPID=0\nActiveState=inactive\nUnitFileState=enabled\n'
    f = Fake(engine, 'false')
    f.says(enabled, 7)
    tap.equal((f.ctl('start', 'app').returncode, f.p.pid('app') is not None), (0, True),
              '%s: systemd = false: systemctl is not asked' % engine)
    f = Fake(engine)
    f.p.write('bin/systemctl', '#!/bin/sh\nexit 1\n')
    tap.equal((f.ctl('start', 'app').returncode, f.p.pid('app') is not None), (0, True),
              '%s: systemd does not answer: started by ctl' % engine)
    f.p.write('.tarantoolctl', f.p.read('.tarantoolctl').replace('systemd = true',
                                                                 'systemd = "yes"'))
    got = f.ctl('status', 'app')
    tap.equal(got.returncode, 1, '%s: a bad value: refused' % engine)
    tap.like(got.stderr, 'Bad systemd in', '%s: it says so' % engine)


def check_notify(engine):
    """What the unit does: `ctl start` becomes the instance and tells when it is ready."""
    f = Fake(engine)
    p = f.p
    f.says('MainPID=0\nActiveState=activating\nUnitFileState=enabled\n', 9)
    p.instance('app', '''
        local fiber, fio = require('fiber'), require('fio')
        box.cfg{}
        while not fio.path.exists('%s') do fiber.sleep(0.005) end
    ''' % p.path('go'))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(p.path('notify'))
        s.settimeout(harness.DEADLINE)
        # Configurations of a user are not looked for under systemd: this one is named.
        child = harness.Process([harness.CTL, 'start', 'app'], cwd=p.dir, env={
            'PATH': p.path('bin') + ':' + os.environ['PATH'],
            'NOTIFY_SOCKET': p.path('notify'), 'CTL_CONFIG': p.path('.tarantoolctl')})
        harness.wait_for(lambda: p.pid('app'), 'box.cfg')
        tap.equal(p.pid('app'), child.pid, '%s: it is the unit\'s main process' % engine)
        s.settimeout(0)
        told = []

        def more():
            try:
                told.extend(s.recv(4096).decode().split('\n'))
            except BlockingIOError:
                pass
            return told

        harness.wait_for(lambda: p.ctl('status', 'app').returncode == 0, 'it answers')
        more()
        tap.ok('READY=1' not in told, '%s: not ready before the file returns' % engine, told)
        p.write('go', '')
        harness.wait_for(lambda: 'READY=1' in more(), 'READY=1')
        tap.ok(True, '%s: READY=1 when it has returned' % engine)
        tap.equal(f.asked(), [], '%s: systemctl is not asked by its own unit' % engine)
        child.child.terminate()
        tap.ok(child.child.wait(harness.DEADLINE) in (0, -15), '%s: SIGTERM ends it' % engine)
    got = p.ctl('status', 'app', env={'CTL_CONFIG': p.path('none')})
    tap.equal(got.returncode, 2, '%s: CTL_CONFIG names a file that is not there' % engine)
    tap.like(got.stderr, '(CTL_CONFIG): No such file', '%s: it says so' % engine)


def test_engines():
    for engine in ENGINES:
        for check in (check_forward, check_not_asked, check_notify):
            tap.case(check, engine)


def test_units():
    """systemd-analyze takes the units as they are installed, but for ctl's place."""
    there = harness.tempdir()
    made = os.path.join(os.environ['BUILD_DIR'], 'packaging', 'tarantella@.service')
    with open(made, encoding='utf-8') as f:
        lines = f.read().splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith('Exec')]
    tap.equal([lines[i].split('/')[-1] for i in starts], ['ctl start %i', 'ctl reload %i'],
              'the unit runs ctl')
    for i in starts:
        key, command = lines[i].split('=', 1)
        lines[i] = '%s=%s %s' % (key, os.path.realpath(harness.CTL), command.split(' ', 1)[1])
    tap.ok('Type=notify' in lines and 'ProtectSystem=strict' in lines, 'Type=notify, hardened')
    with open(os.path.join(there, 'tarantella@app.service'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')
    shutil.copy(os.path.join(harness.SOURCE_DIR, 'packaging/systemd/tarantella.target'), there)
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', 'tarantella@app.service',
                           'tarantella.target'], cwd=there, capture_output=True, check=False)
    tap.equal((done.returncode, done.stdout, done.stderr), (0, b'', b''), 'systemd-analyze verify')
    # It is no yes-man.
    with open(os.path.join(there, 'tarantella@app.service'), 'a', encoding='utf-8') as f:
        f.write('[Service]\nNoSuchKey=1\n')
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', 'tarantella@app.service'],
                          cwd=there, capture_output=True, check=False)
    tap.like(done.stderr.decode(), 'NoSuchKey', 'a wrong unit would be found')


tap.run(globals())
