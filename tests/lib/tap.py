"""TAP output for the Python tests.

    tap.ok(condition, 'what is promised', 'shown when it is not')
    tap.equal(got, wanted, 'what is promised')
    tap.run(globals())      runs each test_* function; an exception is a failure
    tap.done()              prints the plan, exits 1 when something failed
"""
import re
import sys
import traceback

_count = 0
_failed = 0


def ok(condition, name, detail=''):
    global _count, _failed
    _count += 1
    if not condition:
        _failed += 1
    print('%sok %d - %s' % ('' if condition else 'not ', _count,
                            name.replace('\n', ' ').replace('#', '')))
    if not condition and detail:
        for line in str(detail).splitlines():
            print('# ' + line)
    sys.stdout.flush()
    return bool(condition)


def equal(got, wanted, name):
    return ok(got == wanted, name, 'got:    %r\nwanted: %r' % (got, wanted))


def like(got, part, name):
    return ok(part in got, name, 'got:         %r\nshould have: %r' % (got, part))


def matches(got, pattern, name):
    return ok(re.search(pattern, got, re.M), name,
              'got:          %r\nshould match: %r' % (got, pattern))


def case(function, *args):
    try:
        function(*args)
    except Exception:  # pylint: disable=broad-except
        ok(False, function.__name__, traceback.format_exc())


def run(namespace):
    """Run every function test_* of a module's globals() in order, then done()."""
    for name, function in list(namespace.items()):
        if name.startswith('test_') and callable(function):
            case(function)
    done()


def done():
    print('1..%d' % _count)
    sys.exit(1 if _failed else 0)
