-- box.cfg{}: the options, their checks, what a change of each does.

local _, lib = ...

local ER_CFG, ER_RELOAD_CFG = 59, 58

local function wrong(option, text)
    lib.raise(ER_CFG, option, text)
end

-- option = {type, default}; a type may be a list "string, number".
local options = {
    listen = {'string, number'},
    memtx_memory = {'number', 256 * 1024 * 1024},
    strip_core = {'boolean', true},
    memtx_min_tuple_size = {'number', 16},
    memtx_max_tuple_size = {'number', 1024 * 1024},
    slab_alloc_factor = {'number', 1.05},
    work_dir = {'string'},
    memtx_dir = {'string', '.'},
    wal_dir = {'string', '.'},
    vinyl_dir = {'string', '.'},
    vinyl_memory = {'number', 128 * 1024 * 1024},
    vinyl_cache = {'number', 128 * 1024 * 1024},
    vinyl_max_tuple_size = {'number', 1024 * 1024},
    vinyl_read_threads = {'number', 1},
    vinyl_write_threads = {'number', 4},
    vinyl_timeout = {'number', 60},
    vinyl_run_count_per_level = {'number', 2},
    vinyl_run_size_ratio = {'number', 3.5},
    vinyl_range_size = {'number'},
    vinyl_page_size = {'number', 8 * 1024},
    vinyl_bloom_fpr = {'number', 0.05},
    log = {'log'},
    log_nonblock = {'log'},
    log_level = {'log', 5},
    log_format = {'log', 'plain'},
    io_collect_interval = {'number'},
    readahead = {'number', 16320},
    snap_io_rate_limit = {'number'},
    too_long_threshold = {'number', 0.5},
    wal_mode = {'string', 'write'},
    wal_max_size = {'number', 256 * 1024 * 1024},
    wal_dir_rescan_delay = {'number', 2},
    force_recovery = {'boolean', false},
    replication = {'string, number, table'},
    instance_uuid = {'string'},
    replicaset_uuid = {'string'},
    custom_proc_title = {'string'},
    pid_file = {'string'},
    background = {'boolean', false},
    username = {'string'},
    coredump = {'boolean', false},
    read_only = {'boolean', false},
    hot_standby = {'boolean', false},
    checkpoint_interval = {'number', 3600},
    checkpoint_wal_threshold = {'number', 1e18},
    checkpoint_count = {'number', 2},
    worker_pool_threads = {'number', 4},
    replication_timeout = {'number', 1},
    replication_sync_lag = {'number', 10},
    replication_sync_timeout = {'number', 300},
    replication_synchro_quorum = {'number', 1},
    replication_synchro_timeout = {'number', 5},
    replication_connect_timeout = {'number', 30},
    replication_connect_quorum = {'number'},
    replication_skip_conflict = {'boolean', false},
    replication_anon = {'boolean', false},
    feedback_enabled = {'boolean', true},
    feedback_host = {'string', 'https://feedback.tarantool.io'},
    feedback_interval = {'number', 3600},
    net_msg_max = {'number', 768},
    sql_cache_size = {'number', 5 * 1024 * 1024},
}

-- Names of earlier versions.
local renamed = {
    snap_dir = 'memtx_dir', slab_alloc_maximal = 'memtx_max_tuple_size',
    slab_alloc_minimal = 'memtx_min_tuple_size', slab_alloc_arena = 'memtx_memory',
    logger = 'log', logger_nonblock = 'log_nonblock', panic_on_snap_error = 'force_recovery',
    panic_on_wal_error = 'force_recovery', replication_source = 'replication',
    snapshot_period = 'checkpoint_interval', snapshot_count = 'checkpoint_count',
}
local converted = {
    slab_alloc_arena = function(gigabytes) return gigabytes * 1024 * 1024 * 1024 end,
    panic_on_snap_error = function(panic) return not panic end,
    panic_on_wal_error = function(panic) return not panic end,
}

local log_levels = {fatal = 0, syserror = 1, error = 2, crit = 3, warn = 4, info = 5,
                    verbose = 6, debug = 7}
-- In this order Tarantool lists them.
local log_level_names = 'crit,warn,info,debug,syserror,verbose,fatal,error'

local function log_level_number(level)
    return log_levels[level] or level
end

local function check_range(min, max, text)
    return function(value)
        if not (value >= min and value <= max) then
            return text:format(value)
        end
    end
