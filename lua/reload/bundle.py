"""Make one Lua text of the parts of the reload engine.

usage: bundle.py OUTPUT BUNDLE.PY BOOT.LUA PART.lua...

A part's name is that of its file; they are loaded in the order given. The first
line of the text names its version and hash, by which two engines are told apart.
"""
import hashlib
import os
import sys

# Greater than that of every engine that this one may replace: a later engine stays
# when an older `ctl` comes. To be raised with each release that changes the engine.
VERSION = 1


def quoted(text):
    """The text as a Lua literal that loses nothing."""
    level = 0
    while ']' + '=' * level + ']' in text + ']':
        level += 1
    return '[%s[\n%s]%s]' % ('=' * level, text, '=' * level)


def read(path):
    with open(path, encoding='utf-8', newline='') as f:
        text = f.read()
    if '\r' in text:
        sys.exit('%s: a carriage return would be lost' % path)
    return text


def main():
    output, _self, boot, *paths = sys.argv[1:]
    parts = ['{%s, %s},\n' % ("'%s'" % os.path.basename(path)[:-len('.lua')],
                              quoted(read(path))) for path in paths]
    text = 'local PARTS = {\n%s}\n%s' % (''.join(parts), read(boot))
    digest = '%d.%s' % (VERSION, hashlib.sha256(text.encode()).hexdigest()[:16])
    with open(output, 'w', encoding='utf-8', newline='') as out:
        out.write("-- hash %s\nlocal HASH = '%s'\n%s" % (digest, digest, text))


main()
