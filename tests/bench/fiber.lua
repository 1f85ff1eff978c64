-- Fibers from Lua; prints `what ns`.
local fiber = require('fiber')
local clock = require('clock')

local function measure(what, n, body)
    collectgarbage()
    local began = clock.monotonic()
    body()
    print(('%s %.1f'):format(what, (clock.monotonic() - began) / n * 1e9))
end

local function joined(count, body)
    local all = {}
    for i = 1, count do
        all[i] = fiber.new(body, i)
        all[i]:set_joinable(true)
    end
    for i = 1, count do all[i]:join() end
end

local N = 200000
measure('yield between 2 fibers, ns', 2 * N, function()
    joined(2, function() for _ = 1, N do fiber.yield() end end)
end)
measure('yield between 1000 fibers, ns', 1000 * 200, function()
    joined(1000, function() for _ = 1, 200 do fiber.yield() end end)
end)
measure('create and join, ns', 50000, function()
    for _ = 1, 50000 do joined(1, function() end) end
end)
measure('channel put and get, ns', N, function()
    local channel = fiber.channel(0)
    joined(2, function(i)
        for k = 1, N do
            if i == 1 then channel:put(k) else channel:get() end
        end
    end)
end)
os.exit(0)
