-- The box table before box.cfg{}: what works without data, and a clear error for
-- the rest.

local _, box = ...

-- The first call loads the options' checks; later ones go to the same function.
function box.cfg(...)
    return require('box.cfg')(...)
end

box.session = require('box.session')

local not_built = {
    execute = 'SQL', prepare = 'SQL', unprepare = 'SQL', snapshot = 'a snapshot',
}
for key, feature in pairs(not_built) do
    box[key] = function()
        error(("box.%s: %s is not built into tarantella; engine = \"tarantool\" runs it")
              :format(key, feature), 2)
    end
end

-- Made when first looked at.
local lazy = {info = true, slab = true, stat = true}

setmetatable(box, {__index = function(self, key)
    local is_configured = type(rawget(self, 'cfg')) == 'table'
    if is_configured and lazy[key] then
        for field, value in pairs(require('box.info')) do
            rawset(self, field, value)
        end
        return rawget(self, key)
    end
    if is_configured then
        return nil
    end
    error(debug.traceback('Please call box.cfg{} first'), 2)
end})

return box
