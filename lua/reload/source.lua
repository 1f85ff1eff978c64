-- Where a module's text comes from: search, rest, read, hash, compile. What takes
-- long is cut into slices; requests are served between them.

local E = ...
local M = {}

local digest = require('digest')
local fiber = require('fiber')
local fio = require('fio')
local bytecode = E.use('bytecode')
local util = E.use('util')

local REST_S = 0.1 -- no file of the set may have changed for so long
local REST_WAIT_S = 5 -- else the set is refused after so long
local PIECE = 8 * 1024 -- what the parser gets at a time
local READ_PIECE = 64 * 1024
local STAT_FIBERS = 8
local IRREGULAR = 'not a regular file' -- its key: to open a pipe stops the instance

-- Absolute form of a path; does not yield.
function M.absolute(path)
    if path:sub(1, 1) == '/' then
        return path
    end
    return fio.cwd() .. '/' .. (path:gsub('^%./', ''))
end

-- Has the application loaders of its own?
function M.has_custom_loaders()
    for _, loader in ipairs(package.loaders) do
        if type(loader) == 'function' and not util.is_builtin(loader) then
            return true
        end
    end
    return false
end

-- The chunk of a loader that the application put into package.loaders.
local function custom_chunk(name)
    for _, loader in ipairs(package.loaders) do
        if type(loader) == 'function' and not util.is_builtin(loader) then
            local chunk = loader(name)
            if type(chunk) == 'function' then
                return chunk
            end
        end
    end
    return nil
end

-- Where require() would find a module: kind, path as the runtime spells it, chunk of
-- a custom loader. Kinds: file, loader, preload, clib, none. Custom loaders are called,
-- unless has_files_only: in front of the application nobody may see the engine.
function M.resolve(name, has_files_only)
    if package.preload[name] ~= nil then
        return 'preload'
    end
    local chunk = not has_files_only and custom_chunk(name) or nil
    if chunk ~= nil then
        return 'loader', nil, chunk
    end
    local path = package.search(name)
    if path == nil then
        return 'none'
    end
    return path:sub(-4) == '.lua' and 'file' or 'clib', path
end

-- Installed by a package manager: read and compared, never taken by --all.
function M.is_rock(path)
    return path ~= nil and (path:find('/.rocks/', 1, true) or
        path:find('/share/lua/', 1, true)) ~= nil
end

-- What tells whether a file is the same as before, and when it changed; nil when it
-- is not there. May yield. The time is ctime: packages and rsync set mtime back.
function M.stat(path)
    local inode, size, mtime, ctime, is_regular
    if util.c.stat ~= nil then
        inode, size, mtime, ctime, is_regular = util.c.stat(path)
    else
        local s = fio.stat(path)
        if s ~= nil then
            inode, size, mtime, ctime, is_regular = s.inode, s.size, s.mtime, s.ctime, s:is_reg()
        end
    end
    if inode == nil then
        return nil
    end
    if not is_regular then
        return IRREGULAR, 0, 0
    end
    return ('%d:%d:%.9f:%.9f'):format(inode, size, mtime, ctime), ctime, size
end

local function stat_some(paths, cursor, out)
    while cursor.next <= #paths do
        local path = paths[cursor.next]
        cursor.next = cursor.next + 1
        local key, changed, size = M.stat(path)
        out[path] = key and {key = key, changed = changed, size = size} or false
        util.breathe()
    end
end

