-- Which loaded modules are the application's, and the `require` wrapper that learns
-- about them as they are loaded. In front of an application the engine is invisible:
-- the wrapper neither yields nor waits, exports become stubs as soon as their module
-- is loaded, and a require that a hand-written recipe repeats is honoured.

local E = ...
local M = {}

local fiber = require('fiber')
local jutil = require('jit.util')
local source = E.use('source')
local stub = E.use('stub')
local util = E.use('util')
local state = E.state
local G = _G

-- Records ---------------------------------------------------------------------

-- What is known of one loaded module:
--   name, kind, path, source  where it came from
--   public   what require() first returned
--   slots    of its exports
--   born     the generation in which it was loaded by require, gen: the one it is of
--   text, stat, edges, files  of what is loaded; text is nil on adoption
--   is_app, args   the life cycle: start() was called from outside, and how
-- has_files_only: see source.resolve().
function M.new_record(name, value, known_path, has_files_only)
    local kind, path
    if known_path ~= nil then
        kind, path = 'file', known_path
    else
        kind, path = source.resolve(name, has_files_only)
    end
    local record = {
        name = name, kind = kind, path = path and source.absolute(path),
        source = path and '@' .. path, sources = {}, public = value,
        slots = stub.new_slots(name), born = state.generation, gen = state.generation,
    }
    record.slots.record = record
    M.put_record(record)
    return record
end

function M.put_record(record)
    state.records[record.name] = record
    if record.source ~= nil then
        state.sources[record.source] = record
    end
end

function M.drop_record(record)
    if state.records[record.name] == record then
        state.records[record.name] = nil
    end
    if record.source ~= nil and state.sources[record.source] == record then
        state.sources[record.source] = nil
    end
end

-- The record of a module that is loaded with this value.
function M.adopt(name, value, known_path)
    local record = state.records[name]
    if record == nil or record.public ~= value then
        record = M.new_record(name, value, known_path)
    end
    return record
end

-- The record of the module whose file f was written in.
function M.owner_of(f)
    local info = jutil.funcinfo(f)
    return info.source and state.sources[info.source]
end

-- Some Lua function of a module's value; nil for data and C.
local function sample(value)
    if type(value) == 'function' then
        return jutil.funcinfo(value).proto and value
    end
    if type(value) ~= 'table' then
        return nil
    end
    for _, f in next, value do
        if type(f) == 'function' and jutil.funcinfo(f).proto then
            return stub.raw(f)
        end
    end
    return nil
end

local function is_runtime_value(value)
    local f = sample(value)
    if f ~= nil then
        return util.is_builtin(f)
    end
    return type(value) ~= 'table' and type(value) ~= 'function' and
        type(value) ~= 'boolean' and type(value) ~= 'string' and type(value) ~= 'number'
end

local function is_runtime_name(name)
    return name == '_G' or name == 'reload' or state.builtin[name] or
        name:find('^internal%.') or name:find('^jit%f[%.%z]')
end

-- Parts of the runtime without Lua functions, that no file was found for: name ->
-- value. Looking for one takes as long as all the rest.
local unmanaged = setmetatable({}, {__mode = 'v'})

local function is_runtime_part(name, value)
    for _, f in next, type(value) == 'table' and value or {} do
        if type(f) == 'function' then
            return true
        end
    end
    local root = name:match('^([^.]+)%.')
    return root ~= nil and (state.builtin[root] or unmanaged[root] ~= nil)
end

