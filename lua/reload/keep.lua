-- State that survives: locals and fields named in `keep`; see handover.lua for the rest.
--
-- A kept local is one cell for old and new code, joined before any new function runs.
-- LuaJIT compiles the value of a cell that is never assigned into its traces, so such
-- a cell cannot be shared: a generated, assignable one takes the value, and every
-- closure that can be found moves over. One jit.flush() ends the traces that know the
-- old cell.

local E = ...
local M = {}

local bytecode = E.use('bytecode')
local stub = E.use('stub')
local util = E.use('util')
local walk = E.use('walk')
local state = E.state

-- Names in a module's `keep` table; a function of that name is not a declaration.
local function declared(module)
    local keep = type(module) == 'table' and rawget(module, 'keep')
    local names = {}
    if type(keep) == 'table' then
        for _, name in ipairs(keep) do
            names[#names + 1] = tostring(name)
        end
    end
    return names
end

local function old_roots(record)
    local roots = {record.public}
    for _, f in pairs(record.slots.cur) do
        roots[#roots + 1] = f
    end
    -- The public table may be a border of the walk: its fields are what counts.
    if type(record.public) == 'table' then
        for _, f in next, record.public do
            roots[#roots + 1] = f
        end
    end
    return roots
end

local function new_roots(unit)
    local roots = {}
    if type(unit.new) ~= 'table' then
        return {unit.new}
    end
    for _, f in next, unit.new do
        roots[#roots + 1] = f
    end
    return roots
end

local function ambiguous(unit, name, version, cell)
    local places = {}
    for _, f in pairs(cell.owners) do
        places[#places + 1] = util.where(f)
    end
    table.sort(places)
    util.fail('check', "keep '%s' of module '%s' is ambiguous in the %s version: " ..
        'different locals of that name in %s', name, unit.name, version,
        table.concat(places, ' and '))
end

-- Find the cells of one module's kept names, refuse what cannot be told apart.
local function find(p, unit, record)
    local names = declared(unit.new)
    if #names == 0 then
        return
    end
    local function is_old(f)
        return stub.is_own(record, f) and bytecode.generation_of(f) ~= p.id
    end
    local function is_new(f)
        return bytecode.generation_of(f) == p.id
    end
    local roots = old_roots(record)
    for _, f in ipairs(walk.running(is_old)) do
        roots[#roots + 1] = f
    end
    local old = walk.cells(roots, is_old, names)
    local new = walk.cells(new_roots(unit), is_new, names)
    for _, name in ipairs(names) do
        if old[name].count > 1 then
            ambiguous(unit, name, 'old', old[name])
        elseif new[name].count > 1 then
            ambiguous(unit, name, 'new', new[name])
        end
        local is_field = new[name].count == 0 and rawget(unit.new, name) ~= nil
        if new[name].count == 0 and not is_field then
            util.fail('check', "%s: keep '%s' of module '%s': no exported function of the " ..
                'new version uses such a local, nor is there such a field',
                unit.path or unit.source, name, unit.name)
        end
        local has_old = old[name].count > 0 or type(record.public) == 'table' and
            rawget(record.public, name) ~= nil
        if not has_old then
            p.note("keep '%s' of module '%s': the old version has none, the initial value " ..
                'stays', name, unit.name)
        end
        p.keepers[#p.keepers + 1] = {name = name, unit = unit, record = record,
            old = old[name].holders, new = new[name].holders}
    end
end

-- Part of phase check.
function M.check(p)
    p.keepers = {}
    for name, unit in pairs(p.set) do
        local record = state.records[name]
        if record ~= nil then
            find(p, unit, record)
        end
    end
end

local new_cell = loadstring([[
    local value = ...
    return function() return value end, function(v) value = v end
]], '=reload.cell')

-- The cell both sides use from now on: function and index. The old one when its code
-- assigns it.
local function shared_cell(p, keeper)
    local holder, constant = keeper.old[1], nil
    for _, h in ipairs(keeper.old) do
        local is_constant, is_known = walk.is_constant_cell(h[1], h[2])
        if is_known then
            holder, constant = h, is_constant
            break
        end
    end
    if constant == false then
        return holder[1], holder[2]
    end
    local _, value = debug.getupvalue(holder[1], holder[2])
    local cell = new_cell(value)
    for _, h in ipairs(keeper.old) do
        debug.upvaluejoin(h[1], h[2], cell, 1)
    end
    p.note("keep '%s': moved to a new cell, the old code never assigns it", keeper.name)
    return cell, 1
end

local function join(p, keeper)
    local old_table = type(keeper.record.public) == 'table' and keeper.record.public
    if keeper.old[1] ~= nil and keeper.new[1] ~= nil then
        local f, i = shared_cell(p, keeper)
        for _, h in ipairs(keeper.new) do
            debug.upvaluejoin(h[1], h[2], f, i)
        end
        return true
    end
    local value = old_table and rawget(old_table, keeper.name)
    if keeper.old[1] ~= nil then
        value = select(2, debug.getupvalue(keeper.old[1][1], keeper.old[1][2]))
    end
    if value ~= nil then
        if keeper.new[1] ~= nil then
            debug.setupvalue(keeper.new[1][1], keeper.new[1][2], value)
        else
            rawset(keeper.unit.new, keeper.name, value)
        end
    end
    return keeper.new[1] ~= nil
end

-- Phase keep. After the joins nothing yields before the traces are gone.
function M.join(p)
    local is_joined = false
    for _, keeper in ipairs(p.keepers) do
        is_joined = join(p, keeper) or is_joined
    end
    if is_joined then
        jit.flush()
    end
    E.handover.run(p)
end

return M
