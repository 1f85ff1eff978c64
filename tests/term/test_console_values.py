"""Whatever a statement returns is printed, in each format: huge, binary, broken, endless."""
import tap
from console_common import ENGINES, started

FORMATS = 'yaml lua json table vertical'.split()

# (a statement, what its output must have: one text for all formats, or one by format)
VALUES = [
    ('"\\255\\254\\0\\1\\27[2J"', {'yaml': '!!binary //4AARtbMko=', 'lua': r'"\255\254\000\001\027[2J"',
                                   'table': r'\255\254\000\001\027[2J', 'json': r'\u001b[2J'}),
    ('{["\\255k"] = "\\128"}', {'lua': r'["\255k"] = "\128"', 'vertical': r'\255k | \128'}),
    ('"\\194\\155 \\208\\191\\240\\159\\152\\128 \\208"',
     {'lua': '"\\194\\155 п😀 \\208"', 'table': '\\194\\155 п😀 \\208'}),
    ('box.tuple.new{1, "\\255"}', {'yaml': '[1, !!binary /w==]', 'lua': r'{1, "\255"}'}),
    ('(function() local t = {} t.t = t return t end)()',
     {'yaml': 't: *0', 'json': '{"t":"<cycle>"}', 'lua': 'cycle'}),
    ('(function() local t = {"end"} for i = 1, 3000 do t = {t} end return t end)()',
     '<deep>'),
    ('(function() local t = {} for i = 1, 30 do t = {t, t} end return #t end)()', '2'),
    ('setmetatable({}, {__serialize = function() error("ser", 0) end})', '<__serialize: ser>'),
    ('setmetatable({}, {__index = function() error("x") end, __metatable = false}), "printed"',
     'printed'),
    ('{[{}] = 1, [true] = 2, [1.5] = 4}', {'json': '"true":2', 'yaml': 'true: 2'}),
    ('require("ffi").new("char[4]"), print, io.stdout', 'function'),
    ('0/0, 1/0, 18446744073709551615ULL, -1LL', '18446744073709551615'),
    ('{}', {'yaml': '[]', 'table': '| []', 'vertical': 'value | []'}),
    ('nil, box.NULL, {nil, 2}', {'lua': 'box.NULL, box.NULL, {nil, 2}', 'table': 'null'}),
    ('"a\\n...\\n- b\\n"', {'json': r'"a\n...\n- b\n"', 'table': r'a\n...\n- b\n'}),
    ('error({a = "\\255"})', {'yaml': '!!binary /w==', 'lua': r'{error = {a = "\255"}}'}),
    ('error(setmetatable({}, {__tostring = function() error("deep") end}))', 'error'),
]


def check_values(engine):
    p = started(engine)
    for fmt in FORMATS:
        lines = ['\\set output ' + fmt]
        for i, (statement, _) in enumerate(VALUES):
            lines += [statement, '"value %d ends"' % i]
        got = p.ctl('enter', 'app', stdin='\n'.join(lines) + '\n', env={'HOME': p.dir})
        tap.equal((got.returncode, got.stderr.replace('error: ', '', 1).count('exception')), (0, 0),
                  '%s: %s: the console lives through all values' % (engine, fmt))
        rest = got.stdout
        for i, (statement, wanted) in enumerate(VALUES):
            end = 'value %d ends' % i
            shown, _, rest = rest.partition(end)
            if isinstance(wanted, dict):
                wanted = wanted.get(fmt, '')
            if wanted == 'error':
                shown += got.stderr
            tap.like(shown, wanted, '%s: %s: %s' % (engine, fmt, statement[:50]))
        tap.ok(len(got.stdout) < 100000, '%s: %s: no more than that' % (engine, fmt))


def check_huge(engine):
    p = started(engine)
    for fmt in FORMATS:
        size = 30000000 if fmt == 'yaml' else 1000000
        got = p.ctl('enter', 'app', env={'HOME': p.dir},
                    stdin='\\set output %s\n("x"):rep(%d)\n"and " .. "on"\n' % (fmt, size))
        tap.ok(got.returncode == 0 and 'x' * size in got.stdout and 'and on' in got.stdout,
               '%s: %s: %d bytes' % (engine, fmt, size),
               (got.returncode, len(got.stdout), got.stderr[:200]))


for each in ENGINES:
    for check in (check_values, check_huge):
        tap.case(check, each)
tap.done()
