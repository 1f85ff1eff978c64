-- Fibers and generations: who was created by which generation, who runs code of
-- which generation, and where it sleeps.
--
-- The stamp: fiber.create and fiber.new are wrapped, a fiber carries the
-- generation of the code that made it. What is running: all fibers' threads are
-- values in the registry, and the functions on their stacks (and on those of the
-- coroutines they run) tell by their prototypes.
local E = ...
local M = {}

local fiber = require('fiber')
local jutil = require('jit.util')
local util = E.use('util')

local S = E.state
local registry = debug.getregistry()
local C = util.c

-- S.fibers: id -> generation, as long as the fiber lives.
-- ids: thread -> id of stamped fibers; thread_of: the other way round.
-- deaths: fibers that ended with an error, the latest last (see probation).
-- buried: generations whose fibers may not begin to run.
-- original: fiber.create and fiber.new as the runtime has them.
-- creators: id -> thread of the call that made the fiber; creator_ids: that one's id.
S.life = S.life or {ids = setmetatable({}, {__mode = 'k'}), thread_of = {},
                    creators = setmetatable({}, {__mode = 'v'}), creator_ids = {},
                    deaths = {}, buried = {}, original = {}}
local F = S.life
-- starting: fiber id -> app whose start() it runs; made_in_start: fiber id -> app.
F.starting, F.made_in_start = F.starting or {}, F.made_in_start or {}

local FRAMES_MAX = 200
local CALL_LEVELS = 40
local HOLE_MAX = 64
-- A larger table would be rehashed in one long step.
local INFOS_MAX = 4096
local NESTED_MAX = 8
local DEATHS_MAX = 16
local BURIED_KEPT = 64
-- fiber.info() of more fibers than this would stop the instance for too long.
local INFO_MAX = 5000

-- Stamps ----------------------------------------------------------------------

function M.stamp(id, generation)
    local thread = coroutine.running()
    S.fibers[id] = generation
    if thread ~= nil then -- nil: the VM's first thread
        F.thread_of[id] = thread
        F.ids[thread] = id
    end
end

function M.unstamp(id)
    local thread = F.thread_of[id]
    if thread ~= nil then
        F.ids[thread] = nil
    end
    S.fibers[id], F.thread_of[id] = nil, nil
    F.starting[id], F.made_in_start[id] = nil, nil
    F.creators[id], F.creator_ids[id] = nil, nil
end

-- Is a fiber part of a call that still runs: made by a request, or by a fiber that is
-- none of the application's, outside of start()? Whoever made it may wait for it.
function M.is_of_call(id)
    local thread = F.creators[id]
    if thread == nil or coroutine.status(thread) == 'dead' then
        return false
    end
    -- Tarantella uses the threads of fibers again.
    return C.threads == nil or C.threads()[thread] == F.creator_ids[id]
end

-- The generation that created this fiber (the current one without id); nil: not
-- known, so it was there before the engine or serves a client.
function M.generation(id)
    return S.fibers[id or fiber.id()]
end

-- A fiber that carries no stamp of its own accord: for the engine.
function M.spawn(fn, ...)
    return (F.original.create or fiber.create)(fn, ...)
end

local function note_death(generation, err)
    local deaths = F.deaths
    deaths[#deaths + 1] = {generation = generation, name = fiber.name(), id = fiber.id(),
                           message = util.text(err)}
    if #deaths > DEATHS_MAX then
        table.remove(deaths, 1)
    end
end

local function is_cancel(err)
    return tostring(err) == 'fiber is cancelled'
end

local function finish(generation, ok, ...)
    M.unstamp(fiber.id())
    if not ok then
        if not is_cancel((...)) then
            note_death(generation, (...))
        elseif S.cancelled ~= nil and generation == S.generation then
            -- The old stop() took a fiber of the version that has just begun to serve.
            S.cancelled[fiber.id()] = fiber.name()
        end
        error((...), 0)
    end
    return ...
end

