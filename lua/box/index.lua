-- box.schema.index: rows of _index.
local check = require('box.check')

local index = {}

-- ---- Parts: what users write -> what _index holds ----

-- A field's number (from 0) and what the space's format says about it.
local function find_field(format, field, i)
    if type(field) == 'number' then
        return field - 1, format[field]
    end
    if type(field) ~= 'string' then
        check.illegal('options.parts[%d]: field (name or number) is expected', i)
    end
    for number, def in ipairs(format) do
        if def.name == field then
            return number - 1, def
        end
    end
    check.illegal("options.parts[%d]: field was not found by name '%s'", i, field)
end

local function find_collation(collation, i)
    local tuple = box.space._vcollation.index.name:get({collation})
    if tuple == nil then
        check.illegal("options.parts[%d]: collation was not found by name '%s'", i, collation)
    end
    return tuple[1]
end

-- Short and old names of types.
local type_aliases = {num = 'unsigned', uint = 'unsigned', str = 'string', int = 'integer'}

local function normal_type(name)
    if type(name) ~= 'string' then
        return name
    end
    name = name:lower()
    return type_aliases[name] or name
end

-- The old syntax, a flat list of numbers and types: {1, 'unsigned', 2, 'string'}.
local function is_flat_pairs(parts)
    return type(parts[1]) == 'number' and type(parts[2]) == 'string'
end

