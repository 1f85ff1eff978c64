"""Write Lua files as C arrays, each with the hash of its text.

usage: embed_text.py OUTPUT.c FILE...   (remote.lua becomes remote_lua)
"""
import hashlib
import os
import sys


def main():
    output, *paths = sys.argv[1:]
    with open(output, 'w') as out:
        out.write('#include "ctl/embedded.h"\n')
        for path in paths:
            name = os.path.basename(path).replace('.', '_')
            with open(path, 'rb') as f:
                data = f.read()
            digest = hashlib.sha256(data).hexdigest()[:16]
            rows = [','.join(str(b) for b in data[i:i + 20])
                    for i in range(0, len(data), 20)]
            out.write('const char %s[] = {\n%s,0};\n' % (name, ',\n'.join(rows)))
            out.write('const size_t %s_len = %d;\n' % (name, len(data)))
            out.write('const char %s_hash[] = "%s";\n' % (name, digest))


main()
