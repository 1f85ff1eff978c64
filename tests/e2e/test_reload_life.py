"""What lives around a reload: hooks, fibers, triggers, drains, rollback, probation,
patches and loops. The scripts of reload/life run in tarantella and in Tarantool, with
the engine in front of the application and sent to it later, with the JIT on and off.
"""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import harness
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(HERE, 'reload', 'life')
ENGINE = os.path.join(os.environ['BUILD_DIR'], 'lua', 'reload', 'reload.lua')
TIMEOUT = 120
AT_ONCE = 2 # the scripts wait most of their time


def programs():
    return [('tarantella', os.environ['TARANTELLA']), ('tarantool', 'tarantool')]


def run(script, program, mode, jit):
    """Run a script. Returns what it was, its output, how it ended."""
    what = '%s, %s, %s, jit %s' % (script, program[0], mode, jit)
    place = harness.tempdir()
    command = [program[1], os.path.join(SCRIPTS, script + '.lua'), ENGINE, place, mode, jit]
    try:
        done = subprocess.run(command, cwd=place, timeout=TIMEOUT, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b'').decode(errors='replace'), 'timeout'
    return what, output, code


def count(what, output, code):
    """Count the checks of a script. One that ends early is a failure too."""
    lines = output.splitlines()
    for line in lines:
        if line.startswith(('ok - ', 'not ok - ')):
            good, name = line.split(' - ', 1)
            name, _, detail = name.partition(': ') if good == 'not ok' else (name, '', '')
            tap.ok(good == 'ok', '%s: %s' % (what, name), detail)
    tap.ok(code == 0 and 'done' in lines[-3:], '%s: runs to its end' % what,
           '%s: %s' % (code, '\n'.join(lines[-12:])))


def test_scripts():
    scripts = sorted(name[:-len('.lua')] for name in os.listdir(SCRIPTS)
                     if name.endswith('.lua') and name != 'lib.lua')
    runs = [(script, program, mode, jit) for script in scripts for program in programs()
            for mode, jit in (('first', 'on'), ('adopt', 'on'), ('first', 'off'))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(lambda args: run(*args), runs):
            count(*result)


if __name__ == '__main__':
    tap.run(globals())
