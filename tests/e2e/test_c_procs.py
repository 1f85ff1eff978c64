"""examples/c_procs as a user would build, run and change it; modules that lack a symbol."""
import os
import re
import shutil
import subprocess

import harness
import iproto
import tap

EXAMPLE = os.path.join(harness.SOURCE_DIR, 'examples', 'c_procs')


class Example(harness.Place):
    """A copy of the example beside (a link to) the header of the source tree."""

    def __init__(self):
        super().__init__()
        root = self.dir
        os.symlink(os.path.join(harness.SOURCE_DIR, 'instance'), self.path('instance'))
        shutil.copytree(EXAMPLE, self.path('examples', 'c_procs'))
        self.dir = self.path('examples', 'c_procs')
        self.root = root
        self.port = harness.free_port()
        self.edit('c_procs.lua', '3303', str(self.port))

    def edit(self, name, old, new):
        text = self.read(name)
        assert old in text, name
        self.write(name, text.replace(old, new))

    def build(self, *options):
        if not os.path.exists(self.path('build')):
            done = self.run('meson', 'setup', 'build', *options, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
        done = self.run('ninja', '-C', 'build', timeout=120)
        assert done.returncode == 0, done.stdout
        assert 'warning' not in done.stdout, done.stdout

    def call(self, name, *args):
        """As the user of the example, over the network."""
        with iproto.Client(self.port) as c:
            c.auth('client', 'secret')
            reply = c.ask(iproto.frame({iproto.TYPE: iproto.CALL, iproto.SYNC: 1},
                                       {iproto.FUNCTION: name, iproto.TUPLE: list(args)}))
            # What a C function returns comes in an array of its own.
            return reply.data[0] if reply.error is None else reply.error


def run(p, engine):
    done = p.ctl('start', 'c_procs', '--engine', engine)
    tap.equal(done.returncode, 0, 'it starts: %s' % done.stderr)
    tap.equal(p.call('procs.version'), ['1.0'], 'the first version')
    tap.equal(p.call('procs.remember', 1, 'one'), [[1, 'one']], 'a tuple')
    tap.like(str(p.call('procs.remember', 'x')), 'Tuple field 1 type does not match',
             'what is refused is told')
    p.edit('procs.c', '"1.0"', '"1.1"')
    p.build()
    done = p.ctl('reload-module', 'procs')
    tap.equal(done.returncode, 0, 'it is reloaded: %s%s' % (done.stdout, done.stderr))
    tap.equal(p.call('procs.version'), ['1.1'], 'the second version')
    # A file without one of the functions in use.
    p.edit('procs.c', 'int slow(', 'int slower(')
    p.build()
    done = p.ctl('reload-module', 'procs')
    tap.equal(done.returncode, 1, 'a file that lacks a function is refused')
    tap.like(done.stdout + done.stderr, 'slow', 'and the function is named')
    tap.equal(p.call('procs.slow'), ['1.1'], 'the second version serves on')
    tap.equal(p.ctl('stop', 'c_procs').returncode, 0, 'it stops')


def test_source_header():
    p = Example()
    p.build()
    run(p, 'tarantella')


def test_tarantool_header():
    """The same file in both programs."""
    p = Example()
    p.build('-Dheader=tarantool')
    run(p, 'tarantella')
    p = Example()
    p.build('-Dheader=tarantool')
    run(p, 'tarantool')


def test_installed_header():
    p = Example()
    os.makedirs(os.path.join(p.root, 'usr/include/tarantella'))
    shutil.copy(os.path.join(harness.SOURCE_DIR, 'instance/module/api.h'),
                os.path.join(p.root, 'usr/include/tarantella/module.h'))
    p.build('-Dheader=tarantella', '-Dprefix=' + os.path.join(p.root, 'usr'))
    run(p, 'tarantella')


def test_missing_symbol():
    """One that is not there is named when the module is loaded, not when it is called."""
    p = harness.Place()
    p.write('lacks.c', '''
#include "module.h"
int luaopen_lacks(lua_State *L);
int luaopen_lacks(lua_State *L) { lua_pushboolean(L, cord_slab_cache() != NULL); return 1; }
int proc(box_function_ctx_t *ctx, const char *args, const char *end);
int proc(box_function_ctx_t *ctx, const char *args, const char *end) {
    return cord_slab_cache() != NULL; }
''')
    subprocess.run(['cc', '-shared', '-fPIC', '-I/usr/include/tarantool', '-o', p.path('lacks.so'),
                    p.path('lacks.c')], check=True)
    p.write('test.lua', '''
package.cpath = './?.so;' .. package.cpath
print(pcall(require, 'lacks'))
box.cfg{log = 'test.log'}
box.schema.func.create('lacks.proc', {language = 'C'})
print(pcall(box.func['lacks.proc'].call, box.func['lacks.proc'], {}))
os.exit(0)
''')
    done = p.run(harness.TARANTELLA, 'test.lua')
    lines = re.findall('false.*(?:\n\t.*)*', done.stdout)
    tap.equal(len(lines), 2, 'both fail: ' + done.stdout + done.stderr)
    for line in lines:
        tap.like(line, 'undefined symbol: cord_slab_cache', 'the symbol is named')


tap.run(globals())
