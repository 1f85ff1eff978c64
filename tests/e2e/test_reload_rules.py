"""The rules of a reload, one after another: what becomes of module tables, globals,
background fibers, edges, loaders, triggers and ffi declarations. Each on tarantella and
on stock Tarantool, with the engine in front of the application and adopted.
"""
import os

import harness
import reload_rig
import tap
from reload_rows import good, on_each, refused

START = "require('app').start({mark = 'args'})\n"


def rig_of(engine, adopt, instance=START, **modules):
    return reload_rig.Rig(engine, modules, "rawset(_G, 'shared', {})\n" + instance, adopt=adopt)


# Where a background fiber may be kept, that `stop` finds it again.
HOLDERS = {
    'local': ('local handle', 'handle'),
    'field': ('', 'M.handle'),
    'nested': ('M.state = {}', 'M.state.handle'),
    'global': ('', 'app_handle'),
    'field of _G': ('', "_G['app_handle']"),
    'raw global': ("rawset(_G, 'app_state', {})", "rawget(_G, 'app_state').handle"),
}
HELD = '''local fiber = require('fiber')
local M = {}
%(declare)s
function M.start(options)
    if options.mark ~= 'args' then error('no arguments') end
    %(holder)s = fiber.create(function()
        fiber.name('app-%(v)d')
        while true do fiber.sleep(0.005) end
    end)
end
function M.stop() %(holder)s:cancel() end
return M
'''


def row_a_background_fiber_is_found_again(engine, adopt, label):
    for name, (declare, holder) in HOLDERS.items():
        def text(v, declare=declare, holder=holder):
            return HELD % {'v': v, 'declare': declare, 'holder': holder}
        rig = rig_of(engine, adopt, app=text(1))
        for v in (2, 3, 4):
            rig.module('app', text(v))
            good(rig.reload(), label + '%s: version %d' % (name, v))
            harness.wait_for(lambda n=v, r=rig: r.fibers() == ['app-%d' % n], 'one fiber')
        tap.ok(True, label + 'one fiber, the new one: kept in a ' + name)
        rig.stop()


BY_NAME = '''local fiber = require('fiber')
local M = {}
function M.start(options)
    if shared.fail == %(v)d then error('cannot start') end
    fiber.create(function()
        fiber.name('app-worker')
        shared.version = %(v)d
        while true do fiber.sleep(0.005) end
    end)
end
function M.stop()
    for id, f in pairs(fiber.info()) do
        if f.name == 'app-worker' then fiber.kill(id) end
    end
end
return M
'''


def row_a_fiber_found_by_name_cannot_overlap(engine, adopt, label):
    rig = rig_of(engine, adopt, app=BY_NAME % {'v': 1})
    rig.module('app', BY_NAME % {'v': 2})
    done = rig.reload()
    tap.ok(done.exit in (1, 4) and 'stop-first' in repr(done),
           label + 'the old stop kills the new fiber: rolled back, and told which order to use',
           done)
    harness.wait_for(lambda: rig.fibers() == ['app-worker'], 'one worker')
    rig.module('app', BY_NAME % {'v': 3})
    good(rig.reload('--order', 'stop-first'), label + 'stop-first works')
    harness.wait_for(lambda: rig.fibers() == ['app-worker'] and rig.get('shared.version') == 3,
                     'the new worker')
    rig.eval('shared.fail = 4')
    rig.module('app', BY_NAME % {'v': 4})
    done = rig.reload('--order', 'stop-first')
    tap.equal(done.exit, 4, label + 'a start that fails then: the old one starts again, exit 4')
    harness.wait_for(lambda: rig.fibers() == ['app-worker'], 'the old worker')
    tap.equal(rig.get('shared.version'), 3, label + 'it is the old version')
    rig.stop()


PORT = '''local socket = require('socket')
local M = {order = %(order)s}
local server
function M.start()
    server = socket.tcp_server('127.0.0.1', %(port)d, function(s) s:write('%(v)d\\n') end)
    if server == nil then error('the port is taken') end
end
function M.stop() server:close() end
return M
'''