-- Is this absolute path one where a module of that name would be, and is it there?
local function is_file_of(name, path)
    local tail = '/' .. name:gsub('%.', '/')
    if path:sub(1, 1) ~= '/' or path:sub(-#tail - 4) ~= tail .. '.lua' and
            path:sub(-#tail - 9) ~= tail .. '/init.lua' then
        return false
    end
    local file = io.open(path, 'rb')
    if file then
        file:close()
    end
    return file ~= nil
end

-- Is a loaded module the application's? Returns its record, or nil and why not:
-- 'runtime', 'preload', 'clib', or 'lost' and the file that it came from.
function M.classify(name, value)
    if type(name) ~= 'string' or is_runtime_name(name) or util.is_sentinel(value) then
        return nil, 'runtime'
    end
    local known = state.records[name]
    if known ~= nil and known.public == value then
        return known
    end
    local f = sample(value)
    if f ~= nil and util.is_builtin(f) then
        state.builtin[name] = true
        return nil, 'runtime'
    end
    if f == nil and value ~= nil and unmanaged[name] == value then
        return nil, 'runtime'
    end
    local kind, path = source.resolve(name)
    if kind == 'file' or kind == 'loader' then
        return M.adopt(name, value)
    end
    if kind == 'preload' and util.is_builtin(package.preload[name]) then
        state.builtin[name] = true
        return nil, 'runtime'
    elseif kind ~= 'none' then
        return nil, kind
    end
    local from = f and debug.getinfo(f, 'S').source
    if from == nil or from:sub(1, 1) ~= '@' then
        if f == nil and is_runtime_part(name, value) then
            unmanaged[name] = value
        end
        return nil, path or 'runtime'
    end
    -- The working directory was changed, maybe: the functions know their file.
    from = from:sub(2)
    if is_file_of(name, from) then
        return M.adopt(name, value, from)
    end
    return nil, 'lost', from
end

-- Stubs of what was just loaded -----------------------------------------------------

local function has_own(owner, t)
    for _, f in next, t do
        if stub.is_own(owner, f) then
            return true
        end
    end
    return false
end
M.has_own = has_own

local function stub_table(record, t, prefix, seen)
    seen[t] = true
    for key, value in next, t do
        local slot = stub.key_of(prefix, key)
        if stub.is_metafield(key) then
            seen[value] = true
        elseif stub.is_own(record, value) and not stub.is_stub(value) then
            stub.set(record.slots.cur, slot, value)
            rawset(t, key, stub.get(record.slots, slot))
        elseif type(value) == 'table' and not seen[value] and has_own(record, value) then
            stub_table(record, value, tostring(slot) .. '.', seen)
        end
    end
end

-- Global functions of the module: an export's own stub when it is one.
local function stub_globals(record)
    local stub_of = {}
    for key, f in next, record.slots.cur do
        stub_of[f] = record.slots.stub[key]
    end
    for key, f in next, G do
        if stub.is_own(record, f) and not stub.is_stub(f) then
            if stub_of[f] == nil then
                stub.set(state.globals.cur, key, f)
            end
            local s = stub_of[f] or stub.get(state.globals, key)
            rawset(G, key, s)
            state.global_functions[key] = {value = s, module = record.name}
        end
    end
end

M.stub_globals = stub_globals

-- A module may be an object whose class has start(): that call is to be seen as well.
local function stub_start(record)
    local class = stub.holder(record.public, 'start')
    local start = class and rawget(class, 'start')
    if class ~= nil and class ~= record.public and not stub.is_stub(start) and
            (stub.is_own(record, start) or M.owner_of(start)) then
        stub.set(record.slots.cur, 'start', start)
        rawset(class, 'start', stub.get(record.slots, 'start'))
    end
end

-- Exports become stubs, so that whoever captures one follows later switches.
function M.stub_exports(record)
    local public = record.public
    if type(public) == 'table' then
        stub_table(record, public, '', {})
    elseif stub.is_own(record, public) then
        stub.set(record.slots.cur, 1, public)
        record.public = stub.get(record.slots, 1)
        package.loaded[record.name] = record.public
    end
    stub_start(record)
    stub_globals(record)
    record.is_stubbed = true
end

-- require -----------------------------------------------------------------------------

-- Names of the modules that this fiber is loading, the innermost last.
state.loading = state.loading or {}
state.loading_count = state.loading_count or 0

local function note_edge(name)
    local stack = state.loading_count > 0 and state.loading[fiber.id()]
    local parent = stack and state.records[stack[#stack]]
    if parent and parent.edges then
        parent.edges[name] = true
    end
end

local function read_now(path)
    local file = path and io.open(path, 'rb')
    if not file then
        return nil
    end
    local text = file:read('*a')
    file:close()
    return text
end

local function learn(record, value, text)
    record.public = value
    -- Written while it was loaded: what runs is not known for sure.
    if record.kind == 'file' and read_now(record.path) == text then
        record.text = text
    end
    if not source.is_rock(record.path) then
        M.stub_exports(record)
    end
end

-- What require() itself says gets the place of its caller; an error of the chunk has its
-- own. The wrappers are tail calls: level 2 is the caller.
function M.error_level(err)
    if type(err) ~= 'string' then
        return 0
    end
    return (err:find("^module '") or err:find("^error loading module '") or
        err:find('^loop or previous error')) and 2 or 0
end

-- Did a loader of the application give it, although there is a file of that name? The
-- first reload finds out more.
local function is_of_custom_loader(record, value)
    local f = source.has_custom_loaders() and sample(value)
    if not f then
        return false
    end
    local from = jutil.funcinfo(f).source
    return from ~= record.source and state.sources[from] == nil
end

local function load_new(name)
    local id = fiber.id()
    local stack = state.loading[id] or {}
    state.loading[id] = stack
    state.loading_count = state.loading_count + 1
    local before = state.records[name]
    local record = not is_runtime_name(name) and package.preload[name] == nil and
        M.new_record(name, nil, nil, true) or nil
    if record ~= nil then
        record.edges, record.files = {}, {}
        -- Where the load began: a cycle must be entered by the same door again.
        state.sequence = state.sequence + 1
        record.sequence = state.sequence
    end
    local text = record and record.kind == 'file' and read_now(record.path)
    stack[#stack + 1] = name
    local ok, value = pcall(state.real_require, name)
    stack[#stack] = nil
    if #stack == 0 then
        state.loading[id] = nil
    end
    state.loading_count = state.loading_count - 1

    local is_ours = record and ok and record.kind == 'file' and
        not is_runtime_value(value) and not is_of_custom_loader(record, value)
    if record and not is_ours then
        M.drop_record(record)
        if before ~= nil then
            M.put_record(before)
        end
    end
    if not ok then
        error(value, M.error_level(value))
    end
    if is_ours then
        if before ~= nil then
            E.journal.event('unmanaged', ("module '%s' was loaded again by require"):format(name),
                state.generation)
        end
        learn(record, value, text)
    end
    return package.loaded[name]
end

-- What the wrapper of `require` calls.
function M.require(name)
    local pending = state.pending
    if pending ~= nil and pending.is_mine() then
        return pending.require(name)
    end
    local value = package.loaded[name]
    -- false is loaded again each time, as the runtime does.
    if value and not util.is_sentinel(value) then
        note_edge(name)
        return value
    end
    if type(name) ~= 'string' or value then
        return state.real_require(name)
    end
    note_edge(name)
    return load_new(name)
end

-- Called by applications, also in what they want compiled.
jit.on(note_edge)
jit.on(M.require)

-- A file that a module runs while it is loaded is a source of the module.
local function note_file(path)
    local stack = state.loading_count > 0 and state.loading[fiber.id()]
    local parent = stack and state.records[stack[#stack]]
    if parent and type(path) == 'string' then
        local absolute = source.absolute(path)
        parent.files[absolute] = read_now(absolute) or true
        parent.sources['@' .. path] = true
        state.sources['@' .. path] = state.sources['@' .. path] or parent
    end
end
M.note_file = note_file

-- Put the wrappers in front, once in the life of the VM; what they call may be
-- replaced by a newer engine.
function M.install()
    if state.real_require ~= nil then
        return
    end
    local entry = state.entry
    state.real_require = G.require
    G.require = function(name)
        return entry.require(name)
    end
    for _, name in ipairs({'loadfile', 'dofile'}) do
        local real = G[name]
        G[name] = function(path, ...)
            entry.note_file(path)
            return real(path, ...)
        end
    end
end
jit.on(M.install, true)

return M
