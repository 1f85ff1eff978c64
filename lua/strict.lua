-- strict: a global is declared by an assignment in a main chunk; to use one that is not,
-- or to assign it elsewhere, is an error.

local declared = {}

-- Kind of the function that uses the global: main, Lua, C.
local function user()
    local info = debug.getinfo(3, 'S')
    return info and info.what or 'C'
end

local function newindex(t, name, value)
    if not declared[name] then
        local kind = user()
        if kind ~= 'main' and kind ~= 'C' then
            error(("assign to undeclared variable '%s'"):format(tostring(name)), 2)
        end
        declared[name] = true
    end
    rawset(t, name, value)
end

local function index(_, name)
    if not declared[name] and user() ~= 'C' then
        error(("variable '%s' is not declared"):format(tostring(name)), 2)
    end
    return nil
end

local function on()
    local mt = getmetatable(_G)
    if mt == nil then
        mt = {}
        setmetatable(_G, mt)
    end
    mt.__declared, mt.__newindex, mt.__index = declared, newindex, index
end

local function off()
    local mt = getmetatable(_G)
    if mt ~= nil and mt.__declared == declared then
        mt.__declared, mt.__newindex, mt.__index = nil, nil, nil
        if next(mt) == nil then
            setmetatable(_G, nil)
        end
    end
end

return {on = on, off = off}
