"""What the end-to-end tests share: directories, instances, ctl, waiting.

Nothing here sleeps for a guessed time: wait_for() polls a condition with a
deadline and fails with what it waited for.
"""
import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# A test that is ended at its time limit still ends what it started.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

TARANTELLA = os.environ.get('TARANTELLA', 'tarantella')
CTL = os.environ.get('CTL', 'ctl')
SOURCE_DIR = os.environ.get('SOURCE_DIR', '.')
DEADLINE = float(os.environ.get('TEST_DEADLINE', '30'))  # seconds a condition may take


def wait_for(condition, what, timeout=DEADLINE):
    """Poll until condition() is true; returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('waited %gs in vain for %s' % (timeout, what))
        time.sleep(0.005)


def free_port():
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii') as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):  # gone while it was looked at
        return False


def tempdir():
    """A fresh directory that goes when the test ends."""
    path = tempfile.mkdtemp(prefix='trt-')
    atexit.register(shutil.rmtree, path, True)
    return path


class Place:
    """A directory with a tarantoolctl defaults file, as an admin would lay it out."""

    def __init__(self, extra=''):
        self.dir = tempdir()
        for name in ('run', 'log', 'data', 'instances'):
            os.mkdir(os.path.join(self.dir, name))
        self.write('.tarantoolctl', '''
default_cfg = {
    pid_file = '%(dir)s/run', wal_dir = '%(dir)s/data', memtx_dir = '%(dir)s/data',
    vinyl_dir = '%(dir)s/data', log = '%(dir)s/log', background = true, %(extra)s
}
instance_dir = '%(dir)s/instances'
''' % {'dir': self.dir, 'extra': extra})
        atexit.register(self.kill_all)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text):
        mode = 'wb' if isinstance(text, bytes) else 'w'
        with open(self.path(name), mode) as f:
            f.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read().decode('utf-8', 'replace')

    def instance(self, name, text):
        return self.write('instances/%s.lua' % name, text)

    def run(self, *argv, stdin=None, timeout=60, env=None, **kw):
        """Run a command here. Result: .returncode .stdout .stderr (text)."""
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(argv, cwd=self.dir, input=b'' if stdin is None else stdin,
                              capture_output=True, timeout=timeout,
                              env=dict(os.environ, PWD=self.dir, **(env or {})), **kw)
        done.stdout = done.stdout.decode('utf-8', 'replace')
        done.stderr = done.stderr.decode('utf-8', 'replace')
        return done

    def ctl(self, *argv, **kw):
        return self.run(CTL, *argv, **kw)

    def tarantoolctl(self, *argv, **kw):
        return self.run('tarantoolctl', *argv, **kw)

    def pid(self, name):
        """Pid from the pid file, or None."""
        try:
            return int(self.read('run/%s.pid' % name))
        except (FileNotFoundError, ValueError):
            return None

    def kill_all(self):
        """End what still runs here, also what has lost its pid file: a process whose
        working directory is ours was started by this test."""
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                if os.readlink('/proc/%s/cwd' % pid).startswith(self.dir):
                    if int(pid) != os.getpid():
                        os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass  # gone meanwhile


class Process:
    """A program in the foreground with its output in files; killed at the end."""

    def __init__(self, argv, cwd=None, env=None):
        self.dir = tempdir()
        self.out = open(os.path.join(self.dir, 'out'), 'wb')
        self.err = open(os.path.join(self.dir, 'err'), 'wb')
        self.child = subprocess.Popen(argv, cwd=cwd or self.dir, stdin=subprocess.DEVNULL,
                                      stdout=self.out, stderr=self.err,
                                      env=dict(os.environ, **(env or {})))
        self.pid = self.child.pid
        atexit.register(self.kill)

    def stdout(self):
        with open(os.path.join(self.dir, 'out'), 'rb') as f:
            return f.read().decode('utf-8', 'replace')

    def stderr(self):
        with open(os.path.join(self.dir, 'err'), 'rb') as f:
            return f.read().decode('utf-8', 'replace')

    def terminate(self, timeout=DEADLINE):
        self.child.terminate()
        return self.child.wait(timeout)

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
