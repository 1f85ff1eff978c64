"""What the tests of ctl share: the engines that they run on, and made-up instances.

Every test of a verb runs on each engine of ENGINES: tarantella, and stock
Tarantool through `engine = "tarantool"`.
"""
import os
import socket
import subprocess

import harness

ENGINES = os.environ.get('CTL_ENGINES', 'tarantella tarantool').split()
PLAIN = 'box.cfg{}\n'


def place(engine, extra=''):
    p = harness.Place(extra)
    with open(p.path('.tarantoolctl'), 'a', encoding='utf-8') as f:
        f.write('engine = "%s"\n' % engine)
    p.engine = engine
    return p


def started(engine, text=PLAIN, name='app', extra=''):
    """A place with one running instance."""
    p = place(engine, extra)
    p.instance(name, text)
    done = p.ctl('start', name)
    assert done.returncode == 0, done.stderr
    return p


def dead_socket(path):
    """A Unix socket file that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)


def write_pid_file_of_the_dead(p, name):
    """A pid file whose process has ended."""
    child = subprocess.Popen(['true'])
    child.wait()
    p.write('run/%s.pid' % name, str(child.pid))
    return child.pid


def hang(p, name='app'):
    """Make the instance's event loop busy for ever; returns when it is."""
    pid = p.pid(name)
    busy = subprocess.Popen([harness.CTL, 'eval', name, '-e',
                             'print("busy") require("fiber").sleep(0.01) while true do end'],
                            cwd=p.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    busy.stdout.readline()
    harness.wait_for(lambda: p.ctl('status', name, '--timeout', '100ms').returncode == 2,
                     'the busy loop')
    busy.kill()
    busy.wait()
    busy.stdout.close()
    return pid
