-- Instance file of @NAME@: configures the instance and starts the application.
-- It runs once, when the instance starts:    ctl start @NAME@
-- The application's code is replaced by:      ctl reload @NAME@

-- The application's modules are in the folder @NAME@ beside this file.
local here = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
package.path = here .. '@NAME@/?.lua;' .. here .. '@NAME@/?/init.lua;' .. package.path

box.cfg({
    -- Where clients connect: 'host:port', a port, or a Unix socket. The control
    -- socket of ctl is another one and always there.
    -- listen = 'localhost:3301',

    -- What the log tells: 5 is info, 6 verbose, 7 debug.
    log_level = 5,
})

-- Users and their rights are data: made once.
box.once('@NAME@:users', function()
    -- box.schema.user.create('client', {password = 'change me'})
    -- box.schema.user.grant('client', 'execute', 'universe')
end)

-- What start() gets here, it gets again from each reload.
require('app').start({interval = 1})
