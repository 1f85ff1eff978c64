"""The control socket: both protocols on one Unix socket, and the real tarantoolctl."""
import os
import random
import stat
import socket
import struct
import time

import harness
import tap
from iproto import Client, call_eval, ping

PLACE = harness.Place()
SOCK = PLACE.path('run/app.control')
LOG = PLACE.path('log/app.log')
SCRIPT = PLACE.write('instances/app.lua', '''
require('internal.control').listen('%s')
box.cfg{log = '%s', pid_file = '%s', work_dir = '%s', wal_mode = 'none'}
answer = 42
''' % (SOCK, LOG, PLACE.path('run/app.pid'), PLACE.path('data')))


def start():
    process = harness.Process([harness.TARANTELLA, SCRIPT], cwd=PLACE.dir)

    def is_up():
        if process.child.poll() is not None:
            raise AssertionError('the instance ended: ' + process.stderr())
        try:
            with Client(SOCK) as c:
                return c.eval('return answer') == [42]
        except OSError:
            return False
    harness.wait_for(is_up, 'the control socket')
    return process


PROCESS = start()


def documents(c, n=1):
    """Receive until n end markers of YAML replies came, or the end of the stream."""
    got = b''
    while got.count(b'\n...\n') < n:
        part = c.sock.recv(1 << 20)
        if not part:
            break
        got += part
    return got


def text(data, shut=False, replies=1):
    """Send bytes to a fresh connection: the replies, and how long they took."""
    with Client(SOCK, timeout=10) as c:
        began = time.monotonic()
        c.send(data)
        if shut:
            c.sock.shutdown(socket.SHUT_WR)
        return documents(c, replies).decode(), time.monotonic() - began


def test_iproto():
    with Client(SOCK) as c:
        tap.like(c.greeting.decode(), '(Binary)', 'it greets as IPROTO')
        tap.equal(c.ask(ping(3)).sync, 3, 'and speaks it')
        tap.equal(c.eval('return box.session.user(), box.session.type()'), ['admin', 'binary'],
                  'whoever connects is admin')


def test_text():
    tap.equal(text(b'return answer\n')[0], '---\n- 42\n...\n', 'text is answered as text')
    tap.equal(text(b'box.session.type()\n')[0], '---\n- console\n...\n', 'as a console session')
    tap.equal(text(b'box.session.user()\n')[0], '---\n- admin\n...\n', 'as admin')
    tap.equal(text(b'        return answer\n')[0], '---\n- 42\n...\n',
              'a line of eight spaces is no length of 32')
    got, took = text(b'\n')
    tap.equal(got, '---\n...\n', 'a newline alone is text')
    tap.ok(took >= 0.09, 'when nothing follows for 100 ms: %.3f s' % took)
    got, _ = text(b' ', shut=True)
    tap.ok(got in ('', '---\n...\n'), 'a space and the end is text')


def test_bytes_in_pieces():
    with Client(SOCK) as c:
        data = b'\x05\x82\x00\x40\x01\x07'
        for byte in data:
            c.send(bytes([byte]))
        tap.equal(c.receive().sync, 7, 'a short frame, byte by byte, is IPROTO')
    for first in (b'\x0a', b'\xce', b'\xcf\0\0'):
        with Client(SOCK) as c:
            c.send(first)
            rest = {b'\x0a': b'\x82\x00\x40\x01\xce\0\0\0\x07\x80',
                    b'\xce': b'\0\0\0\x05\x82\x00\x40\x01\x07',
                    b'\xcf\0\0': b'\0\0\0\0\0\x05\x82\x00\x40\x01\x07'}[first]
            c.send(rest)
            tap.equal(c.receive().sync, 7, 'a length cut after %r' % first)


def test_connect_and_leave():
    for _ in range(50):
        Client(SOCK).close()
    socket.socket(socket.AF_UNIX).connect(SOCK)
    with Client(SOCK) as c:
        tap.equal(c.eval('return 1'), [1], 'those who only look do no harm')


