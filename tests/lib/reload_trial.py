"""Random transactions on a random application under load, each judged: the right
answer, no failed or mixed call, and no trace of an attempt that failed."""
import random
import time

import harness
import reload_rig
from reload_random import FAULTS, INSTANCE, TAKES, Application

DEADLINE = '300ms'  # for hooks that hang
COMMON = ['none', 'touch', 'none', 'touch', 'kill ctl']


class Wrong(AssertionError):
    """A transaction that was not as it must be."""


class Trial:
    """One instance with one random application; step() is one transaction.

    make_rig(modules, instance): a Rig. holder: where the application keeps its
    background fiber, when it is not left to chance."""

    def __init__(self, seed, make_rig, holder=None):
        self.seed = seed
        self.rng = random.Random(seed)
        self.app = Application(self.rng, holder)
        self.version = 1     # what serves
        self.last = 1        # what was tried last
        self.faulty = 'none' # the fault of what serves: its stop may fail
        self.files = self.app.texts(1)
        self.rig = make_rig(self.files, INSTANCE)
        self.load = self.rig.load().warm()
        self.rig.reload()  # nothing to do; where there was no engine, there is one now
        self.log = []
        self.done = None

    def _write(self, files):
        for name, text in files.items():
            if self.files[name] != text:
                self.rig.module(name, text)
        self.files = files

    def _fail(self, what):
        raise Wrong('seed %s, transaction %d (%s): %s\n%r' % (
            self.seed, len(self.log), self.log[-1], what, self.done))

    def _settle(self, wanted, what):
        """Wait until the list of the application's fibers is as wanted."""
        end = time.monotonic() + 10
        while True:
            fibers = self.rig.fibers()
            if fibers == wanted:
                return
            if time.monotonic() > end:
                self._fail('%s: fibers %r, wanted %r' % (what, fibers, wanted))
            time.sleep(0.005)

    def step(self, fault=None):
        """One transaction; raises Wrong."""
        fault = fault or self.rng.choice(self.rng.choice((COMMON, list(FAULTS))))
        self.log.append(fault)
        workers = ['app-worker-%d' % self.version]
        self._settle(workers, 'before')
        before = self.rig.snapshot()
        self.load.lap()
        if fault == 'touch':
            self._touch()
        elif fault == 'kill ctl':
            self._kill_ctl()
        elif FAULTS[fault][2]:
            self._refused(fault, before)
        else:
            self._good(fault)
        self._check_state(before)

    def _reload(self, *options):
        self.done = self.rig.reload('--hook-timeout', DEADLINE, *options)
        return self.done

    def _reload_well(self):
        """A reload that must succeed; where the old stop takes the new version's fiber
        away, rolled back first, and then with the other order."""
        done = self._reload()
        if self.faulty == TAKES and done.exit == 4:
            problem = self.load.serves(self.version, is_back=True)
            self.load.sum['stale'] = 0
            if problem or 'stop-first' not in done.answer['message']:
                self._fail('rolled back, but: %s' % problem)
            self._settle(['app-worker-%d' % self.version], 'rolled back')
            done = self._reload('--order', 'stop-first')
            # In between, writes fired no trigger.
            self.rig.eval('shared.fired, shared.written = 0, 0')
        if done.exit != 0:
            self._fail('refused')
        return done

    def _touch(self):
        name = self.app.touch()
        files = self.app.texts(self.version, 'none')
        self._write(files)
        done = self._reload_well()
        wanted = self.app.dependents(name)
        # A file that differs from what was loaded for its fault or an older comment.
        if self.faulty == 'none' and not set(wanted) <= set(done.names()):
            self._fail('%s changed: %r were reloaded, wanted %r' % (name, done.names(), wanted))
        self.faulty = 'none'

    def _good(self, fault):
        self.last += 1
        self._write(self.app.texts(self.last, fault))
        self._reload_well()
        if self.done.names() != sorted(self.app.names()):
            self._fail('not every module was reloaded: %r' % self.done.names())
        self.version, self.faulty = self.last, fault

    def _kill_ctl(self):
        """ctl goes in the middle of `start`: the transaction ends by itself."""
        self.last += 1
        self._write(self.app.texts(self.last, 'start yields'))
        try:
            # With the deadline: the old version's stop() may be one that hangs.
            self.rig.place.ctl('reload', 'app', '--now', '--hook-timeout', DEADLINE,
                               timeout=0.02)
        except harness.subprocess.TimeoutExpired:
            pass
        time.sleep(self.rng.random() * 0.02)
        # Whether it began is not known, so it is done again: busy while it runs.
        harness.wait_for(lambda: self._reload().answer.get('phase') != 'lock',
                         'the transaction of a killed ctl')
        if self.done.exit != 0:
            self._reload_well()
        self.version, self.faulty = self.last, 'start yields'

    def _refused(self, fault, before):
        self.last += 1
        self._write(self.app.texts(self.last, fault))
        done = self._reload()
        if done.exit != 1:
            self._fail('exit code %r, wanted 1' % done.exit)
        if done.answer.get('phase') != FAULTS[fault][2]:
            self._fail('phase %r, wanted %r' % (done.answer.get('phase'), FAULTS[fault][2]))
        if not done.answer.get('message') or not done.answer.get('state'):
            self._fail('neither message nor state')
        if fault == 'start swallows cancel':
            if 'left behind' not in done.answer['message']:
                self._fail('a fiber that swallows its cancel is not listed')
            self.rig.eval('shared.quit = true')
            harness.wait_for(lambda: not self.rig.fibers('reload.start'), 'it to let go')
        self._settle(['app-worker-%d' % self.version], 'after')
        self.rig.eval('shared.quit = nil')
        left = reload_rig.difference(before, self.rig.snapshot())
        if left:
            self._fail('traces of what failed:\n' + left)

    def _check_state(self, before):
        problem = self.load.serves(self.version)
        if problem:
            self._fail(problem)
        self._settle(['app-worker-%d' % self.version], 'after')
        after = self.rig.snapshot()
        for kind in ('_G.', 'loaded.', 'trigger ', 'preload.', 'package.'):
            old = {k for k in before if k.startswith(kind)}
            new = {k for k in after if k.startswith(kind)}
            if old != new:
                self._fail('%s: gone %r, new %r' % (kind, sorted(old - new), sorted(new - old)))
        if self.rig.get('rawget(_G, "app_started")') != self.version:
            self._fail('the global that start sets is not of version %d' % self.version)
        written, fired = self.rig.eval('rig_write() return shared.written, shared.fired')
        if written != fired:
            self._fail('%d writes fired %d triggers' % (written, fired))

    def abandon(self):
        """End all, in whatever state it is."""
        self.load.child.kill()
        self.load.child.wait()
        self.load.child.stdout.close()
        self.rig.stop()

    def stop(self):
        if self.rig.pid() and self.rig.is_alive():
            self.load.stop()
        self.rig.stop()
        return self.load.sum
