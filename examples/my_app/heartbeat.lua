-- A background fiber that does something again and again. Who starts one keeps it, and
-- stops it: so two versions of the application can each have their own.

local fiber = require('fiber')
local log = require('log')

local function loop(interval, beat)
    fiber.name('heartbeat')
    while true do
        beat()
        fiber.sleep(interval) -- raises when the fiber is cancelled
    end
end

local function start(interval, beat)
    return fiber.create(loop, interval, beat)
end

local function stop(worker)
    if worker:status() ~= 'dead' then
        worker:cancel()
        log.info('heartbeat: stopped')
    end
end

return {start = start, stop = stop}
