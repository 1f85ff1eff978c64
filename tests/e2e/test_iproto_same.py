"""The same requests to the real Tarantool and to ours: the same replies."""
import os
import re

import harness
import tap
from iproto import CALL, CALL_16, CHUNK, ERROR, FUNCTION, SYNC, TUPLE, TYPE, Client, call_eval, frame

SERVER = '''
box.cfg{listen = 'unix/:%s/s', log = '%s/log', work_dir = '%s', wal_mode = 'none'}
box.once('rights', function() box.schema.user.grant('guest', 'read,write,execute', 'universe') end)
fiber = require('fiber')
function echo(...) return ... end
function row() return {1, 2} end
function rows() return {{1, 2}, {3}} end
function tuple() return box.tuple.new{1, 'x'} end
function none() end
deep = {er = {f = function(...) return select('#', ...) end}}
callable = setmetatable({}, {__call = function(_, a) return a end})
str = 'x'
setmetatable(_G, {__index = function(_, k) if k == 'ghost' then return function() return 1 end end end})
'''

EXPRESSIONS = '''
return
return nil
return 1, nil
return 1, nil, 2
return box.NULL
return true, false
return 0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 2^53, 1e100
return -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649
return 1ULL, -1LL, 18446744073709551615ULL, 1.5, -0.0, 1/0, -1/0
return '', 'a', ('x'):rep(31), ('x'):rep(32), ('x'):rep(255), ('x'):rep(256)
return '\\xff\\xfe', '\\0'
return {}, {1}, {1, 2, 3}, {a = 1}, {1, nil, 3}, {[1] = 1, [2] = 2, [4] = 4}
return {[100] = 1}
return {1, 2, a = 3}
return setmetatable({1}, {__serialize = 'map'}), setmetatable({}, {__serialize = 'map'})
return setmetatable({}, {__serialize = 'array'}), setmetatable({}, {__serialize = 'seq'})
return setmetatable({}, {__serialize = function() return 5 end})
return setmetatable({}, {__serialize = 'nope'})
return {{{{{{1}}}}}}
local t = {} t[1] = t return t
return box.tuple.new{1, 'a', {2}}
return {box.tuple.new{1}}
return require('uuid').fromstr('64d22e4d-ac92-4a23-899a-e59f34af5479')
return require('decimal').new('1.50'), {require('decimal').new('-1e-5')}
return {[require('decimal').new(2)] = 1}
return box.error.new(1, 'x')
return print
return {print}
return coroutine.create(print)
return io.stdout
return newproxy()
return ...
return unpack({}, 1, 300)
error('text')
error('text', 0)
error('text', 2)
error()
error(nil)
error({code = 5}.code)
error(box.NULL)
error(12)
error(setmetatable({}, {__tostring = function() return 'TS' end}))
error(true)
box.error(5, 'a', 'b')
box.error{code = 300, reason = 'r'}
box.error{type = 'My', code = 300, reason = 'r'}
box.error{type = 'My'}
box.error.new(1, 'x'):raise()
box.error(box.error.ACCESS_DENIED, 'a', 'b', 'c', 'd')
local a = box.error.new(1, 'a') a:set_prev(box.error.new(1, 'b')) a:raise()
local x = 1 +
x y
return return
goto nowhere
nosuch()
nosuch.field = 1
local t = nil return t.x
return #5
return {} < {}
return pcall(error)
return pcall(error, 'x')
return select(2, pcall(error, {1}))
fiber.sleep('x')
fiber.yield() return 1
return fiber.status(), fiber.name()
pcall(fiber.cancel, fiber.self())
fiber.self():cancel() fiber.testcancel()
fiber.self():cancel() fiber.sleep(10)
return fiber.self().storage.leftover
fiber.self().storage.leftover = 1
return fiber.self().storage.leftover
return box.session.push(1)
box.session.push({1, 'x', {a = 1}}) box.session.push(box.NULL) return 2
return box.session.push()
return box.session.push(1, 5)
return box.session.push(1, 'x')
return pcall(box.session.push, print)
return box.session.type(), box.session.user(), box.session.uid(), box.session.euid()
return box.session.peer(), box.session.sync(), box.session.fd() > 2
return box.session.exists(box.session.id()), box.session.exists(1000000)
return pcall(box.session.peer, 1000000)
return box.session.peer(box.session.id())
local r fiber.create(function() r = {box.session.type(), box.session.user()} end) return r
box.begin()
box.begin() error('x')
box.begin() box.commit() return 1
return box.is_in_txn()
box.rollback() return 2
coroutine.wrap(function() fiber.sleep(0.001) end)() return 1
return coroutine.wrap(function(...) return ... end)(1, 2)
local function f() return 1 + f() end return (pcall(f))
return loadstring('return 1 2')
return #require('msgpack').encode({1, 2, 3})
return require('json').encode({a = 1})
'''.strip().split('\n')

