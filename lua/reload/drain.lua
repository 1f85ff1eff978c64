-- Draining: what still runs replaced code ends, is cancelled, or is listed.
--
-- Background fibers of replaced code are cancelled as soon as the old stop() has
-- returned or raised (at_drain = 'cancel', the default). A client's call in
-- flight, and the fibers it made and waits for, are only listed, unless at_drain
-- is 'kill'. Fibers of reload.loop() hop by themselves and are waited for. One
-- generation drains at a time: the next reload is refused while somebody lingers.
local E = ...
local M = {}

local clock = require('clock')
local fiber = require('fiber')

local S = E.state

M.DRAIN_S = 5
local KILL_GRACE_S = 1
local POLL_MIN_S, POLL_MAX_S = 0.005, 0.1
local NAMED_MAX = 8
-- So many are told in an answer; more are only counted.
M.LISTED_MAX = 100
local LISTED_MAX = M.LISTED_MAX

local function policy_of(opts)
    return opts.at_drain or 'cancel'
end

-- Who runs replaced code now. A fiber that a call made while it still runs is a part
-- of the call.
function M.lingering()
    local out = {}
    for _, entry in ipairs(E.fibers.scan()) do
        -- What a failed version left never served: E.hooks.list() tells of it.
        if not E.fibers.is_buried(entry.generation) then
            out[#out + 1] = entry
            if entry.kind == 'fiber' and entry.fiber ~= nil and
                    E.fibers.is_of_call(entry.fiber) then
                entry.kind = 'call'
            end
        end
    end
    return out
end

-- Who lingers but for the fiber that asked for the reload: old code that asks is waiting
-- for this very answer. Second result: the entry of that fiber.
local function others(opts)
    local out, asker = {}, nil
    for _, entry in ipairs(M.lingering()) do
        if entry.thread == opts.asker then
            asker = entry
        else
            out[#out + 1] = entry
        end
    end
    return out, asker
end

-- The fiber that asked has its answer: it is cancelled at its next yield.
function M.end_asker()
    local id = fiber.id()
    E.fibers.spawn(function()
        pcall(fiber.kill, id)
    end)
end

-- Which of the entries still run replaced code.
local function still_there(list)
    local out = {}
    for _, entry in ipairs(list) do
        if E.fibers.runs(entry.thread, E.gens.old) then
            out[#out + 1] = entry
        end
    end
    return out
end

-- Cancel entries of a kind ('fiber'; nil: all). Never the caller's own fiber.
local function cancel(list, kind)
    local me = fiber.id()
    E.fibers.identify(list)
    for _, entry in ipairs(list) do
        if (kind == nil or entry.kind == kind) and entry.fiber ~= nil and
                entry.fiber ~= me then
            entry.cancelled = pcall(fiber.kill, entry.fiber)
        end
    end
end

-- A word about an entry that is still there.
local function note_state(list)
    for _, entry in ipairs(list) do
        if entry.cancelled then
            entry.state = 'goes on after it was cancelled'
        elseif entry.alike ~= nil and entry.fiber == nil then
            entry.state = ('one of %d fibers that sleep there'):format(entry.alike)
        end
    end
    return list
end

-- Wait until none of them runs replaced code; those that do at the deadline.
local function wait_for(list, timeout)
    local limit, pause = clock.monotonic() + timeout, POLL_MIN_S
    while true do
        list = note_state(still_there(list))
        local left = limit - clock.monotonic()
        if #list == 0 or left <= 0 then
            return list
        end
        fiber.sleep(math.min(pause, left))
        pause = math.min(pause * 1.5, POLL_MAX_S)
    end
end

-- After the old stop(): the previous generation drains from now. Cancels its
-- background fibers unless told to wait. Yields.
function M.begin(previous, opts)
    S.draining = {generation = previous, since = clock.time()}
    E.gens.set_state(previous, 'draining')
    local list, asker = others(opts)
    opts.asker_lingers = asker ~= nil
    if policy_of(opts) ~= 'wait' then
        cancel(list, 'fiber')
        opts.asker_ends = asker ~= nil and asker.kind == 'fiber'
    end
    return list
end

-- Nobody runs replaced code any more: also of those that were superseded.
local function settle(previous)
    S.draining = nil
    for id, g in pairs(S.generations) do
        if g.state == 'draining' then
            E.gens.set_state(id, 'drained')
        end
    end
    E.release.later(previous)
end

-- Wait for the end of the drain: opts.drain seconds at most, then what the
-- policy says. Returns who is left (entries of fibers.scan()).
function M.finish(list, opts)
    local draining = S.draining
    if draining == nil then
        return {}
    elseif #list == 0 and not opts.asker_lingers then
        settle(draining.generation)
        return list
    end
    local function left(timeout)
        list = wait_for(list, timeout)
        -- Old code can be entered anew through what old code left somewhere.
        if #list == 0 then
            list = others(opts)
        end
        return #list
    end
    local count = left(opts.drain or M.DRAIN_S)
    if count > 0 and policy_of(opts) == 'kill' then
        cancel(list, nil)
        count = left(KILL_GRACE_S)
    end
    if count == 0 and not opts.asker_lingers and S.draining == draining then
        settle(draining.generation)
    end
    return list
end

-- One sentence for each, for messages.
local function sentence(entry)
    local who = entry.fiber and ("fiber %d '%s'"):format(entry.fiber, entry.name or '') or
        'a fiber'
    local kind = entry.kind == 'call' and ' (a call in flight)' or ''
    local waiting = entry.waiting and (' in %s()'):format(entry.waiting) or ''
    local state = entry.state and ', ' .. entry.state or ''
    return ('%s%s of generation %d sleeps%s at %s%s'):format(who, kind, entry.generation,
        waiting, entry.where, state)
end

-- Names who lingers; at most a few of them.
function M.describe(list)
    local out = {}
    for i = 1, math.min(#list, NAMED_MAX) do
        out[i] = sentence(list[i])
    end
    if #list > NAMED_MAX then
        out[#out + 1] = ('and %d more'):format(#list - NAMED_MAX)
    end
    return table.concat(out, '; ')
end

local function refusal(draining, list)
    return {exit = 1, phase = 'lock', lingering = E.fibers.plain(list, LISTED_MAX),
            lingering_count = #list,
            message = ('generation %d still drains: %s. Wait, `ctl purge --kill`, or ' ..
                       '--supersede'):format(draining.generation, M.describe(list))}
end

-- In phase `lock`: may a transaction begin? nil, or the answer that refuses. A
-- check, a dry run, a rollback and a patch are never refused because of a drain.
function M.gate(opts)
    local draining = S.draining
    if draining == nil or opts.check or opts.dry_run or opts.rollback or opts.is_patch then
        return nil
    end
    local list, asker = others(opts)
    if #list > 0 and opts.supersede and policy_of(opts) == 'kill' then
        cancel(list, nil)
        list = wait_for(list, KILL_GRACE_S)
    end
    if #list == 0 then
        if asker == nil then
            settle(draining.generation)
        end
        return nil
    end
    E.fibers.identify(list)
    return not opts.supersede and refusal(draining, list) or nil
end

-- Ops ---------------------------------------------------------------------------

-- Those of one generation; all without a number.
local function only(list, generation)
    local out = {}
    for _, entry in ipairs(list) do
        if generation == nil or entry.generation == generation then
            out[#out + 1] = entry
        end
    end
    return out
end

local function answer_of(list, done)
    note_state(E.fibers.identify(list))
    local answer = {exit = #list == 0 and 0 or 5,
                    lingering = E.fibers.plain(list, LISTED_MAX), lingering_count = #list,
                    generation = S.generation}
    answer.message = #list == 0 and done or M.describe(list)
    return answer
end

local function nothing_drains()
    return {exit = 0, lingering = {}, generation = S.generation,
            message = 'nothing runs replaced code'}
end

-- The current generation is no old one.
local function check_generation(opts)
    if opts.gen ~= nil and opts.gen >= S.generation then
        return {exit = 1, phase = 'lock', lingering = {}, generation = S.generation,
                message = ('generation %d is not an old one'):format(opts.gen)}
    end
end

-- ctl drain: what reload does at its end, once more. opts.gen: only that generation.
function E.ops.drain(opts)
    local refusal = check_generation(opts)
    if refusal ~= nil or S.draining == nil then
        return refusal or nothing_drains()
    end
    local entry = E.journal.begin('drain', opts.by)
    local list = M.begin(S.draining.generation, opts)
    if opts.gen ~= nil then
        list = wait_for(only(list, opts.gen), opts.drain or M.DRAIN_S)
    else
        list = M.finish(list, opts)
    end
    local answer = answer_of(list, 'drained')
    E.journal.finish(entry, answer)
    return answer
end

-- ctl purge: remove what is left of replaced generations and prove it. soft:
-- only when nobody runs them; kill: whoever does is cancelled, calls too.
function E.ops.purge(opts)
    local refusal = check_generation(opts)
    if refusal ~= nil then
        return refusal
    end
    local list = only(M.lingering(), opts.gen)
    if #list > 0 and not opts.kill then
        local answer = answer_of(list)
        answer.exit, answer.phase = 1, 'lock'
        answer.message = 'not purged: ' .. answer.message
        return answer
    end
    local entry = E.journal.begin('purge', opts.by)
    cancel(list, nil)
    list = wait_for(list, opts.drain or KILL_GRACE_S)
    local answer = answer_of(list, 'purged')
    if #list == 0 then
        if S.draining ~= nil and #M.lingering() == 0 then
            settle(S.draining.generation)
        end
        answer.retained = E.release.prove()
        if #answer.retained > 0 then
            answer.message = 'nobody runs replaced code, some is still held'
        end
    end
    E.journal.finish(entry, answer)
    return answer
end

return M
