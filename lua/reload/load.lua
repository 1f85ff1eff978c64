-- Phase load: run the new chunks beside the old ones, in their private world.

local E = ...
local M = {}

local fiber = require('fiber')
local bytecode = E.use('bytecode')
local env = E.use('env')
local source = E.use('source')
local util = E.use('util')
local state = E.state
local G = _G

-- Names of the modules that this fiber of the attempt is loading.
local function stack_of(p)
    local id = fiber.id()
    p.stacks[id] = p.stacks[id] or {}
    return p.stacks[id]
end

-- A module outside of the set that is not Lua code of the application: it is loaded
-- for real, and forgotten again when the attempt fails.
local function load_foreign(p, name)
    setfenv(0, G)
    local ok, value = pcall(state.real_require, name)
    setfenv(0, p.env)
    if not ok then
        error(value, E.loader.error_level(value))
    end
    p.world.loaded[name], p.world.seen_loaded[name] = value, value
    p.added[name] = true
    return value
end

-- Compiled code looks at no hook, and the guard of a loading chunk is one. A chunk that
-- sets the JIT's mode itself is not touched. For 20 000 functions each way takes 1 ms, so
-- neither is a part of running the chunk.
local function guard(unit)
    if unit.text:find('jit', 1, true) == nil then
        unit.is_guarded = true
        jit.off(unit.chunk, true)
    end
end

local function unguard(unit)
    if unit.is_guarded then
        unit.is_guarded = nil
        jit.on(unit.chunk, true)
    end
end

-- The unit of a module that the old version did not have; nil: not of the application.
local function new_unit(p, name)
    util.hold_breath()
    local ok, unit, kind = pcall(source.unit, name)
    if ok and unit ~= nil then
        pcall(bytecode.record, unit.chunk, p.id, unit.functions)
        guard(unit)
    end
    util.release_breath()
    if not ok then
        if type(unit) == 'table' then
            error(("error loading module '%s': %s"):format(name, unit.message), 0)
        end
        error(unit, 0)
    end
    return unit, kind
end

-- Whose are the globals that were written since? The innermost chunk's.
function M.attribute(p, name)
    for key in next, env.written(p.world) do
        p.global_owner[key] = p.global_owner[key] or name
    end
end

local function run_chunk(p, unit)
    local name, loaded = unit.name, p.world.loaded
    setfenv(unit.chunk, p.env)
    unit.seen = {}
    for edge in pairs(unit.edges) do
        unit.seen[edge] = true
    end
    unit.sources = {}
    local stack = stack_of(p)
    stack[#stack + 1] = unit
    p.loading[name] = true
    local value = unit.chunk(name)
    if p.is_starting then
        unguard(unit)
    end
    M.attribute(p, name)
    p.loading[name] = nil
    stack[#stack] = nil
    if value ~= nil then
        loaded[name] = value
    elseif loaded[name] == nil then
        loaded[name] = true
    end
    p.order[#p.order + 1] = name
    return loaded[name]
end

-- require() for fibers of the generation that is being loaded.
local function pending_require(p, name)
    local stack = stack_of(p)
    local parent = stack[#stack]
    if parent ~= nil then
        parent.seen[name] = true
    end
    local value = p.world.loaded[name]
    if value then
        return value
    end
    if p.loading[name] then
        error(("loop or previous error loading module '%s'"):format(tostring(name)), 2)
    end
    local unit = p.set[name]
    if unit == nil then
        if type(name) == 'string' and package.preload[name] == nil and
                not state.builtin[name] then
            unit = new_unit(p, name)
        end
        if unit == nil then
            return load_foreign(p, name)
        end
        unit.why = 'new'
        p.set[name] = unit
    end
    local depth = #stack
    local ok, result = xpcall(run_chunk, function(err)
        p.traceback = p.traceback or debug.traceback(util.text(err), 2)
        return err
    end, p, unit)
    if not ok then
        p.loading[name] = nil
        stack[depth + 1] = nil
        error(result, 0)
    end
    return result
end

-- A file that a loading chunk runs by dofile or loadfile.
local function add_file(p, path, chunk)
    local stack = stack_of(p)
    local unit = stack[#stack]
    util.hold_breath()
    bytecode.record(chunk, p.id)
    util.release_breath()
    if unit ~= nil then
        local absolute = source.absolute(path)
        local file = io.open(absolute, 'rb')
        unit.files[absolute] = file and file:read('*a') or true
        if file then
            file:close()
        end
        unit.sources['@' .. path] = true
    end
end

-- The order to load in: as it was the first time, where that was seen. Else apps
-- first, then what nobody requires: those require the rest in their own order.
local function load_order(p)
    local required = {}
    for _, unit in pairs(p.set) do
        for edge in pairs(unit.edges) do
            required[edge] = true
        end
    end
    local ranks = {}
    for name in pairs(p.set) do
        local record = state.records[name]
        if record and record.sequence then
            ranks[name] = record.sequence
        else
            ranks[name] = record and record.is_app and -2 or not required[name] and -1 or
                math.huge
        end
    end
    local names = util.sorted_keys(p.set)
    table.sort(names, function(a, b)
        if ranks[a] ~= ranks[b] then
            return ranks[a] < ranks[b]
        end
        return a < b
    end)
    return names
end

-- Make the attempt the pending one: its fibers require the new version from here on.
function M.begin(p)
    p.world = env.make(p.set, function(path, chunk)
        add_file(p, path, chunk)
    end)
    p.env = p.world.globals
    p.loading, p.stacks, p.order, p.added, p.metatypes = {}, {}, {}, {}, {}
    p.is_mine = function()
        return state.fibers[fiber.id()] == p.id
    end
    jit.on(p.is_mine) -- every call of require() asks it, serving code's too
    p.is_adopting = function()
        for name in pairs(p.set) do
            local record = state.records[name]
            if record and record.gen == 1 and not state.is_first then
                return true
            end
        end
        return false
    end
    p.loading_now = function()
        local stack = stack_of(p)
        return stack[#stack] and stack[#stack].name
    end
    p.require = function(name)
        return pending_require(p, name)
    end
    for _, unit in pairs(p.set) do
        bytecode.record(unit.chunk, p.id, unit.functions)
        guard(unit)
        util.breathe()
    end
    state.pending = p
end

-- Run the chunks. Called in a fiber of the generation.
function M.run(p)
    for _, name in ipairs(load_order(p)) do
        p.require(name)
    end
end

-- Values of the modules, after everything that may still load some.
function M.collect(p)
    for _, name in ipairs(util.keys(p.set)) do
        local unit = p.set[name]
        unit.new = p.world.loaded[name]
        unguard(unit)
        util.breathe()
    end
end

return M