end

local function check_memory(value)
    if not (value >= 0 and value <= 4398046510080) then
        return ('must be >= 0 and <= 4398046510080, but it is %d'):format(value)
    end
end

local function check_above(limit, text)
    return function(value)
        return not (value > limit) and text or nil
    end
end

local function check_not_built(default)
    return function(value)
        if value ~= default then
            return 'not built into tarantella; engine = "tarantool" runs it'
        end
    end
end

-- One `host:port`, `port` or path, with an optional `user:password@`.
local function is_uri(text)
    text = text:gsub('^[^@/]+@', '')
    return text:match('^%d+$') or text:match('^unix/:.') or text:match('^/.') or
        text:match('^%[[%x:.]+%]:[%w%-]+$') or text:match('^[%w%-%._*]*:[%w%-]+$')
end

local function check_listen(value)
    if not is_uri(tostring(value)) then
        return 'expected host:service or /unix.socket'
    end
end

local function check_replication(value)
    if type(value) == 'table' and next(value) == nil then
        return nil
    end
    for _, uri in pairs(type(value) == 'table' and value or {value}) do
        local bad = check_listen(uri)
        if bad then
            return bad
        end
    end
    return check_not_built()(value)
end

local function check_uuid(value)
    if #value ~= 36 or not value:match('^%x+%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$') or
       value:find('-', 1, true) ~= 9 then
        return value
    end
    if value:match('^[0-]+$') then
        return 'nil UUID is reserved'
    end
end

local function check_log_level(value)
    if type(value) ~= 'number' and type(value) ~= 'string' then
        return 'must be a number or a string'
    end
    if type(value) == 'string' and log_levels[value] == nil then
        return 'expected ' .. log_level_names
    end
end

local function check_log_format(value)
    if value ~= 'plain' and value ~= 'json' then
        return 'expected json,plain'
    end
end

-- check[option](value) gives what is wrong with it, or nil.
local check = {
    listen = check_listen,
    memtx_memory = check_memory,
    vinyl_memory = check_memory,
    memtx_min_tuple_size = check_range(8, 1048280, 'specified value is out of bounds'),
    readahead = check_range(128, 2147483648, 'specified value is out of bounds'),
    net_msg_max = check_range(2, 2^31 - 1, 'minimal value is 2'),
    checkpoint_count = check_range(1, math.huge, 'the value must not be less than one'),
    wal_mode = function(value)
        return value ~= 'none' and value ~= 'write' and value ~= 'fsync' and value or nil
    end,
    wal_max_size = check_above(1, 'the value must be greater than one'),
    replication = check_replication,
    replication_anon = check_not_built(false),
    hot_standby = check_not_built(false),
    instance_uuid = check_uuid,
    replicaset_uuid = check_uuid,
    replication_timeout = check_above(0, 'the value must be greather than 0'),
    replication_connect_timeout = check_above(0, 'the value must be greather than 0'),
    replication_connect_quorum = check_range(0, math.huge,
                                             'the value must be greater or equal to 0'),
    replication_sync_lag = check_above(0, 'the value must be greater than 0'),
    replication_sync_timeout = check_range(0, math.huge, 'the value must be greater than 0'),
    replication_synchro_quorum = check_range(
        1, 31, 'the value must be greater than zero and less than maximal number of replicas'),
    replication_synchro_timeout = check_above(0, 'the value must be greater than zero'),
    vinyl_read_threads = check_range(1, math.huge, 'must be greater than or equal to 1'),
    vinyl_write_threads = check_range(2, math.huge, 'must be greater than or equal to 2'),
    vinyl_page_size = check_above(
        0, 'must be greater than 0 and less than or equal to vinyl_range_size'),
    vinyl_bloom_fpr = function(value)
        return not (value > 0 and value <= 1) and
            'must be greater than 0 and less than or equal to 1' or nil
    end,
    vinyl_run_count_per_level = check_above(0, 'must be greater than 0'),
    vinyl_run_size_ratio = check_above(1, 'must be greater than 1'),
    sql_cache_size = check_range(0, math.huge, 'must be non-negative'),
    log_level = check_log_level,
    log_format = check_log_format,
    log = function(value)
        return type(value) ~= 'string' and 'should be of type string' or lib.check_log(value)
    end,
}

local function set_nothing()
end

