-- Part of remote.lua: C modules (`ctl reload-module`, `ctl gens --unit library`).
--
-- tarantella does all by itself: require('module'). On stock Tarantool the facts
-- come from box.space._func, package.search() and /proc/self: the server keeps each
-- module as a copy named <TMPDIR>/tntXXXXXX/<module>.so that is deleted at once.

-- What is remembered: M.libraries[name] = {current =, loaded_at =, kept =} of modules
-- on a stock server, M.lua_libraries[name] = {path =, build_id =, loaded_at =} of reloaded Lua C modules.
M.libraries = M.libraries or {}
M.lua_libraries = M.lua_libraries or {}

local function native()
    local ok, module = pcall(require, 'module')
    return ok and type(module) == 'table' and type(module.reload) == 'function' and
        type(module.list) == 'function' and module or nil
end

local function has_box()
    return type(box) == 'table' and type(box.cfg) ~= 'function' and box.space ~= nil
end

-- Functions in C by module: {mod = {'mod.f1', ...}}.
local function c_functions()
    local modules = {}
    if not has_box() then
        return modules
    end
    for _, row in box.space._func:pairs() do
        if row[5] == 'C' then
            -- The module is all before the last dot.
            local module = row[3]:match('^(.+)%.[^.]*$') or row[3]
            modules[module] = modules[module] or {}
            table.insert(modules[module], row[3])
        end
    end
    for _, list in pairs(modules) do
        table.sort(list)
    end
    return modules
end

