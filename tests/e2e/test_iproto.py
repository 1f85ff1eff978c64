"""The IPROTO server: requests, replies, errors, order, as Tarantool 2.6 does it."""
import os
import socket
import struct

import harness
import tap
from iproto import (AUTH, CALL, CALL_16, CHUNK, DATA, ERROR, EVAL, EXPR, FUNCTION, ID, KEY, LIMIT,
                    OK, SCHEMA, SELECT, SPACE_ID, SYNC, TUPLE, TYPE, USER, Client, call_eval,
                    frame, ping)

SERVER = '''
box.cfg{listen = 'unix/:%(sock)s', log = '%(dir)s/log', work_dir = '%(dir)s', wal_mode = 'none'}
box.once('rights', function()
    box.schema.user.grant('guest', 'read,write,execute', 'universe')
    box.schema.user.create('joe', {password = 'secret'})
    box.schema.user.create('poor', {password = 'x'})
end)
fiber = require('fiber')
function echo(...) return ... end
function nothing() end
obj = {method = function(self, x) return self == obj, x end}
sleepers = 0
function nap(t) sleepers = sleepers + 1 fiber.sleep(t) sleepers = sleepers - 1 return t end
gate = fiber.cond()
function wait_gate(x) gate:wait() return x end
'''

DIR = harness.tempdir()
SOCK = os.path.join(DIR, 's.sock')


def start(extra=''):
    path = os.path.join(DIR, 'init.lua')
    with open(path, 'w', encoding='ascii') as f:
        f.write(SERVER % {'sock': SOCK, 'dir': DIR} + extra)
    process = harness.Process([harness.TARANTELLA, path], cwd=DIR)

    def is_up():
        if process.child.poll() is not None:
            raise AssertionError('the server ended: ' + process.stderr())
        try:
            with Client(SOCK) as c:
                return c.eval('return nap ~= nil')[0]
        except (OSError, RuntimeError, ValueError):
            return False
    harness.wait_for(is_up, 'the server')
    return process


PROCESS = start()


def test_greeting():
    with Client(SOCK) as c:
        tap.equal(c.greeting[:25], b'Tarantool 2.6.0 (Binary) ', 'the greeting names version 2.6.0')
        tap.equal((c.greeting[63:64], c.greeting[127:]), (b'\n', b'\n'), 'in two lines')
        tap.equal(len(c.salt), 32, 'the salt has 32 bytes')
        with Client(SOCK) as other:
            tap.ok(c.salt != other.salt, 'and each connection its own')


def test_ping():
    with Client(SOCK) as c:
        reply = c.ask(ping(77))
        tap.equal((reply.type, reply.sync, reply.body), (OK, 77, {}), 'PING is answered {}')
        tap.ok(reply.schema > 0, 'with the schema version')
        tap.equal(c.ask(frame({TYPE: 64, SYNC: 2**64 - 1})).sync, 2**64 - 1,
                  'a body may be absent, the sync has 64 bits')
        tap.equal(len(reply.raw), 24, 'the reply has the fixed form')


def test_length_widths():
    payload = b'\x82\x00\x40\x01\x07'
    for prefix in (b'\x05', b'\xcc\x05', b'\xcd\0\x05', b'\xce\0\0\0\x05',
                   b'\xcf\0\0\0\0\0\0\0\x05'):
        with Client(SOCK) as c:
            tap.equal(c.ask(prefix + payload).sync, 7, 'a length of %d bytes' % len(prefix))


def test_eval():
    with Client(SOCK) as c:
        tap.equal(c.eval('return 1, "a", {1, 2}, {a = 1}, nil, true'),
                  [1, 'a', [1, 2], {'a': 1}, None, True], 'EVAL returns every value')
        tap.equal(c.eval('return ...', 1, 'x', [2], None), [1, 'x', [2], None], 'and takes some')
        tap.equal(c.eval('local x = 1'), [], 'nothing is an empty array')
        reply = c.ask(frame({TYPE: EVAL, SYNC: 5}, {EXPR: 'return ...'}))
        tap.equal(reply.data, [], 'arguments may be absent')


