"""Write the built-in Lua modules as one C table.

usage: embed.py OUTPUT ROOT EMBED.PY FILE...

A file's module name is its path below ROOT without `.lua`, with dots for
slashes (`net_box.lua` stays `net_box`; `net/box.lua` is `net.box`). A file that
was made by the build is called by its own name.
"""
import os
import sys


def c_bytes(data):
    out = []
    for i in range(0, len(data), 20):
        out.append(','.join(str(b) for b in data[i:i + 20]))
    return ',\n'.join(out + ['0'])


def main():
    output, root, _self, *paths = sys.argv[1:]
    rows = []
    with open(output, 'w') as out:
        out.write('#include "instance/lua/builtin.h"\n')
        for n, path in enumerate(sorted(paths)):
            name = os.path.relpath(path, root)[:-len('.lua')]
            if name.startswith(os.pardir):
                name = os.path.basename(name)
            name = name.replace(os.sep, '.')
            with open(path, 'rb') as f:
                data = f.read()
            out.write('static const char blob_%d[] = {\n%s};\n' % (n, c_bytes(data)))
            rows.append('\t{"%s", blob_%d, %d},\n' % (name, n, len(data)))
        out.write('const struct lua_builtin lua_builtins[] = {\n%s' % ''.join(rows))
        out.write('\t{NULL, NULL, 0},\n};\n')


main()
