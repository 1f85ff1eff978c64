-- What the cases of the engine's core share. A case is a script of its own, run as
--   tarantool|tarantella CASE.lua first|adopt ENGINE.lua
-- It writes modules into a directory, loads the application as an instance file would,
-- reloads it, and prints TAP lines. `first`: the engine is there before the application;
-- `adopt`: it comes later, with the first reload.

local fiber = require('fiber')
local fio = require('fio')

local rig = {dir = fio.tempdir(), mode = arg[1], instance_file = nil}
rig.is_adopt = rig.mode == 'adopt'
package.path = rig.dir .. '/?.lua;' .. rig.dir .. '/?/init.lua;' .. package.path

local count, failed = 0, 0

function rig.ok(cond, what, detail)
    count = count + 1
    if cond then
        print(('ok %d - %s'):format(count, what))
    else
        failed = failed + 1
        print(('not ok %d - %s'):format(count, what))
        for line in tostring(detail or debug.traceback('', 2)):gmatch('[^\n]+') do
            print('# ' .. line)
        end
    end
    return cond
end

function rig.is(got, want, what)
    return rig.ok(got == want, what, ('got %s, want %s'):format(tostring(got), tostring(want)))
end

function rig.like(text, pattern, what)
    return rig.ok(tostring(text):find(pattern) ~= nil, what,
        ('%s is not like %s'):format(tostring(text), pattern))
end

function rig.path(name)
    return rig.dir .. '/' .. name:gsub('%.', '/') .. '.lua'
end

-- Write a module; `$1` and so on in the text are replaced by further arguments.
function rig.write(name, text, ...)
    local args = {...}
    text = text:gsub('%$(%d)', function(n)
        return tostring(args[tonumber(n)])
    end)
    local path = rig.path(name)
    -- fio yields: only where a directory must be made.
    local file = io.open(path, 'w')
    if file == nil then
        fio.mktree(fio.dirname(path))
        file = assert(io.open(path, 'w'))
    end
    file:write(text)
    file:close()
end

-- Write an instance file and run it.
function rig.instance(text)
    rig.instance_file = rig.dir .. '/instance_file'
    local file = assert(io.open(rig.instance_file, 'w'))
    file:write(text)
    file:close()
    return dofile(rig.instance_file)
end

function rig.engine()
    if rig.code == nil then
        assert(loadfile(arg[2]))(rig.mode)
        rig.code = debug.getregistry()['tarantella.reload.engine']
    end
    return rig.code
end

function rig.call(op, opts)
    opts = opts or {}
    opts.now = opts.now == nil and true or opts.now
    opts.instance_file = opts.instance_file or rig.instance_file
    opts.drain = opts.drain or 0.3
    rig.answer = rig.engine().call(op, opts)
    return rig.answer
end

function rig.reload(opts)
    return rig.call('reload', opts)
end

local function report(a)
    local notes = table.concat(a.notes or {}, '\n  ')
    return ('exit %s phase %s: %s\n  %s\n%s'):format(tostring(a.exit), tostring(a.phase),
        tostring(a.message), notes, a.traceback or '')
end

-- Reload; it must end with this exit code (default 0).
function rig.reloads(what, opts, exit, phase)
    local a = rig.reload(opts)
    rig.ok(a.exit == (exit or 0) and (phase == nil or a.phase == phase), what, report(a))
    for _, note in ipairs(a.notes or {}) do
        if note:find('BUG', 1, true) then
            rig.ok(false, what .. ': ' .. note)
        end
    end
    return a
end

-- What is loaded is under the engine from here on: in `adopt` its first reload.
function rig.settle(opts)
    if rig.is_adopt then
        opts = opts or {}
        opts.all = true
        rig.reloads('adoption', opts)
    end
end

function rig.names(a)
    local names = {}
    for i, m in ipairs(a.modules) do
        names[i] = m.name
    end
    return table.concat(names, ' ')
end

function rig.has_note(pattern, what)
    local text = table.concat(rig.answer.notes, '\n')
    return rig.ok(text:find(pattern) ~= nil, what, 'notes: ' .. text)
end

function rig.wait(cond, what)
    local limit = fiber.time() + 20
    while not cond() do
        if fiber.time() > limit then
            return rig.ok(false, 'in time: ' .. what)
        end
        fiber.sleep(0.002)
    end
    return true
end

function rig.done()
    fio.rmtree(rig.dir)
    print('1..' .. count)
    os.exit(failed == 0 and 0 or 1)
end

-- A case that raises fails and ends.
function rig.run(f)
    local ok, err = xpcall(f, debug.traceback)
    if not ok then
        rig.ok(false, 'the case runs to its end', err)
    end
    rig.done()
end

if rig.mode == 'first' then
    rig.engine()
end
return rig
