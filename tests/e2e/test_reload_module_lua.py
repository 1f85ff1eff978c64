"""ctl reload-module for Lua modules written in C, which require() has loaded."""
import json
import os

import tap
from ctl_common import place
from module_common import build, build_id, engines


def lua_module(version, *flags):
    return build('lua_module.c', '-DVERSION=%d' % version, '-DNAME=deep_cmod',
                 '-DOPEN_FAILS=%d' % ('open' in flags), '-DCLOSE_FAILS=%d' % ('close' in flags),
                 *(['-DNO_CLOSE'] if 'no' in flags else []))


class Server:
    """An instance whose code holds the module's table, and one of its functions."""

    def __init__(self, engine, data):
        p = self.place = place(engine)
        os.makedirs(p.path('lib/deep'))
        os.mkdir(p.path('tmp'))
        self.write(data)
        p.instance('app', '''
package.cpath = '%s/lib/?.so;' .. package.cpath
held = require('deep.cmod')
held_version = held.version
box.cfg{}
''' % p.dir)
        done = p.ctl('start', 'app', env={'TMPDIR': p.path('tmp')})
        assert done.returncode == 0, done.stderr
        self.pid = p.pid('app')

    def write(self, data):
        path = self.place.path('lib/deep/cmod.so')
        with open(path + '.new', 'wb') as f:
            f.write(data)
        os.rename(path + '.new', path)

    def reload(self, *argv):
        return self.place.ctl('reload-module', 'deep.cmod', *(argv or ('app',)))

    def eval(self, code):
        done = self.place.ctl('eval', 'app', '--json', '-e', code)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        return answer['result'] if 'result' in answer else answer

    def serves(self, version, what):
        code = """local m = require('deep.cmod')
            return m == held, m.version(), held.version(),
                m.only_1 ~= nil, m.only_2 ~= nil, held_version() ~= 0"""
        tap.equal(self.eval(code), [True, version, version, version == 1, version == 2, True],
                  '%s: version %d serves, whoever holds its table' % (what, version))
        tap.ok(self.place.pid('app') == self.pid, '%s: the instance lives' % what)
        tap.equal(os.listdir(self.place.path('tmp')), [], '%s: no files are left' % what)

    def refuses(self, what, message, code=1, version=1):
        done = self.reload()
        tap.equal(done.returncode, code, '%s: exit %d' % (what, code))
        tap.like(done.stderr, message, '%s: says why' % what)
        self.serves(version, what)

    def stop(self):
        self.place.ctl('stop', 'app')


@engines
def test_reload(engine):
    s = Server(engine, lua_module(1))
    s.serves(1, engine)
    s.write(lua_module(2))
    done = s.reload('--check', 'app')
    tap.equal((done.returncode, 'can be reloaded' in done.stdout), (0, True),
              '%s: --check: %s%s' % (engine, done.stdout, done.stderr))
    s.serves(1, '%s: --check' % engine)
    done = s.reload()
    tap.equal(done.returncode, 0, '%s: exit 0' % engine)
    tap.like(done.stdout, '%s -> %s' % (build_id(lua_module(1))[:12],
                                        build_id(lua_module(2))[:12]), '%s: a row' % engine)
    tap.like(done.stderr, 'a Lua C module: functions and objects that others took out of its '
             'table keep running the old code', '%s: says what stays' % engine)
    s.serves(2, engine)
    tap.equal(s.eval("return held.inherited, held_version()"), [1, -1],
              '%s: luaclose hands over, and closed the old' % engine)
    rows = s.place.ctl('gens', 'app', '--unit', 'library').stdout
    tap.like(rows, 'deep.cmod        ' + build_id(lua_module(2))[:12], '%s: gens' % engine)
    # Again and again: also back to a build that was there before.
    for version in (1, 2, 1):
        s.write(lua_module(version))
        done = s.place.ctl('reload-module', 'deep.cmod')
        tap.equal(done.returncode, 0, '%s: again, in all instances' % engine)
        s.serves(version, '%s: again' % engine)
    s.stop()


@engines
def test_no_close(engine):
    s = Server(engine, lua_module(1, 'no'))
    s.write(lua_module(2))
    s.refuses('%s: no luaclose' % engine, "it is a Lua C module (loaded by require from ")
    done = s.reload()
    tap.like(done.stderr, 'does not export luaclose_deep_cmod', '%s: names it' % engine)
    tap.like(done.stderr, 'only a restart loads it anew', '%s: says what helps' % engine)
    done = s.place.ctl('reload-module', 'fiber', 'app')
    tap.like(done.stderr, 'it is a Lua module, not a C module', '%s: a built-in one' % engine)
    s.stop()


@engines
def test_bad_files(engine):
    s = Server(engine, lua_module(1))
    path = s.place.path('lib/deep/cmod.so')
    s.write(b'rubbish')
    s.refuses('%s: no ELF' % engine, path + ' is not an ELF file')
    data = lua_module(2)
    for size in range(4096, len(data), 4096):
        s.write(data[:size])
        s.refuses('%s: cut at %d' % (engine, size), path + ' is cut short')
    s.write(lua_module(2, 'no'))
    s.refuses('%s: the new one lacks luaclose' % engine,
              path + ' lacks luaclose_deep_cmod')
    s.write(build('proc.c', '-DVERSION=2'))
    s.refuses('%s: not a Lua module at all' % engine,
              path + ' lacks luaopen_deep_cmod, luaclose_deep_cmod')
    os.unlink(path)
    s.refuses('%s: no file' % engine, path + ': No such file or directory')
    s.write(lua_module(2))
    tap.equal(s.reload().returncode, 0, '%s: a good one later' % engine)
    s.serves(2, '%s: a good one later' % engine)
    s.stop()


@engines
def test_failures(engine):
    """luaclose or luaopen raises: the old one serves on."""
    s = Server(engine, lua_module(1, 'close'))
    s.write(lua_module(2))
    s.refuses('%s: luaclose fails' % engine, 'luaclose_deep_cmod failed: not now')
    s.stop()
    s = Server(engine, lua_module(1))
    s.write(lua_module(2, 'open'))
    done = s.reload('--check', 'app')
    tap.equal(done.returncode, 0, '%s: --check does not open it' % engine)
    s.refuses('%s: luaopen fails' % engine, 'luaopen_deep_cmod failed: no luck today; the old '
              'version was opened again', code=4)
    s.refuses('%s: luaopen fails again' % engine, 'was rolled back', code=4)
    s.write(lua_module(2))
    tap.equal(s.reload().returncode, 0, '%s: a good one later' % engine)
    s.serves(2, '%s: a good one later' % engine)
    s.eval("require('os').setenv('TEST_OPEN_FAILS', '1')")
    s.write(lua_module(1))
    done = s.reload()
    tap.equal(done.returncode, 3, '%s: neither opens: exit 3' % engine)
    tap.like(done.stderr, 'the old version could not be opened again', '%s: says so' % engine)
    tap.equal(s.eval("return require('deep.cmod') == held"), [True],
              '%s: its table is what it was' % engine)
    s.stop()


tap.run(globals())
