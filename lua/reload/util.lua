-- What every part needs: failing with a phase, taking turns, naming places.

local M = {}

local clock = require('clock')
local fiber = require('fiber')
local json = require('json')

-- What tarantella adds to Lua for the engine; nothing of it on Tarantool.
local has_c, c = pcall(require, 'internal.reload')
M.c = has_c and c or {}

-- Longest time one part works before it lets other fibers run.
local SLICE_MS = 0.5
-- So much is told of a table that was raised.
local TEXT_MAX = 500

-- Milliseconds of a clock that never goes back.
function M.now()
    return clock.monotonic() * 1e3
end

-- End the attempt: the phase that failed and why. The error is a table, so that it
-- keeps its phase through pcall; `format` may be such a table without its phase.
function M.fail(phase, format, ...)
    local err = format
    if type(format) ~= 'table' then
        err = {message = select('#', ...) > 0 and format:format(...) or format}
    end
    err.phase = phase
    error(err, 0)
end

local slice_start = 0
local held = 0

-- Let others run when this slice is used up. Yields.
function M.breathe()
    if held == 0 and M.now() - slice_start > SLICE_MS then
        fiber.sleep(0)
        slice_start = M.now()
    end
end

-- A new slice begins: the caller has just got its turn.
function M.begin_slice()
    slice_start = M.now()
end

-- Between hold and release breathe() does not yield: application code is on the
-- stack, or the switch runs.
function M.hold_breath()
    held = held + 1
end

function M.release_breath()
    held = held - 1
    slice_start = M.now()
end

-- A fiber that runs as soon as anybody yields: `ran` says whether one did. Until then
-- the collector rests: what must not take long is not to pay for others' garbage.
function M.probe()
    local probe = {ran = false}
    local has_collector = collectgarbage('isrunning')
    collectgarbage('stop')
    fiber.new(function()
        probe.ran = true
        if has_collector then
            collectgarbage('restart')
        end
    end)
    return probe
end

-- What was raised, as text: also a table, nothing, or what has no text of its own.
function M.text(err)
    if err == nil then
        return 'an error without a value (nil)'
    end
    local mt = type(err) == 'table' and debug.getmetatable(err)
    if type(err) == 'table' and not (mt and mt.__tostring) then
        local ok, text = pcall(json.encode, err)
        return ok and text:sub(1, TEXT_MAX) or tostring(err)
    end
    local ok, text = pcall(tostring, err)
    return ok and tostring(text) or ('a %s whose __tostring raises: %s'):format(type(err),
        type(text) == 'string' and text or type(text))
end

-- file:line of the definition of a function.
function M.where(f)
    local info = debug.getinfo(f, 'S')
    return ('%s:%d'):format(info.short_src, info.linedefined)
end

-- Is it code of the runtime or of the engine?
function M.is_builtin(f)
    local info = debug.getinfo(f, 'S')
    return info.what == 'C' or info.source:find('^@?builtin/') ~= nil
end

-- What require() puts into package.loaded while a chunk runs, and leaves there when it
-- fails: a pointer, or in newer LuaJITs a number that is next to nothing.
function M.is_sentinel(value)
    local kind = type(value)
    return kind == 'userdata' or kind == 'number' and value < 0 and value > -1e-300
end
jit.on(M.is_sentinel)

-- The keys of a table, and how many. In one step, so that who goes through them may
-- yield; counted here, for `keys[#keys + 1]` takes ten times as long: 5 ms for the 20 000
-- of a large module.
function M.keys(t)
    local keys, n = {}, 0
    for key in next, t do
        n = n + 1
        keys[n] = key
    end
    return keys, n
end

function M.sorted_keys(t)
    local keys = {}
    for key in pairs(t) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        return tostring(a) < tostring(b)
    end)
    return keys
end

-- Lua threads of all fibers, sleeping ones too: the registry refers to them.
function M.threads()
    local list, n = {}, 0
    for _, value in next, debug.getregistry() do
        if type(value) == 'thread' then
            n = n + 1
            list[n] = value
        end
    end
    return list
end

return M
