-- log: level(), log_format() and log.cfg beside what C does.

local _, log = ...

local cfg_lib = require('box.cfg')
local state = log.state
log.state = nil

-- The text of an error without "Incorrect value for option ...".
local function set(option, value, prefix)
    local bad = cfg_lib.check(option, value)
    if bad then
        error((prefix or '') .. bad, 3)
    end
    cfg_lib.set_log(option, value)
end

function log.level(level)
    set('log_level', level)
end

function log.log_format(format)
    set('log_format', format)
end

-- log.cfg{level =, format =}: what box.cfg{log_level =, log_format =} sets. Where
-- the log goes is decided by box.cfg{}.
local names = {level = 'log_level', log_level = 'log_level', format = 'log_format',
               log_format = 'log_format', log = 'log', nonblock = 'log_nonblock',
               log_nonblock = 'log_nonblock'}

local function reconfigure(_, options)
    if options == nil then
        options = {}
    elseif type(options) ~= 'table' then
        error('log.cfg: a table is expected', 2)
    end
    for key, value in pairs(options) do
        local option = names[key]
        if option == nil then
            error(("log.cfg: unexpected option '%s'"):format(key), 2)
        end
        if option == 'log' or option == 'log_nonblock' then
            error(("log.cfg: '%s' can't be set dynamically"):format(key), 2)
        end
        local bad = cfg_lib.check(option, value)
        if bad then
            error(("log.cfg: '%s' %s"):format(key, bad), 2)
        end
    end
    for key, value in pairs(options) do
        cfg_lib.set_log(names[key], value)
    end
end

local function current()
    local level, format = state()
    return {level = level, format = format}
end

log.cfg = setmetatable({}, {
    __call = reconfigure,
    __index = function(_, key) return current()[(tostring(key):gsub('^log_', ''))] end,
    __newindex = function() error('log.cfg is read-only: call it to change it', 2) end,
    __serialize = current,
})

return setmetatable(log, {
    __serialize = function(self)
        local functions = {}
        for key, value in pairs(self) do
            functions[key] = value
        end
        return functions
    end,
    __index = {logger_pid = log.pid},
})