local function never_less(option)
    return function(value, before)
        if value < before then
            wrong(option, 'cannot decrease memory size at runtime')
        end
    end
end

-- dynamic[option](value, before) makes a change take effect; what has no entry
-- cannot be changed.
local dynamic = {
    listen = function(value) lib.listen(value) end,
    log_level = function(value) lib.set_log_level(log_level_number(value)) end,
    log_format = function(value) lib.set_log_format(value) end,
    net_msg_max = function(value) lib.set_net_msg_max(value) end,
    readahead = function(value) lib.set_readahead(value) end,
    custom_proc_title = function(value) lib.set_title(value) end,
    io_collect_interval = function(value) lib.set_io_collect_interval(value or 0) end,
    read_only = function(value) lib.set_read_only(value) end,
    memtx_memory = function(value, before)
        never_less('memtx_memory')(value, before)
        lib.set_memory(value)
    end,
    memtx_max_tuple_size = function(value) lib.set_tuple_size_max(value) end,
    vinyl_memory = never_less('vinyl_memory'),
}
for _, option in ipairs({
    'too_long_threshold', 'snap_io_rate_limit',
    'wal_dir_rescan_delay', 'force_recovery', 'checkpoint_interval', 'checkpoint_wal_threshold',
    'checkpoint_count', 'worker_pool_threads', 'vinyl_cache', 'vinyl_max_tuple_size',
    'vinyl_timeout', 'replication', 'replication_timeout', 'replication_connect_timeout',
    'replication_connect_quorum', 'replication_sync_lag', 'replication_sync_timeout',
    'replication_synchro_quorum', 'replication_synchro_timeout', 'replication_skip_conflict',
    'replication_anon', 'feedback_enabled', 'feedback_host', 'feedback_interval',
    'sql_cache_size',
}) do
    dynamic[option] = set_nothing
end
-- The log first: it tells of the rest. Listening last: whoever connects finds the
-- rest done. Between them by name.
local rank = {log_level = -2, log_format = -1, listen = 1}

local function is_before(a, b)
    local rank_a, rank_b = rank[a] or 0, rank[b] or 0
    if rank_a ~= rank_b then
        return rank_a < rank_b
    end
    return a < b
end

