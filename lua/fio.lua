-- fio: files, directories and paths. The C part does what blocks.
local ffi = require('ffi')
local errno = require('errno')
local fiber = require('fiber')

local _, internal = ...
local fio = {c = internal.c}

ffi.cdef('struct fio_handle { int fh; };')

local methods = {}

-- Read all that is left, in pieces.
local function read_all(fh)
    local parts = {}
    while true do
        local part, err = internal.read(fh, 65536)
        if part == nil then
            return nil, err
        end
        if part == '' then
            return table.concat(parts)
        end
        parts[#parts + 1] = part
    end
end

local function is_buffer(v)
    return type(v) == 'cdata'
end

-- Into the caller's memory; how much was read.
local function read_into(buf, text, err)
    if text == nil then
        return nil, err
    end
    ffi.copy(buf, text, #text)
    return #text
end

-- fh:read(), fh:read(size), fh:read(buf, size)
function methods:read(buf, size)
    if buf == nil then
        return read_all(self.fh)
    end
    if is_buffer(buf) then
        return read_into(buf, internal.read(self.fh, size))
    end
    return internal.read(self.fh, buf)
end

-- fh:pread(size, offset), fh:pread(buf, size, offset)
function methods:pread(buf, size, offset)
    if is_buffer(buf) then
        return read_into(buf, internal.read(self.fh, size, offset or 0))
    end
    return internal.read(self.fh, buf, size or 0)
end

local function to_text(data, len)
    if is_buffer(data) and len ~= nil then
        return ffi.string(data, len)
    end
    return type(data) == 'string' and data or tostring(data)
end

function methods:write(data, len)
    return internal.write(self.fh, to_text(data, len))
end

-- fh:pwrite(data, offset), fh:pwrite(buf, len, offset)
function methods:pwrite(data, len, offset)
    if is_buffer(data) then
        return internal.write(self.fh, ffi.string(data, len), offset or 0)
    end
    return internal.write(self.fh, to_text(data), len or 0)
end

function methods:seek(offset, whence)
    if whence == nil then
        whence = 'SEEK_SET'
    end
    if type(whence) == 'string' then
        if fio.c.seek[whence] == nil then
            error(string.format('fio.seek(): unknown whence: %s', whence))
        end
        whence = fio.c.seek[whence]
    end
    return internal.seek(self.fh, tonumber(offset) or 0, whence)
end

function methods:truncate(length)
    return internal.ftruncate(self.fh, length or 0)
end

function methods:fsync()
    return internal.fsync(self.fh)
end

function methods:fdatasync()
    return internal.fdatasync(self.fh)
end

function methods:stat()
    return internal.fstat(self.fh)
end

-- The number is given up first: nobody else can close it while we wait.
function methods:close()
    local fh = self.fh
    self.fh = -1
    return internal.close(fh)
end

local handle = ffi.metatype('struct fio_handle', {
    __index = methods,
    __gc = function(self)
        if self.fh >= 0 then
            internal.close_now(self.fh)
        end
    end,
})

-- A number, a name or an array of names, as bits.
local function to_bits(names, known, what)
    if names == nil then
        return 0
    end
    if type(names) == 'number' then
        return names
    end
    if type(names) ~= 'table' then
        names = {names}
    end
    local bits = 0
    for _, name in pairs(names) do
        if known[name] == nil then
            error(string.format('fio.open(): unknown %s: %s', what, tostring(name)), 3)
        end
        bits = bit.bor(bits, known[name])
    end
    return bits
end

function fio.open(path, flags, mode)
    if type(path) ~= 'string' then
        error('Usage: fio.open(path[, flags[, mode]])')
    end
    flags = to_bits(flags, fio.c.flag, 'flag')
    mode = to_bits(mode, fio.c.mode, 'mode')
    local fh, err = internal.open(path, flags, mode)
    if fh == nil then
        return nil, err
    end
    return handle(fh)
end

local function squeeze(part)
    return (tostring(part):gsub('/+', '/'))
end

function fio.pathjoin(...)
    local path
    for i = 1, select('#', ...) do
        local part = select(i, ...)
        if part == nil then
            error(string.format('fio.pathjoin(): undefined path part %d', i))
        end
        part = squeeze(part)
        if path == nil then
            if part ~= '' then
                path = part == '/' and part or part:gsub('/$', '')
            end
        else
            part = part:gsub('^/', ''):gsub('/$', '')
            if part ~= '' then
                path = path .. (path == '/' and '' or '/') .. part
            end
        end
    end
    return path or '.'
end

function fio.basename(path, suffix)
    if type(path) ~= 'string' then
        error('Usage: fio.basename(path[, suffix])')
    end
    local name = path:match('[^/]*$')
    suffix = suffix ~= nil and tostring(suffix) or ''
    if suffix ~= '' and name:sub(-#suffix) == suffix then
        name = name:sub(1, -#suffix - 1)
    end
    return name
end

function fio.dirname(path)
    if type(path) ~= 'string' then
        error('Usage: fio.dirname(path)')
    end
    return internal.dirname(path)
end

function fio.abspath(path)
    if type(path) ~= 'string' then
        error('Usage: fio.abspath(path)')
    end
    if path:sub(1, 1) ~= '/' then
        path = fio.cwd() .. '/' .. path
    end
    local parts = {}
    for part in path:gmatch('[^/]+') do
        if part == '..' then
            parts[#parts] = nil
        elseif part ~= '.' then
            parts[#parts + 1] = part
        end
    end
    return '/' .. table.concat(parts, '/')
end

function fio.chdir(path)
    if type(path) ~= 'string' then
        error('Usage: fio.chdir(path)')
    end
    return internal.chdir(path)
end

function fio.umask(mask)
    if type(mask) == 'string' then
        mask = tonumber(mask, 8)
            or error("bad argument #1 to '?' (cannot convert 'nil' to 'int')", 0)
    end
    return internal.umask(mask)
end

function fio.listdir(path)
    if type(path) ~= 'string' then
        error('Usage: fio.listdir(path)')
    end
    local names, err = internal.listdir(path)
    if names == nil then
        return nil, string.format("can't listdir %s: %s", path, err)
    end
    return names
end

local function is_dir(path)
    local st = fio.stat(path)
    return st ~= nil and st:is_dir()
end

function fio.mktree(path, mode)
    if type(path) ~= 'string' then
        error('Usage: fio.mktree(path[, mode])')
    end
    local at = ''
    for part in fio.abspath(path):gmatch('[^/]+') do
        at = at .. '/' .. part
        if not is_dir(at) then
            local ok, err = fio.mkdir(at, mode)
            -- somebody else may have made it meanwhile
            if not ok and not is_dir(at) then
                return false, string.format('Error creating directory %s: %s', at,
                                            errno.strerror(err.errno))
            end
        end
    end
    return true
end

function fio.rmtree(path)
    if type(path) ~= 'string' then
        error('Usage: fio.rmtree(path)')
    end
    path = fio.abspath(path)
    local names, err = fio.listdir(path)
    if names == nil then
        return nil, err
    end
    for _, name in ipairs(names) do
        local at = fio.pathjoin(path, name)
        local st, ok
        st, err = fio.lstat(at)
        if st == nil then
            return nil, err
        end
        if st:is_dir() then
            ok, err = fio.rmtree(at)
        else
            ok, err = fio.unlink(at)
        end
        if not ok then
            return nil, err
        end
    end
    local ok
    ok, err = fio.rmdir(path)
    if not ok then
        return nil, string.format('failed to remove %s: %s', path, err)
    end
    return true
end

function fio.copyfile(from, to)
    if type(from) ~= 'string' or type(to) ~= 'string' then
        error('Usage: fio.copyfile(from, to)')
    end
    if is_dir(to) then
        to = fio.pathjoin(to, fio.basename(from))
    end
    local ok, err = internal.copyfile(from, to)
    if not ok then
        return false, string.format('failed to copy %s to %s: %s', from, to, err)
    end
    return true
end

local function copy_entry(from, to)
    local st, err = fio.lstat(from)
    if st == nil then
        return false, string.format("can't stat %s: %s", from, err)
    end
    if st:is_dir() then
        return fio.copytree(from, to)
    end
    if not st:is_link() then
        return fio.copyfile(from, to)
    end
    local target
    target, err = fio.readlink(from)
    if target == nil then
        return false, string.format("can't read symlink %s: %s", from, err)
    end
    local ok
    ok, err = fio.symlink(target, to)
    if not ok then
        return false, string.format("can't create symlink %s to %s: %s", to, target, err)
    end
    return true
end

function fio.copytree(from, to)
    if type(from) ~= 'string' or type(to) ~= 'string' then
        error('Usage: fio.copytree(from, to)')
    end
    local st = fio.stat(from)
    if st == nil then
        return false, string.format('Directory %s does not exist', from)
    end
    if not st:is_dir() then
        return false, errno.strerror(errno.ENOTDIR)
    end
    local names, err = fio.listdir(from)
    if names == nil then
        return false, err
    end
    local ok
    ok, err = fio.mktree(to)
    if not ok then
        return false, err
    end
    for _, name in ipairs(names) do
        ok, err = copy_entry(fio.pathjoin(from, name), fio.pathjoin(to, name))
        if not ok then
            return false, err
        end
    end
    return true
end

function fio.utime(path, atime, mtime)
    if type(path) ~= 'string' then
        error('Usage: fio.utime(filepath[, atime[, mtime]])')
    end
    atime = atime == nil and fiber.time() or atime
    mtime = mtime == nil and atime or mtime
    if type(atime) ~= 'number' then
        error('fio.utime: atime should be a number')
    end
    if type(mtime) ~= 'number' then
        error('fio.utime: mtime should be a number')
    end
    return internal.utime(path, atime, mtime)
end

for _, name in ipairs({'chmod', 'chown', 'cwd', 'glob', 'link', 'lstat', 'mkdir',
                       'readlink', 'rename', 'rmdir', 'stat', 'symlink', 'sync',
                       'tempdir', 'truncate', 'unlink'}) do
    fio[name] = internal[name]
end

fio.path = {}

function fio.path.exists(path)
    return fio.stat(path) ~= nil
end

function fio.path.is_dir(path)
    return is_dir(path)
end

function fio.path.is_file(path)
    local st = fio.stat(path)
    return st ~= nil and st:is_reg()
end

function fio.path.is_link(path)
    local st = fio.lstat(path)
    return st ~= nil and st:is_link()
end

function fio.path.lexists(path)
    return fio.lstat(path) ~= nil
end

return fio
