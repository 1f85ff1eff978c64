--[[
net.box.schema: remote.space, built from the server's views of its schema, and
the data methods of its spaces and indexes.
]]

local schema = {}

-- What is fetched: _vspace, _vindex, _vcollation.
schema.views = {281, 289, 277}

local LIMIT_MAX = 0xffffffff
local EQ, ALL, GE, LE = 0, 2, 5, 4

-- remote:_request(opts, decoder, format, method, ...)
local perform

function schema.set_request(f)
    perform = f
end

local iterators = {EQ = 0, REQ = 1, ALL = 2, LT = 3, LE = 4, GE = 5, GT = 6, BITS_ALL_SET = 7,
    BITS_ANY_SET = 8, BITS_ALL_NOT_SET = 9, OVERLAPS = 10, NEIGHBOR = 11}

local function check_space(space, method)
    if type(space) ~= 'table' or space.id == nil and space.name == nil then
        error(('Use space:%s(...) instead of space.%s(...)'):format(method, method), 3)
    end
end

local function check_index(index, method)
    if type(index) ~= 'table' or index.id == nil then
        error(('Use index:%s(...) instead of index.%s(...)'):format(method, method), 3)
    end
end

local function primary_index(space)
    local index = space.index[0]
    if index == nil then
        error(box.error.new(box.error.NO_SUCH_INDEX_ID, 0, space.name))
    end
    return index
end

local function is_empty_key(key)
    return key == nil or type(key) == 'table' and #key == 0
        or box.tuple.is(key) and #key == 0
end

local function iterator_type(opts, is_empty)
    local value = opts ~= nil and opts.iterator or nil
    if value == nil then
        return is_empty and ALL or EQ
    elseif type(value) == 'number' then
        return value
    end
    local number = iterators[tostring(value):upper()]
    if number == nil then
        error(box.error.new(box.error.ITERATOR_TYPE, tostring(value)))
    end
    return number
end

-- Formats are few in the process, so those with the same names are one.
local formats = setmetatable({}, {__mode = 'v'})

local function format_of(space)
    local format = space._format_cdata
    if format == nil then
        local names = {}
        for i, field in ipairs(space._format) do
            names[i] = field.name
        end
        local key = table.concat(names, '\0')
        format = formats[key]
        if format == nil then
            format = space.connection._schema_lib.format(names)
            formats[key] = format
        end
        space._format_cdata = format
    end
    return format
end

-- Methods of indexes; those of spaces use the primary one.

local function select_from(space, index_id, key, opts)
    local iterator = iterator_type(opts, is_empty_key(key))
    return perform(space.connection, opts, 'tuples', format_of(space), 'select', space.id,
        index_id, iterator, opts and opts.offset or 0, opts and opts.limit or LIMIT_MAX, key)
end

local function get_from(space, index_id, key, opts)
    return perform(space.connection, opts, 'get', format_of(space), 'select', space.id, index_id,
        EQ, 0, 2, key)
end

local index_methods = {}

function index_methods:select(key, opts)
    check_index(self, 'select')
    return select_from(self.space, self.id, key, opts)
end

function index_methods:get(key, opts)
    check_index(self, 'get')
    return get_from(self.space, self.id, key, opts)
end

function index_methods:min(key, opts)
    check_index(self, 'min')
    return perform(self.space.connection, opts, 'tuple', format_of(self.space), 'select',
        self.space.id, self.id, GE, 0, 1, key)
end

function index_methods:max(key, opts)
    check_index(self, 'max')
    return perform(self.space.connection, opts, 'tuple', format_of(self.space), 'select',
        self.space.id, self.id, LE, 0, 1, key)
end

function index_methods:count(key, opts)
    check_index(self, 'count')
    local name = ('box.space.%s.index.%s:count'):format(self.space.name, self.name)
    return perform(self.space.connection, opts, 'count', nil, 'call_16', name,
        {key, opts and {iterator = opts.iterator} or nil})
end

function index_methods:delete(key, opts)
    check_index(self, 'delete')
    return perform(self.space.connection, opts, 'tuple', format_of(self.space), 'delete',
        self.space.id, self.id, key)