-- The generation that a new fiber belongs to. While a new version starts, all
-- that its code creates is its own, whoever wrote the function: a failed start
-- takes it along. Otherwise the function decides, then the creator.
local function generation_for(f)
    local mine = M.generation()
    local pending = S.pending
    if pending ~= nil and mine == pending.id then
        return mine
    end
    return E.bytecode.generation_of(E.stub.raw(f)) or mine
end

-- The thread that runs and its fiber, when it is a call: no start() of an app and no
-- chunk of a module that is being loaded is on its stack.
local function calling_thread()
    for level = 3, CALL_LEVELS do
        local frame = debug.getinfo(level, 'f')
        if frame == nil then
            break
        end
        local info = jutil.funcinfo(frame.func)
        local record = info.source and S.sources[info.source]
        if record ~= nil and (info.linedefined == 0 or
                record.slots.cur.start == frame.func) then
            return nil
        end
    end
    return coroutine.running(), fiber.id()
end

-- What the wrappers of fiber.create and fiber.new call. A newer engine puts its
-- own in this place.
F.create = function(original, f, ...)
    local generation = type(f) == 'function' and generation_for(f) or nil
    if generation == nil then
        return original(f, ...)
    end
    local app = F.starting[fiber.id()] or F.made_in_start[fiber.id()]
    local creator, creator_id
    if S.fibers[fiber.id()] == nil then
        creator, creator_id = calling_thread()
    end
    return original(function(...)
        if F.buried[generation] then
            return
        end
        local id = fiber.id()
        M.stamp(id, generation)
        F.creators[id], F.creator_ids[id] = creator, creator_id
        F.made_in_start[id] = app
        return finish(generation, pcall(f, ...))
    end, ...)
end

-- The current fiber runs start() of an app, or (nil) no longer: what it creates
-- meanwhile is that app's.
function M.set_starting(app)
    F.starting[fiber.id()] = app
end