def test_call():
    with Client(SOCK) as c:
        call = lambda kind, name, *args: c.ask(
            frame({TYPE: kind, SYNC: 5}, {FUNCTION: name, TUPLE: list(args)}))
        tap.equal(call(CALL, 'echo', 1, [2, 3], 'x').data, [1, [2, 3], 'x'], 'CALL')
        tap.equal(call(CALL_16, 'echo', 1, [2, 3], 'x').data, [[1], [2, 3], ['x']],
                  'CALL_16 wraps scalars')
        tap.equal(call(CALL, 'nothing').data, [], 'CALL of what returns nothing')
        tap.equal(call(CALL, 'obj:method', 5).data, [True, 5], 'CALL of a method')
        tap.equal(call(CALL, 'nope').error, (33, "Procedure 'nope' is not defined"),
                  'CALL of nothing')
        tap.equal(call(CALL, 'obj.nope.x').error,
                  (33, "Procedure 'obj.nope.x' is not defined"), 'CALL of a path to nothing')


def test_errors():
    with Client(SOCK) as c:
        reply = c.ask(call_eval('error("x")', sync=9))
        tap.equal(reply.error, (32, 'eval:1: x'), 'a Lua error is ER_PROC_LUA')
        tap.equal(reply.sync, 9, 'with the sync of its request')
        stack = reply.body[ERROR][0]
        tap.equal((stack[0][0], stack[0][3], stack[0][5]), ('LuajitError', 'eval:1: x', 32),
                  'and comes as a stack too')
        tap.equal(c.ask(call_eval('box.error(box.error.NO_SUCH_SPACE, "q")')).error,
                  (36, "Space 'q' does not exist"), 'box.error keeps its code')
        tap.equal(c.ask(call_eval('return print')).error,
                  (32, "unsupported Lua type 'function'"), 'what cannot be sent')
        tap.equal(c.ask(call_eval('x y')).error[1], "eval:1: '=' expected near 'y'", 'syntax')
        reply = c.ask(call_eval('local a = box.error.new(1, "a") local b = box.error.new(1, "b") '
                                'a:set_prev(b) a:raise()'))
        tap.equal([e[3] for e in reply.body[ERROR][0]],
                  ['Illegal parameters, a', 'Illegal parameters, b'], 'causes follow')
        tap.equal(c.ask(frame({TYPE: ID, SYNC: 3}, {0x54: 3, 0x55: [0, 1]})).error,
                  (48, 'Unknown request type 73'), 'ID is refused as 2.6 does')
        tap.equal(c.ask(ping(4)).sync, 4, 'and the connection goes on')


def test_missing_fields():
    cases = (
        (SELECT, {}, "space id"), (SELECT, {SPACE_ID: 281}, "limit"),
        (SELECT, {SPACE_ID: 281, LIMIT: 1}, "key"), (2, {SPACE_ID: 281}, "tuple"),
        (9, {SPACE_ID: 281, TUPLE: [1]}, "operations"), (CALL, {}, "function name"),
        (EVAL, {}, "expression"), (AUTH, {}, "user name"), (AUTH, {USER: 'guest'}, "tuple"))
    with Client(SOCK) as c:
        for kind, body, field in cases:
            tap.equal(c.ask(frame({TYPE: kind, SYNC: 5}, body)).error,
                      (69, "Missing mandatory field '%s' in request" % field),
                      'request %d without %s' % (kind, field))
        tap.equal(c.ask(frame({TYPE: EVAL, SYNC: 5})).error,
                  (20, 'Invalid MsgPack - missing request body'), 'no body at all')


def test_select_views():
    with Client(SOCK) as c:
        for space in (281, 289, 277):
            reply = c.ask(frame({TYPE: SELECT, SYNC: 1}, {SPACE_ID: space, LIMIT: 1000, KEY: []}))
            tap.ok(reply.error is None and reply.data, 'SELECT on view %d' % space, reply)
        tap.equal(c.ask(frame({TYPE: SELECT}, {SPACE_ID: 99999, LIMIT: 1, KEY: []})).error,
                  (36, "Space '99999' does not exist"), 'SELECT on no space')
        tap.equal(c.ask(frame({TYPE: SELECT}, {SPACE_ID: 281, LIMIT: 1, KEY: [], 0x14: 99})).error,
                  (1, 'Illegal parameters, Invalid iterator type'), 'SELECT by no iterator')


def test_schema_version():
    with Client(SOCK) as c:
        version = c.ask(ping()).schema
        tap.equal(c.ask(frame({TYPE: 64, SYNC: 1, SCHEMA: version})).error, None,
                  'the schema version may be named')
        tap.equal(c.ask(frame({TYPE: 64, SYNC: 1, SCHEMA: 99999})).error,
                  (109, 'Wrong schema version, current: 99999, in request: %d' % version),
                  'a wrong one is refused')


def test_pipelining():
    with Client(SOCK) as c:
        n = 2000
        c.send(b''.join(call_eval('return ...', i, sync=i) for i in range(n)))
        got = {r.sync: r.data for r in c.replies(n)}
        tap.equal(got, {i: [i] for i in range(n)}, '%d requests in one go' % n)


