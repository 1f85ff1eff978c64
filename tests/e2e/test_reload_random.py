"""Random applications, random versions, random failures at each phase, under load: the
instance answers with exactly one version all the time, and a failed attempt leaves no
fiber, global, trigger or entry of package.loaded.

On tarantella and on stock Tarantool, in front of the application and adopted, with the
JIT and without. SEED repeats a run; TEST_TIMES makes it as many times longer.
"""
import os
import random

import reload_rig
import tap
from reload_rig import TIMES
from reload_trial import Trial, Wrong

STEPS = 12
APPLICATIONS = 3 if TIMES > 1 else 1  # of each kind: a thousand transactions in a soak


def one(seed, engine, adopt, jit):
    label = '%s, %s, jit %s, seed %d: ' % (engine, 'adopted' if adopt else 'first',
                                           'on' if jit else 'off', seed)
    trial = Trial(seed, lambda modules, instance: reload_rig.Rig(
        engine, modules, instance, adopt=adopt, jit=jit))
    try:
        for _ in range(STEPS):
            trial.step()
    except (Wrong, AssertionError, RuntimeError) as e:
        end = 'alive' if trial.rig.is_alive() else trial.rig.log()[-2000:]
        trial.stop()
        tap.ok(False, label + 'a transaction is not as it must be',
               '%s\nafter: %r\n%s' % (e, trial.log, end))
        return
    calls = trial.stop()
    tap.ok(not reload_rig.wrong(calls), label + '%d transactions beside %d calls' % (
        len(trial.log), calls['requests']), calls)


def main():
    base = int(os.environ.get('SEED') or random.SystemRandom().randrange(10**6))
    print('# SEED=%d' % base)
    for n in range(APPLICATIONS * TIMES):
        for k, engine in enumerate(reload_rig.ENGINES):
            for adopt in (False, True):
                one(base + n, engine, adopt, (n + k + adopt) % 2 == 0)
    tap.done()


main()
