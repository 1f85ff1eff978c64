-- Patch: replace single functions of loaded modules, all or none.
--
-- A patch is a chunk that assigns functions where they are to go:
--
--     local app = require 'app'
--     local count, helper            -- locals of the module, by their names
--     function app.total(n)          -- replaces app.total
--         count = count + 1
--         return helper(n)
--     end
--
-- A local of the chunk without a value is joined with the local of that name that
-- the replaced function used, else with the only one of that name in its module.
-- locals(app).helper = function() ... end replaces a local function.
local E = ...
local M = {}

local clock = require('clock')
local fiber = require('fiber')
local bytecode = E.use('bytecode')
local collect = E.use('patch_chunk')
local stub = E.use('stub')
local util = E.use('util')
local walk = E.use('walk')

local S = E.state
S.patched_away = S.patched_away or {}

local function places(owners)
    local out = {}
    for _, f in pairs(owners) do
        out[#out + 1] = util.where(f)
    end
    table.sort(out)
    return table.concat(out, ' and ')
end

local function is_old_of(p, record)
    return function(f)
        return bytecode.generation_of(f) ~= p.id and
            (stub.is_own(record, f) or S.patched[E.gens.prototype(f)] == record)
    end
end

-- Functions that patches replaced, until their module is reloaded: the locals that only
-- they used still belong to the module.
local function replaced_of(record)
    local list = S.patched_away[record.name]
    if list == nil or list.generation ~= record.gen then
        list = {generation = record.gen}
        S.patched_away[record.name] = list
    end
    return list
end

-- Where the search for a module's code begins.
local function roots_of(record)
    local roots = {unpack(replaced_of(record))}
    for _, f in pairs(record.slots.cur) do
        roots[#roots + 1] = f
    end
    if type(record.public) == 'table' then
        for _, value in next, record.public do
            roots[#roots + 1] = stub.raw(value)
        end
    end
    for _, target in pairs(S.globals.cur) do
        if stub.is_own(record, target) then
            roots[#roots + 1] = target
        end
    end
    return roots
end

local function upvalue_of(f, wanted)
    local i = 1
    while true do
        local name, value = debug.getupvalue(f, i)
        if not name then
            return nil
        end
        if name == wanted then
            return i, value
        end
        i = i + 1
    end
end

-- The locals of the chunk that its functions use: cell id -> {name, value,
-- holders = {{f, i}...}, users = {edit...}}. A helper function is searched too.
local function new_cells(p)
    local cells = {}
    for _, edit in ipairs(p.edits) do
        walk.code({edit.new}, function(f)
            return bytecode.generation_of(f) == p.id
        end, walk.borders(), function(kind, f, i, value, name)
            if kind == 'upvalue' then
                local id = debug.upvalueid(f, i)
                local cell = cells[id] or {name = name, value = value, holders = {},
                                           users = {}}
                cells[id] = cell
                cell.holders[#cell.holders + 1] = {f, i}
                cell.users[edit] = true
            end
        end)
    end
    return cells
end

-- The old cell that the replaced functions themselves use under this name.
local function by_path(cell)
    local owners, holder, count = {}, nil, 0
    for edit in pairs(cell.users) do
        local i = upvalue_of(edit.old, cell.name)
        if i ~= nil then
            local id = debug.upvalueid(edit.old, i)
            if owners[id] == nil then
                owners[id], holder, count = edit.old, {edit.old, i}, count + 1
            end
        end
    end
    return holder, owners, count
end

-- The only cell of that name anywhere in the modules of these functions.
local function by_name(p, cell)
    local owners, holder, count = {}, nil, 0
    local records = {}
    for edit in pairs(cell.users) do
        records[edit.record] = true
    end
    for record in pairs(records) do
        local found = walk.cells(roots_of(record), is_old_of(p, record),
                                 {cell.name})[cell.name]
        count = count + found.count
        for id, f in pairs(found.owners) do
            owners[id] = f
        end
        holder = holder or found.holders[1]
    end
    return holder, owners, count
end

local function associate(p, cell)
    local holder, owners, count = by_path(cell)
    if count == 0 then
        holder, owners, count = by_name(p, cell)
    end
    if count > 1 then
        util.fail('check', "%s: local '%s' is ambiguous: different locals of that name in %s",
            p.file, cell.name, places(owners))
    end
    if cell.value ~= nil then
        -- A value of its own: that is meant, but worth a word.
        if count == 1 then
            p.note("local '%s' has a value in the patch: it is not joined with that of the " ..
                'module', cell.name)
        end
    elseif count == 0 then
        p.note("local '%s' is not in the module: it begins as nil", cell.name)
    else
        p.joins[#p.joins + 1] = {cell = cell, holder = holder}
    end
end

-- Every closure of the modules that shares the old cell.
local function sharers(p, join)
    local id = debug.upvalueid(join.holder[1], join.holder[2])
    local out = {}
    for record in pairs(p.records) do
        for _, h in ipairs(walk.cells(roots_of(record), is_old_of(p, record),
                                      {join.cell.name})[join.cell.name].holders) do
            if debug.upvalueid(h[1], h[2]) == id then
                out[#out + 1] = h
            end
        end
    end
    out[#out + 1] = join.holder
    return out
end

local new_cell = loadstring([[
    local value = ...
    return function() return value end, function(v) value = v end
]], '=reload.cell')

-- Is it a cell that the old code never assigns? Its value is in compiled traces, so
-- old and new code move to an assignable one.
local function find_constant_cells(p)
    for _, join in ipairs(p.joins) do
        local list, constant = sharers(p, join), nil
        for _, h in ipairs(list) do
            local is_constant, is_known = walk.is_constant_cell(h[1], h[2])
            if is_known then
                constant = is_constant
                break
            end
        end
        join.move = constant ~= false and list or nil
    end
end

-- References inside the modules to what is replaced: cells and fields that hold the
-- old function itself follow, or half of the module would go on with it.
local function find_references(p)
    local new_of = {}
    for _, edit in ipairs(p.edits) do
        new_of[edit.old] = edit.new
    end
    for record in pairs(p.records) do
        local seen = {}
        walk.code(roots_of(record), is_old_of(p, record), walk.borders(),
            function(kind, holder, where, value)
                local new = new_of[value]
                if new == nil then
                    return
                end
                if kind == 'upvalue' then
                    local id = debug.upvalueid(holder, where)
                    if not seen[id] then
                        seen[id] = true
                        p.references[#p.references + 1] = {kind, holder, where, value, new}
                    end
                elseif kind == 'field' then
                    p.references[#p.references + 1] = {kind, holder, where, value, new}
                end
            end)
    end
end

-- The chunk's private view of modules leads to the modules themselves from now on.
local function find_views(p)
    for _, edit in ipairs(p.edits) do
        walk.code({edit.new}, function(f)
            return bytecode.generation_of(f) == p.id
        end, walk.borders(), function(kind, holder, where, value)
            if kind == 'function' then
                p.functions[holder] = edit
            elseif p.view_of[value] ~= nil and kind ~= 'metatable' then
                p.references[#p.references + 1] =
                    {kind, holder, where, value, p.view_of[value]}
            end
        end)
    end
end

local function put_reference(ref, value)
    if ref[1] == 'upvalue' then
        debug.setupvalue(ref[2], ref[3], value)
    else
        rawset(ref[2], ref[3], value)
    end
end

local function do_join(join)
    local f, i = join.holder[1], join.holder[2]
    if join.move ~= nil then
        local _, value = debug.getupvalue(f, i)
        f, i = new_cell(value), 1
        for _, h in ipairs(join.move) do
            debug.upvaluejoin(h[1], h[2], f, i)
        end
    end
    for _, h in ipairs(join.cell.holders) do
        debug.upvaluejoin(h[1], h[2], f, i)
    end
end

-- The switch: never yields. Puts the new functions in and returns what takes them
-- out again.
local function apply(p)
    for _, join in ipairs(p.joins) do
        do_join(join)
    end
    for f, edit in pairs(p.functions) do
        setfenv(f, getfenv(edit.old))
    end
    for _, ref in ipairs(p.references) do
        put_reference(ref, ref[5])
    end
    for _, edit in ipairs(p.edits) do
        edit.put(edit.new)
        table.insert(replaced_of(edit.record), edit.old)
        S.replaced[E.gens.prototype(edit.old)] = true
        S.patched[E.gens.prototype(edit.new)] = edit.record
    end
    jit.flush()
    return function()
        for _, edit in ipairs(p.edits) do
            edit.put(edit.old)
            S.replaced[E.gens.prototype(edit.old)] = nil
            S.replaced[E.gens.prototype(edit.new)] = true
        end
        for i = #p.references, 1, -1 do
            local ref = p.references[i]
            if p.view_of[ref[4]] == nil then
                put_reference(ref, ref[4])
            end
        end
        jit.flush()
    end
end

local function names_of(p)
    local out = {}
    for i, edit in ipairs(p.edits) do
        out[i] = {name = edit.name, reason = 'patched', path = util.where(edit.new)}
    end
    return out
end

local function open_generation(p)
    local previous = S.generation
    S.generations[p.id] = {id = p.id, state = 'current', loaded_at = clock.time(),
                           modules = names_of(p), patch = p.file, hash = p.hash}
    E.gens.set_state(previous, 'drained')
    S.generation = p.id
    return previous
end

local function undo_op(p, previous, undo)
    return function()
        undo()
        S.previous = S.previous and S.previous.before
        S.generation = previous
        E.gens.set_state(previous, 'current')
        E.gens.set_state(p.id, 'rolled-back')
        return {exit = 0, generation = previous, previous = p.id, modules = names_of(p),
                phases = {}, notes = {}, lingering = {},
                message = ('the functions of %s are taken out'):format(p.file),
                state = ('generation %d serves'):format(previous)}
    end
end

local function prepare(p, text)
    p.phase('load')
    collect.run(p, text)
    p.phase('check')
    for _, cell in pairs(new_cells(p)) do
        if p.view_of[cell.value] == nil then
            associate(p, cell)
        end
    end
    find_constant_cells(p)
    find_references(p)
    find_views(p)
end

-- On an instance that ran before the engine came, the functions that are replaced
-- are captured all over the heap: they become stubs first.
local function adopt_captured(p)
    local map = {}
    -- Who made the global functions is not known here: nobody may drop them later.
    local made_by_modules = table.copy(S.global_functions)
    for record in pairs(p.records) do
        if not record.is_stubbed then
            E.loader.stub_exports(record)
            S.global_functions = table.copy(made_by_modules)
            for key, f in pairs(record.slots.cur) do
                map[f] = E.stub.get(record.slots, key)
            end
        end
    end
    if next(map) == nil then
        return
    end
    p.captured = E.adopt.capture({
        set = {}, tables = {}, copies = {}, is_old = function(f)
            local record = E.loader.owner_of(f)
            return record ~= nil and p.records[record] ~= nil
        end, is_new = function()
            return false
        end}, map)
    -- What the edits found was the functions themselves: they are in slots now.
    for _, edit in ipairs(p.edits) do
        edit.put = edit.refresh() or edit.put
    end
end

-- The whole patch. p: the attempt. Returns the answer; raises {phase, message}.
local function run(p, opts)
    p.file, p.module = opts.file or 'patch.lua', opts.module
    p.edits, p.joins, p.references, p.functions, p.view_of, p.records =
        {}, {}, {}, {}, {}, {}
    prepare(p, opts.text)
    if opts.check or opts.dry_run then
        return {exit = 0, message = 'the check passed', modules = names_of(p),
                generation = S.generation,
                state = ('generation %d serves, nothing was changed'):format(S.generation)}
    end
    adopt_captured(p)
    p.phase('switch')
    local started = util.now()
    local undo = apply(p)
    local previous = open_generation(p)
    local switch_ms = util.now() - started
    E.rollback.remember_patch(p.id, previous, undo_op(p, previous, undo))
    return {exit = 0, generation = p.id, previous = previous, modules = names_of(p),
            switch_ms = switch_ms, captured = p.captured,
            state = ('generation %d serves'):format(p.id)}
end

local function failed(p, err)
    E.fibers.bury(p.id)
    return {exit = 1, phase = err.phase or p.current, message = err.message,
            traceback = err.traceback, generation = S.generation, modules = {},
            state = ('generation %d serves, as before'):format(S.generation)}
end

local function new_attempt()
    S.last_number = S.last_number + 1
    local p = {id = S.last_number, notes = {}, phases = {}}
    function p.note(format, ...)
        p.notes[#p.notes + 1] = format:format(...)
    end
    function p.phase(name)
        local now = util.now()
        if p.current ~= nil then
            p.phases[#p.phases + 1] = {name = p.current, ms = now - p.phase_ms}
        end
        p.current, p.phase_ms = name, now
    end
    return p
end

local function describe(err)
    if type(err) == 'table' then
        return err
    end
    return {message = tostring(err), traceback = debug.traceback(tostring(err), 2)}
end

local function attempt(opts)
    opts.is_patch = true
    local refusal = E.transaction.lock(opts)
    if refusal ~= nil then
        return refusal
    end
    local started, p = util.now(), new_attempt()
    local ok, answer = xpcall(run, describe, p, opts)
    if not ok then
        answer = failed(p, answer)
    end
    S.busy = false
    p.phase()
    answer.notes, answer.phases, answer.lingering = p.notes, p.phases, {}
    answer.total_ms = util.now() - started
    if answer.exit == 0 and opts.probation ~= nil and answer.switch_ms ~= nil then
        answer = E.after.watch(answer, opts)
    end
    return answer
end

-- ctl patch: opts.text, opts.file (its name), opts.module, opts.check.
function E.ops.patch(opts)
    local wrong = type(opts.text) ~= 'string' and 'a patch needs its text' or
        E.after.check(opts)
    if wrong then
        return {exit = 1, phase = 'lock', message = wrong}
    end
    E.init.activate()
    E.plan.managed(function() end)
    local entry = not opts.check and E.journal.begin('patch', opts.by)
    local done, answer = fiber.cond(), nil
    E.fibers.spawn(function()
        fiber.name('reload.patch', {truncate = true})
        answer = attempt(opts)
        done:broadcast()
    end)
    while answer == nil do
        done:wait()
    end
    if entry then
        E.journal.finish(entry, answer)
    end
    return answer
end

return M
