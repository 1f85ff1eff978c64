"""Write Lua files as C arrays, each with the hash of its text.

usage: embed_text.py OUTPUT.c FILE...   (remote.lua becomes remote_lua)

A text that names its hash in its first line (`-- hash 0123...`) is known by that one.
"""
import hashlib
import os
import re
import sys


def main():
    output, *paths = sys.argv[1:]
    with open(output, 'w') as out:
        out.write('#include "ctl/embedded.h"\n')
        for path in paths:
            name = os.path.basename(path).replace('.', '_')
            with open(path, 'rb') as f:
                data = f.read()
            named = re.match(rb'-- hash ([0-9a-f.]+)\n', data)
            digest = named[1].decode() if named else hashlib.sha256(data).hexdigest()[:16]
            rows = [','.join(str(b) for b in data[i:i + 20])
                    for i in range(0, len(data), 20)]
            out.write('const char %s[] = {\n%s,0};\n' % (name, ',\n'.join(rows)))
            out.write('const size_t %s_len = %d;\n' % (name, len(data)))
            out.write('const char %s_hash[] = "%s";\n' % (name, digest))


main()
