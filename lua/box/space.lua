-- box.schema.space: rows of _space, and what goes with them.
local check = require('box.check')

local space = {}

-- msgpack: an empty table is an array, these maps must stay maps.
local function map(t)
    return setmetatable(t, {__serialize = 'map'})
end

local function seq(t)
    return setmetatable(t, {__serialize = 'seq'})
end

-- A space's object by id, or an error that names it.
local function find(space_id)
    local object = box.space[space_id]
    if object == nil then
        box.error(box.error.NO_SUCH_SPACE, '#' .. tostring(space_id))
    end
    return object
end
space._find = find

-- A user's id by name or number.
local function find_user(user)
    local tuple
    if type(user) == 'string' then
        tuple = box.space._vuser.index.name:get(user)
    else
        tuple = box.space._vuser:get(user)
    end
    if tuple == nil then
        box.error(box.error.NO_SUCH_USER, tostring(user))
    end
    return tuple[1]
end

local function next_id()
    local _schema = box.space._schema
    local tuple = _schema:update('max_id', {{'+', 2, 1}})
    if tuple == nil then
        local max = box.space._space.index.primary:max()
        local id = math.max(max ~= nil and max[1] or 0, box.schema.SYSTEM_ID_MAX)
        tuple = _schema:insert({'max_id', id + 1})
    end
    return tuple[2]
end

-- One field of a format in any of its forms as a map.
local function format_field(i, field)
    if type(field) ~= 'table' then
        return {name = field, type = 'any'}
    end
    local out = {}
    for key, value in pairs(field) do
        if key == 1 then
            if field.name == nil then
                out.name = value
            elseif field.type == nil then
                out.type = value
            else
                out[1] = value
            end
        elseif key == 2 and field.type == nil and field.name == nil then
            out.type = value
        elseif key == 'collation' and type(value) == 'string' then
            local tuple = box.space._vcollation.index.name:get({value})
            if tuple == nil then
                check.illegal("format[%d]: collation was not found by name '%s'", i, value)
            end
            out.collation = tuple[1]
        else
            out[key] = value
        end
    end
    out.type = out.type or 'any'
    return out
end

local function normal_format(format)
    local out = seq({})
    for i, field in ipairs(format) do
        local normal = format_field(i, field)
        if type(normal.name) ~= 'string' then
            check.illegal('format[%d]: name (string) is expected', i)
        end
        out[i] = normal
    end
    return out
end

local create_options = {
    if_not_exists = 'boolean', engine = 'string', id = 'number', field_count = 'number',
    user = 'string, number', format = 'table', is_local = 'boolean', temporary = 'boolean',
    is_sync = 'boolean',
}

function space.create(name, options)
    check.param(name, 'name', 'string')
    local defaults = {engine = 'memtx', field_count = 0, temporary = false}
    options = check.with_defaults(options, defaults)
    check.options(options, create_options)
    if box.space[name] ~= nil then
        if options.if_not_exists then
            return box.space[name], 'not created'
        end
        box.error(box.error.SPACE_EXISTS, name)
    end
    local id = options.id or next_id()
    local owner = options.user and find_user(options.user) or box.session.euid()
    local flags = map({
        group_id = options.is_local and 1 or nil,
        temporary = options.temporary and true or nil,
        is_sync = options.is_sync,
    })
    box.space._space:insert({id, owner, name, options.engine, options.field_count, flags,
        normal_format(options.format or {})})
    return box.space[id], 'created'
end

-- Read or change a format.
function space.format(id, format)
    local _space = box.space._space
    if format == nil then
        local tuple = box.space._vspace:get(id)
        if tuple == nil then
            box.error(box.error.NO_SUCH_SPACE, '#' .. tostring(id))
        end
        return tuple[7]
    end
    check.param(format, 'format', 'table')
    _space:update(id, {{'=', 7, normal_format(format)}})
end

local function drop_rows(object, space_id)
    local _index, _priv = box.space._index, box.space._vpriv.index.object
    box.space._space_sequence:delete({space_id})
    -- The primary one, which sorts first, goes last.
    for _, tuple in box.space._vindex:pairs({space_id}, {iterator = 'REQ'}) do
        _index:delete({tuple[1], tuple[2]})
    end
    for _, tuple in ipairs(_priv:select({'space', space_id})) do
        box.schema.user.revoke(tuple[2], tuple[5], tuple[3], tuple[4])
    end
    box.space._truncate:delete({space_id})
end

function space.drop(space_id, space_name, options)
    check.param(space_id, 'space_id', 'number')
    options = options or {}
    check.options(options, {if_exists = 'boolean'})
    drop_rows(box.space[space_id], space_id)
    if box.space._space:delete({space_id}) == nil and not options.if_exists then
        box.error(box.error.NO_SUCH_SPACE, space_name or '#' .. tostring(space_id))
    end
end

function space.rename(space_id, name)
    check.param(space_id, 'space_id', 'number')
    check.param(name, 'space_name', 'string')
    box.space._space:update(space_id, {{'=', 3, name}})
end

-- ---- Methods of space objects ----

local methods = {}

function methods.create_index(self, name, options)
    check.self(self, 'space', 'create_index')
    if box.space[self.id] == nil then
        box.error(box.error.NO_SUCH_SPACE, self.name)
    end
    return box.schema.index.create(self.id, name, options)
end

function methods.drop(self)
    check.self(self, 'space', 'drop')
    return space.drop(self.id, self.name)
end

function methods.rename(self, name)
    check.self(self, 'space', 'rename')
    return space.rename(self.id, name)
end

function methods.format(self, format)
    check.self(self, 'space', 'format')
    return space.format(self.id, format)
end

-- A row of _truncate empties the space; its number counts how often that was done.
function methods.truncate(self)
    check.self(self, 'space', 'truncate')
    box.space._truncate:upsert({self.id, 1}, {{'+', 2, 1}})
end

function methods.create_check_constraint(self)
    check.self(self, 'space', 'create_check_constraint')
    box.error(box.error.UNSUPPORTED, 'Tarantella', 'check constraints; engine = "tarantool" runs them')
end

function space.bless(object)
    return setmetatable(object, box.schema.space_mt)
end

space._methods = methods
return space
