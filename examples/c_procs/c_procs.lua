#!/usr/bin/env tarantool
-- The instance file: where the module is, its functions, and who may call them.

local here = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
package.cpath = here .. 'build/?.so;' .. package.cpath

box.cfg({listen = 3303})

box.once('c_procs', function()
    local notes = box.schema.space.create('notes')
    notes:create_index('pk', {parts = {{1, 'unsigned'}}})
    box.schema.user.create('client', {password = 'secret'})
    for _, name in ipairs({'procs.version', 'procs.remember', 'procs.slow'}) do
        -- As the owner of the space: its callers have no rights on it.
        box.schema.func.create(name, {language = 'C', setuid = true})
        box.schema.user.grant('client', 'execute', 'function', name)
    end
end)
