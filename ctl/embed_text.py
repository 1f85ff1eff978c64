"""Write Lua files as C arrays, each with the hash of its text.

usage: embed_text.py OUTPUT.c FILE...   (remote.lua becomes remote_lua)

A line `-- include FILE` is replaced by that file (its path counts from the text's
folder), between `do` and `end`.

A text that names its hash in its first line (`-- hash 0123...`) is known by that one.
"""
import hashlib
import os
import re
import sys


def load(path):
    with open(path, 'rb') as f:
        data = f.read()

    def included(match):
        part = os.path.join(os.path.dirname(path), match[1].decode())
        with open(part, 'rb') as f:
            return b'do\n' + f.read() + b'end\n'
    return re.sub(rb'^-- include (\S+)\n', included, data, flags=re.M)


def main():
    output, *paths = sys.argv[1:]
    with open(output, 'w') as out:
        out.write('#include "ctl/embedded.h"\n')
        for path in paths:
            name = os.path.basename(path).replace('.', '_')
            data = load(path)
            named = re.match(rb'-- hash ([0-9a-f.]+)\n', data)
            digest = named[1].decode() if named else hashlib.sha256(data).hexdigest()[:16]
            rows = [','.join(str(b) for b in data[i:i + 20])
                    for i in range(0, len(data), 20)]
            out.write('const char %s[] = {\n%s,0};\n' % (name, ',\n'.join(rows)))
            out.write('const size_t %s_len = %d;\n' % (name, len(data)))
            out.write('const char %s_hash[] = "%s";\n' % (name, digest))


main()
