-- Runs a patch's chunk and collects what it assigns; changes nothing. The chunk
-- sees the modules through views: reading goes to the module, writing is noted.
local E = ...
local M = {}

local bytecode = E.use('bytecode')
local stub = E.use('stub')
local util = E.use('util')

local S = E.state
local G = _G

local DEADLINE_S = 5

local function record_of_public(value)
    for _, record in pairs(S.records) do
        if record.public == value then
            return record
        end
    end
end

local function owner_of(f)
    for _, record in pairs(S.records) do
        if stub.is_own(record, f) then
            return record
        end
    end
    return S.patched[E.gens.prototype(f)]
end

-- file:line in the chunk that makes the assignment.
local function line_of(p)
    for level = 3, 8 do
        local info = debug.getinfo(level, 'Sl')
        if info == nil then
            break
        end
        if info.source == '@' .. p.file then
            return ('%s:%d'):format(p.file, info.currentline)
        end
    end
    return p.file
end

local function refuse(p, format, ...)
    util.fail('check', '%s: ' .. format, line_of(p), ...)
end

-- One replacement: name for people, its module's record, old and new function,
-- put(f) which swaps. The last one for a name wins, as in Lua.
local function add(p, edit)
    for i, known in ipairs(p.edits) do
        if known.old == edit.old then
            p.edits[i] = edit
            return
        end
    end
    p.edits[#p.edits + 1] = edit
    p.records[edit.record] = true
end

local function check_pair(p, name, old, new)
    if type(new) ~= 'function' then
        refuse(p, '%s: a patch replaces functions, this is a %s', name, type(new))
    elseif type(old) ~= 'function' then
        refuse(p, '%s: there is no such function to replace', name)
    elseif E.gens.prototype(old) == nil or util.is_builtin(old) then
        refuse(p, "%s: it is no function of the application", name)
    end
end

-- Put a function where a stub, or the field itself, leads to it.
local function putter(t, key, current)
    local known = S.stubs[current]
    if known ~= nil then
        return function(f)
            known[1].cur[known[2]] = f
        end
    end
    return function(f)
        rawset(t, key, f)
    end
end

local function replace_field(p, record, t, name, key, new)
    local current = rawget(t, key)
    local old = stub.raw(current)
    check_pair(p, name, old, new)
    add(p, {name = name, record = record, old = old, new = new,
            put = putter(t, key, current), refresh = function()
                return putter(t, key, rawget(t, key))
            end})
end

local function is_branch(record, value)
    if type(value) ~= 'table' then
        return false
    end
    for _, f in next, value do
        if type(f) == 'function' and stub.is_own(record, stub.raw(f)) then
            return true
        end
    end
    return false
end

-- A table of a module as the chunk sees it.
local function view(p, record, t, name)
    local v = p.views[t]
    if v ~= nil then
        return v
    end
    v = setmetatable({}, {
        __index = function(_, key)
            local value = t[key]
            if is_branch(record, value) then
                return view(p, record, value, name .. '.' .. tostring(key))
            end
            return value
        end,
        __newindex = function(_, key, value)
            replace_field(p, record, t, name .. '.' .. tostring(key), key, value)
        end,
        __call = function(_, ...)
            return t(...)
        end,
    })
    p.views[t], p.view_of[v] = v, t
    return v
end

local function seen_by_chunk(p, value)
    local record = type(value) == 'table' and record_of_public(value)
    return record and view(p, record, value, record.name) or value
end

-- With --module a plain `function serve()` means that of the module.
local function replace_global(p, name, new)
    local record = p.module and S.records[p.module]
    if record ~= nil and type(record.public) == 'table' and
            record.public[name] ~= nil then
        return replace_field(p, record, record.public, p.module .. '.' .. name, name, new)
    end
    local current = rawget(G, name)
    local old = stub.raw(current)
    check_pair(p, name, old, new)
    record = owner_of(old)
    if record == nil then
        refuse(p, '%s: it is no function of a module of the application', name)
    end
    add(p, {name = name, record = record, old = old, new = new,
            put = putter(G, name, current), refresh = function()
                return putter(G, name, rawget(G, name))
            end})
end

-- Every cell of a module's code with that name that holds a function.
local function local_function(p, record, name)
    local roots = {}
    for _, f in pairs(record.slots.cur) do
        roots[#roots + 1] = f
    end
    if type(record.public) == 'table' then
        for _, f in next, record.public do
            roots[#roots + 1] = stub.raw(f)
        end
    end
    util.hold_breath()
    local cell = E.walk.cells(roots, function(f)
        return owner_of(f) == record
    end, {name})[name]
    util.release_breath()
    if cell.count > 1 then
        local places = {}
        for _, f in pairs(cell.owners) do
            places[#places + 1] = util.where(f)
        end
        table.sort(places)
        refuse(p, "local '%s' of module '%s' is ambiguous: different locals of that name " ..
            'in %s', name, record.name, table.concat(places, ' and '))
    end
    return cell.holders
end

-- locals(app).helper = function() ... end
local function locals_of(p, module)
    local record = record_of_public(p.view_of[module] or module)
    if record == nil then
        refuse(p, 'locals(): this is no module of the application')
    end
    return setmetatable({}, {__newindex = function(_, name, new)
        local holders = local_function(p, record, name)
        local old = holders[1] and select(2, debug.getupvalue(holders[1][1], holders[1][2]))
        check_pair(p, record.name .. ':' .. tostring(name), old, new)
        add(p, {name = record.name .. ':' .. name, record = record, old = old, new = new,
                put = function(f)
                    for _, h in ipairs(holders) do
                        debug.setupvalue(h[1], h[2], f)
                    end
                end, refresh = function() end})
    end})
end

-- What the chunk has for globals.
local function environment(p)
    local env = {}
    env.require = function(name)
        return seen_by_chunk(p, require(name))
    end
    env.locals = function(module)
        return locals_of(p, module)
    end
    local shell = setmetatable({}, {
        __index = function(_, name)
            local own = rawget(env, name)
            if own ~= nil then
                return own
            end
            local value = rawget(G, name)
            if value == nil and S.records[name] ~= nil then
                value = S.records[name].public
            end
            return seen_by_chunk(p, value)
        end,
        __newindex = function(_, name, value)
            replace_global(p, tostring(name), value)
        end,
    })
    env._G = shell
    return shell
end

-- Compile and run the chunk; p.edits has what it wants replaced.
function M.run(p, text)
    if p.module ~= nil and S.records[p.module] == nil then
        util.fail('check', "module '%s' is not loaded", p.module)
    end
    local chunk, err = loadstring(text, '@' .. p.file)
    if chunk == nil then
        util.fail('compile', '%s', err)
    end
    bytecode.record(chunk, p.id)
    p.views = {}
    setfenv(chunk, environment(p))
    local ok, failure = E.hooks.run(p.id, 'load', chunk, DEADLINE_S)
    if not ok then
        failure.phase = failure.phase or 'load'
        error(failure, 0)
    end
    if #p.edits == 0 then
        util.fail('check', '%s: it replaces no function', p.file)
    end
end

return M
