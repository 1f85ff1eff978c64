"""Completion of ctl's arguments in real shells: Tab is pressed, the line is looked at."""
import os
import subprocess

import harness
import tap
from screen import Screen

SHELLS = {
    'bash': ['bash', '--norc', '--noprofile', '-i'],
    'zsh': ['zsh', '-f', '-i'],
    'fish': ['fish', '--no-config', '-i'],
}
SETUP = {
    'bash': 'PS1="%s"; bind "set show-all-if-ambiguous on"; eval "$(ctl completion bash)"',
    'zsh': 'PS1="%s"; autoload -U compinit; compinit -D -u; eval "$(ctl completion zsh)"',
    'fish': 'function fish_prompt; echo -n "%s"; end; ctl completion fish | source',
}


def made():
    p = harness.Place()
    p.instance('account_a', 'box.cfg{}')
    p.instance('billing', 'box.cfg{}')
    p.write('some_file.xlog', '')
    return p


def check_shell(shell):
    p = made()
    env = {'PATH': os.path.dirname(os.path.abspath(harness.CTL)) + ':' + os.environ['PATH'],
           'HOME': p.dir}
    with Screen(SHELLS[shell], cwd=p.dir, env=env) as s:
        def complete(text, wanted):
            """Type, press Tab, and wait for the line that should come of it."""
            s.keys('C-u')
            s.type('clear')
            s.keys('Enter')
            harness.wait_for(lambda: s.text().strip() == 'ready>', '%s: the prompt' % shell)
            s.type(text)
            s.keys('Tab')
            try:
                s.wait('ready> ' + wanted)
                tap.ok(True, '%s: %s<Tab>' % (shell, text))
            except AssertionError:
                tap.ok(False, '%s: %s<Tab>' % (shell, text), s.text())
        # root's prompt ends with another sign than a user's
        harness.wait_for(lambda: s.text().strip()[-1:] in tuple('#$%>'), '%s: it runs' % shell)
        s.type(SETUP[shell] % 'ready> ')
        s.keys('Enter')
        s.wait('\nready>')
        complete('ctl logr', 'ctl logrotate')
        complete('ctl start acc', 'ctl start account_a')
        complete('ctl start account_a bil', 'ctl start account_a billing')
        complete('ctl start --timeout 5s bil', 'ctl start --timeout 5s billing')
        complete('ctl start --time', 'ctl start --timeout')
        complete('ctl cat --format js', 'ctl cat --format json')
        complete('ctl cat some', 'ctl cat some_file.xlog')
        complete('ctl help logr', 'ctl help logrotate')


def test_shells():
    for shell in SHELLS:
        tap.case(check_shell, shell)


def test_words():
    p = made()

    def words(*argv):
        return [line.split('\t')[0] for line in
                p.ctl('completion', 'words', '--', *argv).stdout.splitlines()]
    known = [line.split()[0] for line in p.ctl('help').stdout.splitlines()
             if line.startswith('  ')]
    tap.equal(words(''), known, 'all commands')
    tap.equal(words('enter', 'x', ''), [], 'nothing behind the last argument')
    tap.equal(words('nosuch', ''), [], 'nothing for a command that is none')
    tap.equal(words('restart', 'a', ''), ['account_a', 'billing'], 'instances, again and again')
    tap.ok('--all' in words('stop', '-'), '--all')
    got = p.ctl('completion', 'tcsh')
    tap.equal((got.returncode, got.stderr),
              (64, "Unknown shell 'tcsh': bash, zsh or fish is expected\n"), 'another shell')
    os.unlink(p.path('.tarantoolctl'))
    got = p.ctl('completion', 'bash', env={'HOME': p.dir})
    tap.equal((got.returncode, got.stderr), (0, ''), 'needs no configuration')
    done = subprocess.run(['bash', '-n'], input=got.stdout.encode(), check=False)
    tap.equal(done.returncode, 0, 'bash can read it')


tap.run(globals())
