-- Puts the engine to work in an instance, and what apps get of it.

local E = ...
local M = {}

local state = E.state

-- What the wrappers call: of this engine text from now on.
local function connect()
    local entry = state.entry
    entry.require = E.loader.require
    entry.note_file = E.loader.note_file
    entry.started, entry.start_ended = E.life.started, E.life.start_ended
    entry.cdef, entry.metatype = E.ffi.cdef, E.ffi.metatype
end

-- Modules that are there before the application: the runtime's.
local function note_runtime()
    for name in pairs(package.loaded) do
        if type(name) == 'string' then
            state.builtin[name] = true
        end
    end
end

-- Put the wrappers in front of require, ffi and fiber.create, once.
function M.activate()
    connect()
    E.loader.install()
    E.ffi.install()
    E.fibers.install()
end

-- Called when this text becomes the engine of the instance; old: the one before. The
-- first one that is there before the instance file begins to learn at once; another one
-- waits for the first reload.
function M.install(old)
    if E.mode == 'first' and not state.is_first and old == nil then
        state.is_first = true
        note_runtime()
        M.activate()
    elseif state.real_require ~= nil then
        connect()
    end
end

-- Is a transaction at work? Then no other engine text takes over.
function E.is_busy()
    return state.busy == true
end

-- For apps ----------------------------------------------------------------------------

-- Reload from inside. Returns the answer table.
function E.api.reload(opts)
    return E.transaction.run(opts or {})
end

-- Number of the generation whose code calls.
function E.api.generation()
    local info = debug.getinfo(2, 'f')
    return info and E.bytecode.generation_of(info.func) or state.generation
end
jit.on(E.api.generation)

return M
