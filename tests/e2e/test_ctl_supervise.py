"""ctl start --restart on-failure: who dies by himself is started again."""
import json
import os
import signal
import subprocess

import harness
import tap
from ctl_common import ENGINES, PLAIN, place

ON_FAILURE = ['--restart', 'on-failure']
# Ready, and dead when the test says so; from then on dead in a moment.
DIES = '''
box.cfg{}
require('fiber').create(function()
    while not require('fio').path.exists('%s') do require('fiber').sleep(0.01) end
    os.exit(7)
end)
'''


def supervised(engine, text=PLAIN, *options):
    p = place(engine)
    p.instance('app', text.replace('%s', p.path('go')))
    done = p.ctl('start', 'app', *ON_FAILURE, *options)
    assert done.returncode == 0, done.stderr
    p.write('go', '')
    return p


def told(p, name='app'):
    """What status --json says: state, and of the supervisor."""
    got = json.loads(p.ctl('status', name, '--json', '--timeout', '10s').stdout)
    return got['state'], got.get('supervisor', {})


def wait_state(p, state, sv_state, restarts=None):
    def is_there():
        got, sv = told(p)
        return got == state and sv.get('state') == sv_state and \
            restarts in (None, sv.get('restarts')) and sv
    return harness.wait_for(is_there, '%s, %s, %s restarts' % (state, sv_state, restarts), 60)


def is_left(p):
    return sorted(os.listdir(p.path('run')))


def end_by(p, code):
    """The instance ends itself."""
    pid = p.pid('app')
    p.ctl('eval', 'app', '-e', code)
    harness.wait_for(lambda: not harness.is_alive(pid), 'the end of the instance')


def check_restarts(engine):
    p = supervised(engine)
    first = p.pid('app')
    sv = wait_state(p, 'running', 'watching', 0)
    os.kill(first, signal.SIGKILL)
    sv = wait_state(p, 'running', 'watching', 1)
    tap.equal(sv['reason'], 'killed by signal 9 (SIGKILL)', '%s: why it died' % engine)
    tap.ok(p.pid('app') != first, '%s: killed: another process serves' % engine)
    got = p.ctl('eval', 'app', '-e', 'os.getenv("TARANTOOL_RESTARTED")')
    tap.like(got.stdout, 'true', '%s: it sees that it was restarted' % engine)
    tap.equal(p.ctl('status', 'app').stderr.splitlines()[1],
              'app is supervised (PID %d): 1 restarts, the last time: killed by signal 9 '
              '(SIGKILL)' % sv['pid'], '%s: status tells' % engine)
    end_by(p, 'os.exit(3)')
    sv = wait_state(p, 'running', 'watching', 2)
    tap.equal(sv['reason'], 'exit code 3', '%s: an exit code is a death' % engine)
    log = p.read('log/app.log')
    tap.like(log, '[%d] ctl/supervisor W> app died: exit code 3. It is started again in 0.2 s'
             % sv['pid'], '%s: the log tells, with the back-off' % engine)
    tap.like(log, 'ctl/supervisor I> app is ready (PID ', '%s: and of the start' % engine)
    row = p.ctl('status', 'app', '--table').stdout.splitlines()
    tap.equal(row[1].split()[row[0].split().index('RESTARTS') + 1], '2',
              '%s: the table (MEMORY is two words)' % engine)
    pid = p.pid('app')
    done = p.ctl('stop', 'app')
    tap.equal((done.returncode, is_left(p)), (0, []), '%s: stop: nothing left' % engine)
    tap.like(done.stderr, 'app is not supervised any more', '%s: stop says so' % engine)
    tap.ok(not harness.is_alive(sv['pid']) and not harness.is_alive(pid),
           '%s: stop ends both' % engine)


def check_clean_end(engine):
    for code, what in (('os.exit(0)', 'exit code 0'),
                       ('require("ffi").cdef("int raise(int);") require("ffi").C.raise(15)',
                        'SIGTERM')):
        p = supervised(engine)
        sv = told(p)[1]
        end_by(p, code)
        harness.wait_for(lambda: not harness.is_alive(sv['pid']), 'the end of the supervisor')
        tap.equal(is_left(p), [], '%s: %s: not started again' % (engine, what))
        tap.like(p.read('log/app.log'), 'It is not started again', '%s: it says so' % engine)


def check_crash_loop(engine):
    p = supervised(engine, DIES, '--restart-limit', '3/60s')
    sv = wait_state(p, 'crashed', 'crash-loop', 2)
    # Dead as soon as it is ready, or just before.
    tap.ok(sv['reason'] == 'exit code 7' or sv['reason'].startswith('Start failed: the process'),
           '%s: crash loop: the reason' % engine, sv)
    harness.wait_for(lambda: not harness.is_alive(sv['pid']), 'the end of the supervisor')
    got = p.ctl('status', 'app')
    tap.equal(got.returncode, 1, '%s: crash loop: status exits 1' % engine)
    tap.like(got.stderr, 'app is in a crash loop: it died 3 times in 60 s, the last time: '
             + sv['reason'], '%s: crash loop: status tells' % engine)
    tap.like(p.read('log/app.log'), 'A crash loop: it is not started again',
             '%s: crash loop: the log tells' % engine)
    p.instance('app', PLAIN)
    tap.equal(p.ctl('start', 'app').returncode, 0, '%s: start tries again' % engine)
    tap.equal(told(p), ('running', {}), '%s: without a supervisor' % engine)
    # A file that does not start any more is a death too.
    p = supervised(engine, PLAIN, '--restart-limit', '3/60s')
    p.instance('app', 'error("no good")')
    os.kill(p.pid('app'), signal.SIGKILL)
    sv = wait_state(p, 'crashed', 'crash-loop', 2)
    tap.like(p.read('log/app.log'), 'no good', '%s: why a start failed is in the log' % engine)
    tap.equal((p.ctl('stop', 'app').returncode, is_left(p)), (0, []),
              '%s: stop clears it' % engine)


