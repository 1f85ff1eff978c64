-- Adoption: an instance that ran before the engine came. Whoever captured an exported
-- function then holds the function itself; this walk gives him its stub. It runs before
-- the switch, in slices: stubs still lead to the old functions, so nobody notices.

local E = ...
local M = {}

local util = E.use('util')
local stub = E.use('stub')
local state = E.state

local registry = debug.getregistry()
local LEVELS = 200
local ENTRIES = 256 -- of a table between two looks at the clock

-- The engine's own tables, where a function stands for itself. A slot that held its
-- own stub would be an endless tail call.
local function own_tables(p, map)
    local seen = {
        [state] = true, [E] = true, [map] = true, [p] = true, [registry] = true,
    }
    local function add(t)
        if type(t) == 'table' then
            seen[t] = true
        end
    end
    for _, part in pairs(E) do
        add(part)
    end
    for _, part in pairs(state) do
        add(part)
    end
    add(state.globals.cur)
    add(state.globals.stub)
    for _, record in pairs(state.records) do
        add(record)
        add(record.slots)
        add(record.slots.cur)
        add(record.slots.stub)
    end
    for _, part in pairs(p) do
        add(part)
    end
    for _, unit in pairs(p.set) do
        add(unit)
        add(unit.cur)
        add(unit.adopted)
    end
    for _, t in ipairs(p.tables) do
        add(t)
        add(t.is_function)
    end
    for _, copy in pairs(p.copies) do
        add(copy)
    end
    return seen
end

local function new_walk(p, map)
    local w = {
        map = map, seen = own_tables(p, map), queue = {}, n = 0, count = 0,
        hits = {tables = 0, upvalues = 0, locals = 0, references = 0, keys = 0},
    }
    -- Old and new code of the set keep what they have: the switch sees to them.
    w.is_skipped = function(f)
        return p.is_old(f) or p.is_new(f)
    end
    return w
end

local WALKED = {table = true, ['function'] = true, thread = true, userdata = true}

local function push(w, x)
    if WALKED[type(x)] and not w.seen[x] then
        w.seen[x] = true
        w.n = w.n + 1
        w.queue[w.n] = x
    end
end

-- A big table is visited in slices; when somebody changes it meanwhile so that the
-- position is lost, the visit begins again.
local function visit_table(w, t)
    local key, value, count = nil, nil, 0
    while true do
        local ok
        ok, key, value = pcall(next, t, key)
        if not ok then
            key, count = nil, 0
        elseif key == nil then
            break
        else
            local replacement = w.map[value]
            if replacement ~= nil then
                rawset(t, key, replacement)
                w.hits.tables = w.hits.tables + 1
            else
                push(w, value)
            end
            if w.map[key] ~= nil then
                w.hits.keys = w.hits.keys + 1
            end
            push(w, key)
            count = count + 1
            if count % ENTRIES == 0 then
                util.breathe()
            end
        end
    end
    push(w, debug.getmetatable(t))
end

local function visit_function(w, f)
    if stub.is_stub(f) then
        return
    end
    push(w, debug.getfenv(f))
    local is_skipped = w.is_skipped(f)
    local i = 1
    while true do
        local name, value = debug.getupvalue(f, i)
        if name == nil then
            return
        end
        if w.map[value] ~= nil and not is_skipped then
            debug.setupvalue(f, i, w.map[value])
            w.hits.upvalues = w.hits.upvalues + 1
        else
            push(w, value)
        end
        i = i + 1
    end
end

-- Locals of a coroutine that sleeps.
local function visit_thread(w, thread)
    if thread == coroutine.running() then
        return
    end
    for level = 0, LEVELS do
        local info = debug.getinfo(thread, level, 'f')
        if info == nil then
            return
        end
        push(w, info.func)
        local is_skipped = w.is_skipped(info.func)
        local i = 1
        while true do
            local name, value = debug.getlocal(thread, level, i)
            if name == nil then
                break
            end
            if w.map[value] ~= nil and not is_skipped then
                debug.setlocal(thread, level, i, w.map[value])
                w.hits.locals = w.hits.locals + 1
            else
                push(w, value)
            end
            i = i + 1
        end
    end
end

local function visit_other(w, x)
    push(w, debug.getmetatable(x))
    push(w, debug.getfenv(x))
end

local VISIT = {
    table = visit_table, ['function'] = visit_function, thread = visit_thread,
    userdata = visit_other,
}

-- Replace references to the functions that are keys of `map` by its values, all over
-- the heap. References held by C (triggers, callbacks) are left for references().
-- Returns what was found. Yields.
function M.capture(p, map)
    local started = util.now()
    local w = new_walk(p, map)
    push(w, _G)
    push(w, debug.getmetatable(''))
    for _, value in next, registry do
        if map[value] == nil then
            push(w, value)
        end
    end
    while w.n > 0 do
        local x = w.queue[w.n]
        w.queue[w.n] = nil
        w.n = w.n - 1
        w.count = w.count + 1
        if w.count % 64 == 0 then
            util.breathe()
        end
        VISIT[type(x)](w, x)
    end
    jit.flush()
    w.hits.objects, w.hits.ms = w.count, util.now() - started
    return w.hits
end

-- After the old stop(), which takes triggers back by their functions: what C still
-- refers to gets stubs too. Number of references.
function M.references(map)
    local count = 0
    for key, value in next, registry do
        if type(key) == 'number' and map[value] ~= nil then
            registry[key] = map[value]
            count = count + 1
        end
    end
    return count
end

-- Old functions of the set -> their stubs: what capture() replaces. Exports whose
-- module was loaded without the engine, and global functions of its code.
function M.captured_map(p)
    local map = {}
    for name, unit in pairs(p.set) do
        local record = unit.record
        if not record.is_stubbed and not p.fresh[name] then
            for key, f in pairs(unit.adopted) do
                map[f] = stub.get(record.slots, key)
            end
        end
    end
    local globals = state.globals
    for key, f in next, _G do
        if type(f) == 'function' and not stub.is_stub(f) and p.is_old(f) then
            if map[f] == nil then
                stub.set(globals.cur, key, f)
                map[f] = stub.get(globals, key)
            end
            E.env.replace_seen(p.world, key, f, map[f])
            rawset(_G, key, map[f])
            p.adopted_globals[#p.adopted_globals + 1] = key
        end
    end
    return map
end

-- Nobody saw who made them, so they are not taken away.
function M.list_globals(p)
    for _, key in ipairs(p.adopted_globals) do
        if p.put_globals[key] == nil then
            p.note("global '%s' of the old version stays: the new one does not make it",
                tostring(key))
        end
    end
end

return M
