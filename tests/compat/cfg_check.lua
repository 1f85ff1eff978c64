-- box.cfg{}: unknown options, wrong types and values, what can be changed later.
local options = {
    'listen', 'memtx_memory', 'strip_core', 'memtx_min_tuple_size', 'memtx_max_tuple_size',
    'slab_alloc_factor', 'work_dir', 'memtx_dir', 'wal_dir', 'vinyl_dir', 'vinyl_memory',
    'vinyl_cache', 'vinyl_max_tuple_size', 'vinyl_read_threads', 'vinyl_write_threads',
    'vinyl_timeout', 'vinyl_run_count_per_level', 'vinyl_run_size_ratio', 'vinyl_range_size',
    'vinyl_page_size', 'vinyl_bloom_fpr', 'log_level', 'log_format', 'io_collect_interval',
    'readahead', 'snap_io_rate_limit', 'too_long_threshold', 'wal_mode', 'rows_per_wal',
    'wal_max_size', 'wal_dir_rescan_delay', 'force_recovery', 'replication', 'instance_uuid',
    'replicaset_uuid', 'custom_proc_title', 'pid_file', 'background', 'username', 'coredump',
    'read_only', 'hot_standby', 'checkpoint_interval', 'checkpoint_wal_threshold',
    'checkpoint_count', 'worker_pool_threads', 'replication_timeout', 'replication_sync_lag',
    'replication_sync_timeout', 'replication_synchro_quorum', 'replication_synchro_timeout',
    'replication_connect_timeout', 'replication_connect_quorum', 'replication_skip_conflict',
    'replication_anon', 'feedback_enabled', 'feedback_host', 'feedback_interval', 'net_msg_max',
    'sql_cache_size', 'snap_dir', 'slab_alloc_maximal', 'slab_alloc_minimal',
    'replication_source', 'snapshot_period', 'snapshot_count', 'election_mode', 'iproto_threads',
}
local function nothing() end

local function try(cfg)
    local ok, err = pcall(box.cfg, cfg)
    print(ok, (tostring(err):gsub('^builtin/[%w_/.]+:%d+: ', '')))
    if not ok then
        print('', type(err), type(err) == 'cdata' and err.type, type(err) == 'cdata' and err.code)
    end
end

print('-- before the first call')
for _, key in ipairs({'space', 'info', 'slab', 'stat', 'schema', 'begin', 'once', 'nosuch'}) do
    local ok, err = pcall(function() return box[key] end)
    print(key, ok, tostring(err):match('Please call box.cfg{} first\nstack traceback:'))
end
for _, key in ipairs({'NULL', 'cfg', 'ctl', 'error', 'index', 'runtime', 'session', 'tuple'}) do
    print(key, type(box[key]))
end
box.mine = 1
print(box.mine, type(box.runtime.info().lua))

print('-- unknown options and types')
try({foo = 1})
try({[1] = 1})
for _, option in ipairs(options) do
    io.write(option, ' ')
    try({[option] = nothing})
end
for _, value in ipairs({{'memtx_memory', '5'}, {'memtx_memory', 67108864LL},
                        {'background', 'x'}, {'custom_proc_title', 5}, {'work_dir', 5}}) do
    io.write(value[1], ' ')
    try({[value[1]] = value[2]})
end

print('-- values')
for _, value in ipairs({
    {'memtx_memory', -1}, {'memtx_min_tuple_size', 1}, {'memtx_min_tuple_size', 1048281},
    {'wal_mode', 'foo'}, {'listen', 'foo:bar:baz'}, {'listen', 'a b'}, {'listen', -1},
    {'readahead', -1}, {'readahead', 10}, {'readahead', 0}, {'readahead', 2^40},
    {'checkpoint_count', 0}, {'checkpoint_count', -1}, {'instance_uuid', 'x'},
    {'replicaset_uuid', 'x'}, {'instance_uuid', '00000000-0000-0000-0000-000000000000'},
    {'replication', 'foo'}, {'replication_timeout', 0}, {'replication_connect_timeout', 0},
    {'replication_connect_quorum', -1}, {'replication_sync_lag', 0},
    {'replication_sync_timeout', -1}, {'replication_synchro_quorum', 0},
    {'replication_synchro_quorum', 100}, {'replication_synchro_timeout', 0},
    {'wal_max_size', 0}, {'vinyl_memory', -1}, {'vinyl_read_threads', 0},
    {'vinyl_write_threads', 1}, {'vinyl_page_size', 0}, {'vinyl_bloom_fpr', 0},
    {'vinyl_bloom_fpr', 2}, {'vinyl_run_count_per_level', 0}, {'vinyl_run_size_ratio', 1},
    {'sql_cache_size', -1}, {'log_level', {}}, {'log_level', 'INFO'}, {'log_level', 'zzz'},
    {'log_format', 'zz'}, {'log', 'foo:bar'}, {'log', 'devlog:x'},
    {'log', 'syslog:foo=1'}, {'log', 'syslog:facility=zzz'},
    {'log', 'syslog:identity=a,identity=b'},
}) do
    io.write(value[1], '=', tostring(type(value[2]) == 'table' and '{}' or value[2]), ' ')
    try({[value[1]] = value[2]})
