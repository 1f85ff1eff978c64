"""`./dev demo` does what the README says: it ends well, and no call failed."""
import os
import re
import subprocess

import harness
import tap


def test_demo():
    demo = os.path.join(harness.SOURCE_DIR, 'examples', 'my_app', 'demo')
    done = subprocess.run([demo], capture_output=True, timeout=120, check=False)
    out = done.stdout.decode()
    tap.equal(done.returncode, 0, 'exit code')
    seen = re.findall(r"version: '([0-9.]+)'", out)
    tap.equal(seen, ['1.0', '1.1', '1.1', '1.2', '1.1'], 'the versions that a client sees')
    tap.like(out, ', 0 failed', 'no call failed')
    tap.equal(out.count('(exit code 1)'), 2, 'the mistakes are told')
    tap.like(done.stderr.decode(), "greeting.lua:1: '=' expected near 'name'", 'with file and line')
    tap.like(done.stderr.decode(), 'Stopping instance my_app', 'it stops')


tap.run(globals())
