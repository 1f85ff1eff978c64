-- Registrations of a new version: triggers of spaces, of sessions, of the
-- instance. What start() of the pending generation registers is held back and
-- registered in the switch, so a write fires one version's triggers. What the
-- old version leaves behind is listed, or moved to its namesake.
local E = ...
local M = {}

local FIRST_USER_SPACE = 512
local SPACE_EVENTS = {'on_replace', 'before_replace'}
local SESSION_EVENTS = {'on_connect', 'on_disconnect', 'on_auth'}
local CTL_EVENTS = {'on_shutdown', 'on_schema_init'}

-- Before box.cfg there are no spaces; box itself is always there.
local function spaces()
    local ok, list = pcall(function()
        local out = {}
        for id, space in pairs(box.space) do
            if type(id) == 'number' and id >= FIRST_USER_SPACE then
                out[#out + 1] = space
            end
        end
        return out
    end)
    return ok and list or {}
end

-- Everything that a trigger may be registered with:
-- visit(object, field, is_method, name for people).
local function each_place(visit)
    for _, space in ipairs(spaces()) do
        for _, event in ipairs(SPACE_EVENTS) do
            visit(space, event, true, ('space %s %s'):format(space.name, event))
        end
    end
    for _, event in ipairs(SESSION_EVENTS) do
        visit(box.session, event, false, 'session ' .. event)
    end
    for _, event in ipairs(CTL_EVENTS) do
        visit(box.ctl, event, false, 'ctl ' .. event)
    end
end

local function caller(register, object, is_method)
    if is_method then
        return function(...)
            return register(object, ...)
        end
    end
    return register
end

-- Call visit(place name, set(new, old), f) for each registered trigger.
function M.each(visit)
    each_place(function(object, field, is_method, name)
        local register = object[field]
        if register == nil then
            return
        end
        local set = caller(register, object, is_method)
        local ok, list = pcall(set)
        for _, f in ipairs(ok and type(list) == 'table' and list or {}) do
            visit(name, set, f)
        end
    end)
end

-- What is registered now: a list of {name, f}; and f -> how many times.
function M.snapshot()
    local list, count = {}, {}
    M.each(function(name, _, f)
        list[#list + 1] = {name = name, f = f}
        count[f] = (count[f] or 0) + 1
    end)
    return list, count
end

-- Set of all registered functions.
function M.registered()
    local _, count = M.snapshot()
    return count
end

-- The functions that wait for the switch.
function M.held_functions(P)
    local out = {}
    for _, op in ipairs(P.held or {}) do
        out[#out + 1] = op.new
    end
    return out
end

-- What (nil, old) or (new, old) means for the ops that are still held: the held
-- registration of `old` is changed instead. True when it was one.
local function change_held(held, set_key, new, old)
    for i = #held, 1, -1 do
        local op = held[i]
        if op.key == set_key and op.new == old and old ~= nil then
            if new == nil and op.old == nil then
                table.remove(held, i)
            else
                op.new = new
            end
            return true
        end
    end
    return false
end

local function wrapper(P, original, key, set_of, is_mine)
    return function(...)
        local first = select('#', ...) - (key.is_method and 1 or 0)
        local self, new, old
        if key.is_method then
            self, new, old = ...
        else
            new, old = ...
        end
        if first < 1 or (new == nil and old == nil) or not is_mine() then
            return original(...)
        end
        if new ~= nil and type(new) ~= 'function' then
            return original(...) -- refused there, with the runtime's words
        end
        if not change_held(P.held, key.id, new, old) then
            P.held[#P.held + 1] = {key = key.id, name = key.name,
                                   set = set_of(original, self), new = new, old = old}
        end
        return new
    end
end

-- From now until release() or drop(), what fibers of the pending generation
-- register is held. P: the pending generation's record.
function M.hold(P)
    P.held, P.wrapped = {}, {}
    local function is_mine()
        return E.state.pending == P and E.fibers.generation() == P.id
    end
    each_place(function(object, field, is_method, name)
        local original = object[field]
        if type(original) ~= 'function' then
            return
        end
        local key = {id = name, name = name, is_method = is_method}
        local w = wrapper(P, original, key, function(register, self)
            return caller(register, self, is_method)
        end, is_mine)
        local was_raw = rawget(object, field)
        rawset(object, field, w)
        P.wrapped[#P.wrapped + 1] = {object, field, was_raw, w}
    end)
end

local function unwrap(P)
    for _, x in ipairs(P.wrapped or {}) do
        -- DDL gives a space its methods anew: then the wrapper is gone already.
        if rawget(x[1], x[2]) == x[4] then
            rawset(x[1], x[2], x[3])
        end
    end
    P.wrapped = nil
end

-- In the switch: register what was held. follow(f) gives the stub of an exported
-- function, or f. Never yields. Returns a function that undoes it.
function M.release(P, follow)
    unwrap(P)
    local done = {}
    for _, op in ipairs(P.held or {}) do
        local new = op.new ~= nil and follow(op.new) or nil
        local ok, err = pcall(op.set, new, op.old)
        if ok then
            done[#done + 1] = {op.set, new, op.old}
        else
            P.note('trigger of %s: %s', op.name, tostring(err))
        end
    end
    P.held = nil
    return function()
        for i = #done, 1, -1 do
            pcall(done[i][1], done[i][3], done[i][2])
        end
    end
end

-- The pending generation failed: what was held is forgotten; what got through
-- (a space made by start() itself, or one whose methods DDL renewed) is taken
-- away. before: the count of M.snapshot() from before start.
function M.drop(P, before)
    unwrap(P)
    P.held = nil
    local names = {}
    M.each(function(name, set, f)
        local raw = E.stub.raw(f)
        if E.bytecode.generation_of(raw) == P.id and not before[f] then
            pcall(set, nil, f)
            names[#names + 1] = name
        end
    end)
    return names
end

local function place_of(f)
    local info = debug.getinfo(f, 'S')
    return ('%s:%d'):format(info.short_src, info.linedefined)
end

-- After stop: what the old version left registered. A function of replaced code,
-- or a stub that is registered twice in one place. Returns a list of {name,
-- where, f, set, twice}.
function M.left()
    local out, seen = {}, {}
    M.each(function(name, set, f)
        local raw = E.stub.raw(f)
        local key = name .. '\n' .. tostring(f)
        if raw ~= f and seen[key] then
            out[#out + 1] = {name = name, where = raw and place_of(raw) or '?', f = f,
                             set = set, twice = true}
        elseif raw == f and E.gens.old(f) then
            out[#out + 1] = {name = name, where = place_of(f), f = f, set = set}
        end
        seen[key] = true
    end)
    return out
end

-- Move the left ones to the current version: namesake(f) gives the stub of the
-- function that replaced f, or nil. What is registered twice is removed once.
-- Returns those that could not be moved.
function M.repoint(left, namesake)
    local rest = {}
    for _, x in ipairs(left) do
        local new = not x.twice and namesake(x.f) or nil
        if not x.twice and new == nil then
            rest[#rest + 1] = x
        elseif not pcall(x.set, new, x.f) then
            rest[#rest + 1] = x
        end
    end
    return rest
end

-- The list for people.
function M.plain(left)
    local out = {}
    for i, x in ipairs(left) do
        out[i] = {name = x.name, where = x.where, twice = x.twice}
    end
    return out
end

return M
