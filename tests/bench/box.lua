-- Data operations in a Lua loop; prints `what ns`.
local clock = require('clock')
box.cfg{wal_mode = 'none', log = 'log'}
local space = box.schema.space.create('bench')
space:create_index('pk', {parts = {1, 'unsigned'}})
space:create_index('name', {parts = {2, 'string'}, unique = false})
local N = 100000

local function measure(what, n, body)
    collectgarbage()
    local began = clock.monotonic()
    body()
    print(('%s %.1f'):format(what, (clock.monotonic() - began) / n * 1e9))
end

measure('insert, ns', N, function()
    for i = 1, N do space:insert({i, 'name ' .. i % 1000, i}) end
end)
measure('replace, ns', N, function()
    for i = 1, N do space:replace({i, 'name ' .. i % 1000, i + 1}) end
end)
measure('get, ns', N, function()
    for i = 1, N do space:get(i) end
end)
measure('get a field, ns', N, function()
    local sum = 0
    for i = 1, N do sum = sum + space:get(i)[3] end
end)
measure('update, ns', N, function()
    for i = 1, N do space:update(i, {{'+', 3, 1}}) end
end)
measure('select by key, ns', N, function()
    for i = 1, N do space:select(i) end
end)
measure('select 100, ns per tuple', N, function()
    for i = 1, N / 100 do space:select((i - 1) * 100, {limit = 100, iterator = 'GT'}) end
end)
measure('pairs, ns per tuple', N, function()
    local n = 0
    for _, tuple in space:pairs() do n = n + 1 end
end)
os.exit(0)
