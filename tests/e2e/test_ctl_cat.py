"""ctl cat: .snap and .xlog files that the real Tarantool wrote, beside tarantoolctl cat."""
import glob
import json
import os
import re
import shutil
import subprocess

import harness
import tap

YAML_TO_JSON = '''
local yaml, json = require('yaml'), require('json')
for doc in io.read('*a'):gmatch('%-%-%-\\n(.-)\\n%f[-.]') do
    print(json.encode(yaml.decode(doc)))
end
os.exit(0)
'''


# Runs what it is told, line by line.
SAY = 'for line in io.lines() do assert(loadstring(line))() end'


class Files(harness.Place):
    """Files of the real Tarantool, in x/."""

    def __init__(self):
        super().__init__()
        os.mkdir(self.path('x'))
        script = os.path.abspath(os.path.join(harness.SOURCE_DIR, 'tests/e2e/cat_data.lua'))
        subprocess.run(['tarantool', script], cwd=self.path('x'), check=True)
        self.xlogs = sorted(glob.glob(self.path('x/*.xlog')))
        self.snaps = sorted(glob.glob(self.path('x/*.snap')))

    def both(self, *argv):
        return self.tarantoolctl('cat', *argv).stdout, self.ctl('cat', *argv).stdout


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def test_same_as_tarantoolctl():
    p = Files()
    xlog, snap = p.xlogs[0], p.snaps[-1]
    for argv in ((), ('--show-system',), ('--from=203',), ('--to=6',), ('--from=3', '--to=9'),
                 ('--space=272',), ('--space=512', '--space=272', '--from=204'),
                 ('--replica=1', '--space=512'), ('--replica=2',)):
        for path in (xlog, snap):
            name = '%s %s' % (os.path.basename(path)[-6:], ' '.join(argv))
            theirs, ours = p.both(path, '--format=json', *argv)
            # Strings that are no UTF-8 are the same bytes in both; here they were replaced.
            tap.equal(rows(ours), rows(theirs), 'json: %s' % name)
    theirs, ours = p.both(xlog, snap, '--format=json', '--show-system')
    tap.ok(len(rows(ours)) > 500, 'json: several files')
    tap.equal(rows(ours), rows(theirs), 'json: several files, the same')


def test_yaml():
    p = Files()
    theirs, ours = p.both(p.xlogs[0], '--show-system')
    script = p.write('decode.lua', YAML_TO_JSON)

    def decoded(text):
        return rows(p.run('tarantool', script, stdin=text).stdout)
    tap.ok(len(decoded(theirs)) > 200, 'yaml: documents')
    tap.equal(decoded(ours), decoded(theirs), 'yaml: the same documents')
    tap.ok(ours.startswith('---\nHEADER:\n  lsn: 1\n') and ours.endswith('\n...\n'),
           'yaml: as tarantoolctl lays it out')


def test_lua():
    p = Files()
    theirs, ours = p.both(p.xlogs[0], '--format=lua', '--to=204')
    # tarantoolctl shows null and decimals as nothing that Lua reads.
    plain = re.compile(r'cdata|decimal|box\.NULL|e\+300')
    tap.equal([x for x in ours.splitlines() if not plain.search(x)][:3],
              [x for x in theirs.splitlines() if not plain.search(x)][:3], 'lua: statements')
    # What they make of an empty instance is what the file was made from.
    schema = "box.cfg{log_level = 1} box.schema.space.create('s'):create_index('pk')\n"
    _, ours = p.both(p.xlogs[0], '--format=lua', '--space=512')
    p.write('replay.lua', schema + ours.replace('box.space[513]', '--') +
            "\nprint(box.space.s:len()) for _, v in box.space.s:get(7):pairs() do print(v) end os.exit(0)")
    os.mkdir(p.path('replayed'))
    got = subprocess.run(['tarantool', '../replay.lua'], cwd=p.path('replayed'),
                         capture_output=True, check=False, text=True)
    tap.equal(got.stdout.split(), ['197', '7', '1.25', '-0.0001',
                                   '0.33333333333333333333333333333333333333',
                                   '49e06834-bd92-4b78-85c5-2afcf4dfe9a9'],
              'lua: runs, and makes the same data')


def test_directory():
    p = Files()
    got = p.ctl('cat', 'x', '--format=json', '--show-system')
    files = re.findall(r"Processing file '(.*)'", got.stderr)
    tap.equal(files, sorted(files), 'directory: by name')
    tap.equal(len(files), len(p.xlogs) + len(p.snaps), 'directory: all files')
    os.mkdir(p.path('empty'))
    got = p.ctl('cat', 'empty')
    tap.equal(got.returncode, 2, 'empty directory: exit 2')
    tap.like(got.stderr, 'no .snap and no .xlog file in it', 'empty directory: says so')


def broken(p, name, change):
    with open(p.xlogs[0], 'rb') as f:
        data = bytearray(f.read())
    return p.write('x/' + name, bytes(change(data)))


def flipped(data):
    data[600] ^= 1
    return data


def test_damage():
    p = Files()
    whole = rows(p.ctl('cat', p.xlogs[0], '--format=json').stdout)
    path = broken(p, 'flip.xlog', flipped)
    got = p.ctl('cat', path, '--format=json')
    tap.equal(got.returncode, 2, 'damage: exit 2')
    tap.ok(re.search(r'flip\.xlog: at byte \d+: the block.s checksum does not match', got.stderr),
           'damage: where and what', got.stderr)
    before = rows(got.stdout)
    tap.equal(before, whole[:len(before)], 'damage: the rows before it')
    tap.ok(len(before) < len(whole) - 1, 'damage: nothing behind it')
    got = p.ctl('cat', path, '--format=json', '--skip-damaged')
    tap.equal(got.returncode, 2, '--skip-damaged: exit 2')
    tap.ok(re.search(r'flip\.xlog: \d+ bytes skipped', got.stderr), '--skip-damaged: how much')
    after = rows(got.stdout)
    tap.equal(len(after), len(whole) - 1, '--skip-damaged: one row is lost')
    tap.ok(all(row in whole for row in after), '--skip-damaged: the others are right')