def check_stop_waiting(engine):
    """A stop that comes while the supervisor waits, or starts."""
    p = supervised(engine, DIES, '--restart-limit', '50/60s')
    sv = harness.wait_for(lambda: told(p)[1].get('restarts', 0) >= 3 and told(p)[1],
                          'restarts', 60)
    harness.wait_for(lambda: told(p)[1].get('state') == 'waiting', 'the back-off', 60)
    tap.equal((p.ctl('stop', 'app').returncode, is_left(p)), (0, []),
              '%s: stop during the back-off' % engine)
    tap.ok(not harness.is_alive(sv['pid']), '%s: the supervisor is gone' % engine)
    p = supervised(engine, 'if os.getenv("TARANTOOL_RESTARTED") then '
                           'require("fiber").sleep(1000) end ' + PLAIN)
    os.kill(p.pid('app'), signal.SIGKILL)
    sv = wait_state(p, 'loading', 'starting', 1)
    tap.equal((p.ctl('stop', 'app').returncode, is_left(p)), (0, []),
              '%s: stop during a start' % engine)
    tap.ok(not harness.is_alive(sv['pid']), '%s: the supervisor is gone' % engine)
    tap.equal(p.ctl('status', 'app').returncode, 1, '%s: and what it started' % engine)


def check_supervisor_killed(engine):
    p = supervised(engine)
    pid, sv = p.pid('app'), told(p)[1]
    os.kill(sv['pid'], signal.SIGKILL)
    harness.wait_for(lambda: not harness.is_alive(sv['pid']), 'the end of the supervisor')
    got = p.ctl('status', 'app')
    tap.equal((got.returncode, p.pid('app')), (0, pid), '%s: the instance serves on' % engine)
    tap.like(got.stderr, 'app is not supervised any more: its supervisor (PID %d) is gone'
             % sv['pid'], '%s: status tells' % engine)
    tap.equal(p.ctl('restart', 'app').returncode, 0, '%s: restart' % engine)
    tap.equal(told(p)[1]['state'], 'watching', '%s: restart brings it back' % engine)
    os.kill(p.pid('app'), signal.SIGKILL)
    wait_state(p, 'running', 'watching', 1)
    tap.equal(p.ctl('restart', 'app', '--restart', 'no').returncode, 0, '%s: no' % engine)
    tap.equal(told(p), ('running', {}), '%s: restart --restart no ends it' % engine)
    p = supervised(engine)
    sv = told(p)[1]
    tap.equal((p.ctl('kill', 'app').returncode, is_left(p)), (0, []),
              '%s: kill ends both' % engine)
    tap.ok(not harness.is_alive(sv['pid']), '%s: kill: no supervisor' % engine)


def check_bad_start(engine):
    p = place(engine)
    p.instance('app', 'error("at once")')
    got = p.ctl('start', 'app', *ON_FAILURE)
    tap.equal((got.returncode, is_left(p)), (1, []), '%s: a start that fails' % engine)
    tap.like(got.stderr, 'at once', '%s: it says why' % engine)
    p.instance('app', 'box.cfg{background = false}')
    got = p.ctl('start', 'app', *ON_FAILURE)
    tap.equal((got.returncode, is_left(p)), (1, []), '%s: in the foreground: refused' % engine)
    tap.like(got.stderr, '--restart is for instances in the background', '%s: why' % engine)
    p.instance('app', 'require("fiber").sleep(1000) box.cfg{}')
    child = subprocess.Popen([harness.CTL, 'start', 'app', *ON_FAILURE], cwd=p.dir,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    wait_state(p, 'loading', 'starting')
    os.killpg(child.pid, signal.SIGINT)
    tap.equal((child.wait(30), is_left(p)), (130, []), '%s: Ctrl-C: nothing left' % engine)
    p.instance('app', PLAIN)
    p.instance('app2', PLAIN)
    tap.equal(p.ctl('start', '--all', *ON_FAILURE).returncode, 0, '%s: several' % engine)
    got = p.ctl('start', 'app', *ON_FAILURE)
    tap.equal(got.returncode, 1, '%s: started twice' % engine)
    tap.equal([told(p, 'app')[1]['state'], told(p, 'app2')[1]['state']],
              ['watching', 'watching'], '%s: both are supervised' % engine)
    tap.equal((p.ctl('stop', '--all').returncode, is_left(p)), (0, []), '%s: stop' % engine)


def test_usage():
    p = place('tarantella')
    p.instance('app', PLAIN)
    for argv, text in ((['--restart', 'always'], 'should be one of no|on-failure'),
                       ([*ON_FAILURE, '--restart-limit', '5'], "Bad --restart-limit '5'"),
                       ([*ON_FAILURE, '--restart-limit', '0/5s'], "Bad --restart-limit '0/5s'"),
                       ([*ON_FAILURE, '--restart-limit', '101/5s'], 'at most 100 deaths'),
                       ([*ON_FAILURE, '--restart-limit', '5/x'], "Bad --restart-limit '5/x'"),
                       (['--restart-limit', '5/5s'], 'goes with --restart on-failure')):
        got = p.ctl('start', 'app', *argv)
        tap.equal((got.returncode, is_left(p)), (64, []), 'usage: ' + ' '.join(argv))
        tap.like(got.stderr, text, 'usage: it says what is wrong')


def test_engines():
    for engine in ENGINES:
        for check in (check_restarts, check_clean_end, check_crash_loop, check_stop_waiting,
                      check_supervisor_killed, check_bad_start):
            tap.case(check, engine)


tap.run(globals())
