-- Phases read and compile: which modules are reloaded, and why.

local E = ...
local M = {}

local fiber = require('fiber')
local loader = E.use('loader')
local source = E.use('source')
local util = E.use('util')
local state = E.state

-- The loaded modules of the application: name -> record.
function M.managed(note)
    local names, out = {}, {}
    for name, value in pairs(package.loaded) do
        names[name] = value
    end
    for name, value in pairs(names) do
        util.breathe()
        local record, why, from = loader.classify(name, value)
        if record ~= nil then
            out[name] = record
        elseif why == 'lost' then
            note("module '%s' was loaded from %s and is not found any more: left alone",
                name, from)
        elseif why == 'preload' then
            note("module '%s' is in package.preload: left alone", name)
        end
    end
    return out
end

local function paths_of(records)
    local seen, paths = {}, {}
    local function add(path)
        if path ~= nil and not seen[path] then
            seen[path] = true
            paths[#paths + 1] = path
        end
    end
    for _, record in pairs(records) do
        if record.kind == 'file' then
            add(record.path)
        end
        for path in pairs(record.files or {}) do
            add(path)
        end
    end
    return paths
end

-- One file's text for a record: read only when the file is another than before.
local function is_unchanged(record, stats)
    local s = stats[record.path]
    return record.text ~= nil and record.edges ~= nil and s and s.key == record.stat
end

-- Files that the module runs itself: are they as they were?
local function changed_file(record, stats)
    for path, text in pairs(record.files or {}) do
        local s = stats[path]
        record.file_stats = record.file_stats or {}
        if s and s.key ~= record.file_stats[path] then
            if type(text) == 'string' and source.read(path) ~= text then
                return path
            elseif type(text) ~= 'string' and s.changed > M.process_start() then
                return path
            end
            record.file_stats[path] = s.key
        end
    end
end

-- When the process began: what was written later is not what it loaded.
function M.process_start()
    if state.process_start == nil then
        state.process_start = fiber.time() - require('tarantool').uptime()
    end
    return state.process_start
end

-- Its file is gone, and require() would find another one now: foo.lua became
-- foo/init.lua. Returns that unit, and why it is taken.
local function moved(plan, record)
    local kind, path = source.resolve(record.name)
    if kind ~= 'file' then
        plan.missing[record.name] = record.path
        return nil
    end
    local absolute = source.absolute(path)
    plan.stats[absolute] = source.stat_all({absolute})[absolute]
    return source.file_unit(record.name, absolute, '@' .. path, nil,
        plan.stats[absolute] or nil), 'its file is ' .. path .. ' now'
end

-- Is the module other than what runs? Returns its unit and the reason, or its unit.
local function compare(plan, record)
    local name = record.name
    local unit
    if record.kind == 'file' then
        local s = plan.stats[record.path]
        if not s then
            return moved(plan, record)
        end
        if is_unchanged(record, plan.stats) then
            return nil
        end
        unit = source.file_unit(name, record.path, record.source, nil, s)
    else
        unit = source.unit(name)
        if unit == nil then
            plan.missing[name] = record.source or name
            return nil
        end
    end
    if unit.dynamic > 0 then
        plan.note('%s requires by a computed name: what depends on that is known only ' ..
            'once it ran', unit.source)
    end
    if record.edges == nil then
        record.edges = unit.edges
    end
    if record.files == nil then
        record.files = unit.files
        for path, stat in pairs(source.stat_all(util.sorted_keys(unit.files))) do
            plan.stats[path] = stat
        end
    end
    if record.text ~= nil then
        return unit, record.text ~= unit.text and 'changed' or nil
    end
    local s = plan.stats[record.path]
    if s and s.changed > M.process_start() then
        return unit, 'its file is newer than the process'
    end
    return unit
end

-- A rock that does not compile is its author's business until somebody names it.
local function compare_rock(plan, record)
    local ok, unit, why = pcall(compare, plan, record)
    if ok then
        return unit, why
    elseif type(unit) == 'table' and unit.phase == 'compile' then
        plan.note('rock left alone, it does not compile: %s', unit.message)
        return nil
    end
    error(unit, 0)
end

local function compare_all(plan)
    for name, record in pairs(plan.records) do
        util.breathe()
        local is_rock = source.is_rock(record.path)
        local unit, why = (is_rock and compare_rock or compare)(plan, record)
        local path = not why and changed_file(record, plan.stats)
        if path then
            why = 'it runs ' .. path .. ', which changed'
        end
        plan.units[name] = unit
        if why then
            plan.why[name] = why
        elseif unit then
            record.text, record.stat = unit.text, unit.stat
        end
    end
end

-- The files on disk must still be those that were read.
local function verify(plan)
    local again = source.stat_all(paths_of(plan.records))
    for path, s in pairs(again) do
        local before = plan.stats[path]
        if (s and s.key) ~= (before and before.key) then
            util.fail('read', '%s changed while the files were read', path)
        end
    end
end

-- Everything that `names` require, however deep.
local function closure_below(plan, names)
    local seen, queue = {}, {}
    for name in pairs(names) do
        seen[name] = true
        queue[#queue + 1] = name
    end
    while #queue > 0 do
        local record = plan.records[table.remove(queue)]
        for edge in pairs(record and record.edges or {}) do
            if not seen[edge] then
                seen[edge] = true
                queue[#queue + 1] = edge
            end
        end
    end
    return seen
end

local function name_modules(plan, names)
    local named = {}
    for _, name in ipairs(names) do
        if plan.records[name] == nil then
            util.fail('read', package.loaded[name] ~= nil and
                "module '%s' is not Lua code of the application" or
                "module '%s' is not loaded", name)
        end
        named[name] = true
    end
    -- With the named modules goes what changed below them, else their new version
    -- would run on old dependencies.
    local below = closure_below(plan, named)
    for name in pairs(plan.why) do
        if not below[name] then
            plan.why[name] = nil
        end
    end
    for name in pairs(named) do
        plan.why[name] = plan.why[name] or 'named'
    end
end

-- Whatever requires a reloaded module while it is loaded goes with it.
local function add_dependents(plan)
    local grew = true
    while grew do
        grew = false
        for name, record in pairs(plan.records) do
            if not plan.why[name] then
                for edge in pairs(record.edges or {}) do
                    if plan.why[edge] then
                        plan.why[name] = ("requires '%s'"):format(edge)
                        grew = true
                        break
                    end
                end
            end
        end
    end
end

-- Who, of what will run, requires a module?
local function user_of(plan, name)
    for other, record in pairs(plan.records) do
        local unit = plan.units[other]
        local edges = unit and unit.edges or record.edges or {}
        if edges[name] and not plan.missing[other] then
            return other
        end
    end
end

local function check_missing(plan)
    for name, path in pairs(plan.missing) do
        local user = user_of(plan, name)
        if user ~= nil then
            util.fail('read', "the file of module '%s', which '%s' requires, is gone: %s",
                name, user, path)
        elseif plan.why[name] then
            util.fail('read', "the file of module '%s' is gone: %s", name, path)
        end
        plan.note("the file of module '%s' is gone (%s): it stays loaded as it is", name, path)
    end
end

-- The units to load: name -> unit, each with `why`. Texts given by the caller (a
-- rollback, a patch) replace the files and are taken as the whole set.
local function from_texts(plan, texts)
    for name, text in pairs(texts) do
        local record = plan.records[name]
        if record == nil then
            util.fail('read', "module '%s' is not loaded", name)
        end
        plan.units[name] = source.file_unit(name, record.path, record.source, text)
        plan.units[name].stat = nil
        plan.why[name] = 'the text of before'
    end
    return plan
end

local function complete(plan)
    local set = {}
    for name, why in pairs(plan.why) do
        local record = plan.records[name]
        local unit = plan.units[name]
        if unit == nil and record.kind == 'file' then
            unit = source.file_unit(name, record.path, record.source, record.text)
            unit.stat = record.stat
        end
        unit = unit or source.unit(name)
        unit.why = why
        set[name] = unit
    end
    return set
end

-- Decide what is reloaded; reads and compiles it. `note` takes remarks, `phase` is
-- told when the next phase begins.
function M.make(opts, note, phase)
    phase('rest')
    source.compile_ms = 0
    local plan = {why = {}, units = {}, missing = {}, note = note}
    plan.records = M.managed(note)
    if opts.texts ~= nil then
        phase('compile')
        return complete(from_texts(plan, opts.texts)), plan
    end
    plan.stats = source.rest(paths_of(plan.records), opts.now)
    phase('read')
    compare_all(plan)
    verify(plan)
    if opts.names ~= nil and #opts.names > 0 then
        name_modules(plan, opts.names)
    end
    for name, record in pairs(plan.records) do
        if opts.all and not plan.why[name] and not source.is_rock(record.path) and
                not plan.missing[name] then
            plan.why[name] = 'all'
        end
    end
    add_dependents(plan)
    check_missing(plan)
    return complete(plan), plan
end

return M
