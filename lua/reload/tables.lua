-- Module tables. The table that require() returned first is public for ever: the new
-- version's fields are poured into it. Old code that holds it gets a private copy of
-- it as it was, so it sees only the old version. Everything is found and made ready
-- here, with yields; the switch only applies it.

local E = ...
local M = {}

local bytecode = E.use('bytecode')
local env = E.use('env')
local jutil = require('jit.util')
local loader = E.use('loader')
local stub = E.use('stub')
local util = E.use('util')
local walk = E.use('walk')
local state = E.state

-- Pairs ---------------------------------------------------------------------------

-- `new` will be poured into `public`; so will tables of functions inside both.
local function add_pair(p, record, new, public, prefix, is_exported)
    local unit = p.set[record.name]
    p.map[new] = public
    p.tables[#p.tables + 1] = {
        record = record, unit = unit, new = new, public = public, prefix = prefix,
        is_exported = is_exported, is_function = {}, add = {},
    }
    util.breathe()
    for key, value in next, new do
        local old = type(value) == 'table' and rawget(public, key)
        if type(value) == 'table' and type(old) == 'table' and value ~= old and
                not p.map[value] and not p.borders[value] and not p.borders[old] and
                loader.has_own(unit, value) then
            add_pair(p, record, value, old, tostring(stub.key_of(prefix, key)) .. '.',
                is_exported)
        end
    end
end

