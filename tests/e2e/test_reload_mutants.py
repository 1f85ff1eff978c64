"""Would the random transactions see a broken engine? Its text is changed in one place at a
time, in the ways that cost calls or leave traces, and each must be found.
"""
import os

import reload_rig
import reload_trial
import tap
from reload_random import TAKES

# name: (what to replace, by what)...; each place must be there once.
MUTANTS = {
    'globals and package.loaded are shared': [
        ('setfenv(unit.chunk, p.env)', ''),
        ('    setfenv(0, p.env)\n    if not ok', '    if not ok')],
    'fibers of a failed attempt live on': [
        ('local killed = E.fibers.bury(p.id)', 'local killed = 0')],
    'triggers of a failed attempt stay': [
        ('E.triggers.drop(p, p.triggers_before)', '')],
    'triggers are not held back': [
        ('E.triggers.hold(p)', 'p.held, p.wrapped = {}, {}')],
    'what was switched is not undone': [
        ('    switch.undo(p)\n', '')],
    'old code gets no tables of its own': [
        ('debug.setupvalue(fix[1], fix[2], p.copies[fix[3]])', 'local _ = fix')],
    'the switch comes before start': [
        ('    run_start(p)\n    make_ready(p)\n    run_switch(p)\n',
         '    make_ready(p)\n    run_switch(p)\n    run_start(p)\n')],
    'old globals are not kept for old code': [
        ('keep_old_globals(p, written)\n    point', 'point')],
    'dependents are forgotten': [
        ('    add_dependents(plan)\n    check_missing', '    check_missing')],
    'old stop is not called': [
        ('        state.cancelled = p.cancelled\n        life.stop_old(p)\n',
         '        state.cancelled = p.cancelled\n')],
}
# Some are seen only where the application keeps its fiber in a certain place.
HOLDERS = {'old code gets no tables of its own': 'M.worker',
           'old globals are not kept for old code': 'app_worker'}
# What shows each soonest; then at random.
FIRST = ['start yields', TAKES, 'none', 'start fails', 'load yields', 'load yields, fails', 'touch',
         'start yields, fails', 'prepare fails']
SEEDS = 3
ENGINE = os.path.join(os.environ['BUILD_DIR'], 'lua', 'reload', 'reload.lua')


def engine_text():
    with open(ENGINE, encoding='utf-8') as f:
        return f.read()


def mutant(text, changes):
    for old, new in changes:
        assert text.count(old) == 1, '%r stands %d times in the engine' % (old, text.count(old))
        text = text.replace(old, new)
    return text


def rig_with(engine, text):
    """Rigs whose engine has this text. ctl finds the version it knows, and keeps it."""
    def make(modules, instance):
        path = os.path.join(reload_rig.harness.tempdir(), 'engine.lua')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return reload_rig.Rig(engine, modules, instance, adopt=True, first=path)
    return make


def caught(engine, text, holder):
    """How the trial failed, or None: nobody noticed."""
    for seed in range(1, SEEDS + 1):
        try:
            trial = reload_trial.Trial(seed, rig_with(engine, text), holder)
        except (AssertionError, RuntimeError) as e:
            return repr(e)
        try:
            for fault in FIRST:
                trial.step(fault)
        except (reload_trial.Wrong, AssertionError, RuntimeError) as e:
            return str(e)
        finally:
            trial.abandon()
    return None


def main():
    text = engine_text()
    for n, engine in enumerate(reload_rig.ENGINES):
        found = caught(engine, text, None)
        tap.ok(found is None, '%s: the engine as it is' % engine, found)
        for k, (name, changes) in enumerate(MUTANTS.items()):
            # Each on one of them; all on both in the long form.
            if reload_rig.TIMES == 1 and k % len(reload_rig.ENGINES) != n:
                continue
            found = caught(engine, mutant(text, changes), HOLDERS.get(name))
            tap.ok(found is not None, '%s: found: %s' % (engine, name))
            if found:
                print('# ' + found.replace('\n', ' ')[:200])
    tap.done()


main()
