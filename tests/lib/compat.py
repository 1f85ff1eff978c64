"""Run one Lua script in the real Tarantool and in tarantella; compare stdout.

usage: compat.py SCRIPT.lua

Each program gets a fresh directory as its cwd, and the same environment. With
TARANTELLA_JIT=off the same comparison runs without the JIT. The exit codes must
be equal too.
"""
import difflib
import os
import shutil
import subprocess
import sys
import tempfile

import tap


def run(program, script):
    directory = tempfile.mkdtemp(prefix='compat-')
    env = dict(os.environ, COMPAT_DIR=os.path.dirname(script))
    try:
        done = subprocess.run([program, script], cwd=directory, env=env, timeout=100,
                              stdin=subprocess.DEVNULL, capture_output=True)
        out = done.stdout.decode('utf-8', 'backslashreplace').replace(directory, 'DIR')
        err = done.stderr.decode('utf-8', 'backslashreplace')
        return out.splitlines(), err, done.returncode
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    script = os.path.abspath(sys.argv[1])
    real_out, real_err, real_rc = run('tarantool', script)
    our_out, our_err, our_rc = run(os.environ['TARANTELLA'], script)
    tap.ok(len(real_out) > 0, 'tarantool printed something', real_err[-2000:])
    tap.ok(real_out == our_out, 'the output is equal',
           '\n'.join(difflib.unified_diff(real_out, our_out, 'tarantool', 'tarantella',
                                          lineterm='', n=2))[:8000] + '\n' + our_err[-2000:])
    tap.ok(real_rc == our_rc, 'the exit code is equal',
           'tarantool %d, tarantella %d' % (real_rc, our_rc))
    tap.done()


main()
