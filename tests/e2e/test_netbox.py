"""net.box: each client against each server, Tarantool and tarantella.

What Tarantool's client prints about Tarantool is what all pairs must print.
"""
import difflib
import os
import socket
import threading

import harness
import tap

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'netbox')
PROGRAMS = {'tarantool': 'tarantool', 'tarantella': harness.TARANTELLA}


def start_server(name):
    directory = harness.tempdir()
    socket = os.path.join(directory, 's')
    server = harness.Process([PROGRAMS[name], os.path.join(SCRIPTS, 'server.lua'), socket],
                             cwd=directory)
    harness.wait_for(lambda: 'ready' in server.stdout() or server.child.poll() is not None,
                     '%s to be ready' % name)
    return server, socket


def run_client(name, socket, place):
    done = place.run(PROGRAMS[name], os.path.join(SCRIPTS, 'client.lua'), socket)
    return done.stdout.splitlines(), done.stderr


GREETING = (b'Tarantool 2.6.0 (Binary) 7cd9d317-d3b7-48a2-b5e2-19d823add627'.ljust(63) + b'\n'
            + (b'A' * 43 + b'=').ljust(63) + b'\n')
CONSOLE = (b'Tarantool 2.6.0 (Lua console)'.ljust(63) + b'\n'
           + b"type 'help' for interactive help".ljust(63) + b'\n')

# What a bad server sends, whether it closes then, what the client must say.
BAD_SERVERS = [
    ('closes at once', b'', True, 'Invalid greeting'),
    ('sends garbage', b'x' * 128, False, 'Invalid greeting'),
    ('sends half a greeting', b'Tarantool', True, 'Invalid greeting'),
    ('closes after the greeting', GREETING, True, 'Peer closed'),
    ('is a text console', CONSOLE, False, 'Unsupported protocol: Lua console'),
    ('sends no length', GREETING + b'\xa1\xa2\xa3' * 10, False,
     'Invalid MsgPack - packet length'),
    ('sends a huge length', GREETING + b'\xce\xff\xff\xff\xff' + b'x' * 100, False,
     'Invalid MsgPack - packet length'),
    ('sends half a frame', GREETING + b'\xce\x00\x00\x10\x00\x82\x00', True, 'Peer closed'),
    ('sends a bad header', GREETING + b'\xce\x00\x00\x00\x02\xc1\xc1', False,
     'Invalid MsgPack - packet header'),
]


def serve_badly(path, data, closes):
    """Accept one client, send the data, end our side or not, wait for the client's
    end. (A plain close with bytes unread would be a reset, sometimes.)"""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)

    def run():
        client, _ = listener.accept()
        try:
            client.sendall(data)
            if closes:
                client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        except OSError:
            pass
        client.close()
        listener.close()

    threading.Thread(target=run, daemon=True).start()


def check_bad_servers(place):
    script = place.write('bad.lua', '''
local c = require('net.box').connect('unix/:' .. arg[1], {wait_connected = 20})
print(c.state, c.error, c:ping(), (pcall(c.call, c, 'f')))
os.exit(0)
''')
    for n, (what, data, closes, expected) in enumerate(BAD_SERVERS):
        path = place.path('bad%d' % n)
        serve_badly(path, data, closes)
        done = place.run(harness.TARANTELLA, script, path)
        tap.ok(done.stdout == 'error\t%s\tfalse\tfalse\n' % expected,
               'a server that %s' % what, done.stdout + done.stderr[-2000:])


def main():
    place = harness.Place()
    expected = None
    for server_name in ('tarantool', 'tarantella'):
        server, socket = start_server(server_name)
        tap.ok(server.child.poll() is None, '%s serves' % server_name, server.stderr()[-2000:])
        if expected is None:
            expected = run_client('tarantool', socket, place)[0]
            tap.ok('-- self' in expected, 'the client came to its end',
                   '\n'.join(expected[-5:]))
        for client_name in ('tarantool', 'tarantella'):
            out, err = run_client(client_name, socket, place)
            diff = difflib.unified_diff(expected, out, 'expected', 'printed',
                                        lineterm='', n=2)
            tap.ok(out == expected, '%s asks %s' % (client_name, server_name),
                   '\n'.join(diff)[:6000] + '\n' + err[-2000:])
        tap.ok(server.child.poll() is None, '%s still serves' % server_name)
        server.kill()
    check_bad_servers(place)
    tap.done()


main()