CALLS = (
    ('echo', []), ('echo', [1]), ('echo', [1, 'x', None]), ('echo', [[1, 2], {'a': 1}]),
    ('echo', [[[1], [2]]]), ('row', []), ('rows', []), ('tuple', []), ('none', []),
    ('deep.er.f', [1, 2, 3]), ('deep:er', []), ('deep.er:f', [1]), ('deep.er.g', []),
    ('deep.nope.f', []), ('callable', [5]), ('str', []), ('str.len', []), ('str:len', []),
    ('nope', []), ('', []), ('.', []), ('a..b', []), (':f', []), ('deep.er.f.', []), ('ghost', []),
    ('table.concat', [['a', 'b']]), ('error', ['x']), ('box.error', [1, 'x']), ('string.rep', []),
    ('math.floor', ['x']), ('fiber.sleep', [0]), ('box.session.user', []), ('_G', []),
    ('_G.echo', [7]), ('echo', list(range(250))))


def start(program):
    directory = harness.tempdir()
    path = os.path.join(directory, 'init.lua')
    with open(path, 'w', encoding='ascii') as f:
        f.write(SERVER % ((directory,) * 3))
    process = harness.Process([program, path], cwd=directory)

    def connect():
        if process.child.poll() is not None:
            raise AssertionError('%s ended: %s' % (program, process.stderr()))
        try:
            client = Client(os.path.join(directory, 's'))
            if client.eval('return callable ~= nil')[0]:
                return client
        except (OSError, RuntimeError, ValueError):
            pass
        return None
    return harness.wait_for(connect, program)


def exchange(client, data):
    """All that comes for one request, in a form that can be compared."""
    client.send(data)
    got = []
    while True:
        reply = client.receive()
        if reply is None:
            return got + ['closed']
        body = reply.body
        if ERROR in body:  # file and line of the server's source differ
            stack = [{k: v for k, v in e.items() if k not in (1, 2)} for e in body[ERROR][0]]
            body = dict(body)
            body[ERROR] = stack
        got.append(re.sub(r'0x[0-9a-f]{6,}', 'ADDRESS', repr((reply.type, reply.sync, body))))
        if reply.type != CHUNK:
            return got


def compare(clients, data, name):
    theirs, ours = (exchange(c, data) for c in clients)
    tap.equal(ours, theirs, name)


def main():
    clients = [start('tarantool'), start(harness.TARANTELLA)]
    for expr in EXPRESSIONS:
        compare(clients, call_eval(expr, sync=7), 'EVAL ' + expr)
    for args in ([1], ['x', None, 1.5, -1, [1, [2]], {'a': {'b': 1}}], [b'bin'], [2**63, -2**63]):
        compare(clients, call_eval('return ...', *args, sync=8), 'EVAL return ... of %r' % (args,))
    for name, args in CALLS:
        for kind in (CALL, CALL_16):
            compare(clients, frame({TYPE: kind, SYNC: 9}, {FUNCTION: name, TUPLE: args}),
                    '%s %s%r' % ('CALL' if kind == CALL else 'CALL_16', name, args[:5]))
    tap.done()


main()
