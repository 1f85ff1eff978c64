"""A rig for the reload engine: an application on tarantella or on stock Tarantool,
clients that call it without a pause, new versions of its files, reloads by ctl, and
what the instance looks like before and after.

    rig = Rig('tarantella', {'app': TEXT, 'dep': TEXT}, INSTANCE)
    with rig.load('api') as load:
        rig.module('dep', TEXT2)
        done = rig.reload()             .exit .answer .stderr
        lap = load.lap()                {'failed': 0, 'mixed': 0, 'low': 1, ...}
"""
import json
import os
import signal
import subprocess
import time

import harness
import iproto

ENGINES = os.environ.get('CTL_ENGINES', 'tarantella tarantool').split()
PROGRAM = {'tarantella': harness.TARANTELLA, 'tarantool': 'tarantool'}
LOAD = os.path.join(os.environ.get('BUILD_DIR', 'build'), 'tests', 'bench', 'load')
HERE = os.path.dirname(os.path.abspath(__file__))
SNAPSHOT = os.path.join(HERE, '..', 'e2e', 'reload', 'snapshot.lua')
TIMES = int(os.environ.get('TEST_TIMES', '1'))

# In front of each instance file: a server for the clients, with every right. The
# runtime loads some of its own modules when they are first used; not during a test.
BOX = '''
for _, name in ipairs({'clock', 'console', 'csv', 'digest', 'errno', 'ffi', 'fiber', 'fio',
                       'fun', 'iconv', 'jit.util', 'jit.vmdef', 'json', 'log', 'msgpack',
                       'net.box', 'pickle', 'pwd', 'socket', 'tap', 'tarantool',
                       'title', 'uri', 'uuid', 'yaml'}) do
    pcall(require, name)
end
box.cfg{listen = 'unix/:%(sock)s', wal_mode = 'none'%(cfg)s}
box.once('rig', function() box.schema.user.grant('guest', 'read,write,execute', 'universe') end)
'''
# An instance that nobody prepared: what ctl brings must come through this socket.
BARE = '''
require('console').listen('unix/:%(control)s')
'''


class Done:
    """What a ctl command answered."""

    def __init__(self, run):
        self.exit = run.returncode
        self.stdout, self.stderr = run.stdout, run.stderr
        try:
            self.answer = json.loads(run.stdout)
        except ValueError:
            self.answer = {}
        if isinstance(self.answer, list):
            self.answer = self.answer[0] if self.answer else {}

    def names(self):
        """The modules that were reloaded."""
        return sorted(m['name'] for m in self.answer.get('modules') or [])

    def notes(self):
        return '\n'.join(str(n) for n in self.answer.get('notes') or [])

    def __repr__(self):
        return 'exit %s\n%s%s' % (self.exit, self.stdout, self.stderr)


class Load:
    """Clients that call a function without a pause and check what it answers."""

    def __init__(self, sock, function, connections=4, depth=8):
        # A first lap that is asked for too early waits until load can take it.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        self.child = subprocess.Popen(
            [LOAD, '-c', str(connections), '-d', str(depth), '-t', '100000', '-j', '-s',
             'call', function, 'unix/:' + sock], stdout=subprocess.PIPE)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        self.sum = {'requests': 0, 'failed': 0, 'mixed': 0, 'stale': 0, 'silence_ms': 0,
                    'seconds': 0, 'error': '', 'first': ''}

    def _add(self, line):
        if not line:
            raise AssertionError('the load ended: %r' % self.child.wait())
        lap = json.loads(line)
        for key in ('requests', 'failed', 'mixed', 'stale', 'seconds'):
            self.sum[key] += lap[key]
        for key in ('error', 'first'):
            self.sum[key] = self.sum[key] or lap[key]
        self.sum['silence_ms'] = max(self.sum['silence_ms'], lap['silence_ms'])
        return lap

    def lap(self):
        """What happened since the last lap."""
        self.child.send_signal(signal.SIGUSR1)
        return self._add(self.child.stdout.readline())

    def answered(self):
        """The next lap in which anything was answered: on a busy machine it may take a
        moment."""
        return harness.wait_for(lambda: [x for x in [self.lap()] if x['requests'] > 0],
                                'answers')[0]

    def warm(self):
        """Wait until answers come; the lap is forgotten."""
        self.answered()
        return self

    def serves(self, version, is_back=False):
        """Wait until only this version answers: what was answered before may be on its
        way still. None, or what is wrong: failed, mixed or stale calls, or versions.
        is_back: it served before the one that was tried, so stale ones are right."""
        end = time.monotonic() + harness.DEADLINE
        while True:
            lap = self.lap()
            if is_back:
                lap['stale'] = 0
            fault = wrong(lap) if lap['requests'] else None
            if fault:
                return 'calls: %r' % fault
            if lap['requests'] and lap['low'] == lap['high'] == version:
                return None
            if time.monotonic() > end:
                return 'versions %(low)s to %(high)s answer' % lap + ', wanted %s' % version

    def stop(self):
        """The sum of all laps."""
        if self.child.poll() is None:
            self.child.terminate()
            self._add(self.child.stdout.readline())
            self.child.wait()
        self.child.stdout.close()
        return self.sum

    def __enter__(self):
        return self.warm()

    def __exit__(self, kind, *_):
        if self.child.poll() is None and kind is not None:
            self.child.kill()
            self.child.wait()
        elif self.child.poll() is None:
            self.stop()


