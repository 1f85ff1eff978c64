"""ctl reload-module with files that are no good. In each case the instance lives, the
old version serves, and the message says why."""
import os
import socket
import subprocess
import threading

import harness
import iproto
import tap
from module_common import CC, CXX, Server, build, engines, proc

IS_ROOT = os.getuid() == 0
NOBODY = 65534


def patched(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1:]


@engines
def test_no_library(engine):
    s = Server(engine)
    path = s.file()
    for what, data, message in (
            ('a script', b'#!/bin/sh\necho it is a script\n', path + ' is not an ELF file'),
            ('empty', b'', path + ' is empty'),
            ('an archive', b'!<arch>\n' + b'x' * 5000, path + ' is not an ELF file'),
            ('aarch64', patched(proc(2), 18, 183),
             path + ' is not made for this machine: it is for aarch64'),
            ('32 bits', patched(proc(2), 4, 1), path + ' is not made for this machine'),
            ('big-endian', patched(proc(2), 5, 2), path + ' is not made for this machine'),
            ('for FreeBSD', patched(proc(2), 7, 9), path + ' is not made for Linux'),
            ('an object', patched(proc(2), 16, 1), path + ' is an object file'),
            ('a program', patched(proc(2), 16, 2), path + ' is a program')):
        s.write(data)
        s.refuses('%s: %s' % (engine, what), message)
        s.refuses('%s: %s: --check' % (engine, what), message, '--check', 'app')
    s.stop()


@engines
def test_truncated(engine):
    s = Server(engine)
    data = proc(2)
    assert len(data) > 3 * 4096
    for size in (1, 3, 64, *range(4096, len(data), 4096), len(data) - 1):
        s.write(data[:size])
        s.refuses('%s: cut at %d of %d' % (engine, size, len(data)),
                  s.file() + ' is cut short')
    s.write(data)
    tap.equal(s.reload().returncode, 0, '%s: the whole file is good' % engine)
    s.serves(2, engine)
    s.stop()


@engines
def test_missing_dependency(engine):
    s = Server(engine)
    # The library is there for the linker only.
    source = s.place.write('needed.c', 'int missing_function(void); '
                           'int missing_function(void) { return 0; }\n')
    library = s.place.path('libneeded-by-test.so')
    subprocess.run([*CC, '-shared', '-fPIC', '-o', library, source], check=True)
    data = build('proc.c', '-DVERSION=2', '-DNEEDS', library)
    os.unlink(library)
    s.write(data)
    s.refuses('%s: missing dependency' % engine, 'libneeded-by-test.so')
    s.refuses('%s: missing dependency: --check' % engine, 'libneeded-by-test.so',
              '--check', 'app')
    s.write(build('proc.c', '-DVERSION=2', '-DNEEDS', '-Wl,-z,now'))
    s.refuses('%s: missing symbol' % engine, 'missing_function')
    s.stop()


@engines
def test_missing_function(engine):
    """C4: stock Tarantool dies of this when it is asked directly."""
    s = Server(engine)
    s.write(proc(2, '-DNO_OTHER'))
    done = s.refuses('%s: a function is missing' % engine, 'other')
    tap.ok('version' not in done.stderr.replace('old version', ''),
           '%s: names only that one' % engine, done.stderr)
    tap.like(s.reply('raises').error[1], 'raised by 1', '%s: raises still does' % engine)
    s.write(proc(2, '-DNO_OTHER', '-DOTHER_IS_DATA'))
    s.refuses('%s: a function became data' % engine, 'other')
    for _ in range(20):
        s.call('version')
        s.call('other')
    s.write(proc(2))
    tap.equal(s.reload().returncode, 0, '%s: a good one later' % engine)
    s.serves(2, engine)
    s.stop()


@engines
def test_vanishes(engine):
    s = Server(engine)
    os.unlink(s.file())
    s.refuses('%s: no file' % engine, 'not found')
    # It comes and goes while it is read: each reload is done or refused as a whole.
    stop = threading.Event()

    def blink():
        while not stop.is_set():
            s.write(proc(2))
            os.unlink(s.file())

    t = threading.Thread(target=blink)
    t.start()
    codes = {s.reload().returncode for _ in range(40)}
    stop.set()
    t.join()
    tap.ok(codes <= {0, 1}, '%s: comes and goes: done or refused' % engine, codes)
    s.serves(s.call('version'), '%s: comes and goes' % engine)
    tap.ok(s.call('version') in (1, 2), '%s: a whole version serves' % engine)
    s.stop()


