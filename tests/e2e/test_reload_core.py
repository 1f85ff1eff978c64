"""The core of the reload engine, rule by rule: the cases of reload/core, each on
tarantella and on stock Tarantool, with the engine there first and adopting, and with
the JIT off.
"""
import glob
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import harness
import tap

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'reload', 'core')
ENGINE = os.path.join(os.environ['BUILD_DIR'], 'lua', 'reload', 'reload.lua')
TIMEOUT = 120
AT_ONCE = 2 # the scripts wait most of their time


def run_case(name, engine, mode, jit_off):
    """One script; its TAP lines become one result (arguments of tap.ok), with the failed
    ones shown."""
    what = '%s: %s, %s%s' % (name, os.path.basename(engine), mode, ', JIT off' * jit_off)
    script = os.path.join(CASES, name + '.lua')
    command = [engine, script, mode, ENGINE]
    if jit_off:
        command = [engine, os.path.join(CASES, 'nojit.lua'), script, mode, ENGINE]
    place = harness.tempdir()
    try:
        done = subprocess.run(command, cwd=place, timeout=TIMEOUT, text=True,
                              errors='replace', stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired as e:
        return False, what, 'no end after %d s\n%s' % (TIMEOUT, e.stdout)
    plan = re.search(r'^1\.\.(\d+)$', done.stdout, re.M)
    good = len(re.findall(r'^ok ', done.stdout, re.M))
    bad = '\n'.join(line for line in done.stdout.splitlines()
                    if not line.startswith('ok '))
    return plan and done.returncode == 0 and good == int(plan.group(1)), what, bad


def main():
    names = sorted(os.path.basename(path)[:-len('.lua')]
                   for path in glob.glob(os.path.join(CASES, '*.lua')))
    engines = [harness.TARANTELLA]
    if shutil.which('tarantool'):
        engines.append('tarantool')
    runs = []
    for name in names:
        if name in ('rig', 'nojit'):
            continue
        runs += [(name, engine, mode, False) for engine in engines for mode in ('first', 'adopt')]
        runs.append((name, harness.TARANTELLA, 'first', True))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(lambda args: run_case(*args), runs):
            tap.ok(*result)
    tap.done()


main()
