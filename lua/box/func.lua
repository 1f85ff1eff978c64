-- box.schema.func and box.func: functions that _func knows by name.
local clock = require('clock')
local check = require('box.check')
local modules = require('box.internal.module')
local session = require('box.internal.session')
local space = require('box.internal.space')

local func = {}

local create_options = {
    setuid = 'boolean', if_not_exists = 'boolean', language = 'string', body = 'string',
    is_deterministic = 'boolean', is_sandboxed = 'boolean', is_multikey = 'boolean',
    comment = 'string', param_list = 'table', returns = 'string', exports = 'table',
    opts = 'table',
}

local function find(name)
    local index = type(name) == 'string' and 'name' or 'primary'
    return box.space._vfunc.index[index]:get({name})
end

local function next_id()
    local max = box.space._func.index.primary:max()
    return max ~= nil and max[1] + 1 or 1
end

function func.create(name, options)
    options = options or {}
    check.options(options, create_options)
    local _func = box.space._func
    local _vfunc = box.space._vfunc
    if _vfunc.index.name:get({name}) ~= nil then
        if options.if_not_exists then
            return
        end
        box.error(box.error.FUNCTION_EXISTS, name)
    end
    options.setuid = options.setuid and 1 or 0
    local language = (options.language or 'LUA'):upper()
    local now = os.date('%Y-%m-%d %H:%M:%S', math.floor(clock.time()))
    local opts = setmetatable(options.opts or {}, {__serialize = 'map'})
    if options.is_multikey then
        opts.is_multikey = true
    end
    _func:insert({next_id(), box.session.euid(), name, options.setuid, language,
        options.body or '', 'function', options.param_list or {}, options.returns or 'any',
        'none', 'none', options.is_deterministic or false, options.is_sandboxed or false, true,
        options.exports or {'LUA'}, opts, options.comment or '', now, now})
end

function func.exists(name)
    return find(name) ~= nil
end

function func.drop(name, options)
    options = options or {}
    check.options(options, {if_exists = 'boolean'})
    local tuple = find(name)
    if tuple == nil then
        if options.if_exists then
            return
        end
        box.error(box.error.NO_SUCH_FUNCTION, tostring(name))
    end
    local id = tuple[1]
    for _, priv in ipairs(box.space._vpriv.index.object:select({'function', id})) do
        box.space._priv:delete({priv[2], 'function', id})
    end
    box.space._func:delete({id})
end

-- Give a module's functions the code that its file has now.
func.reload = modules.reload

-- ---- box.func ----

-- Sees only what cannot touch anything: for functions with is_sandboxed.
local sandbox = {}
for _, name in ipairs{'assert', 'error', 'ipairs', 'math', 'next', 'pairs', 'pcall', 'print',
        'select', 'string', 'table', 'tonumber', 'tostring', 'type', 'unpack', 'xpcall', 'utf8'} do
    sandbox[name] = _G[name]
end

local no_such_procedure = space.no_such_procedure

-- A global by path: 'a.b.c', or 'a.b:method' (then self is its first argument).
local function find_global(path)
    local value, owner = _G, nil
    local body, method = path:match('^(.*):([^:]*)$')
    for name in (body or path):gmatch('[^.]+') do
        if type(value) ~= 'table' then
            no_such_procedure(path)
        end
        value = value[name]
    end
    if method ~= nil then
        owner = value
        value = type(owner) == 'table' and owner[method] or nil
    end
    if value == nil then
        no_such_procedure(path)
    end
    return value, owner
end

local function compile(self)
    local chunk = assert(loadstring('return ' .. self.body))
    local f = chunk()
    if self.is_sandboxed then
        setfenv(f, table.copy(sandbox))
    end
    return f
end

local compiled = setmetatable({}, {__mode = 'k'})

-- What to call for a function object, with its first argument if it has one.
local function target(self)
    if self.body == '' or self.body == nil then
        return find_global(self.name)
    end
    if compiled[self] == nil then
        compiled[self] = compile(self)
    end
    return compiled[self]
end

local methods = {}

local function is_func(self)
    return type(self) == 'table' and type(self.name) == 'string'
end

function methods.call(self, args)
    if not is_func(self) then
        error('Use func:call(...) instead of func.call(...)', 2)
    end
    args = args or {}
    if type(args) ~= 'table' then
        error('Use func:call(table)', 2)
    end
    space.check_call(self.name)
    if self.language == 'C' then
        return session.call_as_owner(self.name, modules.call, self.name, args)
    end
    local f, owner = target(self)
    if owner ~= nil then
        return session.call_as_owner(self.name, f, owner, unpack(args, 1, table.maxn(args)))
    end
    return session.call_as_owner(self.name, f, unpack(args, 1, table.maxn(args)))
end

function methods.drop(self)
    if not is_func(self) then
        error('Use func:drop(...) instead of func.drop(...)', 2)
    end
    return func.drop(self.name)
end

local meta = {__index = methods}

function func.bless(object)
    return setmetatable(object, meta)
end

function func.call(name, ...)
    if name == nil then
        error('Use func:call(...)', 2)
    end
    local object = box.func[name]
    if object == nil then
        box.error(box.error.NO_SUCH_FUNCTION, tostring(name))
    end
    return methods.call(object, {...})
end

local function has(list, value)
    for _, item in ipairs(list) do
        if item == value then
            return true
        end
    end
    return false
end

-- The object for a row of _func; nil for what Lua may not call.
local function object_of(tuple)
    if not has(tuple[15], 'LUA') then
        return nil
    end
    local is_sandboxed
    if tuple[5] ~= 'C' then
        is_sandboxed = tuple[13]
    end
    return func.bless({
        id = tuple[1], is_sandboxed = is_sandboxed, name = tuple[3], setuid = tuple[4] ~= 0, language = tuple[5],
        body = tuple[6] ~= '' and tuple[6] or nil, returns = tuple[9], aggregate = tuple[10],
        is_deterministic = tuple[12],
        exports = {lua = true, sql = has(tuple[15], 'SQL')},
        is_multikey = tuple[16].is_multikey or false,
        comment = tuple[17] ~= '' and tuple[17] or nil,
    })
end

local objects = {}

-- A function of that name was made or dropped.
local function changed(name)
    local tuple
    session.call_as_admin(function()
        tuple = box.space._func.index.name:get({name})
    end)
    objects[name] = tuple ~= nil and object_of(tuple) or nil
end
func._changed = changed

-- For CALL of the protocol: what stands behind a name that _func holds with a body.
function func._target(name)
    local object = objects[name]
    if object == nil then
        changed(name)
        object = objects[name]
    end
    return target(object)
end

function func._load()
    for _, tuple in box.space._func:pairs() do
        objects[tuple[3]] = object_of(tuple)
    end
    return setmetatable(objects, {
        -- One whose drop was rolled back is found again here.
        __index = function(_, name)
            if type(name) == 'string' and space.has_func(name) then
                changed(name)
                return rawget(objects, name)
            end
        end,
    })
end

return func
