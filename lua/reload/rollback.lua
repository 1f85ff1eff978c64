-- Back to the previous generation. What was stopped is never started again: the
-- previous texts go through all phases as a new generation, with fresh locals. A
-- patch stopped nothing, so its functions are swapped back.
local E = ...
local M = {}

local S = E.state

local function refuse(message)
    return {exit = 1, phase = 'lock', message = message, generation = S.generation,
            state = ('generation %d serves'):format(S.generation)}
end

-- Keep what a rollback of the generation needs: texts = {module name -> text of
-- the previous version}; unknown = names of modules whose text is not known (they
-- were loaded before the engine came). Only one generation back is kept.
function M.remember(generation, previous, texts, unknown)
    S.previous = {generation = generation, previous = previous, texts = texts,
                  unknown = unknown}
end

-- The generation was made by a patch: undo() swaps its functions back.
function M.remember_patch(generation, previous, undo)
    S.previous = {generation = generation, previous = previous, undo = undo,
                  before = S.previous}
end

-- Swap the functions of a patch back.
local function take_out(back, opts)
    local refusal = E.transaction.lock(opts)
    if refusal ~= nil then
        return refusal
    end
    local entry, answer = E.journal.begin('rollback', opts.by), nil
    if S.previous == back then
        answer = back.undo()
    else -- another one was faster
        answer = refuse('there is no previous generation to go back to')
    end
    S.busy = false
    E.journal.finish(entry, answer)
    return answer
end

-- opts: as of a reload. Returns its answer.
function M.run(opts)
    local back = S.previous
    if back == nil or back.generation ~= S.generation then
        return refuse('there is no previous generation to go back to')
    end
    if opts.generation ~= nil and opts.generation ~= back.previous then
        return refuse(('generation %s is not kept: only generation %d is'):format(
            tostring(opts.generation), back.previous))
    end
    if back.unknown ~= nil and #back.unknown > 0 then
        return refuse(('the previous text of %s is not known: it was loaded before the ' ..
            'engine came, and its file is the new one'):format(
            table.concat(back.unknown, ', ')))
    elseif back.texts ~= nil and next(back.texts) == nil then
        return refuse('the previous generation had none of these modules')
    end
    opts.rollback = true
    E.probation.cancel()
    if back.undo ~= nil then
        return take_out(back, opts)
    end
    opts.texts = back.texts
    return E.transaction.run(opts)
end

function E.ops.rollback(opts)
    local answer = M.run(opts)
    if answer.exit == 0 or answer.exit == 5 then
        E.gens.set_state(answer.previous, 'rolled-back', 'ctl rollback')
    end
    return answer
end

return M
