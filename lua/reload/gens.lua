-- Generations: which code is old, what each generation is doing, and the proof
-- that a replaced one is gone.
local E = ...
local M = {}

local clock = require('clock')
local jutil = require('jit.util')

local S = E.state
local sources = S.sources
local function weak(mode)
    return setmetatable({}, {__mode = mode})
end
-- So many generations that are gone stay in the list.
local KEPT = 16

-- patched: prototype of a function that a patch brought -> record of its module.
-- replaced: prototype of a function that a patch took out -> true.
S.patched = S.patched or weak('k')
S.replaced = S.replaced or weak('k')

-- What all closures of one function in the text have in common; nil for C.
function M.prototype(f)
    return jutil.funcinfo(f).proto
end

-- The generation of a function whose module has a newer version by now; nil for
-- current code and for what is no module of the app.
-- info: of jit.util.funcinfo(f), when the caller has it.
function M.old(f, info)
    info = info or jutil.funcinfo(f)
    local proto = info.proto
    if proto == nil then
        return nil
    end
    local record = sources[info.source] or S.patched[proto]
    if record == nil then
        return nil
    end
    local generation = E.bytecode.compiled_for(info) or record.born or 1
    if generation < (record.gen or 1) or S.replaced[proto] then
        return generation
    end
    return nil
end

function M.get(id)
    return S.generations[id]
end

-- States: prepared current draining drained released failed rolled-back.
function M.set_state(id, name, why)
    local g = S.generations[id]
    if g ~= nil then
        g.state, g.why = name, why or g.why
        g[name .. '_at'] = clock.time()
    end
end

-- Forget generations that are gone, but for the last ones.
function M.prune()
    local gone = {released = true, failed = true, ['rolled-back'] = true}
    for id, g in pairs(S.generations) do
        if id < S.generation - KEPT and gone[g.state] then
            S.generations[id] = nil
        end
    end
end

return M