end
try({log = 'syslog:', log_format = 'json'})
print(type(box.cfg))

print('-- the first call')
try({log = 'file:x.log', log_level = 'warn', listen = 'unix/:./x.sock', readahead = 20000,
     checkpoint_count = 3, custom_proc_title = 'title', too_long_threshold = '', replication = {}})
print(type(box.cfg), box.mine)
local list = {}
for key, value in pairs(box.cfg) do
    table.insert(list, key .. '=' .. type(value) .. ' ' .. (type(value) == 'table' and '{}' or
                                                              tostring(value)))
end
table.sort(list)
print(table.concat(list, '\n'))
print(pcall(function() return box.cfg.nosuch end))
print(select(2, pcall(function() box.cfg.nosuch = 5 end)):gsub('^.-: ', ''))
print(pcall(function() return box.nosuch end))
print(tostring(require('title').get()):gsub('tarantool', 'PROGRAM'):gsub('tarantella', 'PROGRAM'),
      nil)

print('-- changes')
local before = {}
for key, value in pairs(box.cfg) do
    before[key] = value
end
try({})
try(nil)
try({foo = 1})
for _, option in ipairs(options) do
    local value = before[option]
    if type(value) == 'number' then
        value = value + 1
    elseif type(value) == 'boolean' then
        value = not value
    elseif type(value) == 'string' then
        value = value .. '1'
    else
        value = 'x'
    end
    if option ~= 'replication_anon' and not option:match('^slab_alloc_m') then
        io.write(option, ' ')
        try({[option] = value})
        if before[option] ~= nil then
            print(box.cfg[option] == value)
            try({[option] = before[option]})
            print(box.cfg[option] == before[option])
        end
    end
end
try({log = 'other.log'})
try({log = box.NULL})
try({log_nonblock = true})
try({log_level = 3, memtx_memory = 5})
print(box.cfg.log_level)
try({log_level = 99})
try({log_format = 'json'})
print(box.cfg.log_level, box.cfg.log_format)
try({listen = box.NULL})
print(box.cfg.listen, io.open('x.sock') ~= nil)
try({listen = '127.0.0.1:0'})
print(box.info.listen:match('^127%.0%.0%.1:%d+$') ~= nil)
try({listen = box.NULL})
print(box.info.listen)
try({read_only = true})
print(box.info.ro, pcall(box.ctl.wait_ro), pcall(box.ctl.wait_ro, 1))
local ok, err = pcall(box.ctl.wait_rw, 0.001)
print(ok, err.type, tostring(err))
try({read_only = false})
print(box.info.ro, pcall(box.ctl.wait_rw))
print(box.ctl.is_recovery_finished == nil or box.ctl.is_recovery_finished())

print('-- box.info')
list = {}
for key, value in pairs(box.info()) do
    if key ~= 'sql' and key ~= 'vinyl' then
        table.insert(list, key .. ' ' .. type(value))
    end
end
table.sort(list)
print(table.concat(list, ', '))
print(box.info.status, box.info.id, box.info.version:match('^2%.6%.0'), box.info.nosuch)
print(#box.info.uuid, #box.info.cluster.uuid, box.info.replication[1].uuid == box.info.uuid)
print(box.info.pid == require('tarantool').pid(), box.info.uptime >= 0)
print(type(box.info.memory().lua), type(box.info.gc().checkpoints), type(box.slab.info().quota_size))
print(type(box.stat().INSERT.total), type(box.stat.SELECT.rps), type(box.stat.net().SENT.total),
      type(box.stat.net.RECEIVED.rps), box.stat.NOSUCH)
os.exit(0)
