-- What `ctl start` runs the instance file with, on tarantella and on stock
-- Tarantool alike. ctl writes `local opt = {...}` in front of this text.
--
-- It opens the control socket, puts the defaults under the instance's box.cfg,
-- runs the file, and tells ctl how far it got through a pipe:
--   L               the control socket listens
--   C PID           box is configured, in the background
--   F PID           box is configured, in the foreground
--   R               the file returned
--   E TEXT          it failed (a line end in TEXT is the byte 1)

local ffi = require('ffi')
local fiber = require('fiber')
local log = require('log')

-- Names of our own, so that no declaration of the application clashes.
ffi.cdef[[
int ctl_launch_mkdir(const char *path, unsigned mode) __asm__("mkdir");
int ctl_launch_chown(const char *path, unsigned uid, unsigned gid) __asm__("chown");
int ctl_launch_access(const char *path, int mode) __asm__("access");
unsigned ctl_launch_umask(unsigned mode) __asm__("umask");
ssize_t ctl_launch_write(int fd, const void *data, size_t len) __asm__("write");
int ctl_launch_close(int fd) __asm__("close");
int ctl_launch_fcntl(int fd, int cmd, int arg) __asm__("fcntl");
int ctl_launch_getpid(void) __asm__("getpid");
]]
local C = ffi.C
local F_SETFD, FD_CLOEXEC = 2, 1