def test_busy_with_net_msg_max():
    with Client(SOCK) as c, Client(SOCK) as other:
        c.eval('box.cfg{net_msg_max = 2} fiber = require("fiber")')
        other.send(*[call_eval('fiber.sleep(0.2)', sync=i) for i in range(10)])
        tap.equal(c.eval('return 5'), [5], 'admin gets in beyond net_msg_max')
        other.replies(10)
        c.eval('box.cfg{net_msg_max = 768}')


def test_text_pipelining_and_large():
    with Client(SOCK) as c:
        c.send(b'1\n2\n3\n')
        tap.equal(documents(c, 3).decode(), '---\n- 1\n...\n---\n- 2\n...\n---\n- 3\n...\n',
                  'in order')
        c.send(b"return #'" + b'x' * (3 << 20) + b"'\n")
        tap.equal(documents(c).decode(), '---\n- %d\n...\n' % (3 << 20), 'a statement of 3 MiB')
        c.send(b"return ('y'):rep(4000000)\n")
        tap.ok(documents(c).count(b'y') == 4000000, 'a result of 4 MB')


def test_text_push():
    got, _ = text(b'box.session.push(1) return 2\n', replies=2)
    tap.equal(got, '%TAG !push! tag:tarantool.io/push,2018\n--- 1\n...\n---\n- 2\n...\n',
              'a push is a document of its own')


def test_slow_text_reader():
    slow = Client(SOCK)
    slow.send(b"for i = 1, 100 do box.session.push(('x'):rep(1000000)) end\n")
    with Client(SOCK) as c:
        tap.equal(c.eval('return 1'), [1], 'a console that does not read stops nobody')
    slow.close()


def test_lost_client_is_logged():
    for expr, text_ in (('require("fiber").sleep(0.05)', 'its EVAL is done'),
                        ('require("fiber").sleep(0.05) error("oh")', 'its EVAL failed: eval:1: oh')):
        with Client(SOCK) as c:
            c.send(call_eval(expr))
        harness.wait_for(lambda t=text_: t in PLACE.read('log/app.log'), text_)
        tap.ok(True, 'the log says: the client is gone, ' + text_)


def test_console_listen():
    path = PLACE.path('con.sock')
    with Client(SOCK) as c:
        c.eval("con = require('console').listen('unix/:%s')" % path)
        with Client(path) as con:
            tap.equal(con.greeting, b'Tarantool 2.6.0 (Lua console)'.ljust(63) + b'\n' +
                      b"type 'help' for interactive help".ljust(63) + b'\n',
                      'console.listen greets as the text console')
            con.send(b'return answer\n')
            tap.equal(documents(con), b'---\n- 42\n...\n', 'and speaks text')
            con.send(ping(1))
            con.sock.shutdown(socket.SHUT_WR)
            tap.like(documents(con).decode('utf-8', 'replace'), 'error', 'and text only')
        done = PLACE.tarantoolctl('connect', 'unix/:' + path, stdin='return answer')
        tap.equal((done.returncode, done.stdout), (0, '---\n- 42\n...\n\n'),
                  'tarantoolctl connect to it')
        c.eval('con:close()')
        tap.ok(not os.path.exists(path), 'close removes the file')


def memory_mb():
    with open('/proc/%d/status' % PROCESS.pid, encoding='ascii') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS')) / 1024


def flood(path, first, size):
    """Send bytes without end: how many were taken before it was refused."""
    with Client(path, timeout=30) as c:
        sent = len(first)
        part = b'x' * (1 << 20)
        try:
            c.send(first)
            while sent < size:
                c.send(part)
                sent += len(part)
        except OSError:
            pass
        return sent