local function sorted_names(cfg)
    local names = {}
    for option in pairs(cfg) do
        names[#names + 1] = option
    end
    table.sort(names, is_before)
    return names
end

local function check_type(option, value)
    local types = options[option][1]
    if types == 'log' or (', ' .. types .. ', '):find(', ' .. type(value) .. ', ', 1, true) then
        return
    end
    wrong(option, (types:find(',') and 'should be one of types ' or 'should be of type ') .. types)
end

local function check_type_of_log(cfg)
    local kind = lib.log_type(cfg.log)
    if cfg.log_nonblock ~= nil and (kind == 'file' or kind == 'stderr') then
        wrong('log_nonblock', 'the option is incompatible with file/stderr logger')
    end
    if cfg.log_format == 'json' and kind == 'syslog' then
        wrong('log_format', "json can't be used with syslog logger")
    end
end

-- What the user gave, under today's names; nil and '' mean the default.
local function prepare(user)
    if type(user) == 'nil' then
        user = {}
    elseif type(user) ~= 'table' then
        error('Error: cfg should be a table', 3)
    end
    local cfg, reset = {}, {}
    for key, value in pairs(user) do
        local option = renamed[key] or key
        if options[option] == nil then
            wrong(tostring(key), 'unexpected option')
        end
        if option ~= key then
            lib.say_warn(('Deprecated option %s, please use %s instead'):format(key, option))
        end
        if value == nil or value == '' then
            reset[option] = true
        else
            if converted[key] then
                value = converted[key](value)
            end
            check_type(option, value)
            cfg[option] = value
        end
    end
    return cfg, reset
end

local function check_values(cfg)
    for option, value in pairs(cfg) do
        local bad = check[option] and check[option](value)
        if bad then
            wrong(option, bad)
        end
    end
end

local function normalize(option, value)
    if option == 'listen' then
        return tostring(value)
    end
    return value
end

local function check_directory(path, text)
    local ok, _, code = os.rename(path, path)
    if not ok and code == 2 then
        error(text:format(path), 0)
    end
end

-- As JSON, for the log.
local function quote(value)
    if type(value) == 'string' then
        return '"' .. value:gsub('[%c"\\/]', function(c)
            return c < ' ' and ('\\u%04x'):format(c:byte()) or '\\' .. c
        end) .. '"'
    end
    return type(value) == 'table' and '[]' or tostring(value)
end

local values = {} -- what box.cfg shows
local is_started = false

local function apply(option, value, before)
    dynamic[option](value, before)
    rawset(values, option, value)
    if value ~= nil then
        lib.say_set(option, quote(value))
    end
end

local function load(user)
    local cfg = prepare(user)
    check_values(cfg)
    check_type_of_log(cfg)
    if cfg.background and cfg.log == nil then
        error("'background' requires 'log' configuration option to be set", 0)
    end
    local given = cfg
    cfg = {}
    for option, row in pairs(options) do
        local value = given[option]
        if value == nil then
            cfg[option] = row[2]
        else
            cfg[option] = normalize(option, value)
        end
    end
    local level_before = lib.set_log_level(log_level_number(cfg.log_level))
    if not is_started then
        local ok, err = pcall(lib.start, cfg)
        if not ok then
            lib.set_log_level(level_before)
            error(err, 0)
        end
        is_started = true
    end
    check_directory(cfg.memtx_dir, "error reading directory '%s'")
    check_directory(cfg.wal_dir, "Can't open path: %s")
    if cfg.instance_uuid then
        lib.set_uuid(cfg.instance_uuid)
    end
    if cfg.replicaset_uuid then
        lib.set_replicaset_uuid(cfg.replicaset_uuid)
    end
    lib.start_box()
    lib.set_memory(cfg.memtx_memory)
    lib.set_tuple_size_max(cfg.memtx_max_tuple_size)
    lib.set_net_msg_max(cfg.net_msg_max)
    lib.set_readahead(cfg.readahead)
    require('box.schema')
    for key, value in pairs(require('box.info')) do
        rawset(box, key, value)
    end
    lib.set_read_only(cfg.read_only)
    for _, option in ipairs(sorted_names(cfg)) do
        local value = cfg[option]
        rawset(values, option, value)
        if dynamic[option] and (rank[option] or
           given[option] ~= nil and value ~= options[option][2]) then
            apply(option, value, value)
        end
    end
end

local function change(user)
    local cfg, reset = prepare(user)
    for option in pairs(reset) do
        cfg[option] = options[option][2]
        if cfg[option] == nil and values[option] ~= nil and not dynamic[option] then
            lib.raise(ER_RELOAD_CFG, option)
        end
    end
    for option, value in pairs(cfg) do
        if (option == 'log' or option == 'log_nonblock') and value ~= values[option] then
            wrong(option, "can't be set dynamically")
        end
        if normalize(option, value) ~= values[option] and not dynamic[option] then
            lib.raise(ER_RELOAD_CFG, option)
        end
    end
    check_values(cfg)
    for option in pairs(reset) do
        if values[option] ~= nil and options[option][2] == nil then
            apply(option, nil, values[option])
        end
    end
    for _, option in ipairs(sorted_names(cfg)) do
        local value = normalize(option, cfg[option])
        if value ~= values[option] then
            apply(option, value, values[option])
        end
    end
end

-- For log.cfg{} and log.level(): the same values.
local function set_log(option, value)
    dynamic[option](value)
    if is_started then
        rawset(values, option, value)
    else
        options[option][2] = value -- what box.cfg{} begins with
    end
end

-- One call at a time: a change may yield (a name is resolved).
local is_busy, turn = false, nil
local is_configured = false

local function locked(f, ...)
    while is_busy do
        turn = turn or require('fiber').cond()
        turn:wait()
    end
    is_busy = true
    local ok, err = pcall(f, ...)
    is_busy = false
    if turn ~= nil then
        turn:signal()
    end
    if not ok then
        error(err, 0)
    end
end

local cfg_table = setmetatable(values, {
    __newindex = function()
        error('Attempt to modify a read-only table', 2)
    end,
    __call = function(_, user)
        return locked(change, user)
    end,
})

local function check_one(option, value)
    return check[option](value)
end

return setmetatable({set_log = set_log, check = check_one}, {__call = function(_, user)
    locked(function()
        -- A call that waited for the first one changes what that one set.
        if is_configured then
            return change(user)
        end
        load(user)
        is_configured = true
        rawset(box, 'cfg', cfg_table)
        lib.done()
    end)
end})