local function tell(text)
    if opt.ready_fd >= 0 then
        C.ctl_launch_write(opt.ready_fd, text .. '\n', #text + 1)
    end
end

local function fail(text)
    text = tostring(text)
    if opt.ready_fd >= 0 then
        tell('E ' .. text:gsub('\n', '\1'))
    else
        log.error('%s', text)
    end
    os.exit(1)
end

local function listen()
    -- Whoever may connect is admin: the mode comes from the umask, so there is
    -- no moment in which others may.
    local umask = C.ctl_launch_umask(opt.gid and 0x4f or 0x7f) -- 0117, 0177
    local ok, err = pcall(function()
        local is_ours, control = pcall(require, 'internal.control')
        if is_ours then
            control.listen(opt.listen, nil, opt.gid)
            if opt.defaults.interrupt ~= false then
                control.interrupts(opt.listen)
            end
            if opt.defaults.fiber_guard == 'off' then
                control.fiber_guard(false)
            end
        else
            require('console').listen('unix/:' .. opt.listen)
        end
    end)
    C.ctl_launch_umask(umask)
    if not ok then
        fail(("Can't listen on the control socket %s: %s"):format(opt.sock, tostring(err)))
    end
    if opt.gid then
        C.ctl_launch_chown(opt.sock, opt.uid, opt.gid)
    end
    if opt.dir_fd then
        C.ctl_launch_fcntl(opt.dir_fd, F_SETFD, FD_CLOEXEC)
    end
    tell('L')
end

local function dirname(path)
    return path:match('^(.*)/[^/]*$')
end

local function log_file(spec)
    spec = spec:match('^%s*(.-)%s*$')
    if spec:match('^syslog:') or spec:match('^pipe:') or spec:match('^|') then
        return nil
    end
    return (spec:gsub('^file:%s*', ''))
end

local function make_dirs(cfg)
    local dirs = {cfg.wal_dir, cfg.memtx_dir, cfg.vinyl_dir}
    if type(cfg.log) == 'string' and log_file(cfg.log) then
        dirs[#dirs + 1] = dirname(log_file(cfg.log))
    end
    for _, dir in ipairs(dirs) do
        if type(dir) == 'string' and dir ~= '' and C.ctl_launch_access(dir, 0) ~= 0 then
            log.info('mkdir %s', dir)
            if C.ctl_launch_mkdir(dir, 0x1e8) ~= 0 then -- 0750
                fail(("Can't mkdir %s: %s"):format(dir,
                    require('errno').strerror(ffi.errno())))
            end
            if opt.gid then
                C.ctl_launch_chown(dir, opt.uid, opt.gid)
            end
        end
    end
end

local plain_cfg = box.cfg

-- Later calls of box.cfg must not move the pid file.
local function keep_pid_file()
    local mt = getmetatable(box.cfg)
    local call = type(mt) == 'table' and mt.__call
    if not call then
        return
    end
    mt.__call = function(old, new)
        if type(new) == 'table' and new.pid_file ~= nil and old.pid_file ~= nil then
            new.pid_file = old.pid_file
        end
        return call(old, new)
    end
end

local function first_cfg(cfg)
    cfg = cfg or {}
    for key, value in pairs(opt.defaults) do
        if cfg[key] == nil then
            cfg[key] = value
        end
    end
    cfg.pid_file = opt.defaults.pid_file
    cfg.username = os.getenv('USER') ~= opt.username and opt.username or nil
    if os.getenv('NOTIFY_SOCKET') then
        cfg.background = false
    elseif cfg.background == nil then
        cfg.background = true
    end
    local is_background = cfg.background
    fiber.name(opt.name, {truncate = true})
    make_dirs(cfg)
    if not is_background then
        tell('F ' .. C.ctl_launch_getpid())
    end
    local ok, err = pcall(plain_cfg, cfg)
    if not ok then
        fail('Configuration failed: ' .. tostring(err))
    end
    keep_pid_file()
    tell('C ' .. C.ctl_launch_getpid())
    return err
end

-- The reload engine comes before the first line of the application, so that it sees
-- what is loaded and started.
local function load_engine()
    local text = opt.engine
    opt.engine = nil
    if opt.defaults.reload == false then
        return
    end
    local ok, err = pcall(function()
        assert(loadstring(text, '@builtin/reload/boot.lua'))('first', opt.file)
    end)
    if not ok then
        log.error('ctl: no reload engine: %s', tostring(err))
    end
end

-- metrics = {listen = ...} in default_cfg: ours, not an option of box.cfg.
local function start_metrics()
    local spec, text = opt.defaults.metrics, opt.metrics
    opt.defaults.metrics, opt.metrics = nil, nil
    if spec == nil or spec == false then
        return
    elseif type(spec) ~= 'table' or spec.listen == nil then
        fail('Bad default_cfg.metrics: should be a table, {listen = ...}')
    end
    local ok, err = pcall(assert(loadstring(text, '@builtin/ctl/metrics.lua')), opt.name,
                          spec.listen)
    if not ok then
        fail(err)
    end
end

local function run()
    C.ctl_launch_close(opt.script_fd)
    if opt.ready_fd >= 0 then
        C.ctl_launch_fcntl(opt.ready_fd, F_SETFD, FD_CLOEXEC)
    end
    listen()
    start_metrics() -- before the engine: they are no part of the application
    load_engine()
    -- Ours, not options of box.cfg.
    opt.defaults.interrupt, opt.defaults.reload, opt.defaults.fiber_guard = nil, nil, nil
    box.cfg = first_cfg
    pcall(function()
        require('title').update({script_name = opt.file, __defer_update = true})
    end)
    for i = #arg, 1, -1 do
        arg[i] = nil
    end
    arg[0] = opt.name
    for i, value in ipairs(opt.args) do
        arg[i] = value
    end
    local trace
    local ok, err = xpcall(dofile, function(e)
        trace = debug.traceback('', 2):gsub("\n\t%[C%]: in function 'xpcall'.*", '')
        return e
    end, opt.file)
    if not ok then
        fail('Start failed: ' .. tostring(err) .. (trace or ''))
    end
    if type(box.cfg) == 'function' then
        fail(('Start failed: %s ended without calling box.cfg'):format(opt.file))
    end
    tell('R')
    if opt.ready_fd >= 0 then
        C.ctl_launch_close(opt.ready_fd)
    end
end

run()
