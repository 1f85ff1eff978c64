"""Add up what meson's test runs say, and print `N passed, N failed`.

usage: summary.py TESTLOG.json...

A test that printed TAP counts once per line of it; one that only has an exit
code counts once. A crash or a time-out is a failure beside its lines. Exits 1
when anything failed or nothing ran.
"""
import json
import re
import sys


def count(row):
    lines = row.get('stdout', '').splitlines()
    passed = sum(1 for line in lines if re.match(r'\s*ok\b', line))
    failed = sum(1 for line in lines if re.match(r'\s*not ok\b', line))
    if row['result'] == 'OK':
        return max(passed, 1), failed
    return passed, max(failed, 1)


def main():
    passed = failed = 0
    for path in sys.argv[1:]:
        with open(path, encoding='utf-8') as log:
            for row in map(json.loads, log):
                p, f = count(row)
                passed, failed = passed + p, failed + f
                if f:
                    print('FAILED: %s (%s)' % (row['name'], path))
                    for line in row.get('stdout', '').splitlines():
                        if 'not ok' in line or line.startswith('#'):
                            print('    ' + line)
                    for line in row.get('stderr', '').splitlines()[-30:]:
                        print('    | ' + line)
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


main()