def lengthened(data):
    """The second block says that it ends behind the file."""
    at = data.find(b'\xd5\xba\x0b\xab', data.find(b'\xd5\xba\x0b\xab') + 1)
    data[at + 4:at + 19] = b'\xce\0\x10\0\0' + b'\xce\0\0\0\0' + b'\xce\0\0\0\0'
    return data


def test_damaged_length():
    p = Files()
    whole = rows(p.ctl('cat', p.xlogs[0], '--format=json', '--show-system').stdout)
    path = broken(p, 'length.xlog', lengthened)
    got = p.ctl('cat', path, '--format=json', '--show-system')
    tap.equal(got.returncode, 2, 'a damaged length: exit 2, it is no torn end')
    tap.ok(re.search(r"length\.xlog: at byte \d+: the block.s length is wrong", got.stderr),
           'a damaged length: where and what', got.stderr)
    tap.equal(rows(got.stdout), whole[:1], 'a damaged length: the rows before it')
    got = p.ctl('cat', path, '--format=json', '--show-system', '--skip-damaged')
    tap.equal((got.returncode, rows(got.stdout)), (2, whole[:1] + whole[2:]),
              'a damaged length, --skip-damaged: the rows before and behind it')


def test_every_cut():
    """A file that is cut off anywhere: the rows before, one line, no crash."""
    p = Files()
    size = os.path.getsize(p.xlogs[0])
    whole = p.ctl('cat', p.xlogs[0], '--format=json').stdout
    bad = []
    for n in list(range(0, size, 37)) + [size - 4, size - 1]:
        got = p.ctl('cat', broken(p, 'cut.xlog', lambda data, n=n: data[:n]), '--format=json')
        if not whole.startswith(got.stdout) or got.returncode not in (0, 2) or \
                len(got.stderr.splitlines()) > 2:
            bad.append((n, got.returncode, got.stderr))
    tap.equal(bad, [], 'a cut anywhere')
    got = p.ctl('cat', broken(p, 'cut.xlog', lambda data: data[:-30]), '--format=json')
    tap.equal(got.returncode, 0, 'a torn last block: exit 0, as after a kill')
    tap.like(got.stderr, 'the last block is not whole', 'a torn last block: says so')


def test_bad_input():
    p = Files()
    for argv, code, message in (
            (('/etc/passwd',), 2, 'no text header: not an .xlog or .snap file'),
            (('nofile',), 2, 'Can\'t read nofile: No such file or directory'),
            ((), 64, 'Not enough arguments'),
            ((p.xlogs[0], '--format=foo'), 64, 'should be one of yaml|json|lua'),
            ((p.xlogs[0], '--from=x'), 64, "Bad --from 'x': a number is expected"),
            ((p.xlogs[0], '--space=1,y'), 64, "Bad --space 'y': a number is expected"),
            ((p.write('empty.xlog', ''),), 2, 'the text header is cut off')):
        got = p.ctl('cat', *argv)
        tap.equal(got.returncode, code, 'cat %s: exit %d' % (' '.join(argv[-1:]), code))
        tap.like(got.stderr, message, 'cat %s: says why' % ' '.join(argv[-1:]))
    got = p.ctl('cat', 'nofile', p.xlogs[0], '--format=json')
    tap.ok(got.returncode == 2 and len(rows(got.stdout)) > 200, 'the other files are read')
    os.chmod(p.path(), 0o755)
    os.chmod(p.path('x'), 0o700)
    got = p.ctl('cat', p.xlogs[0], user=65534)
    tap.equal(got.returncode, 2, 'a file that we may not read: exit 2')
    tap.like(got.stderr, 'Permission denied', 'a file that we may not read: says so')


def test_follow():
    """Rows come as the file grows; then those of the file that comes after it."""
    p = Files()
    shutil.rmtree(p.path('x'))
    os.mkdir(p.path('x'))
    writer = subprocess.Popen(['tarantool', p.write('say.lua', SAY)], cwd=p.path('x'), stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def say(text):
            writer.stdin.write(text.encode() + b'\n')
            writer.stdin.flush()
        say("box.cfg{log = 'log'}")
        say("box.schema.space.create('s'):create_index('pk') box.space.s:replace{1}")
        harness.wait_for(lambda: glob.glob(p.path('x/*.xlog')), 'the log')
        path = glob.glob(p.path('x/*.xlog'))[0]
        reader = harness.Process([harness.CTL, 'cat', '-f', path, '--format=json'], cwd=p.dir)

        def keys():
            return [row['BODY']['tuple'][0] for row in rows(reader.stdout())]
        harness.wait_for(lambda: keys() == [1], 'the first row')
        say("box.space.s:replace{2}")
        harness.wait_for(lambda: keys() == [1, 2], 'a row that was added')
        say("box.snapshot() box.space.s:replace{3}")
        harness.wait_for(lambda: keys() == [1, 2, 3], 'a row of the next file')
        tap.ok(True, '--follow: rows come as they are written, also in the next file')
        reader.child.send_signal(2)
        tap.equal(reader.child.wait(30), 130, '--follow: Ctrl-C ends it')
    finally:
        writer.kill()
        writer.wait()


def test_lost_reader():
    p = Files()
    got = p.run('sh', '-c', '"$CTL" cat x --show-system --format=json | head -n 1')
    tap.equal(len(got.stdout.splitlines()), 1, 'cat | head: the first line')


tap.run(globals())