-- path -> {key, changed, size}, or false for a missing file. On Tarantool each call hops
-- to a worker thread and back, so several are asked at a time; tarantella asks at once:
-- the files are read without a hop too, and a hop takes 30 times as long as the answer.
function M.stat_all(paths)
    local cursor, out = {next = 1}, {}
    if util.c.stat ~= nil then
        stat_some(paths, cursor, out)
        return out
    end
    local running, done = math.min(#paths, STAT_FIBERS) - 1, fiber.cond()
    for _ = 1, running do
        fiber.new(function()
            stat_some(paths, cursor, out)
            running = running - 1
            done:signal()
        end)
    end
    stat_some(paths, cursor, out)
    while running > 0 do
        done:wait()
    end
    util.begin_slice()
    return out
end

-- Wait until none of the files has changed for a while: then nobody is writing the
-- set. Returns what stat_all() does. Yields.
function M.rest(paths, is_hurried)
    local deadline = fiber.time() + REST_WAIT_S
    while true do
        local stats = M.stat_all(paths)
        local youngest, path = 0, nil
        for p, s in pairs(stats) do
            if s and s.changed > youngest then
                youngest, path = s.changed, p
            end
        end
        local age = fiber.time() - youngest
        -- A file from the future: the clocks differ, its age says nothing.
        if is_hurried or age >= REST_S or age < -1 then
            return stats
        end
        if fiber.time() > deadline then
            util.fail('read', '%s: the files do not come to rest: something is ' ..
                'writing them', path)
        end
        fiber.sleep(math.max(REST_S - age, 0) + 0.001)
    end
end

local function read_pieces(path)
    local file, err = io.open(path, 'rb')
    if file == nil then
        return nil, err
    end
    local pieces = {}
    while true do
        local piece
        piece, err = file:read(READ_PIECE)
        if piece == nil then
            break
        end
        pieces[#pieces + 1] = piece
        util.breathe()
    end
    file:close()
    if err ~= nil then
        return nil, path .. ': ' .. err
    end
    return table.concat(pieces)
end

-- The text of a file. What stat() said before may be given; the caller then asks again
-- when the whole set is read, so this need not.
function M.read(path, known)
    for _ = 1, 20 do
        local key, size = known and known.key, known and known.size
        if key == nil then
            local _
            key, _, size = M.stat(path)
        end
        if key == nil then
            util.fail('read', '%s: no such file', path)
        elseif key == IRREGULAR then
            util.fail('read', '%s: %s', path, IRREGULAR)
        end
        local text, err = read_pieces(path)
        if text == nil then
            util.fail('read', '%s', err)
        end
        if #text == tonumber(size) and (known or M.stat(path) == key) then
            return text, key
        end
        known = nil
    end
    util.fail('read', '%s: it is still being written', path)
end

-- Hash of a text, for people and for comparing two instances. In pieces: a big text
-- does not stop the loop.
function M.hash(text)
    local sums = {}
    for i = 1, math.max(#text, 1), READ_PIECE do
        sums[#sums + 1] = digest.sha1_hex(text:sub(i, i + READ_PIECE - 1))
        util.breathe()
    end
    return (#sums == 1 and sums[1] or digest.sha1_hex(table.concat(sums))):sub(1, 12)
end

-- Milliseconds that compiling took, for the report.
M.compile_ms = 0

-- Compile a text. The parser pulls it in pieces; between two of them others run.
-- Returns the function or nil and the error with file:line.
function M.compile(text, chunk_name)
    local started = util.now()
    if text:sub(1, 1) == '#' then
        text = '--' .. text
    end
    local pos = 1
    local chunk, err = load(function()
        if pos > #text then
            return nil
        end
        local piece = text:sub(pos, pos + PIECE - 1)
        pos = pos + PIECE
        util.breathe()
        return piece
    end, chunk_name)
    M.compile_ms = M.compile_ms + util.now() - started
    return chunk, err
end

local function new_unit(name, kind, chunk, fields)
    local edges = bytecode.requires(chunk)
    fields.name, fields.kind, fields.chunk = name, kind, chunk
    fields.edges, fields.weak, fields.dynamic = edges.strong, edges.weak, edges.dynamic
    fields.functions = edges.functions
    fields.files = {}
    for path in pairs(edges.files) do
        fields.files[M.absolute(path)] = true
    end
    return fields
end

-- Read and compile one module from a file. path: absolute; chunk_name: as the runtime
-- gave it, applications find their folder by it. `text` replaces the file's; `known` is
-- what stat_all() said about it.
function M.file_unit(name, path, chunk_name, text, known)
    local key
    if text == nil then
        text, key = M.read(path, known)
    end
    local chunk, err = M.compile(text, chunk_name)
    if chunk == nil then
        util.fail('compile', '%s', err)
    end
    return new_unit(name, 'file', chunk, {
        path = path, source = chunk_name, text = text, stat = key,
    })
end

-- What a custom loader gave: its bytecode stands for the text.
function M.loader_unit(name, chunk)
    return new_unit(name, 'loader', chunk, {
        source = debug.getinfo(chunk, 'S').source, text = string.dump(chunk),
    })
end

-- One module, wherever it comes from; nil and the kind when it is no Lua code of the
-- application.
function M.unit(name)
    local kind, path, chunk = M.resolve(name)
    if kind == 'file' then
        return M.file_unit(name, M.absolute(path), '@' .. path)
    elseif kind == 'loader' then
        return M.loader_unit(name, chunk)
    end
    return nil, kind
end

return M
