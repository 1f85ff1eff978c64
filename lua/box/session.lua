-- box.session
local internal = require('box.internal.session')

local session = internal.api

-- box.session.settings: the rows of _session_settings.
local settings = setmetatable({}, {
    __index = function(_, name)
        local tuple = box.space._session_settings:get({name})
        if tuple ~= nil then
            return tuple[2]
        end
    end,
    __newindex = function(_, name, value)
        box.space._session_settings:update({name}, {{'=', 'value', value}})
    end,
    __serialize = function()
        local out = {}
        for _, tuple in box.space._session_settings:pairs() do
            out[tuple[1]] = tuple[2]
        end
        return out
    end,
})
session.settings = settings

return setmetatable(session, {
    __index = function(_, name)
        if name == 'storage' then
            return internal.storage()
        end
    end,
})
