-- uri: format(). parse() is C.

local _, uri = ...

-- The text of a part; nil when it is absent or empty.
local function part(t, name)
    local value = t[name]
    if value == nil or value == '' then
        return nil
    end
    if type(value) ~= 'string' then
        error(("cannot convert '%s' to 'const char *'"):format(type(value)), 3)
    end
    return value
end

--- The text of a table as parse() returns it; the password only when asked for.
function uri.format(t, with_password)
    local res = {}
    local function add(before, text, after)
        if text ~= nil then
            res[#res + 1] = before .. text .. (after or '')
        end
    end
    add('', part(t, 'scheme'), '://')
    local host = part(t, 'host')
    if host ~= nil then
        local login, password = part(t, 'login'), part(t, 'password')
        if login ~= nil and password ~= nil and with_password then
            login = login .. ':' .. password
        end
        add('', login, '@')
        -- A colon in the address needs brackets, or it would not parse again.
        if t.ipv6 ~= nil then
            host = '[' .. host .. ']'
        end
        add('', host)
        add(':', part(t, 'service'))
    end
    add('', part(t, 'path'))
    add('?', part(t, 'query'))
    add('#', part(t, 'fragment'))
    return table.concat(res)
end

return uri
