"""What the C API does beside a reload: code that runs elsewhere keeps its version mapped."""
import os
import re
import shutil
import subprocess

import harness
import iproto
import tap

MODULE = '''
#include "module.h"
#include <fcntl.h>
#include <unistd.h>

/* Blocks until somebody writes; in a thread. */
static ssize_t wait_for_byte(va_list ap)
{
	char c = 0;
	int fd = open(va_arg(ap, const char *), O_RDONLY);
	ssize_t n = read(fd, &c, 1);
	close(fd);
	return n == 1 ? VERSION : -1;
}

API_EXPORT int in_thread(box_function_ctx_t *ctx, const char *args, const char *end);
int in_thread(box_function_ctx_t *ctx, const char *args, const char *end)
{
	char reply = (char)coio_call(wait_for_byte, PIPE);
	return box_return_mp(ctx, &reply, &reply + 1);
}

static struct fiber_cond *cond;

static int wait_on(va_list ap)
{
	char *reply = va_arg(ap, char *);
	fiber_cond_wait(cond);
	*reply = VERSION;
	return 0;
}

/* A joined fiber with a stack of its own. */
API_EXPORT int in_fiber(box_function_ctx_t *ctx, const char *args, const char *end);
int in_fiber(box_function_ctx_t *ctx, const char *args, const char *end)
{
	char reply = 0;
	struct fiber_attr *attr = fiber_attr_new();
	fiber_attr_setstacksize(attr, 1 << 20);
	cond = fiber_cond_new();
	struct fiber *f = fiber_new_ex("in_fiber", attr, wait_on);
	fiber_attr_delete(attr);
	fiber_set_joinable(f, true);
	fiber_start(f, &reply);
	if (coio_call(wait_for_byte, PIPE) != VERSION)
		return -1;
	fiber_cond_signal(cond);
	if (fiber_join(f) != 0)
		return -1;
	fiber_cond_delete(cond);
	return box_return_mp(ctx, &reply, &reply + 1);
}

static int run_left(va_list ap)
{
	static volatile char text[] = "of this version";
	char c = 0;
	(void)ap;
	while (read(0, &c, 0) == 0 && !fiber_is_cancelled() && text[0] != 0)
		fiber_sleep(0.001);
	return 0;
}

static struct fiber *left;

/* A fiber that outlives the call, until it is cancelled: 1; 0 to start it. */
API_EXPORT int background(box_function_ctx_t *ctx, const char *args, const char *end);
int background(box_function_ctx_t *ctx, const char *args, const char *end)
{
	left = fiber_new("left", run_left);
	fiber_start(left);
	return 0;
}
'''


class Server(harness.Place):
    def __init__(self):
        super().__init__()
        self.pipe = self.path('pipe')
        os.mkfifo(self.pipe)
        self.write('m.c', MODULE)
        self.build(1)
        path = self.write('app.lua', '''
package.cpath = '%s/?.so'
box.cfg{listen = 'unix/:%s', log = 'test.log'}
box.once('x', function() box.schema.user.grant('guest', 'read,write,execute', 'universe') end)
for _, f in ipairs{'in_thread', 'in_fiber', 'background'} do
    box.schema.func.create('m.' .. f, {language = 'C'})
end
io.open('ready', 'w'):close()
''' % (self.dir, self.path('s.sock')))
        self.process = harness.Process([harness.TARANTELLA, path], cwd=self.dir)
        harness.wait_for(lambda: os.path.exists(self.path('ready')), 'the instance')

    def build(self, version):
        subprocess.run(['cc', '-shared', '-fPIC', '-DVERSION=%d' % version,
                        '-DPIPE="%s"' % self.pipe, '-I/usr/include/tarantool',
                        '-o', self.path('new.so'), self.path('m.c')], check=True)
        shutil.move(self.path('new.so'), self.path('m.so'))

    def rows(self, client):
        """What is loaded; as many copies are mapped."""
        rows = client.eval("return require('module').list()")[0]
        with open('/proc/%d/maps' % self.process.pid, encoding='utf-8') as f:
            copies = {m[1] for m in (re.search(r' (\d+) +\S*/(?:m\.so|memfd:m)', line)
                                     for line in f) if m}
        return rows if len(copies) == len(rows) else None


def check_pin(function):
    s = Server()
    with iproto.Client(s.path('s.sock')) as control, iproto.Client(s.path('s.sock')) as caller:
        for version in 1, 2:
            s.build(version)
            if version > 1:
                control.eval("box.schema.func.reload('m')")
            caller.send(iproto.frame({iproto.TYPE: iproto.CALL, iproto.SYNC: 1},
                                     {iproto.FUNCTION: 'm.' + function, iproto.TUPLE: []}))
            # The thread has opened its end when ours can be opened without waiting.
            pipe = harness.wait_for(lambda: open_writer(s.pipe), 'the task')
            s.build(version + 1)
            control.eval("box.schema.func.reload('m')")
            old, new = harness.wait_for(lambda: s.rows(control), 'the rows')
            tap.equal([old['calls'], old['tasks'], new['calls'], new['tasks']], [1, 1, 0, 0],
                      'the instance serves while a thread blocks, and lists it')
            os.write(pipe, b'x')
            os.close(pipe)
            tap.equal(caller.receive().data, [[version]], '%s: the old version answers' % function)
        harness.wait_for(lambda: len(s.rows(control) or '') == 1, 'one mapped copy')
        tap.ok(s.process.child.poll() is None, 'it lives')
    s.process.terminate()


def open_writer(path):
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_task_in_a_thread():
    check_pin('in_thread')


def test_fiber_and_cond():
    check_pin('in_fiber')


def test_fiber_left_behind():
    """It runs on in the version that started it; cancelled, it lets that one go."""
    s = Server()
    with iproto.Client(s.path('s.sock')) as c:
        c.eval("box.func['m.background']:call{}")
        s.build(2)
        c.eval("box.schema.func.reload('m')")
        old, _ = harness.wait_for(lambda: s.rows(c), 'the rows')
        tap.equal([old['calls'], old['fibers']], [0, 1], 'the old version is mapped')
        c.eval("require('fiber').sleep(0.02)")
        c.eval("for id, f in pairs(require('fiber').info()) do "
               "if f.name == 'left' then require('fiber').find(id):cancel() end end")
        harness.wait_for(lambda: len(s.rows(c) or '') == 1, 'one mapped copy')
        tap.ok(s.process.child.poll() is None, 'it lives')
    s.process.terminate()


tap.run(globals())
