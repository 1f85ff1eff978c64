-- For the scripts that drive capi_box.so (box.c): values to text.
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
io.stdout:setvbuf("line")
local msgpack = require('msgpack')
local json = require('json')
local capi = require('capi_box')

local M = {capi = capi, NIL = 2147483647}

-- msgpack of an array of these values; nils in it stay.
function M.mp(...)
    local n, parts = select('#', ...), {}
    for i = 1, n do
        parts[i] = msgpack.encode((select(i, ...)))
    end
    if n < 16 then
        return string.char(0x90 + n) .. table.concat(parts)
    end
    return string.char(0xdc, math.floor(n / 256), n % 256) .. table.concat(parts)
end

local function text(value)
    if type(value) == 'userdata' and getmetatable(value) == debug.getregistry()['capi.tuple'] then
        return json.encode((msgpack.decode(capi.tuple_data(value))))
    elseif type(value) == 'userdata' then
        return 'userdata'
    elseif type(value) == 'string' then
        return (value:gsub('[^%w%p ]', function(c) return ('\\%02x'):format(c:byte()) end))
    end
    return tostring(value)
end

-- Print what a call gave.
function M.show(name, ...)
    local parts = {}
    for i = 1, select('#', ...) do
        parts[i] = text((select(i, ...)))
    end
    print(name, table.concat(parts, ' | '))
end

return M