def check_bad_bytes(path, name):
    before = memory_mb()
    for what, first in (('no newline', b''),
                        ('a length of 2 GiB', struct.pack('>BI', 0xce, 1 << 31) + b'\x82\0\x08'),
                        ('a length of 8 EiB', struct.pack('>BQ', 0xcf, 1 << 63) + b'\x82\0\x08')):
        sent = flood(path, first, 400 << 20)
        tap.ok(sent < 100 << 20, '%s: %s: refused' % (name, what), sent)
    generator = random.Random(5)
    slow = [Client(path) for _ in range(50)]
    for _ in range(40):
        for c in slow:
            try:
                c.send(bytes([generator.choice(b'[ (\xce\x00\x82\n')]))
            except OSError:
                pass
    with Client(SOCK) as c:
        tap.equal(c.eval('collectgarbage() collectgarbage() return 1'), [1],
                  '%s: others are served beside 50 that send bytes one by one' % name)
    for c in slow:
        c.close()
    deep = b'return ' + b'{' * 100000 + b'\n'
    tap.like(text(deep, shut=True)[0], 'error', '%s: deep nesting' % name)
    tap.ok(memory_mb() - before < 200, '%s: memory is bounded' % name,
           '%g MB more' % (memory_mb() - before))


def test_bad_bytes():
    check_bad_bytes(SOCK, 'control socket')
    path = PLACE.path('con.sock')
    with Client(SOCK) as c:
        c.eval("con = require('console').listen('unix/:%s')" % path)
        check_bad_bytes(path, 'console')
        c.eval('con:close()')


def test_mode():
    mode = os.stat(SOCK).st_mode
    tap.ok(stat.S_ISSOCK(mode), 'it is a socket')
    tap.equal(oct(mode & 0o777), oct(0o600), 'only its owner may connect')


def test_real_tarantoolctl():
    PLACE.write('f.lua', 'local t = {answer, box.session.type()}\nreturn t')
    done = PLACE.tarantoolctl('eval', 'app', 'f.lua')
    tap.equal((done.returncode, done.stdout), (0, "---\n- - 42\n  - binary\n...\n\n"),
              'tarantoolctl eval')
    done = PLACE.tarantoolctl('eval', 'app', stdin='return answer')
    tap.equal((done.returncode, done.stdout), (0, '---\n- 42\n...\n\n'), 'tarantoolctl eval < text')
    PLACE.write('bad.lua', 'error("boo")')
    done = PLACE.tarantoolctl('eval', 'app', 'bad.lua')
    tap.equal(done.returncode, 3, 'tarantoolctl eval of an error')
    tap.like(done.stderr, 'boo', 'and its text')
    done = PLACE.tarantoolctl('connect', 'unix/:' + SOCK, stdin='return answer + 1')
    tap.equal((done.returncode, done.stdout), (0, '---\n- 43\n...\n\n'), 'tarantoolctl connect')
    done = PLACE.tarantoolctl('enter', 'app', stdin='answer + 2\n')
    tap.like(done.stdout, '---\n- 44\n...\n', 'tarantoolctl enter')
    done = PLACE.tarantoolctl('status', 'app')
    tap.equal(done.returncode, 0, 'tarantoolctl status')
    tap.like(done.stderr, 'app is running', 'and what it says')
    os.rename(LOG, LOG + '.1')
    done = PLACE.tarantoolctl('logrotate', 'app')
    tap.equal(done.returncode, 0, 'tarantoolctl logrotate')
    harness.wait_for(lambda: os.path.exists(LOG), 'the new log')
    tap.like(PLACE.read('log/app.log'), 'Rotate log file', 'the log was reopened')


def test_second_instance_is_refused():
    other = harness.Process([harness.TARANTELLA, '-e',
                             "require('internal.control').listen('%s')" % SOCK])
    tap.ok(other.child.wait(20) != 0, 'a socket that somebody answers on is not taken')
    with Client(SOCK) as c:
        tap.equal(c.eval('return answer'), [42], 'the first goes on')


def test_dead_socket_is_replaced():
    PROCESS.kill()
    tap.ok(os.path.exists(SOCK), 'kill -9 leaves the file')
    globals()['PROCESS'] = start()
    with Client(SOCK) as c:
        tap.equal(c.eval('return answer'), [42], 'the next start takes it over')
    PROCESS.terminate()
    tap.ok(not os.path.exists(SOCK), 'a clean end removes it')
    globals()['PROCESS'] = start()
    done = PLACE.tarantoolctl('stop', 'app')
    tap.equal(done.returncode, 0, 'tarantoolctl stop')
    tap.equal(PROCESS.child.wait(20), 0, 'ends it')


if __name__ == '__main__':
    tap.run(globals())
