-- The log's lines, byte for byte but for what varies.
local log = require('log')
local fiber = require('fiber')

local functions = {}
for key, value in pairs(log) do
    if type(value) == 'function' then
        table.insert(functions, key)
    end
end
table.sort(functions)
print(table.concat(functions, ' '))
for _, level in ipairs({'x', {}, 'INFO'}) do
    print((select(2, pcall(log.level, level)):gsub('^.-:%d+: ', '')))
end
print((select(2, pcall(log.log_format, 'x')):gsub('^.-:%d+: ', '')))
print(log.level(5), log.level('debug'), log.level('info'))
print(log.pid(), log.rotate())

box.cfg({log = 'x.log', log_level = 6})

local function lines()
    log.info('plain text')
    log.info('with %d and %s, %q, %5.2f', 5, 'text', 'a"b', 1 / 3)
    log.info('100%')
    log.info('%s', nil)
    log.error('an error')
    log.warn('a warning')
    log.verbose('verbose')
    log.debug('not shown')
    log.info({a = {2, box.NULL, {b = 'x'}}})
    log.info({message = 'text'})
    log.info('two\nlines')
    log.info('a nul\0byte')
    log.info('quotes " \\ / \t\1')
    log.info(nil)
    log.info()
    log.info(true)
    log.info(5, 6)
    log.info(box.NULL)
    log.info(12345678901234567890ULL)
    log.info(string.rep('x', 500))
    log.info(box.error.new({code = 1, reason = 'reason'}))
    log.info(setmetatable({}, {__serialize = function() return {b = 1} end}))
    print(pcall(log.info, '%d', 'x'))
    loadstring('require("log").warn("a chunk")', '=(chunk)')()
    loadstring('require("log").warn("a file")', '@some/dir/file.lua')()
    local f = fiber.create(function()
        log.info('in a fiber')
        fiber.name('my name')
        log.warn('in a fiber with a name')
    end)
    while f:status() ~= 'dead' do
        fiber.sleep(0.001)
    end
end
lines()
log.level('warn')
log.info('not shown')
log.warn('shown')
box.cfg({log_level = 'verbose'})
log.verbose('shown')
print(box.cfg.log_level, log.cfg.level)
box.cfg({log_format = 'json'})
lines()
log.info({time = 1, level = 2, pid = 3, cord_name = 4, fiber_id = 5, fiber_name = 6, kept = 7})
log.info('done')

local f = io.open('x.log')
local start = false
for line in f:lines() do
    if line:find('plain text', 1, true) then
        start = true
    end
    if start then
        line = line:gsub('^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d%.%d%d%d %[%d+%] ', 'DATE [PID] ')
        line = line:gsub('main/%d+/', 'main/ID/')
        line = line:gsub('"time": "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d[+-]%d%d%d%d"', '"time": T')
        line = line:gsub('"pid": %d+', '"pid": P'):gsub('"fiber_id": %d+', '"fiber_id": I')
        line = line:gsub('"time":1,', '')
        if not line:find('configuration option', 1, true) then
            print((line:gsub('%z', '<NUL>')))
        end
    end
end
os.exit(0)
