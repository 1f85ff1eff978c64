"""Lua modules: where they differ from Tarantool's on purpose."""
import os

import harness
import tap

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'modules_own.lua')


def main():
    place = harness.Place()
    done = place.run(harness.TARANTELLA, SCRIPT)
    lines = [line for line in done.stdout.splitlines() if line.endswith(('\tyes', '\tNO'))]
    tap.ok(done.returncode == 0 and len(lines) > 20, 'the script came to its end',
           done.stdout + done.stderr)
    for line in lines:
        what, result = line.rsplit('\t', 1)
        tap.ok(result == 'yes', what, done.stdout)
    tap.done()


main()