def test_out_of_order():
    with Client(SOCK) as c:
        c.send(frame({TYPE: CALL, SYNC: 1}, {FUNCTION: 'wait_gate', TUPLE: ['late']}),
               call_eval('return 2', sync=2), ping(3))
        first = sorted(r.sync for r in c.replies(2))
        tap.equal(first, [2, 3], 'a request that sleeps holds up no other')
        c.send(call_eval('gate:broadcast()', sync=4))
        tap.equal({r.sync for r in c.replies(2)}, {1, 4}, 'and is answered when it is done')


def test_arguments_survive_a_sleep():
    with Client(SOCK) as c:
        text = 'a' * 5000
        c.send(call_eval('wait_gate() return ...', text, sync=1))
        for i in range(20):
            c.ask(call_eval('return ...', 'b' * 6000, sync=10 + i))
        c.send(call_eval('gate:broadcast()', sync=2))
        got = {r.sync: r.data for r in c.replies(2)}
        tap.equal(got[1], [text], 'what a sleeping request was sent is not overwritten')


def test_push():
    with Client(SOCK) as c:
        c.send(call_eval('box.session.push({1, 2}) box.session.push("x") return 3', sync=8))
        got = c.replies(3)
        tap.equal([(r.type, r.sync, r.data) for r in got],
                  [(CHUNK, 8, [[1, 2]]), (CHUNK, 8, ['x']), (OK, 8, [3])],
                  'box.session.push comes before the reply')
        tap.equal(sorted(got[0].body), [DATA], 'in a body of its own')


def test_session():
    with Client(SOCK) as c:
        got = c.ask(call_eval('return box.session.type(), box.session.user(), box.session.peer(), '
                              'box.session.sync(), box.session.fd() > 2', sync=321)).data
        tap.equal(got, ['binary', 'guest', 'unix/:(socket)', 321, True], 'box.session knows it')
        c.eval('box.session.storage.x = 5')
        tap.equal(c.eval('return box.session.storage.x'), [5], 'the storage stays')
        with Client(SOCK) as other:
            tap.equal(other.eval('return box.session.storage.x'), [None], 'in its session')


def test_fiber_looks_new():
    with Client(SOCK) as c:
        c.ask(call_eval('fiber.self().storage.x = 1 fiber.name("odd") '
                        'pcall(fiber.cancel, fiber.self())'))
        c.ask(call_eval('box.error(1, "x")'))
        tap.equal(c.eval('return fiber.self().storage.x, fiber.name(), '
                         '(pcall(fiber.testcancel))'),
                  [None, 'main', True], 'each request finds a fresh fiber')


def test_transaction_ends_with_its_request():
    with Client(SOCK) as c:
        tap.equal(c.ask(call_eval('box.begin()')).error,
                  (30, 'Transaction is active at return from function'),
                  'a transaction left open is an error')
        tap.equal(c.eval('return box.is_in_txn()'), [False], 'and is rolled back')


def test_auth():
    with Client(SOCK) as c:
        tap.equal(c.auth('joe', 'wrong').error, (47, "Incorrect password supplied for user 'joe'"),
                  'a wrong password')
        tap.equal(c.auth('nobody', 'x').error, (45, "User 'nobody' is not found"), 'no such user')
        tap.equal(c.auth('joe', 'secret').body, {}, 'the right one')
        tap.equal(c.ask(frame({TYPE: AUTH}, {USER: 'guest', TUPLE: []})).body, {}, 'back to guest')
        tap.equal(c.eval('return box.session.user()'), ['guest'], 'who it is then')
        bad = {'authentication request body': ['chap-sha1'],
               'authentication scramble': ['chap-sha1', 5],
               'invalid scramble size': ['chap-sha1', 'short']}
        for text, value in bad.items():
            tap.equal(c.ask(frame({TYPE: AUTH}, {USER: 'admin', TUPLE: value})).error,
                      (20, 'Invalid MsgPack - ' + text), text)


def test_access_is_checked():
    with Client(SOCK) as c:
        c.eval("box.session.su('admin', function() "
               "box.schema.user.revoke('guest', 'execute', 'universe') end)")
        try:
            tap.equal(c.ask(call_eval('return 1')).error,
                      (42, "Execute access to universe '' is denied for user 'guest'"),
                      'EVAL needs execute on universe')
            tap.equal(c.ask(frame({TYPE: CALL}, {FUNCTION: 'echo', TUPLE: []})).error,
                      (42, "Execute access to function 'echo' is denied for user 'guest'"),
                      'CALL needs execute on the function')
            tap.equal(c.ask(ping(1)).body, {}, 'PING needs nothing')
        finally:
            PROCESS.terminate()
            globals()['PROCESS'] = start("box.schema.user.grant('guest', 'execute', 'universe', "
                                         "nil, {if_not_exists = true})\n")