-- What files are mapped: a row for each copy, with its range of addresses.
local function mappings()
    local list, by_key = {}, {}
    for line in io.lines('/proc/self/maps') do
        local from, to, offset, dev, inode, path =
            line:match('^(%x+)%-(%x+) %S+ (%x+) (%S+) (%d+)%s+(/.*)$')
        if path ~= nil then
            local key = dev .. '/' .. inode .. '/' .. path
            local m = by_key[key]
            if m == nil then
                m = {key = key, path = path, from = tonumber(from, 16)}
                m.is_start = tonumber(offset, 16) == 0
                m.first_to = tonumber(to, 16)
                by_key[key] = m
                list[#list + 1] = m
            end
            m.to = tonumber(to, 16)
        end
    end
    return list
end

-- The server's copies of a module that are mapped.
local function copies_of(name, maps)
    local list = {}
    for _, m in ipairs(maps) do
        local copy = m.path:match('/tnt%w%w%w%w%w%w/(.+)%.so %(deleted%)$')
        if m.is_start and copy == name then
            list[#list + 1] = m
        end
    end
    return list
end

local function u(text, at, size)
    local value = 0
    for i = size - 1, 0, -1 do
        value = value * 256 + text:byte(at + 1 + i)
    end
    return value
end

-- The build-id of what is mapped there: read as a file, so a bad address is no crash.
local function mapped_build_id(from)
    local mem = io.open('/proc/self/mem', 'rb')
    if mem == nil then
        return ''
    end
    mem:setvbuf('no')
    local function read(at, size)
        return mem:seek('set', from + at) and mem:read(size) or ''
    end
    local id = ''
    local header = read(0, 64)
    if #header == 64 and header:sub(1, 4) == '\127ELF' then
        local offset, size, count = u(header, 32, 8), u(header, 54, 2), u(header, 56, 2)
        for i = 0, math.min(count, 64) - 1 do
            local ph = read(offset + i * size, 56)
            if #ph == 56 and u(ph, 0, 4) == 4 then -- PT_NOTE
                local notes = read(u(ph, 16, 8), math.min(u(ph, 32, 8), 4096))
                local at = 0
                while at + 12 <= #notes do
                    local namesz, descsz, kind = u(notes, at, 4), u(notes, at + 4, 4),
                        u(notes, at + 8, 4)
                    local desc = at + 12 + math.ceil(namesz / 4) * 4
                    if kind == 3 and notes:sub(at + 13, at + 16) == 'GNU\0' then
                        id = notes:sub(desc + 1, desc + descsz):gsub('.', function(c)
                            return ('%02x'):format(c:byte())
                        end)
                        break
                    end
                    at = desc + math.ceil(descsz / 4) * 4
                end
            end
            if id ~= '' then
                break
            end
        end
    end
    mem:close()
    return id
end

-- What code can leave behind that outlives its calls: fibers, threads, handlers,
-- functions given to Lua. The server unloads an old version when its last call
-- ends, and whatever else runs in it then kills the process. So a version that could
-- do such things, by the functions that it imports, is kept mapped for ever.
local LEAVES_BEHIND = {
    'fiber_new', 'fiber_new_ex', 'coio_call', 'pthread_create', 'thrd_create',
    'lua_pushcclosure', 'luaL_register', 'luaL_openlib', 'luaL_setfuncs', 'atexit',
    '__cxa_thread_atexit', 'on_exit', 'pthread_key_create', 'sigaction', 'signal',
    'timer_create', 'dlopen',
}

local function imports_what_stays(m)
    local mem = io.open('/proc/self/mem', 'rb')
    if mem == nil then
        return 'its imports cannot be read'
    end
    mem:setvbuf('no')
    -- The table of names is in the first part that is mapped, before any code.
    local text = mem:seek('set', m.from) and mem:read(m.first_to - m.from) or ''
    mem:close()
    for _, name in ipairs(LEAVES_BEHIND) do
        if text:find('\0' .. name .. '\0', 1, true) then
            return name
        end
    end
end

ffi.cdef([[
    int ctl_remote_dladdr(const void *addr, const char **info) __asm__("dladdr");
    void *ctl_remote_dlopen(const char *name, int flags) __asm__("dlopen");
    int ctl_remote_dlclose(void *handle) __asm__("dlclose");
    char *ctl_remote_dlerror(void) __asm__("dlerror");
]])
local RTLD_NOW = 0x2
local RTLD_NOW_NOLOAD_NODELETE = 0x2 + 0x4 + 0x1000

-- Keep a copy mapped for ever. Its file is gone, but the linker knows its name.
local function keep_mapped(m)
    local info = ffi.new('const char *[4]')
    return ffi.C.ctl_remote_dladdr(ffi.cast('const void *', m.from), info) ~= 0 and
        info[0] ~= nil and
        ffi.C.ctl_remote_dlopen(info[0], RTLD_NOW_NOLOAD_NODELETE) ~= nil
end

-- Lua C modules -------------------------------------------------------------

local function open_name(kind, name)
    -- As LuaJIT does: what stands before a hyphen is the author's version mark.
    name = name:match('^[^-]*%-(.*)$') or name
    return kind .. '_' .. name:gsub('%.', '_')
end

-- The path by which the loaded one was opened, or nil: it is no C library.
local function lua_library_path(name)
    if M.lua_libraries[name] ~= nil then
        return M.lua_libraries[name].path
    end
    -- The name is a file's path below a root: all its copies are told by their ends.
    local function try(name_)
        local ending = '/' .. name_:gsub('%.', '/') .. '.so'
        for key in pairs(registry) do
            local path = type(key) == 'string' and key:match('^LOADLIB: (.*)$')
            if path and ('/' .. path):sub(-#ending) == ending then
                return path
            end
        end
    end
    return try(name) or try(name:match('^[^-]*%-(.*)$') or name)
end

local function find_lua(name, answer)
    local path = lua_library_path(name)
    if path == nil then
        answer.kind = 'lua'
        return answer
    end
    answer.kind = 'lua-c'
    answer.opened = path
    answer.open_symbol = open_name('luaopen', name)
    answer.close_symbol = open_name('luaclose', name)
    -- The library stays open under its path: this finds it again.
    answer.has_close = package.loadlib(path, answer.close_symbol) ~= nil
    if M.lua_libraries[name] ~= nil then
        answer.path = M.lua_libraries[name].source
        answer.old_build_id = M.lua_libraries[name].build_id
    end
    if answer.path == '' then
        answer.path = path
    end
    if answer.old_build_id == '' then
        for _, m in ipairs(mappings()) do
            if m.is_start and m.path:gsub(' %(deleted%)$', '') == path then
                answer.old_build_id = mapped_build_id(m.from)
            end
        end
    end
    return answer
end

-- The file that the server would load. package.search() waits for ever at a FIFO, and
-- passes a file by that it cannot open: then that one is named, ctl says what it is.
local function find_file(name)
    local fio = require('fio')
    local root = package.searchroot and package.searchroot() or '.'
    local closed
    for template in (root .. '/?.so;' .. package.cpath):gmatch('[^;]+') do
        local path = template:gsub('%?', (name:gsub('%.', '/'):gsub('%%', '%%%%')))
        local stat = #path < 4096 and not path:find('%c') and
            (fio.stat(path) or fio.lstat(path))
        if stat and not (stat:is_reg() or stat:is_dir()) then
            closed = closed or path
            break
        elseif stat then
            local f = io.open(path, 'rb')
            if f ~= nil then
                f:close()
                closed = nil
                break
            end
            closed = closed or path
        end
    end
    return closed or package.search(name) or ''
end

-- What is this module here? kind: 'native' (tarantella does it), 'c' (functions of a
-- stock server), 'lua-c', 'lua', 'none'.
function ops.library_find(name)
    local tarantool = require('tarantool')
    local answer = {
        kind = 'none', path = '', functions = {}, is_loaded = false, old_build_id = '',
        cwd = require('fio').cwd(), tmpdir = os.getenv('TMPDIR') or '/tmp',
        has_lib = false, pid = type(tarantool.pid) == 'function' and tarantool.pid() or 0,
        hint = '',
    }
    local functions = c_functions()
    local module = native()
    if module ~= nil then
        for _, row in ipairs(module.list()) do
            local is_it = row.name == name
            answer.is_loaded = answer.is_loaded or is_it and row.functions > 0
            answer.has_lib = answer.has_lib or is_it and row.handles > 0
        end
    end
    if functions[name] ~= nil or answer.is_loaded then
        answer.kind = module and 'native' or 'c'
        answer.functions = functions[name] or {}
    elseif package.loaded[name] ~= nil then
        answer.is_loaded = true
        pcall(function() answer.path = package.search(name) or '' end)
        return 'ok', find_lua(name, answer)
    else
        for other, list in pairs(functions) do
            for _, f in ipairs(list) do
                if f == name then
                    answer.hint = other
                end
            end
        end
        return 'ok', answer
    end
    if module == nil then
        answer.path = find_file(name)
        local copies = copies_of(name, mappings())
        answer.is_loaded = #copies > 0
        if #copies == 1 then
            answer.old_build_id = mapped_build_id(copies[1].from)
        elseif M.libraries[name] ~= nil then
            answer.old_build_id = M.libraries[name].build_id
        end
    end
    return 'ok', answer
end

-- tarantella ----------------------------------------------------------------

function ops.library_reload(name, is_check)
    local ok, report = pcall(native().reload, name, {check = is_check})
    if not ok then
        return 'error', error_text(report), ''
    end
    return 'ok', report
end

-- Wait until nothing of the old versions is left. 'left': what is.
local function library_old(name)
    local list = {}
    local module = native()
    if module ~= nil then
        -- The newest version that serves functions, and all before it.
        local current = 0
        for _, row in ipairs(module.list()) do
            if row.name == name and row.functions > 0 then
                current = math.max(current, row.number)
            end
        end
        for _, row in ipairs(module.list()) do
            if row.name == name and row.number < current and
                    row.calls + row.fibers + row.tasks > 0 then
                list[#list + 1] = row
            end
        end
        return list
    end
    local known = M.libraries[name] or {kept = {}}
    local copies = copies_of(name, mappings())
    for i, m in ipairs(copies) do
        local is_old = i < #copies
        if known.current then
            is_old = m.key ~= known.current
        end
        if is_old and not known.kept[m.key] then
            list[#list + 1] = {
                name = name, build_id = mapped_build_id(m.from), state = 'draining',
                calls = -1, fibers = 0,
            }
        end
    end
    return list
end

function ops.library_wait(name, timeout)
    local deadline = fiber.clock() + timeout
    local pause = 0.001
    while true do
        local list = library_old(name)
        if #list == 0 or fiber.clock() >= deadline then
            return 'ok', list
        end
        fiber.sleep(math.min(pause, math.max(deadline - fiber.clock(), 0)))
        pause = math.min(pause * 2, 0.05)
    end
end

-- Stock Tarantool -----------------------------------------------------------

-- A message of the linker about a copy, with the name of the file.
local function renamed(message, copy, source)
    if message:sub(1, #copy) == copy then
        return source .. message:sub(#copy + 1)
    end
    return message
end

-- Does a copy of the new file load? It is closed at once.
function ops.library_try(path, source)
    -- Looked up before: looking a function up forgets the error.
    local dlerror = ffi.C.ctl_remote_dlerror
    local handle = ffi.C.ctl_remote_dlopen(path, RTLD_NOW)
    if handle == nil then
        local why = dlerror()
        why = why ~= nil and ffi.string(why) or 'it cannot be opened'
        return 'error', renamed(why, path, source), ''
    end
    ffi.C.ctl_remote_dlclose(handle)
    return 'ok', ''
end

-- path: the file that was checked; functions: those that it was checked for. All in
-- one turn of the event loop, so nothing changes in between.
function ops.library_reload_stock(name, path, functions, inode)
    local stat = require('fio').stat(path)
    if stat == nil or tostring(stat.inode):gsub('ULL', '') ~= inode then
        return 'error', ("the server does not see ctl's copy of the file, %s")
            :format(path), ''
    end
    local now = c_functions()[name] or {}
    if table.concat(now, '\n') ~= table.concat(functions, '\n') then
        return 'error', 'its functions have changed meanwhile: try again', ''
    end
    local before = copies_of(name, mappings())
    local known = M.libraries[name] or {kept = {}}
    local stuck
    for _, m in ipairs(before) do
        local why = imports_what_stays(m)
        if why ~= nil then
            if not keep_mapped(m) then
                return 'error', ('the old version uses %s, and cannot be kept mapped: ' ..
                    'Tarantool could unload code that runs'):format(why), ''
            end
            known.kept[m.key] = true
            stuck = ('it uses %s, so code of it may run on after its calls'):format(why)
        end
    end
    local search = package.search
    package.search = function(asked, ...)
        if asked == name then
            return path
        end
        return search(asked, ...)
    end
    local clock = require('clock')
    local started = clock.monotonic()
    local ok, err = pcall(box.schema.func.reload, name)
    local seconds = clock.monotonic() - started
    package.search = search
    if not ok then
        return 'error', error_text(err), ''
    end
    local is_known, added, open = {}, nil, 0
    for _, m in ipairs(before) do
        is_known[m.key] = true
    end
    for _, m in ipairs(copies_of(name, mappings())) do
        if not is_known[m.key] then
            added = m
        elseif not known.kept[m.key] then
            open = open + 1
        end
    end
    local report = {
        name = name, functions = #functions, time = seconds,
        -- The server keeps an old version as long as a call is in it.
        calls = (open > 0 or stuck) and -1 or 0, fibers = 0, stuck = stuck,
        new_build_id = added and mapped_build_id(added.from) or '',
    }
    known.current, known.loaded_at = added and added.key, fiber.time()
    known.build_id = report.new_build_id
    M.libraries[name] = known
    return 'ok', report
end

-- Lua C modules: the second half --------------------------------------------

local function replace_content(old, new)
    for k in pairs(old) do
        if rawget(new, k) == nil then
            rawset(old, k, nil)
        end
    end
    for k, v in next, new do
        rawset(old, k, v)
    end
    debug.setmetatable(old, debug.getmetatable(new))
end

-- path: a copy of the new file, checked, never opened before; it may go afterwards.
function ops.library_reload_lua(name, path, source, build_id, is_check)
    local answer = {}
    find_lua(name, answer)
    if answer.kind ~= 'lua-c' or not answer.has_close then
        return 'error', 'it has changed meanwhile: try again', ''
    end
    local clock = require('clock')
    local started = clock.monotonic()
    local open, err = package.loadlib(path, answer.open_symbol)
    if open == nil then
        return 'error', renamed(tostring(err), path, source), ''
    end
    local old = package.loaded[name]
    local report = {name = name, functions = 0, calls = 0, fibers = 0, old_versions = 1}
    if not is_check then
        local close = package.loadlib(answer.opened, answer.close_symbol)
        local ok, state = pcall(close, name, old)
        if not ok then
            return 'error', ('%s failed: %s'):format(answer.close_symbol,
                error_text(state)), ''
        end
        local value
        package.loaded[name] = nil
        ok, value = pcall(open, name, state)
        if value == nil then
            value = package.loaded[name]
        end
        if not ok then
            -- The old is closed: open it again.
            package.loaded[name] = old
            local message = ('%s failed: %s'):format(answer.open_symbol,
                error_text(value))
            local reopen = package.loadlib(answer.opened, answer.open_symbol)
            ok, value = pcall(reopen, name, state)
            if ok and type(value) == 'table' and type(old) == 'table' then
                replace_content(old, value)
            elseif ok and value ~= nil then
                package.loaded[name] = value
            end
            if not ok then
                return 'broken', message .. '; the old version could not be opened ' ..
                    'again: ' .. error_text(value), ''
            end
            return 'rolled-back', message .. '; the old version was opened again', ''
        end
        -- Who holds the module's table gets the new functions through it.
        if type(old) == 'table' and type(value) == 'table' and old ~= value then
            replace_content(old, value)
            value = old
        end
        package.loaded[name] = value == nil and true or value
        for _ in pairs(type(value) == 'table' and value or {}) do
            report.functions = report.functions + 1
        end
        M.lua_libraries[name] = {
            path = path, source = source, build_id = build_id, loaded_at = fiber.time(),
        }
    end
    report.time = clock.monotonic() - started
    return 'ok', report
end

-- Listing -------------------------------------------------------------------

function ops.library_list()
    local module = native()
    local rows = {}
    if module ~= nil then
        rows = module.list()
    else
        local maps = mappings()
        for name in pairs(c_functions()) do
            local copies = copies_of(name, maps)
            local known = M.libraries[name]
            for _, m in ipairs(copies) do
                local is_current = #copies == 1 or known and known.current == m.key
                local is_kept = known and known.kept[m.key]
                rows[#rows + 1] = {
                    name = name, build_id = mapped_build_id(m.from),
                    path = package.search(name) or '', versions = #copies,
                    -- How many is not known; an old version stays while there are.
                    calls = is_current and 0 or -1, fibers = is_kept and -1 or 0,
                    loaded_at = known and known.current == m.key and
                        known.loaded_at or 0,
                    state = is_current and 'current' or is_kept and 'cannot be unloaded' or
                        known and 'draining' or 'mapped',
                }
            end
        end
    end
    for name, known in pairs(M.lua_libraries) do
        rows[#rows + 1] = {
            name = name, build_id = known.build_id, path = known.source, versions = 1,
            calls = 0, fibers = 0, loaded_at = known.loaded_at, state = 'current',
        }
    end
    table.sort(rows, function(a, b)
        if a.name ~= b.name then
            return a.name < b.name
        end
        return a.loaded_at < b.loaded_at
    end)
    return 'ok', rows
end
