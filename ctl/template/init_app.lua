-- The application of @NAME@. `ctl reload @NAME@` replaces this module and all that it
-- requires: the new version starts beside the old one, then takes over in one step.
-- Locals begin anew with each version, unless `keep` names them; spaces stay.

local fiber = require('fiber')
local log = require('log')

local M = {version = '1.0', keep = {'calls'}}

local calls = 0
local worker

-- What is to be done now and then, in a fiber of its own.
local function work(interval)
    fiber.name('@NAME@.work')
    while true do
        fiber.sleep(interval)
        -- ...
    end
end

-- Steps that change the data; each runs one time in the life of the data. A new step
-- comes at the end, an old one is never edited.
local function migrate()
    box.once('@NAME@:1', function()
        local greetings = box.schema.space.create('greetings', {
            format = {{name = 'language', type = 'string'}, {name = 'text', type = 'string'}},
        })
        greetings:create_index('primary', {parts = {'language'}})
        greetings:insert({'en', 'Hello, %s!'})
    end)
end

-- For clients: CALL greet('Ann'), or `ctl eval @NAME@ -e 'greet("Ann")'`.
function M.greet(name)
    calls = calls + 1
    local row = box.space.greetings:get({'en'})
    return {text = row.text:format(name), calls = calls, version = M.version}
end

function M.start(options)
    migrate()
    worker = fiber.create(work, options.interval)
    rawset(_G, 'greet', M.greet)
    log.info('@NAME@ %s started', M.version)
end

-- End what start() began.
function M.stop()
    worker:cancel()
end

return M
