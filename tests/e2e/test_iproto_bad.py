"""Bad bytes and bad peers: that connection suffers, nobody else, and memory is bounded."""
import os
import random
import struct
import time

import harness
import tap
from iproto import EVAL, EXPR, SYNC, TUPLE, TYPE, Client, Raw, call_eval, frame, pack, ping

DIR = harness.tempdir()
SOCK = os.path.join(DIR, 's.sock')


def start():
    path = os.path.join(DIR, 'init.lua')
    with open(path, 'w', encoding='ascii') as f:
        f.write('''
box.cfg{listen = 'unix/:%s', log = '%s/log', work_dir = '%s', wal_mode = 'none'}
box.once('x', function() box.schema.user.grant('guest', 'read,write,execute', 'universe') end)
fiber = require('fiber')
gate = fiber.cond()
''' % (SOCK, DIR, DIR))
    process = harness.Process([harness.TARANTELLA, path], cwd=DIR)

    def is_up():
        try:
            with Client(SOCK) as c:
                return c.eval('return gate ~= nil')[0]
        except (OSError, RuntimeError, ValueError):
            return False
    harness.wait_for(is_up, 'the server')
    return process


PROCESS = start()


def memory_mb():
    with open('/proc/%d/status' % PROCESS.pid, encoding='ascii') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS')) / 1024


def is_alive():
    with Client(SOCK) as c:
        return c.eval('return 1') == [1]


def raw(payload):
    return struct.pack('>BI', 0xce, len(payload)) + payload


def test_bad_length():
    for name, data in (('a map', b'\x81\x00\x40'), ('a negative number', b'\xff'),
                       ('a string', b'\xa1x'), ('0xc1', b'\xc1')):
        with Client(SOCK) as c:
            reply = c.ask(data)
            tap.equal(reply.error, (20, 'Invalid MsgPack - packet length'),
                      'a length that is %s' % name)
            tap.equal(c.receive(), None, 'closes the connection')
    with Client(SOCK) as c:
        reply = c.ask(struct.pack('>BQ', 0xcf, 1 << 40))
        tap.equal(reply.error, (20, 'Invalid MsgPack - too big packet size in the header: %d' %
                                (1 << 40)), 'a length beyond all limits')
        tap.equal(c.receive(), None, 'closes the connection')


def test_bad_header():
    bad = {
        'no bytes': b'', 'an array': b'\x90', 'cut': b'\x82\x00\x40\x01',
        'an invalid byte': b'\x82\x00\x40\x01\xc1', 'a type that is a string': pack({TYPE: 'a'}),
        'a negative sync': pack({TYPE: 64, SYNC: -5}), 'deep nesting': b'\x91' * 5000,
        'a key that is a string': pack({TYPE: 64, 'k': 1}),
        'a huge count': b'\xdf\xff\xff\xff\xff\x00',
    }
    with Client(SOCK) as c:
        for name, payload in bad.items():
            c.send(raw(payload), ping(7))
            got = c.replies(2)
            tap.equal((got[0].error, got[1].sync), ((20, 'Invalid MsgPack - packet header'), 7),
                      'a header with ' + name)
        tap.equal(c.ask(frame({SYNC: 9}, {})).error, (48, 'Unknown request type 0'), 'no type')


def test_bad_body():
    head = pack({TYPE: EVAL, SYNC: 5})
    bad = {
        'an array': b'\x90', 'bytes behind it': pack({EXPR: 'return 1'}) + b'\x01',
        'arguments that are a number': pack({EXPR: 'return 1', TUPLE: 5}),
        'arguments that are a map': pack({EXPR: 'return 1', TUPLE: {}}),
        'an expression that is a list': pack({EXPR: [1]}), 'the end missing': b'\x82\x27\xa1x',
        'a key that is a string': pack({EXPR: 'return 1', 'zz': 1}),
    }
    with Client(SOCK) as c:
        for name, payload in bad.items():
            reply = c.ask(raw(head + payload))
            tap.equal((reply.error, reply.sync), ((20, 'Invalid MsgPack - packet body'), 5),
                      'a body with ' + name)
        deep = Raw(b'\x91' * 100000 + b'\x01')
        reply = c.ask(frame({TYPE: EVAL, SYNC: 5}, {EXPR: 'return 1', TUPLE: deep}))
        tap.equal(reply.error, (20, 'Invalid MsgPack - packet body'), 'deep nesting in the arguments')
        tap.equal(c.ask(ping(6)).sync, 6, 'the connection goes on')


def test_unknown_types():
    with Client(SOCK) as c:
        for kind in (0, 14, 15, 16, 30, 40, 63, 71, 73, 74, 77, 100, 127, 128, 255):
            tap.equal(c.ask(frame({TYPE: kind, SYNC: 5}, {})).error,
                      (48, 'Unknown request type %d' % kind), 'type %d' % kind)