def row_a_bound_port(engine, adopt, label):
    port = harness.free_port()

    def text(v, order='nil'):
        return PORT % {'v': v, 'port': port, 'order': order}

    def said():
        return rig.eval('''local s = require('socket').tcp_connect('127.0.0.1', ...)
                           return s and s:read('\\n', 5) or 'nobody' ''', port)[0]

    rig = rig_of(engine, adopt, app=text(1))
    harness.wait_for(lambda: said() == '1\n', 'the server')
    rig.module('app', text(2))
    refused(rig.reload(), 'start', 'the port is taken', label + 'two cannot have it: refused')
    tap.equal(said(), '1\n', label + 'the old one has it still')
    rig.module('app', text(3, "'stop-first'"))
    good(rig.reload(), label + "order = 'stop-first' of the module works")
    harness.wait_for(lambda: said() == '3\n', 'the new server')
    rig.stop()


def row_b_module_tables(engine, adopt, label):
    text = '''local M = {count = 0, conn = 'conn %(v)d', data = {'data %(v)d'}, name = 'n%(v)d'}
        M.handlers = {get = function() return %(v)d end}
        M.only_%(v)d = true
        function M.fields() return M.conn, M.data[1] end
        function M.start() M.started = %(v)d end
        function M.stop() shared.stopped = M.conn end
        return M'''
    rig = rig_of(engine, adopt, START + '''
        local app = require('app')
        rawset(_G, 'ask', function()
            local n = {}
            for key in pairs(app) do n[#n + 1] = key end
            table.sort(n)
            return {app.conn, app.data[1], app.handlers.get(), app.started, app.fields(),
                    table.concat(n, ' ')}
        end)
        rawset(_G, 'handlers', app.handlers)''', app=text % {'v': 1})
    rig.eval("require('app').from_outside = 1")
    for v in (2, 3):
        rig.module('app', text % {'v': v})
        good(rig.reload(), label + 'version %d' % v)
        names = 'conn count data fields handlers name only_%d start started stop' % v
        got = rig.get('ask()')
        tap.equal(got[:4] + got[-1:], ['conn %d' % v, 'data %d' % v, v, v, names],
                  label + 'whoever holds the table sees the new fields, and only these')
        tap.equal(rig.get('handlers.get()'), v, label + 'a held table of functions too')
        tap.equal(rig.get('shared.stopped'), 'conn %d' % (v - 1),
                  label + 'the old stop saw its own')
    rig.stop()


def row_b_classes_and_their_objects(engine, adopt, label):
    text = '''local Base = {}
        Base.__index = Base
        function Base.new(n) return setmetatable({n = n}, Base) end
        function Base:get() return self.n + %(v)d end
        function Base:__tostring() return 'base %(v)d' end
        local Sub = setmetatable({}, {__index = Base})
        Sub.__index = Sub
        function Sub.new(n) return setmetatable({n = n}, Sub) end
        function Sub:name() return 'sub %(v)d' end
        return {Base = Base, Sub = Sub}'''
    rig = rig_of(engine, adopt, '''
        local classes = require('classes')
        local b, s = classes.Base.new(10), classes.Sub.new(20)
        rawset(_G, 'ask', function() return {b:get(), tostring(b), s:get(), s:name(),
            getmetatable(classes.Base.new(1)) == getmetatable(b)} end)''', classes=text % {'v': 1})
    for v in (2, 3):
        rig.module('classes', text % {'v': v})
        good(rig.reload(), label + 'version %d' % v)
        tap.equal(rig.get('ask()'), [10 + v, 'base %d' % v, 20 + v, 'sub %d' % v, True],
                  label + 'living objects have the new methods')
    rig.stop()


