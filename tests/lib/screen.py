"""A program in a terminal, through tmux: what a person would see.

    with Screen(['ctl', 'enter', 'app'], cwd=...) as s:
        s.keys('1 + 1', 'Enter')
        s.wait('- 2')

wait() polls the screen's contents with a deadline; nothing sleeps for a guess.
"""
import os
import shlex
import subprocess
import tempfile

import harness


class Screen:
    """One tmux server of its own with one window."""

    def __init__(self, argv, cwd='.', env=None, width=100, height=40):
        self.dir = tempfile.mkdtemp(prefix='trt-tmux-')
        self.socket = os.path.join(self.dir, 's')
        command = ' '.join(shlex.quote(a) for a in argv)
        # The shell stays, so that what comes behind the program can be seen.
        command += '; echo "[exit $?]"; stty -a; cat'
        environment = dict(os.environ, TERM='screen', **(env or {}))
        self._tmux('-f', '/dev/null', 'new-session', '-d', '-x', str(width), '-y', str(height),
                   '-c', os.path.abspath(cwd), command, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _tmux(self, *argv, env=None, check=True):
        return subprocess.run(['tmux', '-S', self.socket, *argv], env=env, check=check,
                              capture_output=True).stdout.decode('utf-8', 'replace')

    def keys(self, *keys):
        """Press keys; a word of several characters that is no key's name is typed."""
        self._tmux('send-keys', *keys)

    def type(self, text):
        if text.endswith(';'):
            text = text[:-1] + '\\;'  # a last semicolon is tmux's own
        self._tmux('send-keys', '-l', text)

    def paste(self, text):
        """As the terminal pastes: in brackets when the program asked for them."""
        subprocess.run(['tmux', '-S', self.socket, 'load-buffer', '-'], input=text.encode(),
                       check=True)
        self._tmux('paste-buffer', '-p')

    def resize(self, width, height):
        self._tmux('resize-window', '-x', str(width), '-y', str(height))

    def text(self):
        """The screen, lines without trailing spaces."""
        return '\n'.join(line.rstrip() for line in
                         self._tmux('capture-pane', '-p', '-S', '-200').splitlines()).rstrip()

    def coloured(self):
        """The same with the escape sequences of colours."""
        return self._tmux('capture-pane', '-p', '-e', '-S', '-200')

    def enter(self, line):
        """Type a line and press Enter."""
        self.type(line)
        self.keys('Enter')

    def wait(self, text, timeout=harness.DEADLINE):
        """Wait until the text stands on the screen; returns the screen."""
        try:
            harness.wait_for(lambda: text in self.text(), repr(text), timeout)
        except AssertionError as e:
            raise AssertionError('%s; the screen:\n%s' % (e, self.text())) from e
        return self.text()

    def wait_last_line(self, text):
        """Wait until the last line of the screen is this."""
        def is_there():
            lines = self.text().splitlines()
            return bool(lines) and lines[-1] == text.rstrip()
        try:
            harness.wait_for(is_there, 'the last line %r' % text)
        except AssertionError as e:
            raise AssertionError('%s; the screen:\n%s' % (e, self.text())) from e

    def close(self):
        self._tmux('kill-server', check=False)
        harness.shutil.rmtree(self.dir, True)
