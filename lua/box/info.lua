-- box.info, box.slab and box.stat: what the instance says about itself.

local _, lib = ...
local tarantool = require('tarantool')

local function compact(t)
    return setmetatable(t, {__serialize = 'map'})
end

local function callable(f)
    return setmetatable({}, {__call = function(_, ...) return f(...) end})
end

local memory = callable(function()
    local net, data = 0, lib.memory()
    return {cache = 0, data = data, index = 0, lua = collectgarbage('count') * 1024,
            net = net, tx = 0}
end)

-- Nothing is on disk, so there is nothing to collect.
local gc = callable(function()
    return {consumers = {}, checkpoints = {}, checkpoint_is_in_progress = false,
            vclock = compact({}), signature = 0}
end)

-- One function a field; a nil leaves it out.
local fields = {
    version = function() return tarantool.version end,
    package = function() return tarantool.package end,
    id = function() return 1 end,
    ro = function() return lib.is_read_only() end,
    uuid = function() return (lib.uuids()) end,
    pid = function() return tarantool.pid() end,
    status = function() return 'running' end,
    listen = lib.listen_address, -- nil while it does not
    uptime = function() return math.floor(tarantool.uptime()) + 1 end,
    lsn = lib.lsn,
    signature = lib.lsn,
    vclock = function()
        local lsn = lib.lsn()
        return compact(lsn > 0 and {lsn} or {})
    end,
    cluster = function() return {uuid = (select(2, lib.uuids()))} end,
    replication = function()
        return {[1] = {id = 1, uuid = (lib.uuids()), lsn = lib.lsn()}}
    end,
    replication_anon = function() return {count = 0} end,
    memory = function() return memory end,
    gc = function() return gc end,
}

local function all()
    local info = {}
    for key, get in pairs(fields) do
        info[key] = get()
    end
    return info
end

local info = setmetatable({version = tarantool.version, package = tarantool.package}, {
    __index = function(_, key)
        local get = fields[key]
        return get and get()
    end,
    __call = all,
    __serialize = all,
})

local function percent(part, whole)
    return ('%.2f%%'):format(whole > 0 and part * 100 / whole or 0)
end

-- There are no slabs: tuples are on the C heap, under the memtx_memory quota.
local slab = {}

function slab.info()
    local used, quota = lib.memory(), box.cfg.memtx_memory
    return {items_size = used, items_used = used, items_used_ratio = percent(used, used),
            quota_size = quota, quota_used = used, quota_used_ratio = percent(used, quota),
            arena_size = used, arena_used = used, arena_used_ratio = percent(used, used)}
end

function slab.stats()
    return {}
end

function slab.check()
end

local function stat_all()
    local counts = lib.stat()
    -- SQL's, which is not built.
    for _, name in ipairs({'EXECUTE', 'PREPARE'}) do
        counts[name] = {total = 0, rps = 0}
    end
    return counts
end

local stat = setmetatable({
    net = setmetatable({}, {
        __index = function(_, key) return lib.net_stat()[key] end,
        __call = function() return lib.net_stat() end,
        __serialize = function() return lib.net_stat() end,
    }),
    reset = function() lib.net_stat_reset() end,
}, {
    __index = function(_, key) return stat_all()[key] end,
    __call = stat_all,
    __serialize = stat_all,
})

local function not_built(what)
    return function()
        error(what .. ' is not built into tarantella; engine = "tarantool" runs it', 2)
    end
end
rawset(stat, 'vinyl', not_built('vinyl'))
rawset(stat, 'sql', not_built('SQL'))

return {info = info, slab = slab, stat = stat}