end

function index_methods:update(key, operations, opts)
    check_index(self, 'update')
    return perform(self.space.connection, opts, 'tuple', format_of(self.space), 'update',
        self.space.id, self.id, key, operations)
end

local space_methods = {}

function space_methods:select(key, opts)
    check_space(self, 'select')
    return select_from(self, primary_index(self).id, key, opts)
end

function space_methods:get(key, opts)
    check_space(self, 'get')
    return get_from(self, primary_index(self).id, key, opts)
end

function space_methods:insert(tuple, opts)
    check_space(self, 'insert')
    return perform(self.connection, opts, 'tuple', format_of(self), 'insert', self.id, tuple)
end

function space_methods:replace(tuple, opts)
    check_space(self, 'replace')
    return perform(self.connection, opts, 'tuple', format_of(self), 'replace', self.id, tuple)
end

function space_methods:delete(key, opts)
    check_space(self, 'delete')
    return primary_index(self):delete(key, opts)
end

function space_methods:update(key, operations, opts)
    check_space(self, 'update')
    return primary_index(self):update(key, operations, opts)
end

function space_methods:upsert(tuple, operations, opts)
    check_space(self, 'upsert')
    local res = perform(self.connection, opts, 'tuple', nil, 'upsert', self.id, tuple, operations)
    if opts ~= nil and opts.is_async then
        return res
    end
end

function space_methods:format()
    check_space(self, 'format')
    return self._format
end

-- Shown without what leads back to the connection.
local function serialize(object)
    local copy = {}
    for name, value in pairs(object) do
        if name ~= 'connection' and name ~= 'space' and name ~= '_format_cdata' then
            copy[name] = value
        end
    end
    return copy
end

local space_mt = {__index = space_methods, __metatable = false, __serialize = serialize}
local index_mt = {__index = index_methods, __metatable = false, __serialize = serialize}

-- Parts are arrays (field, type) or maps, as the server keeps them.
local function build_part(part, collations)
    local collation = part.collation or part.coll_id
    return {
        type = part.type or part[2],
        fieldno = (part.field or part[1]) + 1,
        is_nullable = part.is_nullable or false,
        collation = collation ~= nil and collations[collation] or nil,
    }
end

local function build_space(remote, row)
    local opts = row[6]
    return setmetatable({
        connection = remote,
        id = row[1],
        name = row[3],
        engine = row[4],
        field_count = row[5],
        enabled = true,
        index = {},
        temporary = opts.temporary or false,
        is_sync = opts.is_sync or false,
        _format = row[7] or {},
    }, space_mt)
end

local function build_index(space, row, collations)
    local parts = {}
    for i, part in ipairs(row[6]) do
        parts[i] = build_part(part, collations)
    end
    local opts = row[5]
    return setmetatable({
        space = space,
        id = row[2],
        name = row[3],
        type = row[4]:upper(),
        parts = parts,
        unique = type(opts) ~= 'table' or opts.unique ~= false,
    }, index_mt)
end

-- A space that is there again keeps its table: whoever holds it sees the change.
local function update_in_place(old, new)
    if old == nil then
        return new
    end
    for name in pairs(old) do
        if new[name] == nil then
            rawset(old, name, nil)
        end
    end
    for name, value in pairs(new) do
        old[name] = value
    end
    return old
end

--- Put remote.space together from the rows of the three views.
function schema.install(remote, spaces, indexes, collations, lib)
    remote._schema_lib = lib
    local collation_names = {}
    for _, row in ipairs(collations) do
        collation_names[row[1]] = row[2]
    end
    local old = remote.space or {}
    local by_id = {}
    for _, row in ipairs(spaces) do
        by_id[row[1]] = update_in_place(old[row[1]], build_space(remote, row))
    end
    for _, row in ipairs(indexes) do
        local space = by_id[row[1]]
        if space ~= nil then
            local index = build_index(space, row, collation_names)
            space.index[index.id] = index
            space.index[index.name] = index
        end
    end
    local all = {}
    for id, space in pairs(by_id) do
        all[id] = space
        all[space.name] = space
    end
    remote.space = all
end

return schema
