-- strict: using a global that was not declared in a main chunk is an error.

local declared = {}

local function in_main_or_c()
    local info = debug.getinfo(3, 'S')
    return info == nil or info.what == 'main' or info.what == 'C'
end

local function newindex(t, name, value)
    if not declared[name] then
        if not in_main_or_c() then
            error(("assign to undeclared variable '%s'"):format(tostring(name)), 2)
        end
        declared[name] = true
    end
    rawset(t, name, value)
end

local function index(_, name)
    if not declared[name] and not in_main_or_c() then
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
