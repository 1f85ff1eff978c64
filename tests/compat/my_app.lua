-- The module-reload example: run its instance file, change files, run it again.
local fio = require('fio')

local source = fio.dirname(fio.abspath(arg[0])) .. '/../../examples/my_app/'
local dir = fio.tempdir()
assert(fio.chdir(dir))
-- (modules are found in the current directory, as with the example itself)

local function read(path)
    local f = assert(io.open(path))
    local text = f:read('*a')
    f:close()
    return text
end

local function write(path, text)
    local f = assert(io.open(path, 'w'))
    f:write(text)
    f:close()
end

local function edit(name, from, to)
    local text, n = read(dir .. '/' .. name):gsub(from, to)
    assert(n == 1, name .. ': nothing to change')
    write(dir .. '/' .. name, text)
end

for _, name in ipairs({'app.lua', 'greeting.lua', 'heartbeat.lua', 'my_app.lua'}) do
    write(dir .. '/' .. name, read(source .. name))
end
-- The fixed port of the example would be in the way of other tests.
edit('my_app.lua', 'listen=3302', ("listen='unix/:%s/s', log='%s/log'"):format(dir, dir))

local fiber = require('fiber')

local function beats()
    return box.space.counters:get('beats')[2]
end

local function wait_for(what, is_true)
    local deadline = fiber.clock() + 10
    while not is_true() do
        assert(fiber.clock() < deadline, 'waited too long for ' .. what)
        fiber.sleep(0.01)
    end
end

local function wait_beats(more_than)
    wait_for('a heartbeat', function() return beats() > more_than end)
end

local function workers()
    local n = 0
    for _, f in pairs(fiber.info()) do
        if f.name == 'heartbeat' then
            n = n + 1
        end
    end
    return n
end

local function show(title)
    wait_for('the old fibers to end', function() return workers() == 1 end)
    print(title)
    local reply = api_for_call('Ann')
    print('', reply.greeting, reply.calls, reply.version)
    print('', 'fibers', workers())
    print('', 'parts', box.space.counters.index.primary.parts[1].type,
        box.space.counters.index.primary.parts[1].fieldno)
    print('', 'same module', package.loaded.app.api_for_call == api_for_call)
end

dofile(dir .. '/my_app.lua')
show('first start')
wait_beats(0)

local old = api_for_call
edit('greeting.lua', 'Hello, %%s!', 'Good day, %%s!')
edit('app.lua', "version = '1.0'", "version = '1.1'")
dofile(dir .. '/my_app.lua')
show('after the change')
print('', 'replaced', old ~= api_for_call)
print('', 'old one still works', old('Bob').greeting)
wait_beats(beats())

for _ = 1, 5 do
    dofile(dir .. '/my_app.lua')
end
show('five times more')

-- A new step of the migration is run, the old ones are not.
edit('app.lua', "(    box.once%('my_app:v1.2')", "    box.once('my_app:v1.3', function()\n"
    .. "        box.space.counters:insert({'extra', 7})\n    end)\n%1")
dofile(dir .. '/my_app.lua')
show('a new migration step')
print('', 'extra', box.space.counters:get('extra')[2])

-- A module with an error: nothing new is loaded.
edit('greeting.lua', 'return {text = text}', 'return {text = }')
local ok, err = pcall(dofile, dir .. '/my_app.lua')
print('broken', ok, (tostring(err):gsub('^.*/', '')))
show('the old version goes on')
wait_beats(beats())

package.loaded.app = nil
fio.rmtree(dir)
os.exit(0)
