-- The box table before box.cfg{}: what works without data, and a clear error for
-- the rest.

local _, box = ...

-- The first call loads the options' checks; later ones go to the same function.
function box.cfg(...)
    return require('box.cfg')(...)
end

box.session = require('box.session')
box.lib = {load = require('box.internal.module').lib_load}

local not_built = {
    execute = 'SQL', prepare = 'SQL', unprepare = 'SQL', snapshot = 'a snapshot',
}
for key, feature in pairs(not_built) do
    box[key] = function()
        error(("box.%s: %s is not built into tarantella; engine = \"tarantool\" runs it")
              :format(key, feature), 2)
    end
end

setmetatable(box, {__index = function(self, key)
    if type(rawget(self, 'cfg')) == 'table' then
        return nil
    end
    error(debug.traceback('Please call box.cfg{} first'), 2)
end})

return box