def test_functions():
    with Client(SOCK) as c:
        c.eval('''box.session.su('admin', function()
            function who() return box.session.effective_user(), box.session.user() end
            box.schema.func.create('who', {setuid = true})
            box.schema.func.create('sum', {body = 'function(a, b) return a + b end'})
        end)''')
        call = lambda name, *args: c.ask(frame({TYPE: CALL}, {FUNCTION: name, TUPLE: args}))
        tap.equal(call('who').data, ['admin', 'guest'], 'a setuid function has its owner\'s rights')
        tap.equal(c.eval('return box.session.effective_user()'), ['guest'], 'and only while it runs')
        tap.equal(call('sum', 1, 2).data, [3], 'a function that is kept in _func')
        tap.like(call('sum').error[1], 'attempt to perform arithmetic', 'and its error')


def test_data_requests():
    with Client(SOCK) as c:
        space = c.eval('''return box.session.su('admin', function()
            local s = box.schema.space.create('data')
            s:create_index('primary')
            return s.id
        end)''')[0]
        ask = lambda kind, **body: c.ask(frame({TYPE: kind, SYNC: 1},
            {SPACE_ID: space} | {int(k[1:], 16): v for k, v in body.items()}))
        tap.equal(ask(2, _21=[1, 'a', 10]).data, [[1, 'a', 10]], 'INSERT')
        tap.equal(ask(2, _21=[1, 'b']).error,
                  (3, "Duplicate key exists in unique index 'primary' in space 'data'"),
                  'INSERT of a key that is there')
        tap.equal(ask(3, _21=[2, 'b', 20]).data, [[2, 'b', 20]], 'REPLACE')
        tap.equal(ask(4, _20=[1], _21=[['+', 2, 5]]).data, [[1, 'a', 15]], 'UPDATE')
        tap.equal(ask(4, _20=[1], _21=[['+', 3, 5]], _15=1).data, [[1, 'a', 20]],
                  'UPDATE that counts fields from 1')
        tap.equal(ask(9, _21=[3, 'c', 1], _28=[['+', 2, 1]]).data, [], 'UPSERT')
        tap.equal(ask(1, _12=10, _20=[], _14=2).data, [[1, 'a', 20], [2, 'b', 20], [3, 'c', 1]],
                  'SELECT')
        tap.equal(ask(1, _12=1, _13=1, _20=[], _14=2).data, [[2, 'b', 20]], 'limit and offset')
        tap.equal(ask(5, _20=[2]).data, [[2, 'b', 20]], 'DELETE')
        tap.equal(ask(5, _20=[2]).data, [], 'DELETE of nothing')
        tap.equal(ask(1, _12=10, _20=['x']).error,
                  (18, 'Supplied key type of part 0 does not match index part type: '
                   'expected unsigned'), 'a key of another type')
        tap.equal(ask(1, _11=7, _12=10, _20=[]).error,
                  (35, "No index #7 is defined in space 'data'"), 'no such index')


NETBOX = '''
local c = require('net.box').connect('%s', {user = 'joe', password = 'secret'})
print(c:ping(), c.state, c.peer_version_id, c.protocol)
local pushed = {}
print(c:eval('box.session.push(7) return ...', {1, 'x'}, {on_push = function(_, v)
    table.insert(pushed, v) end, on_push_ctx = pushed}), pushed[1])
print(c:call('echo', {{1, 2}, 'y'})[1])
print(pcall(c.call, c, 'nope'))
local s = c.space.nb
print(s.index.primary.parts[1].type, s.index[0].name)
s:insert{1, 'a'} s:insert{2, 'b'} s:upsert({3, 'c'}, {}) s:update(2, {{'=', 2, 'B'}}) s:delete(1)
print(require('json').encode(s:select{}), tostring(s:get{3}))
local futures = {}
for i = 1, 100 do futures[i] = c:call('echo', {i}, {is_async = true}) end
local sum = 0
for i = 1, 100 do sum = sum + futures[i]:wait_result(10)[1] end
print(sum)
print(c.space.new)
c:eval("box.session.su('admin', function() box.schema.space.create('new'):create_index('i') end)")
c:reload_schema()
print(c.space.new ~= nil and c.space.new.index.i.name)
c:close()
os.exit(0)
'''


