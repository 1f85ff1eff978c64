#!/usr/bin/env tarantool
-- The instance file: configures the instance and (re)starts the application.
-- It runs once when the instance starts; running it again inside the instance
-- (`ctl eval my_app my_app.lua`) replaces the application by the files on disk.

local log = require('log')

box.cfg({listen=3302})

-- What to unload: the application and each module of it that may change.
-- A module that is not in this list stays as it was loaded first.
local modules = {'app', 'greeting', 'heartbeat'}

-- A file that does not compile must not cost the version that runs now.
for _, name in ipairs(modules) do
    assert(loadfile(assert(package.search(name))))
end

local app = package.loaded['app']
if app ~= nil then
    -- Stop the version that runs now, then forget it.
    app.stop()
    for _, name in ipairs(modules) do
        package.loaded[name] = nil
    end
end

app = require('app')
log.info('my_app: starting version %s', app.version)
app.start({interval = 0.5})
