-- The proof that a replaced generation is gone: its prototypes are keys of a weak
-- table, so after a collection those that are still there are held by something.
-- Collecting and looking for the holder are cut into slices.
local E = ...
local M = {}

local clock = require('clock')
local fiber = require('fiber')
local jutil = require('jit.util')
local util = E.use('util')

local S = E.state
local registry = debug.getregistry()

local COLLECT_MAX_S = 5
local STEP_MS = 0.3
local OBJECTS_MAX = 2000000
local NAMED_MAX = 8

-- Two cycles of the collector in small steps: one that may have begun before the
-- last reference went, and a whole one.
local function collect()
    local limit, cycles = clock.monotonic() + COLLECT_MAX_S, 0
    while cycles < 2 and clock.monotonic() < limit do
        local slice = util.now() + STEP_MS
        repeat
            if collectgarbage('step', 1) then
                cycles = cycles + 1
            end
        until util.now() > slice or cycles == 2
        fiber.sleep(0)
    end
end

local function record_of(proto, source)
    return S.sources[source] or S.patched[proto]
end

-- Those of one chunk, when it is or may be replaced. A table of its own, for it is gone
-- through in slices.
local function candidates(source, chunk)
    local record, protos = S.sources[source], {}
    if record == nil or chunk.generation < (record.gen or 1) or next(S.replaced) ~= nil then
        for proto in next, chunk.functions do
            protos[#protos + 1] = proto
        end
    end
    return protos
end

-- Prototypes of replaced code that exist: list of {proto, generation, where}.
local function remains()
    local chunks, out = {}, {}
    for source, list in next, S.compiled do
        for _, chunk in ipairs(list) do
            chunks[#chunks + 1] = {source, chunk}
        end
    end
    for _, x in ipairs(chunks) do
        local generation = x[2].generation
        for i, proto in ipairs(candidates(x[1], x[2])) do
            local record = record_of(proto, x[1])
            if record ~= nil and (generation < (record.gen or 1) or S.replaced[proto]) then
                out[#out + 1] = {proto = proto, generation = generation,
                                 where = ('%s:%d'):format(record.path or x[1],
                                     jutil.funcinfo(proto).linedefined or 0)}
            end
            if i % 256 == 0 then
                util.breathe()
            end
        end
        util.breathe()
    end
    return out
end

-- What the search must not enter: it would find its own notes.
local function engine_tables(notes)
    local stop = {[S] = true, [E] = true, [notes] = true}
    for _, part in pairs(E) do
        if type(part) == 'table' then
            stop[part] = true
        end
    end
    for _, record in pairs(S.records) do
        stop[record] = true
    end
    return stop
end

local function label_of(kind, name)
    name = type(name) == 'string' and name or '[' .. tostring(name) .. ']'
    return kind == 'field' and '.' .. name or (' (%s %s)'):format(kind, name)
end

local function add_table(x, push)
    local keys, n = {}, 0
    for k in next, x do
        n = n + 1
        keys[n] = k
    end
    for i = 1, n do
        push(keys[i], x, 'key', keys[i])
        push(rawget(x, keys[i]), x, 'field', keys[i])
        if i % 256 == 0 then
            util.breathe()
        end
    end
    push(debug.getmetatable(x), x, 'field', '<metatable>')
end

local function add_function(x, push)
    push(debug.getfenv(x), x, 'environment', '')
    for i = 1, 255 do
        local name, value = debug.getupvalue(x, i)
        if name == nil then
            break
        end
        push(value, x, 'upvalue', name)
    end
end

local function add_thread(x, push)
    for level = 0, 200 do
        local info = debug.getinfo(x, level, 'f')
        if info == nil then
            break
        end
        push(info.func, x, 'running', 'level ' .. level)
        for i = 1, 250 do
            local name, value = debug.getlocal(x, level, i)
            if name == nil then
                break
            end
            push(value, x, 'local', name)
        end
    end
end

local function add_userdata(x, push)
    push(debug.getmetatable(x), x, 'field', '<metatable>')
    push(debug.getfenv(x), x, 'environment', '')
end

local adders = {table = add_table, ['function'] = add_function, thread = add_thread,
                userdata = add_userdata}

-- The way from a root to an object: 'registry[12] (upvalue handler)'.
local function path_to(object, came_from)
    local parts = {}
    while came_from[object] ~= nil and #parts < 12 do
        local step = came_from[object]
        table.insert(parts, 1, label_of(step[2], step[3]))
        object = step[1]
    end
    local root = object == _G and '_G' or object == registry and 'registry' or '...'
    return root .. table.concat(parts)
end

-- Who holds closures of these prototypes: proto -> path. Breadth first, so the
-- shortest way is the one that is told.
local function holders(wanted)
    local found, count = {}, 0
    local came_from, seen = {}, {}
    local queue, first, last = {_G, registry, debug.getmetatable('')}, 1, 3
    seen = engine_tables(came_from)
    seen[_G], seen[registry], seen[queue], seen[seen], seen[wanted] = true, true, true, true,
        true
    local function push(value, from, kind, name)
        if adders[type(value)] == nil or seen[value] then
            return
        end
        seen[value] = true
        came_from[value] = {from, kind, name}
        last = last + 1
        queue[last] = value
        if type(value) == 'function' then
            local proto = jutil.funcinfo(value).proto
            if proto ~= nil and wanted[proto] and not found[proto] then
                found[proto] = path_to(value, came_from)
                count = count + 1
            end
        end
    end
    seen[coroutine.running() or queue] = true
    while first <= last and last < OBJECTS_MAX do
        local x = queue[first]
        queue[first] = nil
        first = first + 1
        adders[type(x)](x, push)
        if first % 64 == 0 then
            util.breathe()
        end
    end
    return found
end

-- Collect, and say what of replaced code is still there: a list of {generation,
-- where = file:line of the function, held_by = the way to it}. Yields; takes as
-- long as the heap is large.
function M.prove()
    jit.flush() -- traces refer to the prototypes they began in
    collect()
    local rest = remains()
    if #rest == 0 then
        M.mark_released()
        return {}
    end
    local wanted = {}
    for _, x in ipairs(rest) do
        wanted[x.proto] = true
    end
    local found = holders(wanted)
    local out, by_generation = {}, {}
    for _, x in ipairs(rest) do
        local path = found[x.proto]
        by_generation[x.generation] = by_generation[x.generation] or path or x.where
        if path ~= nil and #out < NAMED_MAX then
            out[#out + 1] = {generation = x.generation, where = x.where, held_by = path}
        end
    end
    M.mark_released(by_generation)
    -- Prototypes without a closure are kept by another prototype or a stack that
    -- is gone by the next cycle: no holder, so nothing to tell.
    return out
end

-- Generations that were drained are released, or keep the name of their holder.
function M.mark_released(held)
    for id, g in pairs(S.generations) do
        if g.state == 'drained' then
            g.retained_by = held and held[id] or nil
            if g.retained_by == nil then
                E.gens.set_state(id, 'released')
            end
        end
    end
    E.gens.prune()
end

-- A generation has drained: its cleanups run, and the proof is made, in a fiber of
-- its own; nobody waits.
function M.later(generation)
    E.fibers.spawn(E.cleanup.of_old, generation)
    if S.is_proving then
        return
    end
    S.is_proving = true
    E.fibers.spawn(function()
        fiber.name('reload.release', {truncate = true})
        fiber.sleep(0.05) -- let what ended unwind
        pcall(M.prove)
        S.is_proving = nil
    end)
end

return M
