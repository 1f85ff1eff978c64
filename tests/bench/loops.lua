-- Tight loops; loops() returns their milliseconds as JSON.
local clock = require('clock')
local json = require('json')

local function count()
    local sum = 0
    for i = 1, 1e8 do sum = sum + i % 7 end
    return sum
end

local function strings()
    local t = {}
    for i = 1, 2e6 do t[i % 1000] = i .. '' end
    return t
end

local function calls(n)
    return n < 2 and n or calls(n - 1) + calls(n - 2)
end

local function measure(f, arg)
    local began = clock.monotonic()
    f(arg)
    return (clock.monotonic() - began) * 1000
end

function loops()
    return json.encode({
        ['an empty loop'] = measure(count),
        ['a loop of strings'] = measure(strings),
        ['recursive calls'] = measure(calls, 32),
    })
end
