"""The main job under load: the instance file is evaluated again and again, each
time with a new version of the application, while clients call it without a pause.
No call fails, versions only go up, broken versions cost nothing, and memory stays.

TEST_TIMES makes it as many times longer.
"""
import json
import os
import subprocess

import harness
import tap

RELOADS = 8 * int(os.environ.get('TEST_TIMES', '1'))
LOAD = os.path.join(os.environ['BUILD_DIR'], 'tests', 'bench', 'load')

APP = '''
local fiber = require('fiber')
local part = require('part')
local worker
local M = {version = %d}
local function api() return M.version, part.version end
function M.start()
    worker = fiber.create(function() while true do fiber.sleep(0.001) end end)
    rawset(_G, 'api', api)
end
function M.stop() worker:cancel() end
return M
'''
INSTANCE = '''
box.cfg{listen = 'unix/:%s'}
box.once('grant', function() box.schema.user.grant('guest', 'execute', 'universe') end)
for _, name in ipairs({'app', 'part'}) do assert(loadfile(assert(package.search(name)))) end
if package.loaded.app then
    package.loaded.app.stop()
    package.loaded.app, package.loaded.part = nil, nil
end
require('app').start()
'''


def versions(place):
    """What a caller sees: the versions of both modules, and how many fibers there are."""
    done = place.ctl('eval', 'app', '--json', '-e',
                     "local n = 0 for _ in pairs(require('fiber').info()) do n = n + 1 end "
                     'local a, b = api() return {a, b, n, collectgarbage("count")}')
    return json.loads(done.stdout)['result'][0] if done.returncode == 0 else done.stderr


def write_version(place, n):
    place.write('app.lua', APP % n)
    place.write('part.lua', 'return {version = %d}\n' % n)


def test_reload_under_load():
    place = harness.Place()
    sock = place.path('s.sock')
    write_version(place, 0)
    path = place.instance('app', INSTANCE % sock)
    tap.equal(place.ctl('start', 'app').returncode, 0, 'start')
    tap.equal(versions(place)[:2], [0, 0], 'the first version serves')
    fibers = versions(place)[2]
    with subprocess.Popen([LOAD, '-c', '4', '-d', '8', '-t', '100000', '-j', 'call', 'api',
                           'unix/:' + sock], stdout=subprocess.PIPE) as client:
        try:
            bad = []
            for n in range(1, RELOADS + 1):
                write_version(place, n)
                done = place.ctl('eval', 'app', path)
                if done.returncode != 0 or versions(place)[:2] != [n, n]:
                    bad.append((n, done.stderr))
            tap.equal(bad, [], '%d versions took over' % RELOADS)
            place.write('part.lua', 'return {version = }\n')
            done = place.ctl('eval', 'app', path)
            tap.equal(done.returncode, 3, 'a syntax error in a module: exit 3')
            tap.like(done.stderr, 'part.lua:1: unexpected symbol', 'and where it is')
            tap.equal(versions(place)[:2], [RELOADS, RELOADS], 'the old version serves on')
        finally:
            client.terminate()
        result = json.loads(client.communicate()[0])
    tap.equal(result['failed'], 0, 'no call failed')
    tap.ok(result['requests'] > 100 * RELOADS, 'there was a load', result)
    # The instance's own fibers come and go: those of its consoles, of its statistics.
    end = harness.wait_for(lambda: [v for v in [versions(place)] if v[2] <= fibers],
                           'the end of the old fibers')[0]
    tap.ok(True, 'no fiber of an old version is left')
    tap.ok(end[3] < 20 * 1024, 'memory of the old versions is given back', '%r KB' % end[3])
    tap.equal(place.ctl('stop', 'app').returncode, 0, 'stop')


tap.run(globals())
