-- What was tried, also what was refused: a ring of the last attempts.
local E = ...
local M = {}

local clock = require('clock')

local S = E.state
S.journal.next = S.journal.next or 1
S.journal.entries = S.journal.entries or {}

-- "op/result" -> how many, for metrics.
S.journal.totals = S.journal.totals or {}

local SIZE = 64
local NOTES = 20

-- Begin an entry. op: 'reload', 'patch', 'rollback', 'probation', 'drain'...;
-- by: who asked for it (text or nil).
function M.begin(op, by)
    local J = S.journal
    local entry = {number = J.next, op = op, by = by, at = clock.time()}
    J.next = J.next + 1
    J.entries[#J.entries + 1] = entry
    if #J.entries > SIZE then
        table.remove(J.entries, 1)
    end
    return entry
end

local function module_names(modules)
    local names = {}
    for i, m in ipairs(modules or {}) do
        names[i] = type(m) == 'table' and m.name or m
    end
    return names
end

local results = {[0] = 'ok', [4] = 'rolled_back', [5] = 'not_drained'}

local function count(entry, by)
    local key = entry.op .. '/' .. (results[entry.exit] or 'refused')
    S.journal.totals[key] = (S.journal.totals[key] or 0) + by
end

-- End an entry with what the op answered. Only what stays small is kept.
function M.finish(entry, answer)
    entry.exit = answer.exit
    entry.phase = answer.phase
    entry.message = answer.message
    entry.generation = answer.generation
    entry.previous = answer.previous
    entry.modules = module_names(answer.modules)
    entry.switch_ms = answer.switch_ms
    entry.total_ms = answer.total_ms
    entry.state = answer.state
    entry.notes = {}
    for i = 1, math.min(NOTES, #(answer.notes or {})) do
        entry.notes[i] = answer.notes[i]
    end
    count(entry, 1)
    return entry
end

-- An entry of one sentence, for what happens outside of a transaction.
function M.event(op, message, generation)
    local entry = M.begin(op)
    entry.message, entry.generation = message, generation
    return entry
end

-- The attempt led nowhere and tells nothing ("nothing changed"): take it out.
function M.forget(entry)
    local list = S.journal.entries
    if list[#list] == entry then
        list[#list] = nil
        if entry.exit ~= nil then
            count(entry, -1)
        end
    end
end

-- The last `count` entries, the newest last.
function M.list(count)
    local list = S.journal.entries
    local out = {}
    for i = math.max(1, #list - (count or SIZE) + 1), #list do
        out[#out + 1] = list[i]
    end
    return out
end

return M