def row_c_globals(engine, adopt, label):
    text = '''local fiber = require('fiber')
        %(yield)s
        once = rawget(_G, 'once') or 'first made by %(v)d'
        rawset(_G, 'set_%(v)d', function() end)
        rawset(_G, 'api', function() return %(v)d, getfenv(1) == _G end)
        function plain() return %(v)d end
        local M = {}
        function M.env() return getfenv(1) == _G, %(v)d end
        return M'''
    rig = rig_of(engine, adopt, '''
        require('app')
        local api, plain = api, plain
        rawset(_G, 'ask', function() return {api(), (plain()), (_G.api())} end)
        require('strict').on()''', app=text % {'v': 1, 'yield': ''})
    for v in (2, 3):
        rig.module('app', text % {'v': v, 'yield': 'fiber.sleep(0.05)'})
        good(rig.reload(), label + 'version %d, strict on, its chunk yields' % v)
        tap.equal(rig.get('ask()'), [v, v, v], label + 'captured global functions follow')
        tap.equal(rig.eval("return api()"), [v, True], label + 'the environment is _G')
        tap.equal(rig.eval("return require('app').env()"), [True, v], label + 'of exports too')
        tap.equal(rig.get('once'), 'first made by 1', label + 'x = x or ... keeps what was')
        tap.equal(rig.eval("return rawget(_G, 'set_%d') ~= nil" % v), [True],
                  label + 'rawset is applied')
    if not adopt:
        tap.equal(rig.eval("return rawget(_G, 'set_2') == nil"), [True],
                  label + 'a global function that only the old version made goes')
    rig.stop()


def row_e_named_and_all(engine, adopt, label):
    rig = rig_of(engine, adopt, "require('a') require('b')", a='return {}\n', b='return {}\n')
    done = rig.reload()
    tap.equal((done.exit, done.names()), (0, []), label + 'nothing changed: nothing to do')
    tap.equal(rig.reload('--modules', 'a').names(), ['a'], label + 'a module that is named')
    tap.equal(rig.reload('--all-modules').names(), ['a', 'b'], label + 'all of them')
    rig.module('b', rig.modules['b'])
    done = rig.reload()
    tap.equal(done.names(), [], label + 'written anew with the same text: nothing to do')
    rig.stop()


def row_f_rocks_and_preload(engine, adopt, label):
    rock = 'shared.rock = (shared.rock or 0) + 1 return {}\n'
    rig = rig_of(engine, adopt, '''
        package.preload.pre = function() return {made = true} end
        require('app')''',
                 app="local rock, pre = require('rock'), require('pre') return {v = 1}\n",
                 **{'.rocks/share/tarantool/rock': rock})
    rig.module('app', "local rock, pre = require('rock'), require('pre') return {v = 2}\n")
    done = rig.reload('--all-modules')
    good(done, label + 'all')
    tap.equal(done.names(), ['app'], label + 'neither the rock nor what is preloaded')
    tap.equal(rig.get('shared.rock'), 1, label + 'the rock ran once')
    rig.module('.rocks/share/tarantool/rock', rock.replace('{}', '{v = 2}'))
    done = rig.reload()
    tap.equal(done.names(), ['app', 'rock'], label + 'a rock that changed, and who needs it')
    rig.stop()


def row_h_another_kind_of_value(engine, adopt, label):
    rig = rig_of(engine, adopt, "require('a')", a='return {}\n')
    good(rig.reload('--modules', 'a'), label + 'as it is')
    for text in ('', 'return function() end\n', 'return 5\n'):
        rig.module('a', text)
        refused(rig.reload(), 'check', "'a'", label + 'it was a table: %r' % text)
    good(rig.reload('--kind-change'), label + '--kind-change')
    tap.equal(rig.get("require('a')"), 5, label + 'is what was asked for')
    rig.stop()


APP = '''local M = {}
function M.start(a, b) shared.got = {%(v)d, a, b and b.x, select('#', a, b)} end
function M.stop() shared.stopped = %(v)d end
return M
'''


