-- reload.on_unload(fn): what a module wants done when its version is replaced,
-- besides stop(). fn runs after the old stop(), or when the version that
-- registered it failed.
local E = ...
local M = {}

local S = E.state
S.cleanups = S.cleanups or {}

-- Register; the version is the one whose code fn is. Returns fn.
function E.api.on_unload(fn)
    if type(fn) ~= 'function' then
        error('usage: reload.on_unload(function)', 2)
    end
    S.cleanups[#S.cleanups + 1] = fn
    return fn
end

-- Take those out for which is_gone(fn) is true and run each, the newest first,
-- in a fiber with a deadline. Errors are returned as texts: they stop nothing.
function M.run(is_gone, generation, deadline)
    local gone, rest, errors = {}, {}, {}
    for _, fn in ipairs(S.cleanups) do
        local list = is_gone(fn) and gone or rest
        list[#list + 1] = fn
    end
    S.cleanups = rest
    for i = #gone, 1, -1 do
        local ok, err = E.hooks.run(generation, 'cleanup', gone[i], deadline)
        if not ok then
            errors[#errors + 1] = ('cleanup: %s'):format(tostring(err.message))
        end
    end
    return errors
end

-- After the old stop(): those of replaced code.
function M.of_old(generation, deadline)
    return M.run(E.gens.old, generation, deadline)
end

-- The generation failed: those that it registered.
function M.of_failed(id, deadline)
    return M.run(function(fn)
        return E.bytecode.generation_of(fn) == id
    end, id, deadline)
end

return M
