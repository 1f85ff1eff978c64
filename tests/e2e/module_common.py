"""What the tests of reload-module share: an instance that serves a C module, the
module's variants, and calls."""
import json
import os
import re
import shlex
import shutil
import subprocess

import harness
import iproto
import tap
from ctl_common import ENGINES, place

HERE = os.path.dirname(os.path.abspath(__file__))
CC = shlex.split(os.environ.get('CC', 'cc'))
CXX = shlex.split(os.environ.get('CXX', 'c++'))
FUNCTIONS = ('version', 'slow', 'other', 'raises', 'fails', 'garbage', 'nothing')
_built = {}


def build(source, *flags):
    """Compile a file of module/ to a shared object; returns its bytes."""
    key = (source,) + flags
    if key not in _built:
        out = os.path.join(harness.tempdir(), 'out.so')
        compiler = CXX if source.endswith('.cc') else CC
        subprocess.run([*compiler, '-shared', '-fPIC', '-g0', '-O1', '-Wl,--build-id',
                        '-I/usr/include/tarantool', '-o', out,
                        os.path.join(HERE, 'module', source), *flags], check=True)
        with open(out, 'rb') as f:
            _built[key] = f.read()
    return _built[key]


def proc(version, *flags):
    return build('proc.c', '-DVERSION=%d' % version, *flags)


def build_id(data):
    """As readelf prints it."""
    path = os.path.join(harness.tempdir(), 'x.so')
    with open(path, 'wb') as f:
        f.write(data)
    text = subprocess.run(['readelf', '-n', path], capture_output=True, check=True).stdout
    return re.search(rb'Build ID: (\w+)', text)[1].decode()


class Server:
    """An instance `app` with the module `mod` in <place>/lib; its version 1 serves."""

    def __init__(self, engine, data=None, functions=FUNCTIONS, user=None, env=None,
                 prefix=(), name='mod'):
        p = self.place = place(engine)
        self.engine, self.user, self.name = engine, user, name
        self.kw = {'user': user, 'group': user} if user else {}
        os.mkdir(p.path('lib'))
        os.mkdir(p.path('tmp'))
        self.write(data or proc(1))
        p.instance('app', '''
package.cpath = '%(dir)s/lib/?.so;' .. package.cpath
box.cfg{listen = '%(dir)s/run/app.sock', net_msg_max = 4000}
box.schema.user.grant('guest', 'execute', 'universe', nil, {if_not_exists = true})
for name in ('%(names)s'):gmatch('%%S+') do
    box.schema.func.create('%(module)s.' .. name, {language = 'C', if_not_exists = true})
end
''' % {'dir': p.dir, 'names': ' '.join(functions), 'module': name})
        if user:
            subprocess.run(['chown', '-R', str(user), p.dir], check=True)
        self.env = {'TMPDIR': p.path('tmp'), 'TEST_GATE': p.path('gate'),
                    'TEST_BEGUN': p.path('begun'),
                    'TEST_BACKGROUND_GATE': p.path('background-gate'), **(env or {})}
        done = p.run(*prefix, harness.CTL, 'start', 'app', env=self.env, **self.kw)
        assert done.returncode == 0, done.stderr
        self.pid = p.pid('app')
        self.client = iproto.Client(p.path('run/app.sock'), timeout=60)
        if 'version' in functions:
            got = self.reply('version')
            assert got.data == [[1]], got

    def start_slow(self, clients):
        """One more connection with a call of slow() that has begun."""
        path = self.place.path('begun')
        before = os.path.getsize(path) if os.path.exists(path) else 0
        clients.append(iproto.Client(self.place.path('run/app.sock'), timeout=60))
        clients[-1].send(self.request('slow'))
        harness.wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > before,
                         'the slow call')

    def file(self):
        return self.place.path('lib', self.name.replace('.', '/') + '.so')

    def write(self, data):
        """Put a file in place as a build does it: whole, by rename."""
        with open(self.file() + '.new', 'wb') as f:
            f.write(data)
        os.chmod(self.file() + '.new', 0o755)
        if os.path.isdir(self.file()):
            os.rmdir(self.file())
        os.rename(self.file() + '.new', self.file())

    def request(self, function):
        return iproto.frame({iproto.TYPE: iproto.CALL},
                            {iproto.FUNCTION: '%s.%s' % (self.name, function),
                             iproto.TUPLE: []})

    def reply(self, function):
        return self.client.ask(self.request(function))

    def call(self, function):
        reply = self.reply(function)
        if reply.error:
            raise RuntimeError(*reply.error)
        return reply.data[0][0] if reply.data else None

    def reload(self, *argv, name=None, **kw):
        return self.place.ctl('reload-module', self.name if name is None else name, *(argv or ('app',)),
                              **self.kw, **kw)

    def gens(self):
        """Rows of the module."""
        done = self.place.ctl('gens', 'app', '--unit', 'library', '--json', **self.kw)
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return [row for row in rows if row['name'] == self.name]

    def copies(self):
        """How many versions of the module are mapped."""
        return len(self.gens())

    def wait_copies(self, n):
        harness.wait_for(lambda: self.copies() == n, '%d versions' % n)

    def open(self, name):
        self.place.write(name, '')

    def temporary_files(self):
        return os.listdir(self.place.path('tmp'))

    def is_same_process(self):
        return harness.is_alive(self.pid) and self.place.pid('app') == self.pid

    def serves(self, version, what):
        """The process lives, and all functions answer as that version."""
        tap.ok(self.is_same_process(), '%s: the instance lives' % what)
        tap.equal([self.call('version'), self.call('other')], [version, version + 100],
                  '%s: version %d serves' % (what, version))

    def refuses(self, what, message, *argv, code=1, version=1, **kw):
        """A reload fails, says why, and changes nothing."""
        done = self.reload(*argv, **kw)
        tap.equal(done.returncode, code, '%s: exit %d' % (what, code))
        tap.like(done.stderr, message, '%s: says why' % what)
        tap.ok(len(done.stderr) < 8000 and '\0' not in done.stderr,
               '%s: in a few words' % what, done.stderr[:200])
        tap.equal(done.stdout, '', '%s: no row' % what)
        self.serves(version, what)
        return done

    def stop(self):
        self.client.close()
        self.place.ctl('stop', 'app', **self.kw)
        shutil.rmtree(self.place.dir, True)


def engines(function):
    """Run a test on each engine, with its name in front."""
    def run():
        for engine in ENGINES:
            tap.case(function, engine)
    run.__name__ = function.__name__
    return run
