-- What an instance looks like from outside: the tests of the reload engine compare
-- two of these. Evaluated on the instance with the names of the application's modules
-- as arguments; returns a map from a path to what stands there.
--
-- Module tables are walked with their metatables and nested tables; values that are
-- not plain are told by their address, so a replaced function shows. Keys that begin
-- with `live_` change while the application works: only that they are there counts.
-- (The names of what is wrong must not depend on how the instance was called, so
-- fibers that serve requests are left out.)
local fiber = require('fiber')
local out, seen = {}, {}

local function word(value)
    local kind = type(value)
    if kind == 'number' or kind == 'string' or kind == 'boolean' or kind == 'nil' then
        return kind .. ' ' .. tostring(value)
    end
    return ('%s %p'):format(kind, value)
end
if not pcall(word, {}) then -- a LuaJIT without %p
    word = function(value)
        local kind = type(value)
        if kind == 'table' then
            local mt = debug.getmetatable(value)
            debug.setmetatable(value, nil)
            local text = tostring(value)
            debug.setmetatable(value, mt)
            return text
        end
        return kind .. ' ' .. tostring(value)
    end
end

local function put(path, value)
    out[path] = word(value)
end

local function name_of(key)
    return type(key) == 'string' and key or '[' .. word(key) .. ']'
end

local function walk(path, t)
    if seen[t] then
        return
    end
    seen[t] = true
    for key, value in next, t do
        local where = path .. '.' .. name_of(key)
        if type(key) == 'string' and key:sub(1, 5) == 'live_' then
            out[where] = type(value)
        else
            put(where, value)
            if type(value) == 'table' then
                walk(where, value)
            end
        end
    end
    local mt = debug.getmetatable(t)
    if mt ~= nil then
        put(path .. '<mt>', mt)
        walk(path .. '<mt>', mt)
    end
end

for key, value in next, _G do
    put('_G.' .. name_of(key), value)
end
put('_G<mt>', debug.getmetatable(_G))
for name, value in next, package.loaded do
    put('loaded.' .. name_of(name), value)
end
for name, value in next, package.preload do
    put('preload.' .. name_of(name), value)
end
put('package.path', package.path)
put('package.cpath', package.cpath)
for _, lib in ipairs({'string', 'table', 'math', 'os', 'io', 'debug', 'coroutine', 'package'}) do
    for key, value in next, package.loaded[lib] do
        if key ~= 'path' and key ~= 'cpath' then
            put(lib .. '.' .. name_of(key), value)
        end
    end
end
for _, key in ipairs({'create', 'new'}) do
    put('fiber.' .. key, fiber[key])
end
for _, name in ipairs({...}) do
    local value = package.loaded[name]
    if type(value) == 'table' then
        walk('module ' .. name, value)
    end
end

-- Fibers of the application have a name that begins with `app-`.
for id, f in pairs(fiber.info()) do
    if f.name:sub(1, 4) == 'app-' then
        out['fiber ' .. id] = f.name
    end
end

local function triggers(what, list)
    local ok, functions = pcall(list)
    if ok and type(functions) == 'table' then
        for i, f in ipairs(functions) do
            put(('trigger %s %d'):format(what, i), f)
        end
    end
end
for id, space in pairs(box.space) do
    if type(id) == 'number' and id >= 512 then
        triggers(space.name .. '.on_replace', function() return space:on_replace() end)
        triggers(space.name .. '.before_replace', function() return space:before_replace() end)
        for _, key in ipairs({'on_replace', 'before_replace'}) do
            put(('space %s.%s'):format(space.name, key), rawget(space, key))
        end
    end
end
for _, key in ipairs({'on_connect', 'on_disconnect', 'on_auth'}) do
    triggers('session.' .. key, function() return box.session[key]() end)
end
for _, key in ipairs({'on_shutdown', 'on_schema_init'}) do
    triggers('ctl.' .. key, function() return box.ctl[key]() end)
end
return out