local function from_flat_pairs(parts)
    local out = {}
    for i = 1, #parts, 2 do
        local field, kind = parts[i], parts[i + 1]
        if type(field) ~= 'number' or type(kind) ~= 'string' then
            check.illegal('options.parts: expected field_no (number), type (string) pairs')
        end
        if field == 0 then
            check.illegal('invalid index parts: field_no must be one-based')
        end
        out[#out + 1] = {field - 1, normal_type(kind)}
    end
    return out, false
end

local function part_from_table(part)
    local out = {}
    for key, value in pairs(part) do
        if key == 1 and part.field == nil then
            out.field = value
        elseif key == 2 and part.type == nil then
            out.type = value
        else
            out[key] = value
        end
    end
    return out
end

-- One part of the new syntax; `format` is the space's.
local function normal_part(format, part, i)
    local out = type(part) == 'table' and part_from_table(part) or {field = part}
    local fieldno, def = find_field(format, out.field, i)
    if fieldno == -1 then
        check.illegal('options.parts[%d]: field (number) must be one-based', i)
    end
    out.field = fieldno
    if out.type == nil then
        out.type = def ~= nil and def.type or 'scalar'
    end
    out.type = normal_type(out.type)
    if out.collation ~= nil then
        out.collation = find_collation(out.collation, i)
    elseif def ~= nil then
        out.collation = def.collation
    end
    if out.is_nullable == nil and def ~= nil then
        out.is_nullable = def.is_nullable
    end
    if out.is_nullable ~= nil and type(out.is_nullable) ~= 'boolean' then
        check.illegal('options.parts[%d]: type (boolean) is expected', i)
    end
    return out
end

-- Parts that say no more than number and type stand in the short form.
local function is_simple(parts)
    for _, part in ipairs(parts) do
        for key in pairs(part) do
            if key ~= 'field' and key ~= 'type' then
                return false
            end
        end
    end
    return true
end

local function normal_parts(space_id, parts)
    if #parts == 0 then
        check.illegal('options.parts must have at least one part')
    end
    if is_flat_pairs(parts) then
        return (from_flat_pairs(parts))
    end
    local tuple = box.space._vspace:get(space_id)
    local format = tuple ~= nil and tuple[7] or {}
    local out = {}
    for i, part in ipairs(parts) do
        out[i] = normal_part(format, part, i)
    end
    if is_simple(out) then
        for i, part in ipairs(out) do
            out[i] = {part.field, part.type}
        end
    end
    return out
end

-- ---- Options ----

local common_options = {
    parts = 'table', unique = 'boolean', id = 'number', type = 'string', name = 'string',
    dimension = 'number', distance = 'string', range_size = 'number', page_size = 'number',
    run_count_per_level = 'number', run_size_ratio = 'number', bloom_fpr = 'number',
    sequence = 'string, number, boolean, table', func = 'number, string',
}

local create_options = {if_not_exists = 'boolean'}
for name, kind in pairs(common_options) do
    create_options[name] = kind
end

-- Those that go into the map in _index.
local stored_options = {'dimension', 'unique', 'distance', 'page_size', 'range_size',
    'run_count_per_level', 'run_size_ratio', 'bloom_fpr'}

local function refuse_missing(name, space, options, is_primary)
    if options.sequence ~= nil and options.sequence ~= false then
        if not is_primary then
            box.error(box.error.MODIFY_INDEX, name, space.name,
                'sequence cannot be used with a secondary key')
        end
        box.error(box.error.UNSUPPORTED, 'Tarantella',
            'sequences; engine = "tarantool" runs them')
    end
    if options.func ~= nil then
        box.error(box.error.UNSUPPORTED, 'Tarantella',
            'functional indexes; engine = "tarantool" runs them')
    end
end

local function find_space(space_id)
    local object = box.space[space_id]
    if object == nil or box.space._vspace:get({space_id}) == nil then
        box.error(box.error.NO_SUCH_SPACE, '#' .. tostring(space_id))
    end
    return object
end

local default_part_type = {rtree = 'array'}

-- The id behind the space's last index.
local function next_id(space_id)
    local tuple = box.space._vindex.index.primary:select({space_id},
        {limit = 1, iterator = 'LE'})[1]
    if tuple == nil or tuple[1] ~= space_id then
        return 0
    end
    return tuple[2] + 1
end

function index.create(space_id, name, options)
    check.param(space_id, 'space_id', 'number')
    check.param(name, 'name', 'string')
    options = check.with_defaults(options, {type = 'tree'})
    check.options(options, create_options)
    local space = find_space(space_id)
    if space.index[name] ~= nil then
        if options.if_not_exists then
            return space.index[name], 'not created'
        end
        box.error(box.error.INDEX_EXISTS, name)
    end
    local parts = options.parts or {1, default_part_type[options.type:lower()] or 'unsigned'}
    local iid = options.id or next_id(space_id)
    parts = normal_parts(space_id, parts)
    local row = setmetatable({}, {__serialize = 'map'})
    for _, key in ipairs(stored_options) do
        row[key] = options[key]
    end
    if row.unique == nil then
        row.unique = true
    end
    refuse_missing(name, space, options, iid == 0)
    box.space._index:insert({space_id, iid, name, options.type, row, parts})
    return space.index[name]
end

local function find_row(space_id, iid)
    local space = find_space(space_id)
    local tuple = space.index[iid] ~= nil and box.space._vindex:get({space_id, iid})
    if not tuple then
        box.error(box.error.NO_SUCH_INDEX_ID, iid, space.name)
    end
    return tuple, space
end

-- Change an index: the row of _index is replaced as a whole.
function index.alter(space_id, iid, options)
    local tuple, space = find_row(space_id, iid)
    if options == nil then
        return
    end
    check.options(options, common_options)
    if type(space_id) ~= 'number' then
        space_id = space.id
    end
    local row = tuple:totable()
    row[5] = setmetatable(row[5], {__serialize = 'map'})
    if options.id ~= nil then
        local can_change = true
        for key in pairs(options) do
            can_change = can_change and key == 'id'
        end
        if not can_change then
            box.error(box.error.PROC_LUA, "Don't know how to update both id and other index options")
        end
        return box.space._index:update({space_id, iid}, {{'=', 2, options.id}})
    end
    row[3] = options.name or row[3]
    row[4] = options.type or row[4]
    for _, key in ipairs(stored_options) do
        if options[key] ~= nil then
            row[5][key] = options[key]
        end
    end
    if options.parts ~= nil then
        row[6] = normal_parts(space_id, options.parts)
    end
    refuse_missing(row[3], space, options, iid == 0)
    box.space._index:replace(row)
end

function index.drop(space_id, iid)
    check.param(space_id, 'space_id', 'number')
    check.param(iid, 'index_id', 'number')
    box.space._index:delete({space_id, iid})
end

function index.rename(space_id, iid, name)
    check.param(space_id, 'space_id', 'number')
    check.param(iid, 'index_id', 'number')
    check.param(name, 'name', 'string')
    box.space._index:update({space_id, iid}, {{'=', 3, name}})
end

-- ---- Methods of index objects ----

local methods = {}

function methods.drop(self)
    check.self(self, 'index', 'drop')
    return index.drop(self.space_id, self.id)
end

function methods.rename(self, name)
    check.self(self, 'index', 'rename')
    return index.rename(self.space_id, self.id, name)
end

function methods.alter(self, options)
    check.self(self, 'index', 'alter')
    if self.id == nil or self.space_id == nil then
        box.error(box.error.PROC_LUA, 'Usage: index:alter{opts}')
    end
    return index.alter(self.space_id, self.id, options)
end

-- Nothing to give back: a tree frees its blocks as they empty.
function methods.compact(self)
    check.self(self, 'index', 'compact')
end

index._methods = methods
return index
