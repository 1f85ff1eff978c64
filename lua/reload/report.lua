-- What an operator asks: generations, fibers, history, status.
local E = ...
local M = {}

local clock = require('clock')
local util = E.use('util')

local S = E.state

local function names_of(modules)
    local out = {}
    for i, m in ipairs(modules or {}) do
        out[i] = type(m) == 'table' and m.name or m
    end
    return out
end

-- On an instance that ran before the engine came: know its modules.
local function know_modules()
    if not S.is_first then
        E.plan.managed(function() end)
    end
end

local function count_threads()
    know_modules()
    local fibers, calls = {}, {}
    for _, entry in ipairs(E.fibers.scan_all()) do
        local t = entry.kind == 'call' and calls or fibers
        t[entry.generation] = (t[entry.generation] or 0) + 1
    end
    return fibers, calls
end

-- ctl gens
function E.ops.gens()
    local fibers, calls = count_threads()
    local rows, ids = {}, {}
    for id in pairs(S.generations) do
        ids[#ids + 1] = id
    end
    table.sort(ids)
    for _, id in ipairs(ids) do
        local g = S.generations[id]
        rows[#rows + 1] = {
            id = id, state = g.state, why = g.why, hash = g.hash, patch = g.patch,
            age = g.loaded_at and clock.time() - g.loaded_at or nil,
            modules = names_of(g.modules), fibers = fibers[id] or 0, calls = calls[id] or 0,
            retained_by = g.retained_by,
        }
    end
    return {exit = 0, generation = S.generation, generations = rows,
            abandoned = E.hooks.list()}
end

-- ctl fibers [--gen N]: opts.gen, or all.
function E.ops.fibers(opts)
    know_modules()
    local list = {}
    for _, entry in ipairs(E.fibers.scan_all()) do
        if opts.gen == nil or entry.generation == opts.gen or entry.created_by == opts.gen then
            list[#list + 1] = entry
        end
    end
    E.fibers.identify(list)
    table.sort(list, function(a, b)
        return (a.fiber or math.huge) < (b.fiber or math.huge)
    end)
    return {exit = 0, fibers = E.fibers.plain(list), generation = S.generation}
end

-- ctl history
function E.ops.history(opts)
    return {exit = 0, generation = S.generation, entries = E.journal.list(opts.count)}
end

function E.ops.status()
    local current = S.generations[S.generation]
    return {
        exit = 0, generation = S.generation, state = current and current.state,
        running = S.phase or S.probation and 'probation' or S.draining and 'drain' or nil,
        hash = current and current.hash, mode = E.mode, version = E.version,
        engine = E.hash, draining = S.draining and S.draining.generation,
        probation = S.probation and S.probation.generation,
        busy = S.busy or nil, pending = S.pending and S.pending.id, phase = S.pending and S.pending.last_phase,
        modules = #util.sorted_keys(S.records), abandoned = E.hooks.list(),
    }
end

-- For apps: what they may know about themselves ---------------------------------

-- Number of the generation that created the fiber that asks; nil: not known.
function E.api.fiber_generation()
    return E.fibers.generation()
end

-- The rows of `ctl gens`.
function E.api.generations()
    return E.ops.gens({}).generations
end

-- The ops of `ctl`, with its options as a table; the answers are what --json prints.
-- The caller may run code that is replaced by this: it goes on with it.
for _, op in ipairs({'rollback', 'check', 'patch', 'history', 'diff', 'drain'}) do
    E.api[op] = function(opts)
        return E.call(op, opts)
    end
end

return M