def wrong(lap):
    """What a lap has that a reload must not cause; None when there is nothing."""
    if lap['failed'] or lap['mixed'] or lap['stale'] or not lap['requests']:
        return {k: lap[k] for k in ('requests', 'failed', 'mixed', 'stale', 'error', 'first')}
    return None


class Rig:
    """An application on an instance.

    engine: of ENGINES; modules: texts by name (`a.b` is the file a/b.lua), or by path.
    instance: the instance file's text after box.cfg.
    adopt: the program runs without ctl's launcher, so the engine comes with the
    first command; or is the text in the file `first`, before the instance file.
    """

    def __init__(self, engine, modules, instance, adopt=False, jit=True, cfg='',
                 first=None):
        self.engine, self.adopt, self.modules = engine, adopt, dict(modules)
        self.place = harness.Place()
        with open(self.place.path('.tarantoolctl'), 'a', encoding='utf-8') as f:
            f.write('engine = "%s"\n' % engine)
        self.sock = self.place.path('s.sock')
        for name, text in modules.items():
            self.module(name, text)
        self.instance_text = ('' if jit else "jit.off() jit.flush()\n") + (BARE if adopt else '') \
            + ("assert(loadfile('%s'))('first')\n" % first if first else '') + BOX + instance.replace('%', '%%') + "\nrawset(_G, 'rig_is_up', true)\n"
        self.file = self.place.instance('app', self.instance_text % {
            'sock': self.sock, 'control': self.place.path('run/app.control'),
            'cfg': cfg})
        self.env = {} if jit else {'TARANTELLA_JIT': 'off'}
        self.process, self.client = None, None
        self.start()

    def start(self):
        if self.adopt:
            self.process = harness.Process([PROGRAM[self.engine], self.file],
                                           cwd=self.place.dir, env=self.env)
        else:
            done = self.place.ctl('start', 'app', env=self.env)
            assert done.returncode == 0, done.stderr
        self.client = harness.wait_for(self._connect, 'the application')

    def _connect(self):
        if self.process and self.process.child.poll() is not None:
            raise AssertionError('the program ended: ' + self.process.stderr())
        try:
            client = iproto.Client(self.sock)
            # The instance file has returned when the application is there.
            if client.eval('return rawget(_G, "rig_is_up") or false')[0]:
                return client
            client.close()
        except (OSError, RuntimeError):
            pass
        return None

    def module(self, name, text):
        """Write a module's file, all at once."""
        path = self.place.path((name if '/' in name else name.replace('.', '/')) + '.lua')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(text)
        os.rename(path + '.new', path)
        self.modules[name] = text

    def eval(self, expr, *args):
        """Results of a chunk on the instance, past the engine."""
        return self.client.eval(expr, *args)

    def get(self, expr):
        return self.eval('return ' + expr)[0]

    def ctl(self, verb, *args, timeout=120):
        """A verb of ctl on this instance, its answer as JSON."""
        return Done(self.place.ctl(verb, 'app', *args, '--json', env=self.env, timeout=timeout))

    def reload(self, *args, timeout=120):
        """Reload what changed; the files are known to be complete."""
        if '--now' not in args and '--rest' not in args:
            args = ('--now', *args)
        return self.ctl('reload', *[a for a in args if a != '--rest'], timeout=timeout)

    def load(self, function='api', **kw):
        return Load(self.sock, function, **kw)

    def pid(self):
        return self.process.pid if self.process else self.place.pid('app')

    def log(self):
        if self.process:
            return self.process.stderr()
        return self.place.read('log/app.log')

    def is_alive(self):
        return harness.is_alive(self.pid())

    def snapshot(self):
        with open(SNAPSHOT, encoding='utf-8') as f:
            return self.eval(f.read(), *sorted(self.modules))[0]

    def fibers(self, prefix='app-'):
        """Names of the application's fibers."""
        return sorted(self.eval('''
            local names = {}
            for _, f in pairs(require('fiber').info()) do
                if f.name:sub(1, #...) == ... then names[#names + 1] = f.name end
            end
            return names''', prefix)[0])

    def memory_kb(self):
        return self.eval('collectgarbage() collectgarbage() '
                         'return collectgarbage("count")')[0]

    def stop(self):
        if self.client:
            self.client.close()
        if self.process:
            self.process.kill()
        else:
            self.place.ctl('stop', 'app', '--kill')


def difference(before, after):
    """What two snapshots differ in, as text; empty when they are equal."""
    lines = []
    for path in sorted(set(before) | set(after)):
        if before.get(path) != after.get(path):
            lines.append('%s: %s -> %s' % (path, before.get(path), after.get(path)))
    return '\n'.join(lines)
