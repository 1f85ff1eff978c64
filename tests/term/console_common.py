"""What the tests of the console share."""
import os
import sys

import harness
from screen import Screen

sys.path.insert(0, os.path.join(harness.SOURCE_DIR, 'tests', 'e2e'))
# pylint: disable=wrong-import-position,unused-import
from ctl_common import ENGINES, PLAIN, hang, place, started


def console(p, *argv, env=None, **kw):
    """A console at its first prompt, with a home of its own."""
    argv = argv or ('enter', 'app')
    s = Screen([harness.CTL, *argv], cwd=p.dir,
               env={'HOME': p.dir, 'PWD': p.dir, **(env or {})}, **kw)
    harness.wait_for(lambda: s.text().endswith('>'), 'the prompt')
    return s


def history(p):
    return p.read('.tarantool_history').splitlines()


def console_pids(p):
    """The consoles of `enter app` that run here."""
    def is_console(pid):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as f:
                argv = f.read().split(b'\0')
            return (argv[1:3] == [b'enter', b'app'] and
                    os.readlink('/proc/%s/cwd' % pid) == p.dir)
        except (OSError, IndexError):
            return False
    return [int(d) for d in os.listdir('/proc') if d.isdigit() and is_console(d)]


def is_restored(screen):
    """Does `stty -a`, which runs behind the console, show a terminal as it was?"""
    return ' icanon' in screen and '-icanon' not in screen and ' echo ' in screen
