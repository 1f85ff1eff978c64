-- Phases 9 to 11, after the switch and the old stop(): probation, drain, release.
-- The transaction no longer holds the lock here: a probation that fails needs it
-- for the rollback.
local E = ...
local M = {}

local fiber = require('fiber')
local util = E.use('util')

local S = E.state
-- So many of the fibers that were cancelled are named.
local NAMED_MAX = 8

local function phase(answer, name, started, note)
    answer.phases[#answer.phases + 1] = {name = name, ms = util.now() - started, note = note}
end

-- Roll back to the previous generation because of `why`: exit 4.
local function roll_back(answer, why, opts)
    E.journal.event('probation', why, answer.generation)
    local failed = answer.generation
    local back = E.rollback.run({by = 'probation', drain = opts.drain,
                                 at_drain = opts.at_drain, order = opts.order,
                                 hook_timeout = opts.hook_timeout, supersede = true})
    answer.exit, answer.phase = 4, 'probation'
    answer.message = why
    answer.state = back.state
    answer.rollback = {exit = back.exit, generation = back.generation,
                       message = back.message}
    answer.lingering = back.lingering
    if back.exit == 0 or back.exit == 5 then
        E.gens.set_state(failed, 'rolled-back', why)
        answer.generation, answer.previous = back.generation, failed
    else
        answer.message = ('%s; and the rollback failed: %s'):format(why,
            tostring(back.message))
    end
    return answer
end

-- What is wrong with the options of these phases; nil when nothing is. To be
-- asked before anything is changed.
function M.check(opts)
    if opts.health ~= nil then
        local f, err = E.probation.compile_health(opts.health)
        if f == nil then
            return 'health: ' .. err
        end
    end
    local policies = {wait = true, cancel = true, kill = true}
    if opts.at_drain ~= nil and not policies[opts.at_drain] then
        return ("at_drain is wait, cancel or kill, not '%s'"):format(opts.at_drain)
    end
end

-- Somebody ended the probation: a rollback, or a reload that supersedes.
local function overtaken(answer)
    while S.busy do
        fiber.sleep(0.01)
    end
    if S.generation ~= answer.generation then
        answer.exit, answer.phase = 4, 'probation'
        answer.message = 'the probation was ended by another transaction'
        answer.state = ('generation %d serves'):format(S.generation)
    end
    return answer
end

-- Phase probation, when it was asked for. Returns true when it passed; else the
-- answer tells of the rollback.
function M.watch(answer, opts)
    local started = util.now()
    local why, seen = E.probation.run(answer.generation, {
        probation = opts.probation or 0, health = opts.health})
    phase(answer, 'probation', started,
          ('%d calls, %d errors'):format(seen.calls, seen.errors))
    if why ~= nil then
        roll_back(answer, why, opts)
        return answer, false
    elseif seen.is_ended then
        return overtaken(answer), false
    end
    return answer, true
end

-- Background fibers that were cancelled although no stop() and no start() ran: the work
-- they did is not done any more, unless somebody begins it anew.
local function note_cancelled(answer, list)
    local names = {}
    for _, entry in ipairs(#answer.apps == 0 and list or {}) do
        if entry.kind == 'fiber' and entry.cancelled then
            names[#names + 1] = ("'%s' (%s)"):format(entry.name or '', entry.where)
        end
    end
    if #names > 0 then
        answer.notes[#answer.notes + 1] = ('%d background fiber%s of the old version %s ' ..
            'cancelled, and no start() begins the work anew (--at-drain wait leaves them): ' ..
            '%s'):format(#names, #names == 1 and '' or 's', #names == 1 and 'was' or 'were',
            table.concat(names, ', ', 1, math.min(#names, NAMED_MAX)))
    end
end

-- Go on from a switch that is done. answer: of the transaction, with exit = 0,
-- generation, previous, phases; it is completed and returned. Yields.
function M.run(answer, opts)
    local started = util.now()
    local list = E.drain.begin(answer.previous, opts)
    note_cancelled(answer, list)
    if opts.probation ~= nil or opts.health ~= nil then
        local _, has_passed = M.watch(answer, opts)
        if not has_passed then
            return answer
        end
        started = util.now()
    end
    list = E.drain.finish(list, opts)
    phase(answer, 'drain', started, #list > 0 and ('%d left'):format(#list) or nil)
    answer.lingering = E.fibers.plain(E.fibers.identify(list), E.drain.LISTED_MAX)
    answer.lingering_count = #list
    if #list > 0 then
        answer.exit, answer.phase = 5, 'drain'
        answer.message = E.drain.describe(list)
    end
    return answer
end

return M