def row_i_start_arguments(engine, adopt, label):
    rig = rig_of(engine, adopt, "require('app').start('text', {x = 5})\n", app=APP % {'v': 1})
    rig.module('app', APP % {'v': 2})
    good(rig.reload(), label + 'constants in the instance file')
    tap.equal(rig.get('shared.got'), [2, 'text', 5, 2], label + 'are passed again')
    rig.stop()
    rig = rig_of(engine, adopt, '''
        local cfg = {x = os.time() > 0 and 6}
        pcall(require('app').start, 'text', cfg)
        cfg.x = 7''', app=APP % {'v': 1})
    rig.module('app', APP % {'v': 2})
    done = rig.reload()
    if adopt:
        tap.ok(done.exit == 1 and '--start-args' in repr(done),
               label + 'arguments that nobody saw: refused, and says what to do', done)
        tap.equal(rig.get('shared.got'), [1, 'text', 6, 2], label + 'start was not called')
        done = rig.reload('--app', 'app', '--start-args', "'text', {x = 7}")
    good(done, label + 'through pcall, with a table')
    tap.equal(rig.get('shared.got'), [2, 'text', 7, 2], label + 'the same values, not copies')
    tap.equal(rig.get('shared.stopped'), 1, label + 'the old one was stopped')
    rig.stop()


def row_i_no_app_is_known(engine, adopt, label):
    rig = rig_of(engine, adopt, "require('app')", app=APP % {'v': 1})
    rig.module('app', APP % {'v': 2})
    done = rig.reload()
    tap.ok(done.exit == 1 and '--no-lifecycle' in repr(done),
           label + 'start and stop are there, nobody called them: refused', done)
    good(rig.reload('--no-lifecycle'), label + '--no-lifecycle')
    tap.equal(rig.eval('return shared.got == nil'), [True], label + 'start is not called')
    rig.stop()


def row_j_a_module_that_starts_an_app(engine, adopt, label):
    text = HELD % {'v': 1, 'declare': 'local handle', 'holder': 'handle'}
    rig = rig_of(engine, adopt, "require('boot')", app=text,
                 boot="return require('app').start({mark = 'args'})\n")
    for v in (2, 3):
        rig.module('app', HELD % {'v': v, 'declare': 'local handle', 'holder': 'handle'})
        done = rig.reload()
        if adopt:
            refused(done, 'prepare', '--start-args', label + 'nobody saw who started it')
            tap.equal(rig.fibers(), ['app-1'], label + 'the old one serves, alone')
            continue
        good(done, label + 'version %d' % v)
        tap.equal(done.names(), ['app', 'boot'], label + 'both are reloaded')
        harness.wait_for(lambda n=v: rig.fibers() == ['app-%d' % n], 'one fiber')
    rig.stop()


def row_k_edges(engine, adopt, label):
    rig = rig_of(engine, adopt, "require('top')", top='''
        local strong = require('strong')
        return {lazy = function() return require('weak').v end, strong = function() return strong.v end}
        ''', strong="return {v = require('leaf').v}\n", weak='return {v = 1}\n',
                 leaf='return {v = 1}\n', aside='return {}\n',
                 data='return 1\n', sourced="return {v = dofile('data.lua')}\n")
    rig.eval("require('top').lazy() require('sourced')")
    good(rig.reload('--modules', 'top'), label + 'once')
    rig.module('weak', 'return {v = 2}\n')
    done = rig.reload()
    tap.equal(done.names(), ['weak'], label + 'what is required inside a function: that alone')
    tap.equal(rig.get("require('top').lazy()"), 2, label + 'and it is seen')
    rig.module('leaf', 'return {v = 2}\n')
    done = rig.reload()
    tap.equal(done.names(), ['leaf', 'strong', 'top'], label + 'what is required at load: upwards')
    tap.equal(rig.get("require('top').strong()"), 2, label + 'and it is seen')
    rig.module('data', 'return 2\n')
    done = rig.reload()
    tap.equal(done.names(), ['sourced'], label + 'a file that dofile read')
    tap.equal(rig.get("require('sourced').v"), 2, label + 'and it is seen')
    rig.stop()


