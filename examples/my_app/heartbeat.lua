-- One background fiber that does something again and again.

local fiber = require('fiber')
local log = require('log')

local worker

local function loop(interval, beat)
    fiber.name('heartbeat')
    while true do
        beat()
        fiber.sleep(interval) -- raises when the fiber is cancelled
    end
end

local function start(interval, beat)
    worker = fiber.create(loop, interval, beat)
end

local function stop()
    if worker ~= nil and worker:status() ~= 'dead' then
        worker:cancel()
        log.info('heartbeat: stopped')
    end
    worker = nil
end

return {start = start, stop = stop}
