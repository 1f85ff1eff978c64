-- save() of the old version, load(state, from_version) of the new one.
--
-- load() gets the very tables that save() returned, so what the old version writes until
-- the switch is not lost. What load() changed in them is undone when the reload fails,
-- but for fields that somebody wrote since.

local E = ...
local M = {}

local util = E.use('util')
local walk = E.use('walk')
local state = E.state

-- A state of more tables is not remembered: that would take too long.
local TABLES_MAX = 200000

-- All tables of a state and what is in them: table -> copy; nil: too many.
local function remember(root)
    local stop, copies, queue, n = walk.borders(), {}, {root}, 0
    while #queue > 0 do
        local t = table.remove(queue)
        if type(t) == 'table' and copies[t] == nil and not stop[t] then
            n = n + 1
            if n > TABLES_MAX then
                return nil
            end
            local copy = {}
            for key, value in next, t do
                copy[key] = value
                if type(value) == 'table' then
                    queue[#queue + 1] = value
                end
            end
            copies[t] = copy
            util.breathe()
        end
    end
    return copies
end

-- The same tables as they are now.
local function again(copies)
    local now = {}
    for t in pairs(copies) do
        local copy = {}
        for key, value in next, t do
            copy[key] = value
        end
        now[t] = copy
    end
    return now
end

-- before: as save() returned it; after: as load() left it.
local function restore(before, after)
    for t, old in pairs(before) do
        local new = after[t]
        for key, value in next, new do
            if old[key] ~= value and rawget(t, key) == value then
                rawset(t, key, old[key])
            end
        end
        for key, value in next, old do
            if new[key] == nil and rawget(t, key) == nil then
                rawset(t, key, value)
            end
        end
    end
end

local function fail(name, hook, err)
    err.message = ('%s.%s(): %s'):format(name, hook, err.message)
    util.fail('keep', err)
end

local function hand_over_one(p, name, record, save, load)
    local ok, saved = E.hooks.run(state.generation, 'keep', save, p.hook_timeout)
    if not ok then
        fail(name, 'save', saved)
    end
    local before = remember(saved)
    if before == nil then
        p.note("the state of module '%s' is large: what its load() changes in it is not " ..
            'undone when the reload fails', name)
    end
    local done, err = E.hooks.run(p, 'keep', load, p.hook_timeout, saved,
        rawget(record.public, 'version'))
    local after = before and again(before)
    p.undo[#p.undo + 1] = before and function()
        restore(before, after)
    end
    if not done then
        fail(name, 'load', err)
    end
end

-- Part of phase keep. Both functions must be there: a module of settings may well have a
-- load() of its own.
function M.run(p)
    for _, name in ipairs(p.order) do
        local unit, record = p.set[name], state.records[name]
        local save = record and E.check.hook(record.public, 'save', 0)
        local load = unit and E.check.hook(unit.new, 'load', 2)
        if save and load then
            hand_over_one(p, name, record, save, load)
        end
    end
end

return M