def row_k_cycles(engine, adopt, label):
    one = '''local M = {} package.loaded[...] = M
        M.two = require('two')
        function M.get() return %d, M.two.get() end
        return M'''
    two = '''local one = require('one')
        return {get = function() return %d, one ~= nil end}'''
    rig = rig_of(engine, adopt, "require('one')", one=one % 1, two=two % 1)
    for v in (2, 3):
        rig.module('two', two % v)
        rig.module('one', one % v)
        good(rig.reload(), label + 'modules that need each other, version %d' % v)
        tap.equal(rig.eval("return require('one').get()"), [v, v, True], label + 'both are new')
    rig.module('two', "local one = require('one') error('broken')\n")
    refused(rig.reload(), 'load', 'two.lua:1: broken', label + 'one of them fails')
    tap.equal(rig.eval("return require('one').get()"), [3, 3, True], label + 'both are old')
    rig.stop()


def row_l_a_loader_of_its_own(engine, adopt, label):
    rig = rig_of(engine, adopt, '''
        shared.text = "return {v = 1}"
        table.insert(package.loaders, 2, function(name)
            if name == 'virtual' then return assert(loadstring(shared.text, '@virtual')) end
        end)
        require('user')''', user="local v = require('virtual') return {get = function() return v.v end}\n")
    good(rig.reload('--modules', 'user'), label + 'once')
    rig.eval('shared.text = "return {v = 2}"')
    good(rig.reload(), label + 'the loader gives another chunk')
    tap.equal(rig.get("require('user').get()"), 2, label + 'and it is seen')
    rig.stop()


def row_m_module_and_setfenv(engine, adopt, label):
    old = "module(..., package.seeall)\nlocal x = %(v)d\nfunction get() return x, v end\nv = %(v)d\n"
    env = '''local M = setmetatable({}, {__index = _G})
        setfenv(1, M)
        v = %(v)d
        function get() return v end
        return M'''
    rig = rig_of(engine, adopt, "require('old') require('env')", old=old % {'v': 1},
                 env=env % {'v': 1})
    for v in (2, 3):
        rig.module('old', old % {'v': v})
        rig.module('env', env % {'v': v})
        good(rig.reload(), label + 'version %d' % v)
        tap.equal(rig.eval("return require('old').get()"), [v, v], label + 'module()')
        tap.equal(rig.get("require('env').get()"), v, label + 'setfenv')
    rig.stop()


TRIGGER = '''local fiber = require('fiber')
local M = {}
function M.on_replace() shared.fired = shared.fired + 1 shared.by = %(v)d end
function M.start()
    box.space.t:on_replace(M.on_replace)
    fiber.sleep(0.1)
end
function M.stop() %(stop)s end
return M
'''
DROP = 'box.space.t:on_replace(nil, M.on_replace)'
SPACE = '''
box.once('t', function() box.schema.space.create('t', {temporary = true}):create_index('pk') end)
shared.fired, shared.written = 0, 0
require('fiber').create(function()
    while not shared.quit do
        shared.written = shared.written + 1
        box.space.t:replace({1})
        require('fiber').sleep(0.001)
    end
end)
'''


def row_n_triggers_fire_once(engine, adopt, label):
    rig = rig_of(engine, adopt, SPACE + START, app=TRIGGER % {'v': 1, 'stop': DROP})
    # What was written before start returned fired nothing.
    rig.eval('shared.fired, shared.written = 0, 0')
    for v in (2, 3):
        rig.module('app', TRIGGER % {'v': v, 'stop': DROP})
        good(rig.reload(), label + 'version %d' % v)
        harness.wait_for(lambda n=v: rig.get('shared.by') == n, 'the new trigger')
        fired, written = rig.eval('return shared.fired, shared.written')
        tap.equal(fired, written, label + 'each of %d writes fired one trigger' % written)
    rig.stop()


