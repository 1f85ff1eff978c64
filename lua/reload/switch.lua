-- Phase switch: the one step in which the new version takes the old one's place. It
-- does not yield, and every change is on the undo list.

local E = ...
local M = {}

local bytecode = E.use('bytecode')
local env = E.use('env')
local stub = E.use('stub')
local tables = E.use('tables')
local state = E.state
local G = _G

-- Undo ----------------------------------------------------------------------------

local function on_undo(p, f)
    p.undo[#p.undo + 1] = f
end

-- Take everything back, the last change first.
function M.undo(p)
    for i = #p.undo, 1, -1 do
        p.undo[i]()
    end
    p.undo = {}
end

-- rawset() that can be undone; one undo step for all of them, there may be thousands.
local function new_writer(p)
    local holders, keys, values, n = {}, {}, {}, 0
    on_undo(p, function()
        for i = n, 1, -1 do
            rawset(holders[i], keys[i], values[i])
        end
        n = 0
    end)
    return function(t, key, value)
        local old = rawget(t, key)
        if old ~= value then
            n = n + 1
            holders[n], keys[n], values[n] = t, key, old
            rawset(t, key, value)
        end
    end
end

-- The old side --------------------------------------------------------------------

-- Data fields may have changed since the copies were made.
local function finish_copies(p)
    for _, t in ipairs(p.tables) do
        local copy, new, removed = p.copies[t.public], t.new, {}
        for key, value in next, t.public do
            if copy ~= nil and (type(value) ~= 'function' or copy[key] == nil) then
                copy[key] = tables.private_value(p, value)
            end
            if rawget(new, key) == nil then
                removed[#removed + 1] = key
            end
        end
        if copy ~= nil then
            debug.setmetatable(copy, debug.getmetatable(t.public))
        end
        t.removed = removed
    end
end
-- Compiled, with what it calls: the fields of a module of 20 000 functions are gone
-- through in the one step that does not yield.
jit.on(finish_copies)

local function point_old_to_copies(p)
    for _, fix in ipairs(p.old_fixes) do
        debug.setupvalue(fix[1], fix[2], p.copies[fix[3]])
    end
    on_undo(p, function()
        for _, fix in ipairs(p.old_fixes) do
            debug.setupvalue(fix[1], fix[2], fix[3])
        end
    end)
end

-- While the old stop() runs, `_G` itself is a copy for old code: rawget(_G, 'handle')
-- finds its own, rawset(_G, 'api', nil) does not take the new version's away.
local function copy_of_globals()
    local copy = {}
    for key, value in next, G do
        copy[key] = value
    end
    copy._G = copy
    return setmetatable(copy, getmetatable(G))
end

-- After the old stop(): what it wrote to globals that are not the new version's is
-- applied; from now on `_G` of old code is the real one.
function M.end_of_stop(p)
    local old = p.old_globals
    if old == nil then
        return
    end
    local copy, before = rawget(old, '_G'), p.globals_before
    rawset(old, '_G', nil)
    for key, value in next, copy do
        if before[key] ~= value and not p.written[key] and key ~= '_G' then
            rawset(G, key, value)
        end
    end
    for key in next, before do
        if rawget(copy, key) == nil and not p.written[key] then
            rawset(G, key, nil)
        end
    end
    p.globals_before = nil
end

-- Old functions go on seeing the old values of globals that are replaced: the old
-- stop() finds its own handle.
local function keep_old_globals(p, written)
    local old
    for key in next, written do
        local value = rawget(G, key)
        if value ~= nil then
            old = old or {}
            old[key] = value
        end
    end
    if old == nil then
        return
    end
    p.old_globals, p.written = old, written
    old._G, p.globals_before = copy_of_globals(), copy_of_globals()
    setmetatable(old, {__index = G, __newindex = G})
    local moved = {}
    for _, f in ipairs(p.old_functions) do
        if getfenv(f) == G then
            setfenv(f, old)
            moved[#moved + 1] = f
        end
    end
    on_undo(p, function()
        for _, f in ipairs(moved) do
            setfenv(f, G)
        end
    end)
end

-- Records and slots -----------------------------------------------------------------

local RECORD_FIELDS = {
    'gen', 'text', 'stat', 'source', 'sources', 'path', 'kind', 'edges', 'files', 'public',
    'file_stats', 'names', 'is_stubbed',
}

local function save_record(p, unit)
    local record, slots = unit.record, unit.record.slots
    local saved, cur = {}, slots.cur
    unit.previous = cur
    for _, field in ipairs(RECORD_FIELDS) do
        saved[field] = record[field]
    end
    local source = record.source
    on_undo(p, function()
        for _, field in ipairs(RECORD_FIELDS) do
            record[field] = saved[field]
        end
        slots.cur = cur
        if source ~= nil then
            state.sources[source] = record
        end
    end)
end

local function switch_record(p, name, unit, put)
    local record, slots = unit.record, unit.record.slots
    save_record(p, unit)
    for _, key in ipairs(unit.gone) do
        slots.gone[key] = p.id
    end
    record.source, record.path = unit.source, unit.path
    record.sources = unit.sources or {}
    record.kind, record.text, record.stat = unit.kind, unit.text, unit.stat
    record.edges, record.files = unit.seen or unit.edges, unit.files
    record.gen, record.file_stats, record.names = p.id, nil, unit.names
    record.is_stubbed = true
    if record.source ~= nil then
        state.sources[record.source] = record
    end
    for source in pairs(record.sources) do
        state.sources[source] = state.sources[source] or record
    end
    if stub.is_own(unit, unit.new) then
        stub.set(unit.cur, 1, unit.new)
        record.public = stub.get(slots, 1)
        p.export_stub[unit.new] = record.public
    elseif type(unit.new) ~= 'table' or type(record.public) ~= 'table' then
        record.public = unit.new
    end
    slots.cur = unit.cur
    put(package.loaded, name, record.public)
end

-- Module tables -----------------------------------------------------------------------

local function pour(p, t, put)
    local new, public, moved = t.new, t.public, {}
    for key, value in next, new do
        if t.is_function[key] ~= value then
            moved[#moved + 1] = key
            value = p.map[value] or value
            -- An export that start() made: it was not there when stubs were made ready.
            if t.is_exported and not stub.is_metafield(key) and stub.is_own(t.unit, value) and
                    not stub.is_stub(value) then
                local slot = stub.key_of(t.prefix, key)
                stub.set(t.unit.cur, slot, value)
                p.export_stub[value] = stub.get(t.record.slots, slot)
                value = p.export_stub[value]
            elseif t.is_exported and type(value) == 'function' then
                -- What another module of the set exports, handed on.
                value = p.export_stub[value] or value
            end
            put(public, key, value)
        end
    end
    for _, pair in ipairs(t.add) do
        put(public, pair[1], pair[2])
    end
    t.moved = moved
    if public ~= new then
        for _, key in ipairs(t.removed) do
            put(public, key, nil)
        end
    end
end

jit.on(pour)

local function switch_metatable(p, t)
    local old, new = debug.getmetatable(t.public), debug.getmetatable(t.new)
    new = new and p.map[new] or new
    if old ~= new then
        debug.setmetatable(t.public, new)
        on_undo(p, function()
            debug.setmetatable(t.public, old)
        end)
    end
end

-- What is left of the new table leads to the public one. Its functions are taken out
-- after the switch, in slices.
local function forward(t)
    for _, key in ipairs(t.moved) do
        if not stub.is_metafield(key) then
            rawset(t.new, key, nil)
        end
    end
    debug.setmetatable(t.new, {__index = t.public, __newindex = t.public})
end

-- Globals --------------------------------------------------------------------------

local function is_new_function(p, f)
    return type(f) == 'function' and not stub.is_stub(f) and bytecode.generation_of(f) == p.id
end

local function switch_globals(p, written, put)
    local export_stub, globals = p.export_stub, state.globals
    for key, value in next, written do
        if value == env.NIL then
            value = nil
        elseif value ~= nil and p.map[value] ~= nil then
            value = p.map[value]
        elseif is_new_function(p, value) then
            if export_stub[value] ~= nil then
                value = export_stub[value]
            else
                local old = globals.cur[key]
                stub.set(globals.cur, key, value)
                on_undo(p, function()
                    globals.cur[key] = old
                end)
                value = stub.get(globals, key)
            end
        end
        put(G, key, value)
        p.put_globals[key] = value
    end
end

-- Does the new version know the name at all?
local function is_spelled(p, name)
    for _, unit in pairs(p.set) do
        if unit.names == nil or unit.names[name] then
            return true
        end
    end
    return false
end

-- Global functions that the old version made and of which the new one knows nothing.
-- Data stays: it may be state that is made once.
local function drop_old_globals(p, written, put)
    for key, made in next, state.global_functions do
        if p.set[made.module] and not p.fresh[made.module] and written[key] == nil and
                rawget(G, key) == made.value and not is_spelled(p, key) then
            put(G, key, nil)
            state.globals.gone[key] = p.id
            p.note("global '%s' of the old version is removed", tostring(key))
        end
    end
end

local function switch_modules(p, put)
    for key, value in next, env.written_modules(p.world, p.set) do
        if value == env.NIL then
            value = nil
        else
            value = p.map[value] or value
        end
        put(package.loaded, key, value)
    end
    for key, value in next, env.written_package(p.world) do
        put(package, key, value)
    end
end

-- References ------------------------------------------------------------------------

local function fix_references(p)
    local n = 0
    for _, fix in ipairs(p.fixes) do
        local kind, x, where, value = fix[1], fix[2], fix[3], fix[4]
        if kind == 'upvalue' then
            debug.setupvalue(x, where, value)
        elseif kind == 'field' and p.map[x] == nil then
            rawset(x, where, value)
        elseif kind == 'metatable' then
            debug.setmetatable(x, value)
        end
        n = n + 1
    end
    return n
end

-- A trigger is registered as the new code will name it when it takes it back: by a
-- local, or by the module's field, which is a stub from now on.
local function trigger_name(p)
    return function(f)
        return not p.in_locals[f] and p.export_stub[f] or f
    end
end

local function release_triggers(p)
    local name = trigger_name(p)
    for _, op in ipairs(p.held or {}) do
        if op.new ~= nil then
            local f = name(op.new)
            p.triggers_made[f] = (p.triggers_made[f] or 0) + 1
        end
    end
    on_undo(p, E.triggers.release(p, name))
end

-- Do it. Does not yield.
function M.apply(p)
    local put = new_writer(p)
    finish_copies(p)
    E.life.keep_selves(p)
    local written = env.written(p.world)
    keep_old_globals(p, written)
    point_old_to_copies(p)
    for name, unit in pairs(p.set) do
        switch_record(p, name, unit, put)
    end
    for _, t in ipairs(p.tables) do
        pour(p, t, put)
    end
    for _, t in ipairs(p.tables) do
        if t.public ~= t.new then
            switch_metatable(p, t)
            forward(t)
        end
    end
    switch_modules(p, put)
    switch_globals(p, written, put)
    drop_old_globals(p, written, put)
    fix_references(p)
    env.open(p.world)
    if p.is_holding then
        release_triggers(p)
    end
    jit.flush()
    local generation = state.generation
    on_undo(p, function()
        state.generation = generation
    end)
    state.generation = p.id
    state.pending = nil
end

return M
