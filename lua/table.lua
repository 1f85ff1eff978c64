-- What Tarantool adds to the table library. Run once at start; changes the
-- `table` table.

-- A metamethod __copy makes the copy itself.
local function copy_method(t)
    local mt = getmetatable(t)
    return type(mt) == 'table' and mt.__copy or nil
end

local function deepcopy(value, seen)
    if type(value) ~= 'table' then
        return value
    end
    local copy = seen[value]
    if copy ~= nil then
        return copy
    end
    local method = copy_method(value)
    if method ~= nil then
        return method(value)
    end
    copy = {}
    seen[value] = copy
    for k, v in pairs(value) do
        copy[deepcopy(k, seen)] = deepcopy(v, seen)
    end
    return setmetatable(copy, getmetatable(value))
end

--- Copy a value with all tables in it, each once; metatables are shared.
function table.deepcopy(value)
    return deepcopy(value, {})
end

--- Copy one table, not the tables in it; anything else is returned as it is.
function table.copy(value)
    if type(value) ~= 'table' then
        return value
    end
    local method = copy_method(value)
    if method ~= nil then
        return method(value)
    end
    local copy = {}
    for k, v in pairs(value) do
        copy[k] = v
    end
    return setmetatable(copy, getmetatable(value))
end

table.new = require('table.new')

return table
