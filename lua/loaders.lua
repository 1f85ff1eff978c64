-- Where require() looks for files: the search root (the current directory by
-- default) and the .rocks trees of it and of its parents, before package.path.
-- Also the globals that Tarantool adds to Lua's.

local _, lib = ...

-- LuaJIT's own Lua files (jit.v, jit.dump, jit.bc...) stay reachable.
local luajit_path = package.path

local search_root

local function searchroot()
    return search_root or lib.cwd()
end

local function setsearchroot(path)
    if type(path) == 'nil' then
        search_root = lib.realpath(debug.sourcedir(3))
    elseif path == nil then
        search_root = nil
    elseif type(path) ~= 'string' then
        error('Search root must be a string')
    else
        search_root = lib.realpath(path)
    end
end

local function join(dir, rest)
    return (dir == '/' and '' or dir) .. '/' .. rest
end

-- The templates of a tree, for the directory alone or for all its parents too.
local function templates(subdir, patterns, with_parents)
    return function()
        local dir = searchroot()
        local list = {}
        while true do
            for _, pattern in ipairs(patterns) do
                list[#list + 1] = join(dir, subdir .. pattern)
            end
            if not with_parents or dir == '/' then
                return table.concat(list, ';')
            end
            dir = dir:match('^(.+)/[^/]*$') or '/'
        end
    end
end

local function load_lua(path)
    return loadfile(path)
end

local function load_c(path, name)
    local symbol = name:gsub('^.*%-', ''):gsub('%.', '_')
    return package.loadlib(path, 'luaopen_' .. symbol)
end

local lua_files = {'?.lua', '?/init.lua'}
local places = {
    {templates('', lua_files), load_lua},
    {templates('', {'?.so'}), load_c},
    {templates('.rocks/share/tarantool/', lua_files, true), load_lua},
    {templates('.rocks/lib/tarantool/', {'?.so'}, true), load_c},
}

local function searcher(place)
    local list, load = place[1], place[2]
    return function(name)
        if not name then
            return 'empty name of module'
        end
        local path, missing = package.searchpath(name, list())
        if path == nil then
            return missing
        end
        local chunk, err = load(path, name)
        if chunk == nil then
            error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, err), 0)
        end
        return chunk
    end
end

for i, place in ipairs(places) do
    table.insert(package.loaders, i + 1, searcher(place))
end

table.insert(package.loaders, function(name)
    local path = name:match('^jit%.') and package.searchpath(name, luajit_path)
    return path and loadfile(path) or nil
end)

local function search(name)
    if not name then
        return 'empty name of module'
    end
    local lists = {}
    for i, place in ipairs(places) do
        lists[i] = place[1]
    end
    for _, list in ipairs(lists) do
        local path = package.searchpath(name, list())
        if path ~= nil then
            return path
        end
    end
    return package.searchpath(name, package.path) or
        package.searchpath(name, package.cpath) or nil
end

-- A shared object only: a Lua file of the same name is not what a C function is in.
-- One that exists but cannot be opened is better than none: opening it says why.
function lib.search_c(name)
    local lists = {}
    for _, place in ipairs(places) do
        if place[2] == load_c then
            lists[#lists + 1] = place[1]()
        end
    end
    lists[#lists + 1] = package.cpath
    local file, closed = name:gsub('%.', '/'):gsub('%%', '%%%%'), nil
    for template in table.concat(lists, ';'):gmatch('[^;]+') do
        local path = template:gsub('%?', file)
        local is_readable, exists = lib.probe(path)
        if is_readable then
            return path
        end
        closed = closed or exists and path
    end
    return closed
end

local function default_path(home_parts, parts, suffixes)
    local list = {}
    local function add(dir)
        for _, suffix in ipairs(suffixes) do
            list[#list + 1] = dir .. suffix
        end
    end
    local home = os.getenv('HOME')
    for _, part in ipairs(home ~= nil and home_parts or {}) do
        add(home .. part)
    end
    for _, part in ipairs(parts) do
        add(part)
    end
    return table.concat(list, ';') .. ';'
end

package.path = default_path({'/.luarocks/share/lua/5.1', '/.luarocks/share/lua'}, {
    '/usr/local/share/tarantool', '/usr/share/tarantool',
    '/usr/local/share/lua/5.1', '/usr/share/lua/5.1'}, {'/?.lua', '/?/init.lua'})
package.cpath = default_path({'/.luarocks/lib/lua/5.1', '/.luarocks/lib/lua'}, {
    '/usr/local/lib/x86_64-linux-gnu/tarantool', '/usr/lib/x86_64-linux-gnu/tarantool',
    '/usr/local/lib/tarantool', '/usr/local/lib/x86_64-linux-gnu/lua/5.1',
    '/usr/lib/x86_64-linux-gnu/lua/5.1', '/usr/local/lib/lua/5.1'}, {'/?.so'})
package.search = search
package.searchroot = searchroot
package.setsearchroot = setsearchroot

function _G.dostring(text, ...)
    local chunk, err = loadstring(text)
    if chunk == nil then
        error(err, 2)
    end
    return chunk(...)
end

-- The level counts from these functions, as in debug.getinfo().
function debug.sourcefile(level)
    local info = debug.getinfo(level or 2, 'S')
    local source = info and info.source
    return source and source:match('^@(.*)$') or nil
end

function debug.sourcedir(level)
    local path = debug.sourcefile(level and level + 1 or 3)
    return path and path:match('^(.*)/[^/]*$') or '.'
end

_G.tonumber64 = lib.tonumber64
return lib