@engines
def test_rewritten(engine):
    """Written in place, again and again, while it is read."""
    s = Server(engine)
    stop = threading.Event()
    versions = [proc(2), proc(3), proc(2)[:5000], os.urandom(20000)]

    def rewrite():
        n = 0
        while not stop.is_set():
            data = versions[n % len(versions)]
            with open(s.file(), 'r+b') as f:
                for at in range(0, len(data), 1000):
                    f.write(data[at:at + 1000])
                    f.flush()
                f.truncate()
            n += 1

    t = threading.Thread(target=rewrite)
    t.start()
    codes = [s.reload().returncode for _ in range(15)]
    stop.set()
    t.join()
    tap.ok(set(codes) <= {0, 1}, '%s: rewritten: done or refused' % engine, codes)
    version = s.call('version')
    tap.ok(version in (1, 2, 3), '%s: rewritten: a whole version serves' % engine)
    s.serves(version, '%s: rewritten' % engine)
    s.write(proc(4))
    tap.equal(s.reload().returncode, 0, '%s: rewritten: a good one later' % engine)
    s.serves(4, '%s: rewritten' % engine)
    s.stop()


def test_constructor():
    """Whatever a constructor does at load time. Stock Tarantool dies of these."""
    s = Server('tarantella')
    for what, code in (('aborts', 'abort()'), ('exits', 'exit(3)'), ('_exits', '_exit(0)'),
                       ('crashes', '*(volatile int *)16 = 1')):
        s.write(proc(2, '-DCONSTRUCTOR=' + code))
        s.refuses('a constructor %s' % what, 'loading it ')
    s.write(proc(2, '-DCONSTRUCTOR=(void)getpid()'))
    tap.equal(s.reload().returncode, 0, 'a harmless one is loaded')
    s.serves(2, 'a harmless one')
    s.stop()


@engines
def test_unreadable(engine):
    s = Server(engine, user=NOBODY if IS_ROOT else None)
    os.chmod(s.file(), 0)
    s.refuses('%s: unreadable' % engine, s.file() + ': Permission denied')
    os.chmod(s.file(), 0o755)
    os.chmod(s.place.path('lib'), 0)
    s.refuses('%s: unreadable directory' % engine, '')
    os.chmod(s.place.path('lib'), 0o755)
    s.stop()


@engines
def test_no_regular_file(engine):
    s = Server(engine)
    os.unlink(s.file())
    os.mkdir(s.file())
    s.refuses('%s: a directory' % engine, 'directory')
    os.rmdir(s.file())
    os.mkfifo(s.file())
    s.refuses('%s: a FIFO' % engine, 'no regular file' if engine == 'tarantool' else 'mod')
    os.unlink(s.file())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(s.file())
        s.refuses('%s: a socket' % engine, s.file() + ': No such device or address')
    os.unlink(s.file())
    os.symlink('nowhere', s.file())
    s.refuses('%s: a broken link' % engine, s.file() + ': No such file or directory')
    os.unlink(s.file())
    os.symlink('mod.so', s.file())
    s.refuses('%s: a link to itself' % engine, s.file() + ': Too many levels of symbolic')
    os.unlink(s.file())
    with open(s.place.path('lib/real.so'), 'wb') as f:
        f.write(proc(2))
    os.symlink('real.so', s.file())
    tap.equal(s.reload().returncode, 0, '%s: a good link' % engine)
    s.serves(2, '%s: a good link' % engine)
    s.stop()


@engines
def test_names(engine):
    s = Server(engine)
    s.write(proc(2))
    for what, name in (('../', '../lib/mod'), ('absolute', s.file()[:-3]), ('empty', ''),
                       ('a dot', '.'), ('dots', '...'), ('a line break', 'a\nb'),
                       ('10 k characters', 'x' * 10000), ('format', '%s%n%s'),
                       ('unknown', 'nosuch'), ('a function', 'mod.version'),
                       ('not UTF-8', os.fsdecode(b'\xff\xfe'))):
        s.refuses('%s: %s' % (engine, what), "is not reloaded: ", name=name)
        done = s.place.ctl('reload-module', name)
        tap.equal(done.returncode, 1, '%s: %s: anywhere: exit 1' % (engine, what))
    code = """
        local names = {'../lib/mod', ('x'):rep(10000), '', '.', '\\255', 'nosuch'}
        local is_ours = box.info.package == 'tarantella'
        if is_ours then  -- stock cuts a name at its first NUL
            table.insert(names, 'mod\\0')
            table.insert(names, 'm\\0od')
            table.insert(names, '\\0mod')
        end
        for _, name in ipairs(names) do
            local ok, err = pcall(box.schema.func.reload, name)
            assert(not ok and #tostring(err) < 20000, name)
            if is_ours then
                assert(not pcall(require('module').reload, name))
                assert(not pcall(require('module').reload, name, {check = true}))
            end
        end
        return 'all refused'"""
    done = s.place.ctl('eval', 'app', '-e', code)
    tap.like(done.stdout, 'all refused', '%s: names from Lua' % engine)
    s.serves(1, '%s: names from Lua' % engine)
    s.stop()


