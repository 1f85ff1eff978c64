"""The ends of an instance and the rotation of its log while clients keep it busy."""
import os
import re
import signal
import threading

import harness
import tap
from ctl_common import ENGINES, started
from iproto import Client, call_eval

APP = '''
local run = os.getenv('PWD') .. '/run'
box.cfg{listen = 'unix/:' .. run .. '/app.sock'}
if not box.schema.user.exists('load') then
    box.schema.user.create('load', {password = 'x'})
    box.schema.user.grant('load', 'execute', 'universe')
end
local log, fiber, count = require('log'), require('fiber'), 0
function busy()
    count = count + 1
    log.info('line %d', count)
    return count
end
function slow()
    fiber.sleep(1000)
end
'''


class Load:
    """Clients that call busy() all the while, until their connection ends."""

    def __init__(self, p, n=4):
        self.p = p
        self.is_over = False
        self.answers = 0
        self.threads = [threading.Thread(target=self._call) for _ in range(n)]
        for t in self.threads:
            t.start()
        harness.wait_for(lambda: self.answers > 100, 'the load')

    def _call(self):
        with connect(self.p) as c:
            try:
                while not self.is_over:
                    c.send(*[call_eval('return busy()', sync=i) for i in range(16)])
                    for _ in range(16):
                        if c.receive().error is None:
                            self.answers += 1
            except (OSError, AttributeError, ValueError, IndexError):
                pass  # the end of the stream

    def join(self):
        self.is_over = True
        for t in self.threads:
            t.join(harness.DEADLINE)
        return not any(t.is_alive() for t in self.threads)


def connect(p):
    c = Client(p.path('run/app.sock'))
    c.auth('load', 'x')
    return c


def check_kill(engine):
    p = started(engine, APP)
    load = Load(p)
    os.kill(p.pid('app'), signal.SIGKILL)
    tap.ok(load.join(), '%s: kill -9: every client sees the end' % engine)
    p.ctl('wait', 'app', '--stopped')
    status = p.ctl('status', 'app')
    tap.equal(status.returncode, 2, '%s: kill -9: status says stale' % engine)
    done = p.ctl('start', 'app')
    tap.equal(done.returncode, 0, '%s: kill -9: start works at once: %s' % (engine, done.stderr))
    tap.equal(p.ctl('status', 'app').returncode, 0, '%s: and it runs' % engine)
    tap.ok(Load(p).join(), '%s: and serves' % engine)


def check_stop(engine):
    """ctl stop, and plain SIGTERM, beside a load and a request that would take 1000 s."""
    for name in ('stop', 'SIGTERM'):
        p = started(engine, APP)
        pid = p.pid('app')
        load = Load(p)
        with connect(p) as waiting:
            waiting.send(call_eval('slow()'))
            if name == 'stop':
                done = p.ctl('stop', 'app')
                tap.equal(done.returncode, 0, '%s: stop under load: exit 0' % engine)
            else:
                os.kill(pid, signal.SIGTERM)
                harness.wait_for(lambda p=pid: not harness.is_alive(p), 'the end')
            tap.ok(not harness.is_alive(pid), '%s: %s under load: it is gone' % (engine, name))
            tap.ok(load.join(), '%s: %s under load: every client sees the end' % (engine, name))
        if engine == 'tarantella':
            tap.equal(os.listdir(p.path('run')), [], '%s under load: nothing is left' % name)
            tap.equal(p.ctl('status', 'app').returncode, 1,
                      '%s under load: status says stopped' % name)


def check_rotation(engine):
    p = started(engine, APP)
    load = Load(p)
    for i in range(5):
        os.rename(p.path('log/app.log'), p.path('log/app.log.%d' % i))
        done = p.ctl('logrotate', 'app')
        tap.equal(done.returncode, 0, '%s: logrotate under load: exit 0' % engine)
        at = load.answers
        harness.wait_for(lambda n=at: load.answers > n + 100, 'more load')
    load.join()
    p.ctl('stop', 'app')
    text = ''.join(p.read('log/app.log.%d' % i) for i in range(5)) + p.read('log/app.log')
    lines = [int(n) for n in re.findall(r' I> line (\d+)\n', text)]
    tap.ok(lines == list(range(1, len(lines) + 1)) and len(lines) >= load.answers,
           '%s: rotation under load loses no line and keeps their order' % engine,
           'of %d answers %d lines, the last is %d' % (load.answers, len(lines), max(lines)))


def main():
    for engine in ENGINES:
        for check in (check_kill, check_stop, check_rotation):
            tap.case(check, engine)
    tap.done()


main()
