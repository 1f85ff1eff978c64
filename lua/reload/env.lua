-- The private world of a generation that is not current yet. Its chunks run with a
-- copy of _G, package and package.loaded, so whatever they write, by any route and
-- in any fiber, is collected instead of applied; the switch applies the differences.

local E = ...
local M = {}

local util = E.use('util')
local G = _G

-- Stands for "this field is removed" in a table of differences.
M.NIL = {}

-- module() of C writes into the real package.loaded and would destroy the old
-- version's table.
local function make_module(world)
    return function(name, ...)
        local globals, loaded = world.globals, world.loaded
        local m = type(loaded[name]) == 'table' and loaded[name] or {}
        loaded[name] = m
        if rawget(m, '_NAME') == nil then
            m._M, m._NAME, m._PACKAGE = m, name, name:match('^(.*%.)[^.]*$') or ''
        end
        if not name:find('.', 1, true) then
            globals[name] = m
        end
        setfenv(2, m)
        for i = 1, select('#', ...) do
            local option = select(i, ...)
            if option == package.seeall then
                local mt = getmetatable(m) or {}
                mt.__index = globals
                setmetatable(m, mt)
            else
                option(m)
            end
        end
    end
end

-- loadfile() and dofile() of a chunk that loads: the file becomes a source of the
-- module, and what it compiles to belongs to the generation.
local function make_loadfile(world)
    local real = G.loadfile
    return function(path, ...)
        local chunk, err = real(path, ...)
        if chunk ~= nil and not world.is_open then
            setfenv(chunk, world.globals)
            if path ~= nil then
                world.on_file(path, chunk)
            end
        end
        return chunk, err
    end
end

local function make_dofile(load_file)
    return function(path)
        local chunk, err = load_file(path)
        if chunk == nil then
            error(err, 0)
        end
        return chunk()
    end
end

-- A world in which the modules of `set` are not loaded. on_file(path, chunk) hears of
-- files that are run without require.
function M.make(set, on_file)
    local globals, loaded = {}, {}
    local world = {
        globals = globals, loaded = loaded, package = {}, on_file = on_file,
        seen = {}, seen_loaded = {}, own = {}, is_open = false,
    }
    for key, value in next, G do
        globals[key], world.seen[key] = value, value
    end
    for key, value in next, package.loaded do
        if not util.is_sentinel(value) then
            world.seen_loaded[key] = value
            if not set[key] then
                loaded[key] = value
            end
        end
    end
    for key, value in next, package do
        world.package[key] = value
    end
    setmetatable(world.package, getmetatable(package))
    world.package.loaded = loaded
    loaded._G, loaded.package = globals, world.package

    local load_file = make_loadfile(world)
    world.own = {
        _G = globals, package = world.package, module = make_module(world),
        loadfile = load_file, dofile = make_dofile(load_file),
    }
    for key, value in pairs(world.own) do
        globals[key] = value
    end
    setmetatable(globals, getmetatable(G))
    return world
end

-- Take over what the serving code has written since: a long start() sees live values.
function M.refresh(world)
    local globals, seen = world.globals, world.seen
    for key, value in next, G do
        if seen[key] ~= value and rawget(globals, key) == seen[key] and not world.own[key] then
            rawset(globals, key, value)
            seen[key] = value
        end
    end
    for key, value in next, seen do
        if rawget(G, key) == nil and rawget(globals, key) == value and not world.own[key] then
            rawset(globals, key, nil)
            seen[key] = nil
        end
    end
end

-- The engine itself put another value into a global: no difference of the new code.
function M.replace_seen(world, key, old, new)
    if world.seen[key] == old then
        world.seen[key] = new
        if rawget(world.globals, key) == old then
            rawset(world.globals, key, new)
        end
    end
end

-- Globals that the new code wrote: name -> value or NIL.
function M.written(world)
    local diff = {}
    for key, value in next, world.globals do
        if world.seen[key] ~= value and world.own[key] ~= value then
            diff[key] = value
        end
    end
    for key in next, world.seen do
        if rawget(world.globals, key) == nil then
            diff[key] = M.NIL
        end
    end
    return diff
end

-- Modules, other than those of the set, that the new code loaded or removed.
function M.written_modules(world, set)
    local diff = {}
    for key, value in next, world.loaded do
        if world.seen_loaded[key] ~= value and not set[key] and key ~= '_G' and
                key ~= 'package' then
            diff[key] = value
        end
    end
    for key in next, world.seen_loaded do
        if world.loaded[key] == nil and not set[key] then
            diff[key] = M.NIL
        end
    end
    return diff
end

-- Fields of `package` that the new code wrote (path, cpath...).
function M.written_package(world)
    local diff = {}
    for key, value in next, world.package do
        if key ~= 'loaded' and rawget(package, key) ~= value then
            diff[key] = value
        end
    end
    return diff
end

local function forward(t, target)
    for key in next, t do
        t[key] = nil
    end
    debug.setmetatable(t, {__index = target, __newindex = target})
end

-- After the switch: whoever still holds the private tables reaches the real ones.
-- Part of the switch; does not yield.
function M.open(world)
    world.is_open = true
    forward(world.globals, G)
    forward(world.loaded, package.loaded)
    forward(world.package, package)
end

-- The private tables and the real ones that replace them in the new code.
function M.replacements(world)
    return {
        [world.globals] = G, [world.loaded] = package.loaded, [world.package] = package,
        [world.own.module] = G.module, [world.own.loadfile] = G.loadfile,
        [world.own.dofile] = G.dofile,
    }
end

return M
