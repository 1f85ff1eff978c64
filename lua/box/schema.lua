-- What box.cfg{} adds to `box`: box.schema, box.space, box.func, box.once, transactions.
-- Loading the module does it, once the system spaces exist.
local internal = require('box.internal.space')
local txn = require('box.internal.txn')
local space = require('box.space')
local index = require('box.index')
local account = require('box.user')
local func = require('box.func')
local session = require('box.internal.session')

local schema = {
    SPACE_MAX = 2147483647, FIELD_MAX = 2147483647, NAME_MAX = 65000, INDEX_MAX = 128,
    INDEX_FIELD_MAX = 32767, INDEX_PART_MAX = 255, FORMAT_ID_MAX = 65534, REPLICA_MAX = 32,
    SQL_BIND_PARAMETER_MAX = 65000,
    SYSTEM_ID_MIN = 256, SYSTEM_ID_MAX = 511, SYSTEM_USER_ID_MIN = 0, SYSTEM_USER_ID_MAX = 2,
    GUEST_ID = 0, ADMIN_ID = 1, PUBLIC_ROLE_ID = 2, SUPER_ROLE_ID = 31,
    VINYL_DEFERRED_DELETE_ID = 257, SCHEMA_ID = 272, COLLATION_ID = 276, VCOLLATION_ID = 277,
    SPACE_ID = 280, VSPACE_ID = 281, SEQUENCE_ID = 284, SEQUENCE_DATA_ID = 285,
    VSEQUENCE_ID = 286, INDEX_ID = 288, VINDEX_ID = 289, FUNC_ID = 296, VFUNC_ID = 297,
    USER_ID = 304, VUSER_ID = 305, PRIV_ID = 312, VPRIV_ID = 313, CLUSTER_ID = 320,
    TRIGGER_ID = 328, TRUNCATE_ID = 330, SPACE_SEQUENCE_ID = 340, FK_CONSTRAINT_ID = 356,
    CK_CONSTRAINT_ID = 364, FUNC_INDEX_ID = 372, SESSION_SETTINGS_ID = 380,
}

local priv = {
    R = 1, W = 2, X = 4, S = 8, U = 16, C = 32, D = 64, A = 128, REFERENCE = 256, TRIGGER = 512,
    INSERT = 1024, UPDATE = 2048, DELETE = 4096, GRANT = 8192, REVOKE = 16384, ALL = 4294967295,
}

-- What answers with a clear error instead of doing half of it.
local function unsupported(what)
    return function()
        box.error(box.error.UNSUPPORTED, 'Tarantella',
            what .. '; engine = "tarantool" runs them')
    end
end

-- Data methods are C functions; those that change the schema are Lua.
local function metatable(data_methods, schema_methods)
    local methods = table.copy(data_methods)
    for name, method in pairs(schema_methods) do
        methods[name] = method
    end
    return {__index = methods}
end

local function install_schema()
    schema.space = space
    schema.index = index
    schema.user = account.user
    schema.role = account.role
    schema.func = func
    schema.create_space = space.create
    schema.upgrade = function() end
    local sequence = unsupported('sequences')
    schema.sequence = {create = sequence, alter = sequence, drop = sequence, bless = sequence}
    schema.space_mt = metatable(internal.space_methods, space._methods)
    schema.space_mt.__index.run_triggers = internal.run_triggers
    schema.index_mt = metatable(internal.index_methods, index._methods)
    schema.memtx_index_mt = schema.index_mt
    schema.vinyl_index_mt = schema.index_mt
    rawset(box, 'schema', schema)
end

local function install_txn()
    for name, f in pairs(txn) do
        rawset(box, name, f)
    end
end

install_schema()
install_txn()
if rawget(box, 'internal') == nil then
    rawset(box, 'internal', {})
end
rawset(box, 'space', {})
rawset(box, 'priv', priv)
rawset(box, 'once', require('box.once'))
rawset(box, 'sequence', {})
box.internal.schema_version = internal.schema_version
internal.setup({
    spaces = box.space, space_mt = schema.space_mt, index_mt = schema.index_mt,
    func_changed = func._changed, func_target = func._target,
})
rawset(box, 'func', session.call_as_admin(func._load))
return schema