def row_n_triggers_that_stop_forgot(engine, adopt, label):
    rig = rig_of(engine, adopt, SPACE + START, app=TRIGGER % {'v': 1, 'stop': ''})
    rig.module('app', TRIGGER % {'v': 2, 'stop': ''})
    done = rig.reload()
    good(done, label + 'stop leaves its trigger')
    tap.ok('trigger' in done.notes() and 'app.lua:' in done.notes(), label + 'it is listed', done)
    rig.stop()


def row_p_rollback(engine, adopt, label):
    rig = rig_of(engine, adopt, app=HELD % {'v': 1, 'declare': 'local handle', 'holder': 'handle'})
    rig.module('app', HELD % {'v': 2, 'declare': 'local handle', 'holder': 'handle'})
    good(rig.reload(), label + 'version 2')
    if adopt:
        done = rig.ctl('rollback')
        refused(done, 'lock', 'is not known', label + 'what ran before the engine came is lost')
        rig.module('app', HELD % {'v': 1, 'declare': 'local handle', 'holder': 'handle'})
        good(rig.reload(), label + 'back by hand')
        rig.module('app', HELD % {'v': 2, 'declare': 'local handle', 'holder': 'handle'})
        good(rig.reload(), label + 'and forward')
    good(rig.ctl('rollback'), label + 'rollback')
    harness.wait_for(lambda: rig.fibers() == ['app-1'], 'version 1')
    done = rig.reload()
    good(done, label + 'the file on disk is still the newer one')
    tap.equal(done.names(), ['app'], label + 'so a reload takes it')
    harness.wait_for(lambda: rig.fibers() == ['app-2'], 'version 2')
    rig.stop()


def row_q_removed_exports(engine, adopt, label):
    rig = rig_of(engine, adopt, "require('user')",
                 user="local lib = require('lib') return {f = function() return lib.gone() end}\n",
                 lib='return {gone = function() return 1 end, stay = function() end}\n')
    good(rig.reload('--all-modules'), label + 'as it is')
    rig.module('lib', 'return {stay = function() end}\n')
    done = rig.reload('--strict')
    refused(done, 'check', 'gone', label + '--strict refuses what is still used')
    done = rig.reload()
    good(done, label + 'else it is told')
    tap.ok('gone' in done.notes() and 'user' in done.notes(), label + 'with who uses it', done)
    rig.stop()


def row_s_ffi(engine, adopt, label):
    text = '''local ffi = require('ffi')
        ffi.cdef[[struct rig_point {int x%(more)s;};]]
        local P = ffi.metatype('struct rig_point', {__index = {get = function() return %(v)d end}})
        return {new = function() return P() end, v = %(v)d}'''
    rig = rig_of(engine, adopt, '''
        local point = require('point').new()
        rawset(_G, 'ask', function()
            local n for i = 1, 200 do n = point:get() end
            return {n, require('point').new():get()}
        end)
        ask()''', point=text % {'v': 1, 'more': ''})
    for v in (2, 3):
        rig.module('point', text % {'v': v, 'more': ''})
        good(rig.reload(), label + 'the same declaration, version %d' % v)
        tap.equal(rig.get('ask()'), [v, v], label + 'living objects have the new methods')
    rig.module('point', text % {'v': 4, 'more': ', y'})
    done = rig.reload()
    tap.ok(done.exit == 1 and done.answer.get('phase') in ('load', 'check'),
           label + 'another declaration of the same name: refused', done)
    tap.equal(rig.get('ask()'), [3, 3], label + 'the old version serves')
    rig.stop()


ONLY = os.environ.get('ROWS', '').split()
if ONLY:  # for one who works on a row
    for key in [k for k in globals() if k.startswith('row_')]:
        if not any(part in key for part in ONLY):
            del globals()[key]
on_each(globals())