def test_promised_but_never_sent():
    before = memory_mb()
    clients = [Client(SOCK) for _ in range(50)]
    for c in clients:
        c.send(struct.pack('>BI', 0xce, 200 << 20), b'x' * 100)
    tap.ok(is_alive(), 'others are served')
    tap.ok(memory_mb() - before < 50, 'a length of 200 MiB allocates nothing',
           '%.1f -> %.1f MB' % (before, memory_mb()))
    for c in clients:
        c.close()


def test_slow_drip():
    with Client(SOCK) as c:
        for byte in call_eval('return 1', sync=1) + ping(2):
            c.send(bytes([byte]))
        tap.equal(sorted(r.sync for r in c.replies(2)), [1, 2], 'byte by byte')


def test_garbage():
    rnd = random.Random(1)
    for _ in range(300):
        with Client(SOCK) as c:
            try:
                c.send(bytes(rnd.randrange(256) for _ in range(rnd.randrange(1, 200))))
            except OSError:
                pass
    tap.ok(is_alive(), 'random bytes on 300 connections')
    whole = call_eval('return ...', [1, {'a': 'b'}], sync=1)
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(rnd.randrange(1, 4)):
            data[rnd.randrange(5, len(data))] = rnd.randrange(256)
        with Client(SOCK) as c:
            tap_reply = c.ask(bytes(data))
            if tap_reply is None:
                tap.ok(False, 'a mutated request is answered', bytes(data))
    tap.ok(is_alive(), 'mutated requests')


def test_slow_reader():
    """A client that asks for much and reads nothing is not worked for."""
    before = memory_mb()
    slow = Client(SOCK, timeout=0.2)
    sent = 0
    request = b''.join(call_eval('return ("x"):rep(100000)', sync=i) for i in range(50))
    try:
        while sent < 2000:
            slow.send(request)
            sent += 50
    except OSError:
        pass
    end = time.monotonic() + 1
    while time.monotonic() < end:
        if not is_alive():
            tap.ok(False, 'others are served meanwhile')
    grown = memory_mb() - before
    tap.ok(grown < 100, 'output is bounded: %d requests of 100 kB each, %.1f MB more' %
           (sent, grown))
    slow.sock.settimeout(20)
    if sent:
        got = slow.replies(min(sent, 100))
        tap.ok(all(r.data == ['x' * 100000] for r in got), 'and all is there when it reads again')
    slow.close()
    tap.ok(is_alive(), 'after it went away too')


def test_slow_reader_of_pushes():
    before = memory_mb()
    slow = Client(SOCK, timeout=0.2)
    slow.send(call_eval('for i = 1, 5000 do box.session.push(("x"):rep(100000)) '
                        'if i % 50 == 0 then fiber.yield() end end', sync=1))
    end = time.monotonic() + 1
    while time.monotonic() < end:
        is_alive()
    grown = memory_mb() - before
    tap.ok(grown < 100, 'pushes wait for the reader: %.1f MB more' % grown)
    slow.close()
    tap.ok(is_alive(), 'and end with the connection')


def test_net_msg_max():
    with Client(SOCK) as c, Client(SOCK) as other:
        c.eval('box.cfg{net_msg_max = 10} running = 0 most = 0 is_open = true '
               'fiber.create(function() while is_open do fiber.sleep(0.002) gate:broadcast() '
               'end end)')
        n = 60
        other.send(b''.join(call_eval(
            'running = running + 1 most = math.max(most, running) gate:wait() '
            'running = running - 1', sync=i) for i in range(n)))
        got = {r.sync for r in other.replies(n)}
        tap.equal(got, set(range(n)), 'all are served in the end')
        most = c.eval('return most')[0]
        tap.ok(1 < most <= 10, 'never more than net_msg_max at one time: %d' % most)
        c.eval('is_open = false box.cfg{net_msg_max = 768}')


def test_many_connections():
    clients = [Client(SOCK) for _ in range(400)]
    for i, c in enumerate(clients):
        c.send(call_eval('fiber.sleep(0.01) return ...', i, sync=i))
    tap.ok(all(c.receive().data == [i] for i, c in enumerate(clients)),
           '400 connections, each with a request that sleeps')
    for c in clients:
        c.close()
    tap.ok(is_alive(), 'and closed')


def test_still_the_same_process():
    tap.ok(PROCESS.child.poll() is None, 'the server lives', PROCESS.stderr())
    tap.ok(memory_mb() < 500, 'its memory is bounded: %.1f MB' % memory_mb())


if __name__ == '__main__':
    tap.run(globals())
