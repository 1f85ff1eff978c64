"""Many reloads of one instance: memory stays flat, no call fails, the journal is a ring;
with the JIT and without. TEST_TIMES makes it as many times longer.
"""
import tap
from reload_rows import on_each, rig_of, unharmed, write
from reload_rig import TIMES

RELOADS = 100 if TIMES > 1 else 60  # two thousand in a soak


def many(engine, adopt, label, jit):
    rig = rig_of(engine, adopt, jit=jit)
    sizes, resident, times = [], [], []
    with rig.load() as load:
        for v in range(2, 2 + RELOADS * TIMES):
            # Each fifth attempt fails, in turns.
            fault = {4: "error('boom')", 9: "fiber.sleep(0.01) error('boom')"}.get(v % 10, '')
            write(rig, v, start=fault)
            done = rig.reload()
            if done.exit != (1 if fault else 0):
                tap.ok(False, label + 'reload %d' % v, done)
                break
            if not fault:
                served = v
                times.append(done.answer.get('total_ms') or 0)
            if v % 5 == 0:
                sizes.append(rig.memory_kb())
                resident.append(rss_kb(rig.pid()))
        unharmed(load, served, label + '%d reloads: no call failed' % (RELOADS * TIMES))
    quarter = len(sizes) // 4
    last = min(sizes[-3:])  # one that was measured in the middle of something does not count
    tap.ok(last < sizes[quarter] * 1.1 + 200, label + 'the heap is flat: %d KB, then %d' % (
        sizes[quarter], last), sizes)
    tap.ok(resident[-1] < resident[quarter] * 1.25 + 4096,
           label + 'resident memory is flat: %d KB, then %d' % (resident[quarter], resident[-1]),
           resident)
    times.sort()
    tap.ok(True, label + 'inside: median %.2f ms, the slowest %.2f ms' % (
        times[len(times) // 2], times[-1]))
    rig.stop()


def rss_kb(pid):
    with open('/proc/%d/status' % pid, encoding='ascii') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))


def row_many_reloads(engine, adopt, label):
    many(engine, adopt, label, True)


def row_many_reloads_interpreted(engine, adopt, label):
    many(engine, adopt, label, False)


on_each(globals())
