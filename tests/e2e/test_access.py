"""Rights and sessions over IPROTO, with Tarantool's net.box as the client.

The same client asks Tarantool and tarantella; both must get the same answers.
"""
import difflib
import os

import harness
import tap

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'access')


def answers(program, place):
    socket = os.path.join(harness.tempdir(), 's')
    server = harness.Process([program, os.path.join(SCRIPTS, 'server.lua'), socket],
                             cwd=os.path.dirname(socket))
    harness.wait_for(lambda: 'ready' in server.stdout() or server.child.poll() is not None,
                     '%s to be ready' % program)
    tap.ok(server.child.poll() is None, '%s serves' % os.path.basename(program),
           server.stderr()[-2000:])
    done = place.run('tarantool', os.path.join(SCRIPTS, 'client.lua'), socket)
    tap.ok(server.child.poll() is None, 'it still serves', server.stderr()[-2000:])
    server.kill()
    return done.stdout.splitlines(), done.stderr


def main():
    place = harness.Place()
    expected, err = answers('tarantool', place)
    tap.ok('-- end' in expected, 'the client came to its end', err[-2000:])
    got, err = answers(harness.TARANTELLA, place)
    diff = difflib.unified_diff(expected, got, 'tarantool', 'tarantella', lineterm='', n=2)
    tap.ok(got == expected, 'the answers are equal', '\n'.join(diff)[:8000] + '\n' + err[-2000:])
    tap.done()


main()