def mounted(s, options):
    """Put a small file system over the TMPDIR of the instance, in its mount namespace."""
    done = subprocess.run(['nsenter', '-t', str(s.pid), '-m', 'mount', '-t', 'tmpfs', '-o',
                           options, 'tmpfs', s.env['TMPDIR']], capture_output=True)
    assert done.returncode == 0, done.stderr


def can_unshare():
    return IS_ROOT and subprocess.run(['unshare', '-m', 'true'],
                                      capture_output=True).returncode == 0


@engines
def test_tmpdir(engine):
    """Unwritable, missing, full, noexec. Only tarantella can do without."""
    is_ours = engine == 'tarantella'

    def attempt(s, what, message):
        s.write(proc(2))
        if is_ours:
            done = s.reload('app', '--wait', '30s')
            tap.equal((done.returncode, done.stderr), (0, ''), 'TMPDIR %s: done' % what)
            s.serves(2, 'TMPDIR %s' % what)
            s.write(proc(3))
            tap.equal(s.reload().returncode, 0, 'TMPDIR %s: and again' % what)
            s.serves(3, 'TMPDIR %s: again' % what)
        else:
            s.refuses('stock: TMPDIR %s' % what, message)

    s = Server(engine)
    os.rename(s.env['TMPDIR'], s.env['TMPDIR'] + '2')
    attempt(s, 'missing', s.env['TMPDIR'])
    s.stop()
    if IS_ROOT:
        s = Server(engine, user=NOBODY)
        os.chown(s.env['TMPDIR'], 0, 0)
        os.chmod(s.env['TMPDIR'], 0o555)
        attempt(s, 'unwritable', s.env['TMPDIR'])
        s.stop()
    if not can_unshare():
        tap.ok(True, '%s: full and noexec TMPDIR  SKIP cannot unshare' % engine)
        return
    for what, options, message in (('full', 'size=4k', 'mod.so'),
                                   ('noexec', 'noexec', 'failed to map')):
        s = Server(engine, prefix=('unshare', '-m'))
        mounted(s, options)
        attempt(s, what, message)
        s.stop()


@engines
def test_background_fiber(engine):
    """A procedure has left a fiber running in the old version."""
    s = Server(engine, data=proc(1, '-DBACKGROUND'),
               functions=('version', 'other', 'background'))
    for _ in range(3):
        s.call('background')
    s.write(proc(2, '-DBACKGROUND'))
    done = s.reload('app', '--wait', '100ms')
    if engine == 'tarantella':
        tap.equal(done.returncode, 5, 'background fibers: --wait in vain')
        tap.like(done.stderr, 'still there: 3 fibers', 'background fibers: says so')
        old = s.gens()[0]
        tap.equal((old['fibers'], old['state']), (3, 'draining'), 'background fibers: gens')
    else:
        tap.equal(done.returncode, 0, 'stock: background fibers: done')
        tap.like(done.stderr, 'it uses fiber_new', 'stock: kept mapped: says why')
    s.serves(2, '%s: with background fibers' % engine)
    s.open('background-gate')
    if engine == 'tarantella':
        s.wait_copies(1)
    else:
        left = "return #require('fun').iter(require('fiber').info()):filter(" \
               "function(_, f) return f.name == 'left behind' end):totable()"
        harness.wait_for(lambda: '- 0' in s.place.ctl('eval', 'app', '-e', left).stdout,
                         'the end of the fibers')
    s.serves(2, '%s: after they have ended' % engine)
    s.stop()


@engines
def test_unique_symbols(engine):
    """A C++ file with statics can never be unloaded."""
    if subprocess.run(['which', *CXX[:1]], capture_output=True).returncode != 0:
        tap.ok(True, 'C++  SKIP no compiler')
        return

    def static(version):
        return build('static.cc', '-DVERSION=%d' % version, '-Dother=unused')

    s = Server(engine, data=static(1), functions=('version',))
    for version in (2, 3):
        s.write(static(version))
        done = s.reload()
        tap.equal(done.returncode, 0, '%s: C++: done' % engine)
        tap.like(done.stderr, 'cannot be unloaded', '%s: C++: says that it stays' % engine)
        tap.equal(s.call('version'), version, '%s: C++: the new one serves' % engine)
    rows = s.gens()
    # All three, or the first only, which the others' symbols were bound to.
    tap.ok(len(rows) >= 2, '%s: C++: an old one stays mapped' % engine)
    if engine == 'tarantella':
        tap.equal((rows[0]['state'], rows[-1]['state']), ('cannot be unloaded', 'current'),
                  'C++: states')
        tap.like(rows[0]['stuck'], 'GNU_UNIQUE', 'C++: why')
        done = s.reload('app', '--wait', '20s')
        tap.equal(done.returncode, 0, 'C++: --wait waits for calls, not for the mapping')
    s.stop()


