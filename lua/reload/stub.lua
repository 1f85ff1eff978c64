-- Stubs: the stable outside of exported functions. Whoever holds one calls what its
-- slot holds now. All stubs share one prototype, so a stub costs one closure and
-- nothing in compiled code; the tail call keeps error levels right.

local E = ...
local M = {}

local jutil = require('jit.util')
local state = E.state

-- A class may have a class, and so on.
local CLASSES_MAX = 8

-- Slots of one module: key -> function that serves, key -> stub, key -> number of the
-- generation that removed the export.
function M.new_slots(name)
    return {name = name, cur = {}, stub = {}, gone = {}}
end

local function removed(slots, key)
    error(("export '%s' of module '%s' was removed in generation %d"):format(
        tostring(key), slots.name, slots.gone[key] or state.generation), 3)
end

local function make(slots, key)
    return function(...)
        local f = slots.cur[key]
        if not f then
            removed(slots, key)
        end
        return f(...)
    end
end

-- start() is watched: its arguments are needed for the next version.
local function make_start(slots)
    return function(...)
        state.entry.started(slots, ...)
        local f = slots.cur.start
        if not f then
            removed(slots, 'start')
        end
        return state.entry.start_ended(slots, f(...))
    end
end

-- Whatever an application calls is compiled, unlike the rest of the engine: a call of a
-- function that may not be would keep the caller from it too.
jit.on(make, true)
jit.on(make_start, true)

-- The stub of a key, made when there is none.
function M.get(slots, key)
    local stub = slots.stub[key]
    if stub == nil then
        stub = key == 'start' and slots ~= state.globals and make_start(slots) or
            make(slots, key)
        slots.stub[key] = stub
        state.stubs[stub] = {slots, key}
    end
    return stub
end

function M.is_stub(f)
    return state.stubs[f] ~= nil
end

-- What a stub leads to now; other values are returned as they are.
function M.raw(f)
    local stub = state.stubs[f]
    if stub == nil then
        return f
    end
    return stub[1].cur[stub[2]]
end
jit.on(M.raw)

-- The table in which a module has a field: itself, or the class that it is an object of.
-- No metamethod is called. nil: none has it.
function M.holder(module, field)
    for _ = 1, CLASSES_MAX do
        if type(module) ~= 'table' then
            return nil
        end
        if rawget(module, field) ~= nil then
            return module
        end
        local mt = debug.getmetatable(module)
        module = type(mt) == 'table' and rawget(mt, '__index')
    end
end

-- The function that a field leads to, through stubs and classes; nil when it is none.
function M.method(module, field)
    local holder = M.holder(module, field)
    local f = holder and M.raw(rawget(holder, field))
    return type(f) == 'function' and f or nil
end

-- Fill a slot. A slot that held a stub would be an endless tail call, which hangs
-- the instance.
function M.set(cur, key, f)
    assert(not state.stubs[f], 'a slot never holds a stub')
    cur[key] = f
end

-- Is f a function written in one of the files of this record or unit?
function M.is_own(owner, f)
    if type(f) ~= 'function' then
        return false
    end
    local source = jutil.funcinfo(f).source
    return source ~= nil and (source == owner.source or
        owner.sources ~= nil and owner.sources[source] ~= nil)
end

-- Names that Lua itself looks up are never replaced by stubs.
function M.is_metafield(key)
    return type(key) == 'string' and key:sub(1, 2) == '__'
end

-- The slot of a field; nested tables have a prefix.
function M.key_of(prefix, key)
    return prefix == '' and key or prefix .. tostring(key)
end

return M
