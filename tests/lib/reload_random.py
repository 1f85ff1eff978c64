"""Random applications for the reload engine: a graph of modules of many kinds, and
versions of it that fail in a chosen way at a chosen phase.

Every module answers with the number in the module `v`, read in a way of its own: so
one answer that is put together from all of them has one number only when all of them
are of one version.
"""

# What a module is, and how others use it. %(n)s: its number. Each has a function that
# appends its version to a list, and calls the same of what it needs.
KINDS = {
    'table': ('''local M = {}
function M.get(out) out[#out + 1] = %(version)s %(calls)s end
return M''', 'm%(n)s.get(out)'),
    'captured': ('''local function get(out) out[#out + 1] = %(version)s %(calls)s end
return {get = get, deep = {get = get}}''', 'm%(n)s.deep.get(out)'),
    'function': ('''return function(out) out[#out + 1] = %(version)s %(calls)s end''',
                 'm%(n)s(out)'),
    'callable': ('''return setmetatable({}, {__call = function(_, out)
    out[#out + 1] = %(version)s %(calls)s
end})''', 'm%(n)s(out)'),
    'class': ('''local Class = {}
Class.__index = Class
function Class.new() return setmetatable({}, Class) end
function Class:get(out) out[#out + 1] = %(version)s %(calls)s end
return Class''', 'm%(n)s.new():get(out)'),
    'global': ('''function get_m%(n)s(out) out[#out + 1] = %(version)s %(calls)s end''',
               'get_m%(n)s(out)'),
    'method': ('''local M = {}
package.loaded[...] = M
M.get = function(out) out[#out + 1] = %(version)s %(calls)s end''', 'm%(n)s.get(out)'),
}
VERSIONS = ("V", "v.n", "require('v').n", "v.get()")

APP = '''local fiber = require('fiber')
local v = require('v')
local V = v.n
%(requires)s
local M = {}
local worker
%(top)s
local function on_replace() shared.fired = shared.fired + 1 end
function M.call(out)
    out[#out + 1] = V
    out[#out + 1] = M.live_version
    %(calls)s
end
M.live_version = V
function app_call(out) out[#out + 1] = V %(calls)s end
local function loop()
    fiber.name('app-worker-' .. V)
    while true do fiber.sleep(0.01) end
end
function M.start(options)
    if options.mark ~= 'args' then error('start without its arguments') end
    %(before)s
    %(holder)s = fiber.create(loop)
    box.space.t:on_replace(on_replace)
    app_started = V
    %(start)s
end
function M.stop()
    %(holder)s:cancel()
    box.space.t:on_replace(nil, on_replace)
    %(stop)s
end
%(end)s
return M
'''
HOLDERS = ('worker', 'M.worker', 'app_worker')

INSTANCE = '''
rawset(_G, 'shared', {written = 0, fired = 0})
box.once('t', function() box.schema.space.create('t', {temporary = true}):create_index('pk') end)
local app = require('app')
local call = app.call
app.start({mark = 'args'})
rawset(_G, 'api', function()
    local out = {}
    app.call(out)
    call(out)
    app_call(out)
    require('app').call(out)
    return unpack(out)
end)
-- Each write fires the trigger of one version.
rawset(_G, 'rig_write', function()
    shared.written = shared.written + 1
    box.space.t:replace({1})
end)
require('fiber').create(function()
    while true do rig_write() require('fiber').sleep(0.001) end
end)
'''

# What a failed attempt may leave behind, if nobody takes it away.
MESS = '''
rawset(_G, 'bad_raw', 1)
bad_plain = function() end
_G.bad_field = {}
package.loaded.bad_module = {}
package.path = package.path .. ';bad/?.lua'
require('fiber').create(function()
    require('fiber').name('app-bad')
    while true do require('fiber').sleep(0.01) end
end)
'''
TRIGGER = '''
box.space.t:on_replace(function() shared.fired = shared.fired + 1 end)
box.space.t:before_replace(function() end)
'''
SLEEP = "require('fiber').sleep(0.03)\n"
# Not an end in itself: it lets go when the test says so.
SWALLOW = "while not shared.quit do pcall(require('fiber').sleep, 0.01) end\n"

# name: (place in the app, text, phase that must be named, or None: the reload is done)
# The old version ends what it knows by name, also the fiber of the new one.
TAKES = 'stop takes the new fiber'
TAKE = '''for id, f in pairs(fiber.info()) do
    if f.name:find('^app%-worker') then fiber.kill(id) end
end'''

