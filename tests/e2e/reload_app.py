"""An application of two modules for the tests of `ctl reload`, and what they ask it."""
import json
import os

import ctl_common
import harness

INSTANCE = '''
package.path = '%(dir)s/lib/?.lua;' .. package.path
box.cfg{}
require('app').start({name = 'first'})
'''

APP = '''
local fiber = require('fiber')
local dep = require('dep')
local M = {}
local worker
function M.serve() return %(version)d, dep.version() end
function M.start(cfg)
    %(start)s
    worker = fiber.create(function()
        fiber.name('worker%(version)d')
        while true do fiber.sleep(0.01) end
    end)
    rawset(_G, 'name', cfg and cfg.name)
end
function M.stop()
    %(stop)s
    worker:cancel()
end
%(more)s
rawset(_G, 'api', function() return M.serve() end)
return M
'''

DEP = '''
local M = {}
function M.version() return %d end
function M.sleep(time) require('fiber').sleep(time) return %d end
return M
'''


class App:
    """A running instance `my` of the application; version 1 serves."""

    def __init__(self, engine, extra='', instance=INSTANCE):
        self.place = ctl_common.place(engine, extra)
        os.mkdir(self.place.path('lib'))
        self.app(1)
        self.dep(1)
        self.instance_file = self.place.instance('my', instance % {'dir': self.place.dir})
        done = self.place.ctl('start', 'my')
        assert done.returncode == 0, done.stderr

    def app(self, version, start='', stop='', more=''):
        """Write a version of the main module."""
        return self.place.write('lib/app.lua', APP % locals())

    def dep(self, version):
        return self.place.write('lib/dep.lua', DEP % (version, version))

    def write(self, name, text):
        return self.place.write('lib/%s.lua' % name, text)

    def ctl(self, verb, *args, **kw):
        return self.place.ctl(verb, 'my', *args, **kw)

    def json(self, verb, *args):
        """The answer of a verb with --json; its exit code is .code."""
        done = self.ctl(verb, '--json', *args)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, done.stderr

    def eval(self, code):
        done = self.ctl('eval', '--json', '-e', code)
        return json.loads(done.stdout)['result'] if done.returncode == 0 else done.stderr

    def serves(self):
        """Versions of both modules that a client sees."""
        return self.eval('return api()')

    def workers(self):
        """Names of the background fibers."""
        return self.eval('local t = {} for _, f in pairs(require("fiber").info()) do '
                         'if f.name:match("^worker") then t[#t + 1] = f.name end end '
                         'table.sort(t) return t')[0]


def wait_serves(app, versions):
    harness.wait_for(lambda: app.serves() == versions, 'versions %r' % versions)
