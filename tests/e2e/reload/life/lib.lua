-- What the scripts of this directory share: an application in a directory, the
-- engine in this process, and checks that test_reload_life.py counts.
-- usage: PROGRAM SCRIPT ENGINE DIR first|adopt on|off
local fiber = require('fiber')
local clock = require('clock')
local json = require('json')

local engine_file, dir, mode, jit_mode = arg[1], arg[2], arg[3], arg[4]
local L = {dir = dir, mode = mode}

io.stdout:setvbuf('line')
if jit_mode == 'off' then
    jit.off()
    jit.flush()
end
package.path = dir .. '/?.lua;' .. package.path

local function engine(how)
    assert(loadfile(engine_file))(how)
    return debug.getregistry()['tarantella.reload.engine']
end

if mode == 'first' then
    L.E = engine('first')
end

-- Write a module; a table of values replaces $name in the text.
function L.write(name, text, values)
    text = text:gsub('%$(%w+)', values or {})
    local path = ('%s/%s.lua'):format(dir, name)
    local f = assert(io.open(path, 'w'))
    f:write(text)
    f:close()
    return text
end

-- Ask the engine. Reloads do not wait for the files to rest.
function L.op(name, opts)
    L.E = L.E or engine('adopt')
    opts = opts or {}
    if name == 'reload' then
        opts.now = opts.now == nil or opts.now
        if mode == 'adopt' and opts.names == nil then
            opts.names = {'app'}
        end
    end
    return L.E.call(name, opts)
end

local function quote(v)
    local ok, text = pcall(json.encode, v)
    return ok and text or tostring(v)
end

function L.ok(condition, name, detail)
    if condition then
        print('ok - ' .. name)
    else
        local at = debug.getinfo(2, 'Sl')
        if at.short_src:match('lib.lua$') then
            at = debug.getinfo(3, 'Sl')
        end
        print(('not ok - %s (line %d): %s'):format(name, at.currentline,
            (quote(detail):gsub('\n', ' '))))
    end
    return condition
end

function L.equal(got, wanted, name)
    return L.ok(got == wanted, name, {got = tostring(got), wanted = tostring(wanted)})
end

function L.like(text, part, name)
    return L.ok(tostring(text):find(part, 1, true) ~= nil, name, text)
end

-- The answer has this exit code and, when given, phase and a part of the message.
function L.exit(answer, code, name, phase, part)
    local good = answer.exit == code and (phase == nil or answer.phase == phase) and
        (part == nil or tostring(answer.message):find(part, 1, true) ~= nil)
    return L.ok(good, name, answer)
end

function L.wait(condition, name, timeout)
    local limit = clock.monotonic() + (timeout or 30)
    while not condition() and clock.monotonic() < limit do
        fiber.sleep(0.005)
    end
    return L.ok(condition(), name, 'waited in vain')
end

-- Names of the fibers that live, those that begin with `prefix`.
function L.fibers(prefix)
    local names = {}
    for _, info in pairs(fiber.info()) do
        if info.name:sub(1, #prefix) == prefix then
            names[#names + 1] = info.name
        end
    end
    table.sort(names)
    return table.concat(names, ' ')
end

function L.has(list, field, part)
    for _, row in ipairs(list or {}) do
        if tostring(row[field]):find(part, 1, true) then
            return row
        end
    end
end

function L.box()
    box.cfg{log = dir .. '/box.log', wal_mode = 'none', memtx_dir = dir, wal_dir = dir,
            vinyl_dir = dir}
end

function L.done()
    print('done')
    os.exit(0)
end

return L
