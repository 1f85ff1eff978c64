"""Which functions of Tarantool's installed headers modules find here.

usage: symbols.py [--write]

Compares docs/c-api.md with what the headers declare and the programs export, and
fails when the page is out of date; --write writes it.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'lib'))

SOURCE = os.environ.get('SOURCE_DIR', os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                   '..', '..', '..'))
OURS = os.environ.get('TARANTELLA', os.path.join(SOURCE, 'build/instance/tarantella'))
INCLUDE = '/usr/include/tarantool'
PAGE = os.path.join(SOURCE, 'docs', 'c-api.md')
LUA_HEADERS = ('lua.h', 'lauxlib.h', 'lualib.h', 'luajit.h')

# What is not there, and why. A function that is neither here nor exported fails the test.
MISSING = {
    'cord_slab_cache': 'for the allocators of the library small, which is not here; '
                       'use malloc or box_txn_alloc',
    'lua_hash': "an addition of Tarantool's LuaJIT",
    'lua_hashstring': "an addition of Tarantool's LuaJIT",
}
# There, and not the same in everything.
NOTES = {
    'coio_call': 'keeps errno, as the header says',
    'coio_close': 'who waits is told the events it waited for, not 0',
    'fiber_clock': 'the clock itself, not that of the turn of the loop',
    'fiber_clock64': 'as fiber_clock',
    'fiber_new_ex': 'a stack has 64 KiB at least',
}
GROUPS = (
    ('Log', r'_?say|log_level'),
    ('Fibers', r'fiber_cond_|fiber_|cord_'),
    ('Descriptors and what blocks', r'coio_'),
    ('Clocks', r'clock_'),
    ('Lua', r'luaL_|luaT_'),
    ('Stored procedures and data', r'box_(return|insert|replace|delete|update|upsert|truncate|'
                                   r'space|index_id|session)'),
    ('Indexes', r'box_(index|iterator)|box_tuple_extract'),
    ('Tuples and keys', r'box_(tuple|key_def)'),
    ('Transactions, sequences, latches', r'box_(txn|sequence|latch)'),
    ('Errors', r'box_error'),
)

HEAD = """# The C API of modules

A `.so` built against Tarantool's `module.h` (Debian: `tarantool-dev`) loads unchanged; so does one
built against our `<tarantella/module.h>`, which declares the same. `examples/c_procs` is one to
start from. A module that needs a function which is not there is refused when it is loaded, and the
message names the function: `undefined symbol: NAME`. Errors that functions set are Tarantool's.

Generated from the installed headers and the program by tests/compat/capi/symbols.py; a test
compares. What the functions do is compared with Tarantool by the other tests there.

Here: {there} of the {total} functions and variables of module.h{lua}.
"""


def declared(header):
    """Names of the functions and variables of a header, in its order."""
    text = subprocess.run(['cc', '-E', '-I' + INCLUDE, os.path.join(INCLUDE, header)], check=True,
                          capture_output=True, text=True).stdout
    own, is_own = [], False
    for line in text.splitlines():
        mark = re.match(r'# \d+ "([^"]*)"', line)
        if mark:
            is_own = os.path.basename(mark.group(1)) == header
        elif is_own:
            own.append(line)
    text = re.sub(r'static inline .*?\n\}', '', '\n'.join(own), flags=re.S)
    text = re.sub(r'__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)', '', text)
    text = re.sub(r'(?:struct|enum|union)\s*\w*\s*\{[^}]*\}\s*\w*;|typedef[^;]*;', '', text)
    names = []
    for declaration in text.split(';'):
        if declaration.strip() in ('', '}'):
            continue
        m = (re.search(r'\(\s*(\w+)\s*\)\s*\(', declaration)
             or re.search(r'\b(\w+)\s*\(', declaration)
             or re.search(r'\bextern\b.*\b(\w+)\s*$', declaration, re.S))
        if m:
            names.append(m.group(1))
    return list(dict.fromkeys(names))


def exported(program):
    """What modules find in the program and in its LuaJIT."""
    names = set()
    libraries = re.findall(r'=> (/\S+)', subprocess.run(
        ['ldd', program], check=True, capture_output=True, text=True).stdout)
    for path in [program, *[p for p in libraries if 'luajit' in p]]:
        out = subprocess.run(['nm', '-D', '--defined-only', path], check=True,
                             capture_output=True, text=True).stdout
        names.update(line.split()[2].split('@')[0] for line in out.splitlines())
    return names


def page(api, lua, have):
    absent = [n for n in lua if n not in have]
    out = [HEAD.format(there=sum(n in have for n in api), total=len(api),
                       lua='; %d of the %d of\nlua.h, lauxlib.h, lualib.h and luajit.h' % (
                           len(lua) - len(absent), len(lua)))]
    out.append('Not here:\n\n| name | why |\n|---|---|')
    out += ['| `%s` | %s |' % (n, MISSING[n]) for n in api + lua if n not in have]
    out.append('\nHere, with a difference:\n\n| name | what |\n|---|---|')
    out += ['| `%s` | %s |' % (n, NOTES[n]) for n in sorted(NOTES)]
    left = list(api)
    for title, pattern in GROUPS:
        names = [n for n in left if re.match(pattern, n)]
        left = [n for n in left if n not in names]
        out.append('\n## %s\n' % title)
        out.append(' '.join('`%s`' % n for n in names if n in have))
    if left:
        raise SystemExit('in no group: %s' % left)
    return wrap('\n'.join(out) + '\n')


def wrap(text):
    out = []
    for line in text.splitlines():
        while len(line) > 100 and line.startswith('`'):
            cut = line.rfind(' ', 0, 100)
            out.append(line[:cut])
            line = line[cut + 1:]
        out.append(line)
    return '\n'.join(out) + '\n'


def main():
    # Some are declared that Tarantool does not export either.
    real = exported(shutil.which('tarantool'))
    api = [n for n in declared('module.h') if n in real]
    lua = [n for h in LUA_HEADERS for n in declared(h)
           if n in real and not n.startswith('luaJIT_version')]
    have = exported(OURS)
    unexplained = [n for n in api + lua if n not in have and n not in MISSING]
    if sys.argv[1:] == ['--write']:
        if unexplained:
            raise SystemExit('neither exported nor explained: %s' % unexplained)
        with open(PAGE, 'w', encoding='utf-8') as f:
            f.write(page(api, lua, have))
        return
    import tap
    tap.ok(len(api) > 125 and len(lua) > 130, 'the headers are read', '%d %d' % (
        len(api), len(lua)))
    tap.ok(not unexplained, 'every function is exported, or it is said why not',
           str(unexplained))
    back = [n for n in MISSING if n in have]
    tap.ok(not back, 'what is said to be missing is', str(back))
    with open(PAGE, encoding='utf-8') as f:
        tap.ok(not unexplained and f.read() == page(api, lua, have),
               'docs/c-api.md is up to date', 'write it: symbols.py --write')
    tap.done()


main()
