"""Our public header says what Tarantool's installed module.h says.

Prototypes and types: both headers in one translation unit, which the compiler
refuses when a declaration differs. Values: every enumerator of theirs has the same
value in ours, and in the instance's own headers where those define it.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'lib'))
import tap

SOURCE = os.environ['SOURCE_DIR']
THEIRS = '/usr/include/tarantool/module.h'
OURS = os.path.join(SOURCE, 'instance', 'module', 'api.h')
INCLUDE = ['-I/usr/include/tarantool', '-I' + SOURCE]
# Facts of Tarantool's own build, and what follows from the compiler.
MACROS_NOT_OURS = {
    'BUILD_TYPE', 'BUILD_INFO', 'BUILD_OPTIONS', 'COMPILER_INFO', 'TARANTOOL_C_FLAGS',
    'TARANTOOL_CXX_FLAGS', 'MODULE_LUAPATH', 'MODULE_LIBPATH', '__has_feature',
    '__has_builtin', '__has_attribute', '__has_cpp_attribute', 'DEPREACTED'}


def cc(args, text, check=True):
    done = subprocess.run(['cc', '-std=gnu11', '-D_GNU_SOURCE', *INCLUDE, *args, '-x', 'c', '-'],
                          input=text, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise SystemExit(done.stderr)
    return done


def own_part(header, *args):
    """What the header itself declares, without what it includes."""
    out, is_own = [], False
    for line in cc(['-E', *args], '#include "%s"\n' % header).stdout.splitlines():
        mark = re.match(r'# \d+ "([^"]*)"', line)
        if mark:
            is_own = os.path.realpath(mark.group(1)) == os.path.realpath(header)
        elif is_own and line.strip():
            out.append(line)
    return '\n'.join(out)


ENUM = re.compile(r'enum\s*\w*\s*\{([^}]*)\}\s*;')


def enumerators(text):
    names = []
    for body in ENUM.findall(text):
        names += re.findall(r'(?:^|,)\s*(\w+)', body)
    return names


def functions(text):
    text = re.sub(r'__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)', '', text)
    text = ENUM.sub('', re.sub(r'typedef[^;]*;', '', text))
    return set(re.findall(r'\b((?:box|fiber|coio|clock|cord|luaT|luaL|say)_\w+)\s*\(', text))


def macros(header):
    before = set(cc(['-E', '-dM'], '#include "lua.h"\n#include <errno.h>\n').stdout.splitlines())
    out = cc(['-E', '-dD'], '#include "%s"\n' % header).stdout
    names, is_own = set(), False
    for line in out.splitlines():
        mark = re.match(r'# \d+ "([^"]*)"', line)
        if mark:
            is_own = os.path.realpath(mark.group(1)) == os.path.realpath(header)
        elif is_own and line.startswith('#define ') and line not in before:
            names.add(re.match(r'#define (\w+)', line).group(1))
    return names


def values(header, names, *args):
    """The values of those names that the header has."""
    have = set(re.findall(r'\w+', cc(['-E', *args], '#include "%s"\n' % header).stdout))
    names = [n for n in names if n in have]
    text = '#include <stdio.h>\n#include "%s"\nint main(void) {\n%s\n}\n' % (
        header, '\n'.join('printf("%s %%d\\n", (int)%s);' % (n, n) for n in names))
    with tempfile.TemporaryDirectory() as d:
        program = os.path.join(d, 'values')
        # What inline functions refer to is not called.
        cc([*args, '-o', program, '-Wl,--unresolved-symbols=ignore-all'], text)
        out = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return dict(line.split() for line in out.splitlines())


def main():
    theirs, ours = own_part(THEIRS), own_part(OURS)

    names = functions(theirs)
    tap.ok(len(names) > 120, 'the functions of %s are found' % THEIRS, str(len(names)))
    tap.ok(functions(ours) == names, 'both declare the same functions',
           'theirs: %s\nours: %s' % (sorted(names - functions(ours)),
                                     sorted(functions(ours) - names)))

    # Enumerators and inline functions cannot be declared twice; the rest can.
    second = re.sub(r'static inline .*?\n\}', '', ENUM.sub('', ours), flags=re.S)
    both = cc(['-fsyntax-only', '-Werror'], '#include "%s"\n%s\n' % (THEIRS, second), False)
    tap.ok(both.returncode == 0, 'no declaration differs', both.stderr[:4000])
    broken = second.replace('int box_truncate(uint32_t', 'int box_truncate(uint64_t')
    refused = cc(['-fsyntax-only'], '#include "%s"\n%s\n' % (THEIRS, broken), False)
    tap.ok(broken != second and refused.returncode != 0, 'one that does would be found')

    constants = enumerators(theirs)
    tap.ok(len(constants) > 250, 'the enumerators are found', str(len(constants)))
    real, own = values(THEIRS, constants), values(OURS, constants)
    tap.ok(len(real) == len(set(constants)) and real == own, 'all have the same values',
           str({n: (real[n], own.get(n)) for n in real if real[n] != own.get(n)}))
    core = values(OURS, constants, '-DTARANTELLA_CORE')
    differ = {n: (real[n], v) for n, v in core.items() if real[n] != v}
    tap.ok(not differ and len(core) > 230, "the instance's own values are these too",
           '%s; without: %s' % (differ, sorted(set(real) - set(core))))

    missing = macros(THEIRS) - macros(OURS) - MACROS_NOT_OURS
    tap.ok(not missing, 'the macros are there', str(sorted(missing)))

    for language in 'c', 'c++':
        done = subprocess.run(
            ['cc', '-x', language, '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-I',
             os.path.join(SOURCE, 'instance/module/include'), '-I/usr/include/tarantool', '-'],
            input='#include "module.h"\n', text=True, capture_output=True)
        tap.ok(done.returncode == 0, 'it compiles as %s from the source tree' % language,
               done.stderr)
    tap.done()


main()