def test_real_net_box():
    with Client(SOCK) as c:
        c.eval('''box.session.su('admin', function()
            box.schema.space.create('nb'):create_index('primary')
            box.schema.user.grant('joe', 'read,write,execute,create', 'universe')
        end)''')
    script = os.path.join(DIR, 'netbox.lua')
    with open(script, 'w', encoding='ascii') as f:
        f.write(NETBOX % SOCK)
    client = harness.Process(['tarantool', script], cwd=DIR)
    client.child.wait(60)
    tap.equal(client.stdout().splitlines(), [
        'true\tactive\t132608\tBinary', '1\t7', '1',
        "false\tProcedure 'nope' is not defined", 'unsigned\tprimary',
        '[[2,"B"],[3,"c"]]\t[3, \'c\']', '5050', 'nil', 'i'],
        "Tarantool's own net.box is content")
    tap.equal([line for line in client.stderr().splitlines() if ' E> ' in line], [], 'no errors')


def test_connect_triggers():
    with Client(SOCK) as c:
        c.eval('seen = {} on = function() fiber.sleep(0.01) table.insert(seen, "in") end '
               'off = function() table.insert(seen, "out") end '
               'box.session.on_connect(on) box.session.on_disconnect(off)')
        with Client(SOCK) as other:
            tap.equal(other.eval('return #seen'), [1], 'on_connect ran before the first request')
        harness.wait_for(lambda: c.eval('return #seen')[0] == 2, 'on_disconnect')
        tap.equal(c.eval('return seen')[0], ['in', 'out'], 'on_disconnect runs after')
        c.eval('seen = {}')
        Client(SOCK).close()
        harness.wait_for(lambda: c.eval('return #seen')[0] == 2,
                         'both triggers of a client that left while on_connect slept')
        c.eval('box.session.on_connect(nil, on) box.session.on_disconnect(nil, off) '
               'no = function() error("no") end box.session.on_connect(no)')
        with Client(SOCK) as other:
            reply = other.receive()
            tap.equal(reply.error, (32, 'eval:1: no'), 'on_connect may refuse')
            tap.equal(other.receive(), None, 'and the connection is closed')
        c.eval('box.session.on_connect(nil, no)')


def test_lost_connection():
    with Client(SOCK) as c:
        lost = Client(SOCK)
        lost.send(call_eval('nap(0.2) finished = true', sync=1))
        harness.wait_for(lambda: c.eval('return sleepers')[0] == 1, 'the request to run')
        lost.close()
        harness.wait_for(lambda: c.eval('return finished')[0], 'the request to end')
        tap.ok(True, 'a request goes on when its client is gone')


def test_half_closed():
    with Client(SOCK) as c:
        c.send(ping(1), call_eval('return 5', sync=2))
        c.sock.shutdown(socket.SHUT_WR)
        got = {r.sync for r in (c.receive(), c.receive()) if r}
        tap.equal(got, {1, 2}, 'requests before the end of the stream are answered')
        tap.equal(c.receive(), None, 'then the connection is closed')


def test_large_request_and_reply():
    with Client(SOCK) as c:
        text = 'z' * (5 << 20)
        tap.ok(c.eval('return ...', text) == [text], '5 MiB there and back')
        expr = 'return 1 --' + 'x' * (5 << 20)
        tap.equal(c.eval(expr), [1], 'an expression of 5 MiB')


def test_runtime_listen():
    port = harness.free_port()
    with Client(SOCK) as c:
        c.eval("listen = function(uri) box.cfg{listen = uri} end "
               "box.session.su('admin', listen, %d)" % port)

        def is_moved():
            try:
                with Client(port) as other:
                    return other.ask(ping(5)).sync == 5
            except OSError:
                return False
        harness.wait_for(is_moved, 'TCP to listen')
        tap.ok(True, 'listen moves to TCP')
        tap.equal(c.ask(ping(6)).sync, 6, 'connections stay')
        with Client(port) as other:
            tap.like(other.eval('return box.session.peer()')[0], '127.0.0.1:', 'the peer')
            got = other.eval('local ok, e = pcall(box.session.su, "admin", listen, '
                             '"a:b:c") return ok, tostring(e)')
            tap.equal(got, [False, "Incorrect value for option 'listen': expected host:service or "
                            "/unix.socket"], 'a bad URI')
            other.send(struct.pack('>BI', 0xce, 5))
        c.eval("box.session.su('admin', listen, 'unix/:%s')" % SOCK)
        harness.wait_for(lambda: os.path.exists(SOCK), 'the Unix socket')


if __name__ == '__main__':
    tap.run(globals())
