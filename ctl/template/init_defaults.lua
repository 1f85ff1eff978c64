-- What `ctl` takes for instances that are started from this folder. It is Lua.
default_cfg = {
    pid_file = '@DIR@/run', -- pid files and control sockets
    wal_dir = '@DIR@/data',
    memtx_dir = '@DIR@/data',
    vinyl_dir = '@DIR@/data',
    log = '@DIR@/log',
}

-- Where the instance files are.
instance_dir = '@DIR@/instances'

-- What runs them: 'tarantella', 'tarantool', a path, or a table by instance name.
engine = 'tarantella'

-- Instances that belong together: `ctl restart @web`.
-- groups = {web = {'front1', 'front2'}}
