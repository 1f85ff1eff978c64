-- The application: greets callers, counts calls and heartbeats in a space.
-- What lives in spaces survives a reload; what lives in locals does not.

local greeting = require('greeting')
local heartbeat = require('heartbeat')

local version = '1.0'
local worker

-- Change the data step by step. Each box.once() runs one time in the life of
-- the data, however often the application is started; a change of the schema
-- is a new step at the end, never an edit of an old one.
local function migrate()
    box.once('my_app:v1.0', function()
        local counters = box.schema.space.create('counters')
        counters:create_index('primary', {parts = {1, 'unsigned'}})
        box.schema.user.create('client', {password = 'secret'})
        box.schema.user.grant('client', 'read,write,execute', 'universe')
    end)
    -- Counters are known by name, not by number.
    box.once('my_app:v1.1', function()
        box.space.counters.index.primary:alter({parts = {1, 'string'}})
    end)
    box.once('my_app:v1.2', function()
        box.space.counters:insert({'beats', 0})
        box.space.counters:insert({'calls', 0})
    end)
end

-- Add one to a counter, return its new value.
local function count(name)
    return box.space.counters:update(name, {{'+', 2, 1}})[2]
end

-- For clients: CALL api_for_call('Ann').
local function api_for_call(name)
    return {
        greeting = greeting.text(name),
        calls = count('calls'),
        version = version,
    }
end

local function start(options)
    migrate()
    worker = heartbeat.start(options.interval, function()
        count('beats')
    end)
    -- CALL finds functions by their global name. stop() leaves it in place:
    -- until the next version puts its own function there, this one answers.
    rawset(_G, 'api_for_call', api_for_call)
end

-- End all that start() began and that does not end by itself.
local function stop()
    heartbeat.stop(worker)
end

return {
    version = version,
    start = start,
    stop = stop,
    api_for_call = api_for_call,
}
