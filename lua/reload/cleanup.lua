-- reload.on_release(fn): what a version wants done when it is gone for good: nothing
-- runs its code any more, or it failed. For what stop() is too early for.
local E = ...
local M = {}

local log = require('log')

local S = E.state
S.cleanups = S.cleanups or {}

local DEADLINE_S = 10

-- Register; the version is the one whose code fn is. Returns fn.
function E.api.on_release(fn)
    if type(fn) ~= 'function' then
        error('usage: reload.on_release(function)', 2)
    end
    S.cleanups[#S.cleanups + 1] = fn
    return fn
end

-- Take those out for which is_gone(fn) is true and run each, the newest first, in
-- a fiber with a deadline. What fails stops nothing, it is told in the log.
local function run(is_gone, generation)
    local gone, rest = {}, {}
    for _, fn in ipairs(S.cleanups) do
        local list = is_gone(fn) and gone or rest
        list[#list + 1] = fn
    end
    S.cleanups = rest
    for i = #gone, 1, -1 do
        local ok, err = E.hooks.run(generation, 'release', gone[i], DEADLINE_S)
        if not ok then
            log.error('reload: on_release of generation %d: %s', generation, err.message)
        end
    end
end

-- The generation has drained: those of replaced code.
function M.of_old(generation)
    run(E.gens.old, generation)
end

-- The generation failed: those that it registered.
function M.of_failed(id)
    run(function(fn)
        return E.bytecode.generation_of(fn) == id
    end, id)
end

return M