FAULTS = {
    'none': (None, '', None),
    TAKES: ('stop', TAKE, None),
    'load yields': ('top', SLEEP, None),
    'start yields': ('start', SLEEP, None),
    'start yields first': ('before', SLEEP, None),
    'stop yields': ('stop', SLEEP, None),
    'stop fails': ('stop', "error('boom')", None),
    'stop hangs': ('stop', "require('fiber').sleep(1000)", None),
    'check passes': ('end', 'function M.check() %s return true end' % SLEEP, None),
    'prepare passes': ('end', 'function M.prepare() %s end' % SLEEP, None),
    'syntax': ('top', 'local = 1', 'compile'),
    'load fails': ('top', MESS + "error('boom')", 'load'),
    'load yields, fails': ('top', MESS + SLEEP + "error('boom')", 'load'),
    'load hangs': ('top', MESS + "require('fiber').sleep(1000)", 'load'),
    'load is cancelled': ('top', MESS + "require('fiber').self():cancel() " + SLEEP, 'load'),
    'load needs memory': ('top', MESS + "local s = ('x'):rep(2^31 - 1)", 'load'),
    'module is missing': ('top', MESS + "require('no_such_module')", 'load'),
    'no return value': ('end', 'do return end', 'check'),
    'unknown keep': ('end', "M.keep = {'no_such_local'}", 'check'),
    'check fails': ('end', "function M.check() %s error('boom') end" % MESS, 'check'),
    'check is false': ('end', "function M.check() return false, 'boom' end", 'check'),
    'check yields, fails': ('end', "function M.check() %s error('boom') end" % (MESS + SLEEP),
                            'check'),
    'check hangs': ('end', "function M.check() require('fiber').sleep(1000) end", 'check'),
    'prepare fails': ('end', "function M.prepare() %s error('boom') end" % (MESS + TRIGGER),
                      'prepare'),
    'prepare hangs': ('end', "function M.prepare() require('fiber').sleep(1000) end", 'prepare'),
    'prepare needs memory': ('end', "function M.prepare() return ('x'):rep(2^31 - 1) end", 'prepare'),
    'start fails': ('start', MESS + TRIGGER + "error('boom')", 'start'),
    'start fails first': ('before', "error({code = 1})", 'start'),
    'start yields, fails': ('start', MESS + TRIGGER + SLEEP + "error('boom')", 'start'),
    'start hangs': ('start', MESS + TRIGGER + "require('fiber').sleep(1000)", 'start'),
    'start is cancelled': ('start', MESS + "require('fiber').self():cancel() " + SLEEP, 'start'),
    'start swallows cancel': ('start', MESS + TRIGGER + SWALLOW, 'start'),
    'start needs memory': ('start', MESS + "local s = ('x'):rep(2^31 - 1)", 'start'),
}


class Application:
    """A random graph; texts(version, fault) are its files."""

    def __init__(self, rng, holder=None):
        self.rng = rng
        self.holder = holder or rng.choice(HOLDERS)
        self.count = rng.randint(2, 6)
        self.kinds, self.needs, self.lazy, self.reads = {}, {}, {}, {}
        for n in range(1, self.count + 1):
            self.kinds[n] = rng.choice(list(KINDS))
            # Only towards higher numbers: no cycles.
            later = list(range(n + 1, self.count + 1))
            self.needs[n] = sorted(rng.sample(later, min(len(later), rng.randint(0, 2))))
            self.lazy[n] = {k for k in self.needs[n] if rng.random() < 0.25}
            self.reads[n] = rng.choice(VERSIONS)
        used = {k for needs in self.needs.values() for k in needs}
        self.needs['app'] = [n for n in self.kinds if n == 1 or n not in used]
        self.extra = {}  # comments that make a file differ

    def names(self):
        return ['app', 'v'] + ['m%d' % n for n in self.kinds]

    def _requires(self, who):
        lazy = self.lazy.get(who, ())
        return '\n'.join("local m%d = require('m%d')" % (n, n)
                         for n in self.needs[who] if n not in lazy)

    def _calls(self, who):
        lines = []
        for n in self.needs[who]:
            call = KINDS[self.kinds[n]][1] % {'n': n}
            if n in self.lazy.get(who, ()):
                call = "do local m%d = require('m%d') %s end" % (n, n, call)
            lines.append(call)
        return ' '.join(lines)

    def _module(self, n, top=''):
        body = KINDS[self.kinds[n]][0] % {
            'n': n, 'calls': self._calls(n), 'version': self.reads[n]}
        return "local v = require('v')\nlocal V = v.n\n%s\n%s%s\n" % (
            self._requires(n), top, body)

    def texts(self, version, fault='none'):
        """All files of a version. A fault at load may be in any module."""
        where, text, _ = FAULTS[fault]
        parts = {'top': '', 'before': '', 'start': '', 'stop': '', 'end': ''}
        victim = 'app'
        if where == 'top' and self.rng.random() < 0.6:
            victim = self.rng.choice(list(self.kinds))
        elif where:
            parts[where] = text
        files = {'v': 'return {n = %d, get = function() return %d end}\n' % (version, version)}
        files['app'] = APP % dict(parts, requires=self._requires('app'),
                                  calls=self._calls('app'), holder=self.holder)
        for n in self.kinds:
            files['m%d' % n] = self._module(n, text + '\n' if victim == n else '')
        for name, comment in self.extra.items():
            files[name] += comment
        return files

    def touch(self):
        """Make one module's file differ by a comment; which one."""
        name = self.rng.choice(['m%d' % n for n in self.kinds])
        self.extra[name] = '-- %d\n' % self.rng.getrandbits(30)
        return name

    def dependents(self, name):
        """What must be reloaded when this module changes: who requires it while it is
        loaded, and so on upwards."""
        found, grew = {name}, True
        while grew:
            grew = False
            for who in ['app'] + list(self.kinds):
                module = who if who == 'app' else 'm%d' % who
                needs = {'m%d' % n for n in self.needs[who] if n not in self.lazy.get(who, ())}
                needs.add('v')
                if module not in found and needs & found:
                    found.add(module)
                    grew = True
        return sorted(found)
