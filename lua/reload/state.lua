-- The engine's data, apart from its code: slots, module records, generations,
-- the journal. It lives in the registry, not in package.loaded, because recipes
-- and frameworks clear that; a newer engine text finds it here and goes on.
-- The part is the data itself.

local KEY = 'tarantella.reload'
local VERSION = 1

local function weak_keys()
    return setmetatable({}, {__mode = 'k'})
end

local function new_state()
    return {
        version = VERSION,
        -- Number of the generation that serves; what was loaded without the
        -- engine, or before its first reload, is generation 1. Each attempt
        -- takes the next number, failed ones too: nothing that a failed
        -- attempt left behind can be mistaken for a later one.
        generation = 1,
        last_number = 1,
        -- number -> {id, state, modules, hash, loaded_at, texts, ...}
        generations = {[1] = {id = 1, state = 'current', modules = {}}},
        -- Module name -> record, see loader.lua; chunk name -> record.
        records = {},
        sources = {},
        -- Chunk name -> list of {generation, functions = weak set of prototypes}, one for
        -- each time that it was compiled; see bytecode.lua.
        compiled = {},
        -- Stub function -> {slots, key}; slots are in the records.
        stubs = weak_keys(),
        -- Stubs of global functions that are no export.
        globals = {name = '_G', cur = {}, stub = {}, gone = {}},
        -- Counts modules in the order in which they were required first.
        sequence = 0,
        -- Name of a global function -> {value, module that made it}.
        global_functions = {},
        -- Fiber id -> number of the generation it belongs to.
        fibers = {},
        -- Texts given to ffi.cdef.
        cdefs = {},
        -- Module name -> true: of the runtime, never managed.
        builtin = {},
        journal = {},
        -- Was the engine here before the first line of the instance file?
        is_first = false,
        -- The transaction that runs, nil when none does.
        pending = nil,
        -- What wrappers installed in the instance call: the functions of the
        -- engine text that is current.
        entry = {},
    }
end

-- State of an engine of another version: fields that it did not know are added.
-- A newer engine's state is left alone; its text answers instead of this one.
local function upgrade(state)
    for name, value in pairs(new_state()) do
        if state[name] == nil then
            state[name] = value
        end
    end
    state.version = math.max(state.version, VERSION)
    return state
end

-- The state of this instance, made when there is none.
local function open()
    local registry = debug.getregistry()
    local state = registry[KEY]
    if state == nil then
        state = new_state()
        registry[KEY] = state
    elseif state.version ~= VERSION then
        upgrade(state)
    end
    return state
end

return open()
