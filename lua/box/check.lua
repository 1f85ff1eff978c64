-- Checks of arguments, shared by box.schema's functions.
local check = {}

local function illegal(text, ...)
    box.error(box.error.ILLEGAL_PARAMS, text:format(...))
end
check.illegal = illegal

-- A value of one type.
function check.param(value, name, expected)
    if type(value) ~= expected then
        illegal('%s should be a %s', name, expected)
    end
end

local function is_of_type(value, expected)
    if expected == 'any' then
        return true
    end
    for name in expected:gmatch('[%w]+') do
        if type(value) == name then
            return true
        end
    end
    return false
end

-- A table of options: `known` has the type of each, or several ('string, number').
function check.options(options, known)
    if type(options) ~= 'table' then
        illegal('options should be a table')
    end
    for name, value in pairs(options) do
        local expected = known[name]
        if expected == nil then
            illegal("unexpected option '%s'", tostring(name))
        end
        if not is_of_type(value, expected) then
            if expected:find(',') then
                illegal("options parameter '%s' should be one of types: %s", name, expected)
            end
            illegal("options parameter '%s' should be of type %s", name, expected)
        end
    end
end

-- The options with what is not given taken from `defaults`; nil: all of these.
function check.with_defaults(options, defaults)
    if options == nil then
        return table.copy(defaults)
    end
    if type(options) ~= 'table' then
        return options
    end
    local out = {}
    for name, value in pairs(defaults) do
        out[name] = value
    end
    for name, value in pairs(options) do
        out[name] = value
    end
    return out
end

-- self was forgotten: space.f() for space:f().
function check.self(object, kind, method)
    if type(object) ~= 'table' or object.name == nil then
        error(("Use %s:%s(...) instead of %s.%s(...)"):format(kind, method, kind, method), 3)
    end
end

return check
