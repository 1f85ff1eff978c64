-- box.tuple: what is not hot enough for C, and the metatype.

local _, parts = ...

local ffi = require('ffi')

local tuple, methods, meta = parts.functions, parts.methods, parts.meta
local is_tuple, next_field = tuple.is, methods.next

local function check(t, usage)
    if not is_tuple(t) then
        error('Usage: ' .. usage, 3)
    end
end

local wrap

-- An iterator of `fun` over the fields behind position `pos`.
function methods.pairs(t, pos)
    check(t, 'tuple:pairs(tuple[, pos])')
    wrap = wrap or require('fun').wrap
    return wrap(next_field, t, pos)
end

methods.ipairs = methods.pairs

-- Positions of a value, from `offset` (0: all fields) on.
local function find_next(t, pos, value)
    while true do
        local field
        pos, field = next_field(t, pos)
        if pos == nil then
            return nil
        end
        if field == value then
            return pos
        end
    end
end

local function find_args(usage, t, offset, value, ...)
    check(t, usage)
    if select('#', ...) == 0 and value == nil then
        offset, value = 0, offset
    end
    if type(offset) ~= 'number' or offset < 0 or offset > #t then
        error("error: invalid key to 'next'", 3)
    end
    return offset, value
end

function methods.find(t, ...)
    local offset, value
    if select('#', ...) < 2 then
        check(t, 'tuple:find([offset, ]val)')
        offset, value = 0, (...)
    else
        offset, value = find_args('tuple:find([offset, ]val)', t, ...)
    end
    return find_next(t, offset, value)
end

function methods.findall(t, ...)
    local offset, value
    if select('#', ...) < 2 then
        check(t, 'tuple:findall([offset, ]val)')
        offset, value = 0, (...)
    else
        offset, value = find_args('tuple:findall([offset, ]val)', t, ...)
    end
    local found = {}
    local pos = find_next(t, offset, value)
    while pos ~= nil do
        found[#found + 1] = pos
        pos = find_next(t, pos, value)
    end
    return found
end

meta.__pairs = methods.pairs
meta.__ipairs = methods.pairs

for name, method in pairs(methods) do
    tuple[name] = method
end

ffi.metatype('struct tuple', meta)

return tuple