-- Cancel what start() of an app made, but for one generation's. For an app that was
-- stopped and is to be started again: a fiber that its stop() did not find goes on
-- otherwise, beside the one that takes its place. Returns how many.
function M.cancel_started(app, but_for)
    local ids = {}
    for id, name in pairs(F.made_in_start) do
        if name == app and S.fibers[id] ~= but_for then
            ids[#ids + 1] = id
        end
    end
    local count = 0
    for _, id in ipairs(ids) do
        count = count + (pcall(fiber.kill, id) and 1 or 0)
    end
    return count
end

-- Wrap fiber.create and fiber.new, once.
function M.install()
    if F.installed then
        return
    end
    F.installed = true
    for _, name in ipairs({'create', 'new'}) do
        local original = fiber[name]
        F.original[name] = original
        fiber[name] = function(f, ...)
            return F.create(original, f, ...)
        end
    end
end

-- An application that makes many fibers gets all of this compiled.
for _, f in ipairs({M.stamp, M.unstamp, M.generation, is_cancel, finish, generation_for,
                    calling_thread, F.create, M.install}) do
    jit.on(f, true)
end

-- Cancel the fibers that a generation created. Returns how many; one that
-- swallows the cancel is found by scan().
function M.kill(generation)
    local me, count = fiber.id(), 0
    local ids = {}
    for id, stamp in pairs(S.fibers) do
        if stamp == generation and id ~= me then
            ids[#ids + 1] = id
        end
    end
    for _, id in ipairs(ids) do
        if pcall(fiber.kill, id) then
            count = count + 1
        end
    end
    return count
end

-- The generation failed: its fibers are cancelled, those that were made by
-- fiber.new and did not run yet never will.
function M.bury(generation)
    F.buried[generation] = true
    F.buried[generation - BURIED_KEPT] = nil
    return M.kill(generation)
end

-- Did this generation fail?
function M.is_buried(generation)
    return F.buried[generation] == true
end

-- Deaths by error of a generation's fibers.
function M.deaths(generation)
    local out = {}
    for _, death in ipairs(F.deaths) do
        if death.generation == generation then
            out[#out + 1] = death
        end
    end
    return out
end

-- Stacks ----------------------------------------------------------------------

-- The coroutine that a C frame runs: coroutine.wrap keeps it in an upvalue of
-- its function, coroutine.resume has it as an argument.
local function inner_thread(co, level, func)
    if func == coroutine.resume then
        local _, v = debug.getlocal(co, level, 1)
        return type(v) == 'thread' and v or nil
    end
    local _, v = debug.getupvalue(func, 1)
    return type(v) == 'thread' and v or nil
end

-- Call visit(co, level, f, info) for each Lua function on the stack of a thread, the
-- innermost coroutine first; info is of jit.util.funcinfo. Ends at the first true
-- answer and returns it. infos = {count = 0}: function -> info, for a caller that asks
-- for many threads: most of them run the same functions.
local function each_frame(co, visit, depth, infos)
    for level = 0, FRAMES_MAX do
        local frame = debug.getinfo(co, level, 'f')
        if frame == nil then
            return nil
        end
        local f = frame.func
        local info = infos and infos[f]
        if info == nil then
            info = jutil.funcinfo(f)
            if infos and infos.count < INFOS_MAX then
                infos[f], infos.count = info, infos.count + 1
            end
        end
        local answer
        if info.proto ~= nil then
            answer = visit(co, level, f, info)
        else
            local inner = depth < NESTED_MAX and inner_thread(co, level, f)
            answer = inner and each_frame(inner, visit, depth + 1, infos)
        end
        if answer then
            return answer
        end
    end
end
M.each_frame = each_frame

-- Does the thread run a function for which want(f, info) is true?
function M.runs(thread, want)
    return each_frame(thread, function(_, _, f, info)
        return want(f, info)
    end, 0)
end

local function is_ours(source)
    return source:find('^@?builtin/') ~= nil
end

local function position(co, level)
    local info = debug.getinfo(co, level, 'Sl')
    return ('%s:%d'):format(info.short_src, info.currentline)
end

-- Where a thread sleeps: file:line of the innermost frame of the app, and the
-- name of what was called there.
function M.where(thread)
    local waiting
    local place = thread ~= nil and each_frame(thread, function(co, level, _, info)
        if not is_ours(info.source) then
            local callee = level > 0 and debug.getinfo(co, level - 1, 'n')
            waiting = callee and callee.name or nil
            return position(co, level)
        end
    end, 0)
    return place or '?', waiting
end

-- Is the thread's first function one of the application's, that fiber.create was given?
-- A request of a client, the console and triggers begin with a C function of the
-- runtime; a fiber of somebody else that is in a call of the application is no
-- background fiber of it either.
local function is_background(thread)
    local first, below
    for level = 0, FRAMES_MAX do
        local frame = debug.getinfo(thread, level, 'f')
        if frame == nil then
            break
        end
        first, below = frame.func, first
    end
    if first == pcall or first == xpcall then
        first = below
    end
    return first ~= nil and E.bytecode.generation_of(first) ~= nil
end

local function name_of(id)
    local ok, name = pcall(fiber.name, fiber.find(id))
    return ok and name or nil
end

local function entry_of(thread, generation, code)
    local id = F.ids[thread]
    local stamp = id and S.fibers[id]
    local where, waiting = M.where(thread)
    local kind = (stamp or is_background(thread)) and 'fiber' or 'call'
    if id ~= nil and E.loop ~= nil and E.loop.owns(id) then
        kind = 'loop'
    end
    return {fiber = id, name = id and name_of(id), generation = generation,
            created_by = stamp, where = where, waiting = waiting,
            code = code, kind = kind, thread = thread}
end

-- All fibers' threads are references in the registry, numbers that luaL_ref gave: from
-- 1 on, with a hole at the end of its list of free ones. next() would lose its place
-- between two slices.
local function next_reference(_, i)
    for k = i + 1, i + HOLE_MAX do
        local value = registry[k]
        if value ~= nil then
            return k, value
        end
    end
end

local function references()
    return next_reference, nil, 0
end

-- Who runs functions for which want(f) gives a generation (default: code that
-- was replaced, E.gens.old). Returns a list of {fiber = id or nil, name,
-- generation, created_by, where = file:line it sleeps at, waiting = in which
-- call, code = file:line in the wanted function, kind = 'fiber'|'call'|'loop',
-- thread}. In slices: yields.
function M.scan(want)
    want = want or E.gens.old
    local me, out, infos, code = coroutine.running(), {}, {count = 0}, nil
    local function visit(co, level, f, info)
        local generation = want(f, info)
        if generation then
            code = position(co, level)
            return generation
        end
    end
    util.begin_slice()
    for i, thread in references() do
        if type(thread) == 'thread' and thread ~= me then
            local generation = each_frame(thread, visit, 0, infos)
            if generation then
                out[#out + 1] = entry_of(thread, generation, code)
            end
        end
        if i % 32 == 0 then
            util.breathe()
        end
    end
    return out
end

-- The same for everybody who runs code of the application. Replaced code on the
-- stack decides; code that serves belongs to the current generation, whenever it
-- was loaded.
function M.scan_all()
    local list, old_of = M.scan(E.bytecode.generation_of), {}
    for _, entry in ipairs(M.scan(E.gens.old)) do
        old_of[entry.thread] = entry
    end
    for i, entry in ipairs(list) do
        entry.generation = math.max(entry.generation, S.generation)
        list[i] = old_of[entry.thread] or entry
    end
    return list
end

-- Places of all fibers from fiber.info(): 'file:line' -> list of fiber ids that
-- carry no stamp. What stock Tarantool can tell of fibers it did not see born.
local function places()
    local out = {}
    for id, info in pairs(fiber.info()) do
        if S.fibers[id] == nil then
            for _, frame in ipairs(info.backtrace or {}) do
                local source, line = tostring(frame.L or ''):match(' in @(.*) at line (%d+)')
                if source ~= nil and not is_ours(source) then
                    local key = source .. ':' .. line
                    out[key] = out[key] or {}
                    table.insert(out[key], id)
                    break
                end
            end
        end
    end
    return out
end

-- The place of an entry's thread as fiber.info() spells it.
local function key_of(entry)
    return each_frame(entry.thread, function(co, level, _, info)
        if not is_ours(info.source) then
            return info.source:gsub('^@', '') .. ':' ..
                debug.getinfo(co, level, 'l').currentline
        end
    end, 0)
end

-- Stock Tarantool: by place. Where more fibers sleep at one place than there are
-- entries for it, nobody can say which is which: those entries get `alike`, the
-- number of candidates.
local function identify_by_place(unknown)
    if #util.threads() > INFO_MAX then
        return
    end
    local by_place, found = {}, places()
    for _, entry in ipairs(unknown) do
        local key = key_of(entry)
        if key then
            by_place[key] = by_place[key] or {}
            table.insert(by_place[key], entry)
        end
    end
    for key, entries in pairs(by_place) do
        local ids = found[key] or {}
        for i, entry in ipairs(entries) do
            if #ids == #entries then
                entry.fiber = ids[i]
            else
                entry.alike = #ids
            end
        end
    end
end

-- Give fiber ids and names to the entries of scan() that have none. Returns list.
function M.identify(list)
    local unknown = {}
    for _, entry in ipairs(list) do
        if entry.fiber == nil then
            unknown[#unknown + 1] = entry
        end
    end
    if #unknown == 0 then
        return list
    elseif C.threads ~= nil then
        local ids = C.threads()
        for _, entry in ipairs(unknown) do
            entry.fiber = ids[entry.thread]
        end
    else
        identify_by_place(unknown)
    end
    for _, entry in ipairs(unknown) do
        entry.name = entry.fiber and name_of(entry.fiber)
    end
    return list
end

-- The entries as plain data, without their threads; the first `max` of them.
function M.plain(list, max)
    local out = {}
    for i = 1, math.min(#list, max or #list) do
        out[i] = {}
        for k, v in pairs(list[i]) do
            out[i][k] = k ~= 'thread' and v or nil
        end
    end
    return out
end

return M