local function pair_modules(p)
    local both = {}
    for name, unit in pairs(p.set) do
        local record = state.records[name]
        if record ~= nil and type(unit.new) == 'table' and type(record.public) == 'table' and
                unit.new ~= record.public then
            both[#both + 1] = {record, unit.new}
            p.map[unit.new] = record.public
            p.borders[record.public] = true
        end
    end
    for _, pair in ipairs(both) do
        p.map[pair[2]] = nil
    end
    for _, pair in ipairs(both) do
        add_pair(p, pair[1], pair[2], pair[1].public, '', true)
    end
    for _, m in ipairs(p.metatypes) do
        local record = m.module and state.records[m.module]
        if record ~= nil then
            add_pair(p, record, m.new, m.old, '?', false)
        end
    end
end

-- Metatables that a module keeps in a local: the same module, the same local.
local function metatables(found)
    return function(kind, f, _, value, name)
        if kind ~= 'upvalue' or type(value) ~= 'table' then
            return
        end
        if rawget(value, '__index') ~= nil or rawget(value, '__call') ~= nil or
                rawget(value, '__tostring') ~= nil then
            local key = debug.getinfo(f, 'S').source .. '|' .. name
            if found[key] == nil or found[key] == value then
                found[key] = value
            else
                found[key] = false -- two of one name: nobody knows which is which
            end
        end
    end
end

local function pair_metatables(p, old, new)
    for key, new_table in pairs(new) do
        local old_table = old[key]
        local record = state.sources[key:match('^(.*)|')]
        if new_table and old_table and new_table ~= old_table and record and
                p.set[record.name] and not p.map[new_table] and not p.borders[new_table] and
                not p.borders[old_table] then
            add_pair(p, record, new_table, old_table, '?', false)
        end
    end
end

-- Roots -------------------------------------------------------------------------------

local function old_test(p)
    local sources = {}
    for name in pairs(p.set) do
        local record = state.records[name]
        if record ~= nil and record.source ~= nil then
            sources[record.source] = true
            for other in pairs(record.sources) do
                sources[other] = true
            end
        end
    end
    return function(f)
        local info = jutil.funcinfo(f)
        return info.proto ~= nil and sources[info.source] == true and
            bytecode.compiled_for(info) ~= p.id
    end
end

local function old_roots(p, running)
    local roots, n = {}, 0
    local function add(x)
        if x ~= nil then -- gone meanwhile
            n = n + 1
            roots[n] = x
        end
        if n % 256 == 0 then
            util.breathe()
        end
    end
    for name in pairs(p.set) do
        local record = state.records[name]
        if record ~= nil then
            for _, key in ipairs(util.keys(record.slots.cur)) do
                add(record.slots.cur[key])
            end
            local public = record.public
            if type(public) == 'table' then
                for _, key in ipairs(util.keys(public)) do
                    add(stub.raw(rawget(public, key)))
                end
            else
                add(stub.raw(public))
            end
        end
    end
    for _, f in ipairs(running) do
        add(f)
    end
    return roots
end

local function new_roots(p, running)
    local roots = {}
    for _, unit in pairs(p.set) do
        roots[#roots + 1] = unit.new
    end
    for _, value in pairs(env.written(p.world)) do
        if value ~= env.NIL then
            roots[#roots + 1] = value
        end
    end
    for _, f in ipairs(running) do
        roots[#roots + 1] = f
    end
    for _, op in ipairs(p.held or {}) do
        roots[#roots + 1] = op.new
    end
    return roots
end

-- What to re-point -----------------------------------------------------------------

-- Functions kept in locals, for --repoint: by function, and by file and name.
local function note_local(p, names, value, name, is_by_name)
    if not p.opts.repoint or type(value) ~= 'function' then
        return
    end
    local key = tostring(jutil.funcinfo(value).source) .. '|' .. name
    if not is_by_name then
        names[value] = key
    elseif names[key] == nil or names[key] == value then
        names[key] = value
    else
        names[key] = false -- two of one name
    end
end

-- What took the place of a function of the old version: the stub of the export of its
-- name, or the new version's local of its name.
function M.namesake(p, f)
    for _, unit in pairs(p.set) do
        for key, old in pairs(unit.previous or {}) do
            if old == f and unit.record.slots.cur[key] then
                return unit.record.slots.stub[key]
            end
        end
    end
    return p.old_locals[f] and p.new_locals[p.old_locals[f]] or nil
end

-- Cells of old code that hold a public table about to change.
local function find_old(p, roots)
    local seen = {}
    walk.code(roots, p.is_old, p.borders, function(kind, f, i, value, name)
        if kind == 'upvalue' then
            note_local(p, p.old_locals, value, name, false)
        end
        if kind == 'function' then
            p.old_functions[#p.old_functions + 1] = f
        elseif kind == 'upvalue' and type(value) == 'table' and p.copies[value] then
            local id = debug.upvalueid(f, i)
            if not seen[id] then
                seen[id] = true
                p.old_fixes[#p.old_fixes + 1] = {f, i, value}
            end
        end
    end, p.size)
end

-- Closures, tables and environments of new code that hold a private table.
local function find_new(p, roots)
    local seen, map, fixes = {}, p.map, p.fixes
    local globals = p.world.globals
    p.walked = walk.code(roots, p.is_new, p.borders, function(kind, x, where, value, name)
        if kind == 'function' then
            local e = getfenv(x)
            if e == globals then
                fixes[#fixes + 1] = {'env', x, nil, _G}
            elseif map[e] ~= nil then
                fixes[#fixes + 1] = {'env', x, nil, map[e]}
            end
        elseif kind == 'upvalue' and type(value) == 'function' then
            p.in_locals[value] = true
            note_local(p, p.new_locals, value, name, true)
        elseif value ~= nil and map[value] ~= nil then
            if kind == 'upvalue' then
                local id = debug.upvalueid(x, where)
                if not seen[id] then
                    seen[id] = true
                    fixes[#fixes + 1] = {kind, x, where, map[value]}
                end
            else
                fixes[#fixes + 1] = {kind, x, where, map[value]}
            end
        end
    end, p.size)
end

-- Find everything that the switch will change. Yields.
function M.find(p)
    p.borders = walk.borders()
    p.map, p.tables, p.copies = {}, {}, {}
    p.fixes, p.old_fixes, p.old_functions, p.in_locals = {}, {}, {}, {}
    p.old_locals, p.new_locals = {}, {}
    for private, real in pairs(env.replacements(p.world)) do
        p.map[private] = real
        p.borders[private] = true
    end
    p.is_old = old_test(p)
    p.is_new = function(f)
        return getfenv(f) == p.world.globals or bytecode.generation_of(f) == p.id
    end
    pair_modules(p)
    local old_running, new_running = walk.running(p.is_old, p.is_new)
    local olds, news = old_roots(p, old_running), new_roots(p, new_running)
    local old_metatables, new_metatables = {}, {}
    p.size = #olds
    for _, unit in pairs(p.set) do
        p.size = math.max(p.size, unit.functions)
    end
    walk.code(news, p.is_new, p.borders, metatables(new_metatables), p.size)
    walk.code(olds, p.is_old, p.borders, metatables(old_metatables), p.size)
    pair_metatables(p, old_metatables, new_metatables)
    for _, t in ipairs(p.tables) do
        -- A table with __index is a class: old objects must follow it.
        if t.is_exported and rawget(t.public, '__index') == nil then
            p.copies[t.public] = {}
        end
    end
    find_old(p, olds)
    find_new(p, news)
end

-- Ready: stubs and private copies ---------------------------------------------------------

-- An old export gets its stub in front of itself now: nothing changes for callers, and
-- the switch has less to do.
local function put_stub_before(t, slot, key, old)
    local cur = t.record.slots.cur
    if t.public ~= t.new and stub.is_own(t.record, old) and not stub.is_stub(old) then
        stub.set(cur, slot, old)
        t.unit.adopted[slot] = old
        rawset(t.public, key, stub.get(t.record.slots, slot))
        return true
    end
    return false
end

local function ready_exports(p, t)
    local unit, record = t.unit, t.record
    for _, key in ipairs(util.keys(t.new)) do
        util.breathe()
        local value = rawget(t.new, key)
        if stub.is_own(unit, value) and not stub.is_metafield(key) then
            local slot = stub.key_of(t.prefix, key)
            stub.set(unit.cur, slot, value)
            t.is_function[key] = value
            local s, old = stub.get(record.slots, slot), rawget(t.public, key)
            p.export_stub[value] = s
            if old ~= s and not put_stub_before(t, slot, key, old) then
                t.add[#t.add + 1] = {key, s}
            end
        end
    end
    if t.public == t.new then
        return
    end
    for _, key in ipairs(util.keys(t.public)) do
        util.breathe()
        if rawget(t.new, key) == nil and not stub.is_metafield(key) then
            put_stub_before(t, stub.key_of(t.prefix, key), key, rawget(t.public, key))
        end
    end
end

local function ready_record(p, name, unit)
    local record = state.records[name]
    if record == nil then
        record = loader.new_record(name, unit.new)
        p.fresh[name] = record
        if type(unit.new) == 'table' then
            p.tables[#p.tables + 1] = {
                record = record, unit = unit, new = unit.new, public = unit.new, prefix = '',
                is_exported = true, is_function = {}, add = {},
            }
        end
    end
    unit.record, unit.cur, unit.adopted = record, {}, {}
    -- A module that is one function.
    if stub.is_own(record, record.public) and not stub.is_stub(record.public) and
            not p.fresh[name] then
        stub.set(record.slots.cur, 1, record.public)
        unit.adopted[1] = record.public
        stub.get(record.slots, 1)
    end
end

-- start() of a class that the module is an object of: see loader.lua. The class may be
-- one that is not reloaded and serves already.
local function ready_start(unit)
    local class, slots = stub.holder(unit.new, 'start'), unit.record.slots
    local start = class and stub.method(class, 'start')
    if start == nil or class == unit.new or loader.owner_of(start) == nil and
            not stub.is_own(unit, start) then
        return
    end
    stub.set(unit.cur, 'start', start)
    slots.cur.start = slots.cur.start or start
    if not stub.is_stub(rawget(class, 'start')) then
        rawset(class, 'start', stub.get(slots, 'start'))
    end
end

-- What old code finds in its private copy: its own functions instead of stubs. A
-- function that is registered through its stub stays the stub, for it is taken back by
-- that name.
local function private_value(p, value)
    if type(value) == 'table' and p.copies[value] then
        return p.copies[value]
    end
    if p.registered[value] then
        return value
    end
    return stub.raw(value)
end
M.private_value = private_value

-- The names that the new code spells, where globals of the old one may be dropped.
local function ready_names(p)
    for _, made in next, state.global_functions do
        if p.set[made.module] then
            for _, unit in pairs(p.set) do
                unit.names = unit.names or bytecode.names(unit.chunk)
            end
            return
        end
    end
end

-- Make stubs and copies ready. Yields.
function M.ready(p)
    p.registered, p.export_stub = p.triggers_before or {}, {}
    ready_names(p)
    for name, unit in pairs(p.set) do
        ready_record(p, name, unit)
    end
    for _, t in ipairs(p.tables) do
        if t.is_exported then
            ready_exports(p, t)
        end
    end
    for _, unit in pairs(p.set) do
        ready_start(unit)
        unit.gone = {}
        for key in pairs(unit.record.slots.cur) do
            if unit.cur[key] == nil and key ~= 1 then
                unit.gone[#unit.gone + 1] = key
            end
        end
        util.breathe()
    end
    for public, copy in pairs(p.copies) do
        for _, key in ipairs(util.keys(public)) do
            util.breathe()
            copy[key] = private_value(p, rawget(public, key))
        end
    end
end

return M
