"""Where the configuration comes from, what is refused, and the command line."""
import os

import harness
import tap
from ctl_common import PLAIN, place


def home(p, text):
    os.makedirs(p.path('home/.config/tarantool'), exist_ok=True)
    return p.write('home/.config/tarantool/tarantool', text)


def test_lookup():
    p = harness.Place()
    os.makedirs(p.path('other'))
    p.write('other/x.lua', PLAIN)
    home(p, 'default_cfg = {pid_file = "%s/run"} instance_dir = "%s/other"' % (p.dir, p.dir))
    env = {'HOME': p.path('home')}
    p.instance('here', PLAIN)
    got = p.ctl('instances', env=env).stdout
    tap.ok('here' in got and 'other' not in got, './.tarantoolctl is the first')
    os.unlink(p.path('.tarantoolctl'))
    got = p.ctl('instances', env=env).stdout
    tap.like(got, p.path('other/x.lua'), '~/.config/tarantool/tarantool is the second')
    got = p.ctl('instances', env=dict(env, NOTIFY_SOCKET='/x'))
    tap.ok(p.path('other') not in got.stdout, 'under systemd only the system\'s is read')


def refuse(text, code, message, name, mode=0o644, uid=None):
    p = place('tarantella')
    p.instance('app', PLAIN)
    p.write('.tarantoolctl', text)
    os.chmod(p.path('.tarantoolctl'), mode)
    if uid is not None:
        os.chown(p.path('.tarantoolctl'), uid, uid)
    got = p.ctl('status', 'app')
    tap.equal(got.returncode, code, '%s: exit %d' % (name, code))
    tap.like(got.stderr, message, '%s: says why' % name)
    tap.equal(len(got.stderr.splitlines()), 1, '%s: in one line' % name)


def test_bad_files():
    refuse('default_cfg = {', 1, 'Failed to load defaults file: ', 'syntax error')
    refuse('error("boom")', 1, 'Failed to execute defaults file: ', 'error in it')
    refuse('default_cfg = {}', 1, 'Instance directory (instance_dir) is not set in ', 'no dir')
    refuse('instance_dir = "/no/such"', 1, 'Instance directory /no/such does not exist',
           'missing dir')
    refuse('default_cfg = 1 instance_dir = "/"', 1, 'default_cfg', 'default_cfg is a number')
    refuse('default_cfg = {log = {}} instance_dir = "/"', 1, 'Bad default_cfg.log', 'log = {}')
    refuse('default_cfg = {f = print} instance_dir = "/"', 1, 'Bad default_cfg', 'a function')
    refuse('default_cfg = {language = "tcl"} instance_dir = "/"', 1, 'Unknown language: tcl',
           'unknown language')
    refuse('engine = 1 instance_dir = "/"', 1, 'Bad engine in ', 'engine = 1')
    refuse('instance_dir = "/"', 1, 'others may write to it (mode 0666)', 'writable', 0o666)
    if os.getuid() == 0:
        refuse('instance_dir = "/"', 1, 'belongs to neither root nor you', 'foreign',
               uid=65534)
    p = place('tarantella')
    os.unlink(p.path('.tarantoolctl'))
    os.mkdir(p.path('.tarantoolctl'))
    got = p.ctl('status', 'app')
    tap.equal(got.returncode, 2, 'a directory in its place: exit 2')
    if os.getuid() == 0:
        p = place('tarantella')
        os.chmod(p.dir, 0o755)
        os.chmod(p.path('.tarantoolctl'), 0o600)
        got = p.run(harness.CTL, 'status', 'app', env={'HOME': '/'}, preexec_fn=lambda: (
            os.setgroups([]), os.setgid(65534), os.setuid(65534)))
        tap.equal(got.returncode, 2, 'unreadable: exit 2')
        tap.like(got.stderr, "Can't read defaults file %s: Permission denied"
                 % p.path('.tarantoolctl'), 'unreadable: says why')


def test_sandbox():
    p = place('tarantella')
    p.instance('app', PLAIN)
    p.write('.tarantoolctl', p.read('.tarantoolctl') + 'string = nil local x = ("a"):upper()\n')
    tap.equal(p.ctl('status', 'app').returncode, 1, 'globals of the file are its own')


def test_engine_by_instance():
    p = place('tarantella')
    p.write('.tarantoolctl', p.read('.tarantoolctl') +
            'engine = {default = "none1", app = "none2"}\n')
    p.instance('app', PLAIN)
    p.instance('b', PLAIN)
    tap.like(p.ctl('start', 'app').stderr, "'none2'", 'engine by instance name')
    tap.like(p.ctl('start', 'b').stderr, "'none1'", 'engine by default')


def test_command_line():
    p = place('tarantella')
    p.instance('app', PLAIN)
    for argv, code, message in (
            (['strat', 'app'], 64, "Unknown command 'strat'. Did you mean 'start'?"),
            (['frobnicate'], 64, "Unknown command 'frobnicate'"),
            (['rocks', 'list'], 64, "Unknown command 'rocks'"),
            (['reloat', 'app'], 64, "Unknown command 'reloat'. Did you mean 'reload'?"),
            ([], 64, 'Usage: ctl COMMAND'),
            (['start'], 64, "Not enough arguments for 'start' command"),
            (['eval', 'app', 'f', 'g'], 64, "Too many arguments for 'eval' command: 'g'"),
            (['status', '--bad', 'app'], 64, "unrecognized option '--bad'"),
            (['stop', 'app', '--timeout', 'soon'], 64, "Bad --timeout 'soon'"),
            (['stop', 'app', '--timeout'], 64, "option '--timeout' requires an argument"),
            (['eval', 'app', '-e', '1', 'f.lua'], 64, 'Either a file or --expr'),
            (['help', 'nope'], 64, "Unknown command 'nope'"),
            (['enter', 'a*'], 1, "No instance matches"),
            (['status', '..'], 1, "Bad instance name '..'"),
            (['enter', 'app', '--language', 'tcl'], 64, 'Unknown language: tcl')):
        if argv[:2] == ['enter', 'a*']:
            argv = ['enter', 'zz*']
        got = p.ctl(*argv)
        tap.equal(got.returncode, code, 'ctl %s: exit %d' % (' '.join(argv), code))
        tap.like(got.stderr, message, 'ctl %s: says why' % ' '.join(argv))
        tap.equal(got.stdout, '', 'ctl %s: nothing on stdout' % ' '.join(argv))


def test_help():
    p = place('tarantella')
    got = p.ctl('help')
    tap.equal(got.returncode, 0, 'help: exit 0')
    verbs = [line.split()[0] for line in got.stdout.split('Commands:\n')[1].split('\n\n')[0]
             .splitlines()]
    tap.ok('start' in verbs and 'eval' in verbs, 'help lists the commands')
    for verb in verbs:
        one = p.ctl('help', verb)
        other = p.ctl(verb, '--help')
        tap.ok(one.returncode == 0 and one.stdout == other.stdout and
               one.stdout.startswith('Usage: ctl %s ' % verb), 'help %s' % verb)
    tap.like(p.ctl('--version').stdout, 'ctl ', '--version')


tap.run(globals())