@engines
def test_reload_during_reload(engine):
    s = Server(engine)
    codes, errors = [], []

    def one(n):
        for i in range(8):
            if n == 0:
                s.write(proc(2 + i % 2))
            done = s.reload()
            codes.append(done.returncode)
            errors.append(done.stderr)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.ok(set(codes) <= {0, 1} and 0 in codes, '%s: at once: done or refused' % engine, codes)
    tap.ok(all(e for c, e in zip(codes, errors) if c == 1), '%s: at once: says why' % engine)
    s.serves(s.call('version'), '%s: at once' % engine)
    s.write(proc(4))
    tap.equal(s.reload('app', '--wait', '30s').returncode, 0, '%s: at once: later' % engine)
    s.serves(4, '%s: at once' % engine)
    tap.equal(s.copies(), 1, '%s: at once: one version is left' % engine)
    tap.equal(s.temporary_files(), [], '%s: at once: no files left' % engine)
    s.stop()


@engines
def test_thousand_calls(engine):
    s = Server(engine)
    clients = [iproto.Client(s.place.path('run/app.sock'), timeout=60) for _ in range(10)]
    for c in clients:
        c.send(*[s.request('slow')] * 100)
    harness.wait_for(lambda: os.path.exists(s.env['TEST_BEGUN']) and
                     os.path.getsize(s.env['TEST_BEGUN']) == 1000, 'a thousand calls')
    s.write(proc(2))
    done = s.reload('app', '--wait', '100ms')
    tap.equal(done.returncode, 5, '%s: a thousand calls: exit 5' % engine)
    if engine == 'tarantella':
        tap.like(done.stdout, '1000 calls open in the old', 'a thousand calls: counted')
        tap.like(done.stderr, 'still there: 1000 calls', 'a thousand calls: listed')
    s.serves(2, '%s: a thousand calls inside' % engine)
    s.open('gate')
    answers = [r.data or r.error for c in clients for r in c.replies(100)]
    tap.equal((len(answers), [a for a in answers if a != [[1]]]), (1000, []),
              '%s: each answers as the old version' % engine)
    s.wait_copies(1)
    for c in clients:
        c.close()
    s.stop()


@engines
def test_bad_functions(engine):
    """Functions that raise, fail without an error, return garbage or nothing."""
    s = Server(engine)
    for version in (1, 2):
        if version == 2:
            s.write(proc(2))
            tap.equal(s.reload().returncode, 0, '%s: bad functions: done' % engine)
        tap.equal(s.reply('raises').error[1], 'raised by %d' % version,
                  '%s: %d raises' % (engine, version))
        tap.ok(s.reply('fails').error is not None, '%s: fails' % engine)
        tap.equal(s.reply('nothing').data, [[]], '%s: nothing' % engine)
        if engine == 'tarantella':  # stock sends it as it is
            c = iproto.Client(s.place.path('run/app.sock'), timeout=60)
            reply = c.ask(s.request('garbage'))
            tap.ok(reply is not None and reply.error, 'garbage is an error', reply)
            c.close()
            code = "return pcall(function() return box.func['mod.garbage']:call{} end)"
            tap.like(s.place.ctl('eval', 'app', '-e', code).stdout, '- false',
                     'garbage from Lua is an error')
        s.serves(version, '%s: bad functions' % engine)
    s.stop()


@engines
def test_not_loaded(engine):
    """In _func, but not called yet."""
    s = Server(engine, functions=())
    code = "box.schema.func.create('mod.version', {language = 'C'})"
    tap.equal(s.place.ctl('eval', 'app', '-e', code).returncode, 0, '%s: made' % engine)
    done = s.reload()
    tap.equal(done.returncode, 1, '%s: not loaded yet: exit 1' % engine)
    tap.like(done.stderr, "Module 'mod' is not reloaded: it is not loaded",
             '%s: says so' % engine)
    tap.equal(s.call('version'), 1, '%s: its first call loads it' % engine)
    s.write(proc(2))
    tap.equal(s.reload().returncode, 0, '%s: now it is' % engine)
    tap.equal(s.call('version'), 2, '%s: and serves' % engine)
    s.stop()


tap.run(globals())
