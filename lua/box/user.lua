-- box.schema.user and box.schema.role: rows of _user and _priv.
local digest = require('digest')
local check = require('box.check')

local user, role = {}, {}

-- ---- Privileges ----

local priv_bits = {
    {'read', 1}, {'write', 2}, {'execute', 4}, {'session', 8}, {'usage', 16}, {'create', 32},
    {'drop', 64}, {'alter', 128}, {'reference', 256}, {'trigger', 512}, {'insert', 1024},
    {'update', 2048}, {'delete', 4096},
}

local bit_by_name = {}
for _, pair in ipairs(priv_bits) do
    bit_by_name[pair[1]] = pair[2]
end

-- Which privileges an object of the type can have.
local function names(list)
    local out = {}
    for name in list:gmatch('%a+') do
        out[name] = true
    end
    return out
end

local allowed = {
    universe = names('read write execute session usage create drop alter reference trigger '
        .. 'insert update delete'),
    space = names('read write execute session usage create drop alter reference trigger '
        .. 'insert update delete'),
    sequence = names('read write session usage create drop alter'),
    ['function'] = names('execute session usage create drop'),
    role = names('execute session usage create drop'),
    user = names('session usage create drop alter'),
}

local function priv_bit(name, object_type)
    local list = allowed[object_type]
    if list == nil then
        box.error(box.error.UNKNOWN_SCHEMA_OBJECT, object_type)
    end
    if not list[name] then
        box.error(box.error.UNSUPPORTED_PRIV, object_type, name)
    end
    return bit_by_name[name]
end

-- 'read,write' or a number -> bits.
local function priv_parse(privilege, object_type)
    if type(privilege) == 'number' then
        return privilege
    end
    local list = allowed[object_type]
    if list == nil then
        box.error(box.error.UNKNOWN_SCHEMA_OBJECT, object_type)
    end
    if type(privilege) ~= 'string' then
        box.error(box.error.UNSUPPORTED_PRIV, object_type, tostring(privilege))
    end
    local bits = 0
    for name in privilege:gmatch('[^,]+') do
        name = name:lower():match('^%s*(.-)%s*$')
        bits = bit.bor(bits, priv_bit(name, object_type))
    end
    return bits
end

-- Bits -> 'read,write'.
local function priv_text(bits)
    local out = {}
    bits = tonumber(bits)
    for _, pair in ipairs(priv_bits) do
        if bit.band(bits, pair[2]) ~= 0 then
            out[#out + 1] = pair[1]
        end
    end
    return table.concat(out, ',')
end

-- ---- Objects of grants ----

local views = {
    space = {'_vspace', box.error.NO_SUCH_SPACE},
    sequence = {'_vsequence', box.error.NO_SUCH_SEQUENCE},
    ['function'] = {'_vfunc', box.error.NO_SUCH_FUNCTION},
}

local function find_in_view(object_type, name)
    local view, code = unpack(views[object_type])
    local key = type(name) == 'string' and 'name' or 'primary'
    local tuple = box.space[view].index[key]:get({name})
    if tuple == nil then
        box.error(code, tostring(name))
    end
    return tuple[1]
end

-- A row of _vuser by name or id, of one type.
local function find_account(name, kind)
    local _vuser = box.space._vuser
    local tuple
    if type(name) == 'string' then
        tuple = _vuser.index.name:get({name})
    elseif name ~= nil then
        tuple = _vuser:get({name})
    end
    if tuple == nil or (kind ~= nil and tuple[4] ~= kind) then
        return nil
    end
    return tuple
end

local function need_user(name)
    local tuple = find_account(name, 'user')
    if tuple == nil then
        box.error(box.error.NO_SUCH_USER, tostring(name))
    end
    return tuple[1], tuple
end

local function need_role(name)
    local tuple = find_account(name, 'role')
    if tuple == nil then
        box.error(box.error.NO_SUCH_ROLE, tostring(name))
    end
    return tuple[1], tuple
end

-- The id of an object; '' for all objects of the type.
local function resolve_object(object_type, name)
    if allowed[object_type] == nil then
        box.error(box.error.UNKNOWN_SCHEMA_OBJECT, object_type)
    end
    if object_type == 'universe' then
        if name ~= nil and type(name) ~= 'string' and type(name) ~= 'number' then
            box.error(box.error.ILLEGAL_PARAMS, 'wrong object name type')
        end
        return 0
    end
    if name == nil or name == '' then
        return ''
    end
    if views[object_type] ~= nil then
        return find_in_view(object_type, name)
    end
    if object_type == 'user' then
        return (need_user(name))
    end
    return (need_role(name))
end

-- What stands in messages and in info(): the object's name.
local function object_name(object_type, id)
    if object_type == 'universe' or id == '' then
        return ''
    end
    if object_type == 'role' or object_type == 'user' then
        local tuple = box.space._vuser:get({id})
        return tuple ~= nil and tuple[3] or id
    end
    local view = views[object_type] and box.space[views[object_type][1]]
    local tuple = view and view:get({id})
    return tuple ~= nil and tuple[3] or id
end

-- ---- Grant, revoke ----

-- The third word of a privilege list may be left out: a role is meant then.
local function normal_grant(privilege, object_type, name)
    if object_type == nil and name == nil then
        return 'execute', 'role', privilege
    end
    return privilege, object_type, name
end

local function grant(uid, account, privilege, object_type, name, options)
    privilege, object_type, name = normal_grant(privilege, object_type, name)
    if object_type == 'role' and type(name) ~= 'number' and privilege == 'execute' then
        need_role(name)
    end
    local bits = priv_parse(privilege, object_type)
    local id = resolve_object(object_type, name)
    options = options or {}
    local grantor = options.grantor ~= nil and need_user(options.grantor) or box.session.euid()
    local old = box.space._vpriv:get({uid, object_type, id})
    local before = old ~= nil and old[5] or 0
    local after = tonumber(bit.bor(tonumber(before), bits)) % 0x100000000
    if after ~= before then
        box.space._priv:replace({grantor, uid, object_type, id, after})
        return
    end
    if options.if_not_exists then
        return
    end
    if object_type == 'role' then
        box.error(box.error.ROLE_GRANTED, account, name)
    end
    local what = object_type ~= 'universe' and (" '%s'"):format(
        object_name(object_type, id)) or ''
    box.error(box.error.PRIV_GRANTED, account,
        type(privilege) == 'number' and tostring(privilege) or privilege, object_type, what)
end

local function revoke(uid, account, privilege, object_type, name, options)
    privilege, object_type, name = normal_grant(privilege, object_type, name)
    if object_type == 'role' and type(name) ~= 'number' and privilege == 'execute' then
        need_role(name)
    end
    local bits = priv_parse(privilege, object_type)
    local id = resolve_object(object_type, name)
    options = options or {}
    local old = box.space._vpriv:get({uid, object_type, id})
    local function not_granted()
        if options.if_exists then
            return
        end
        if object_type == 'role' then
            box.error(box.error.ROLE_NOT_GRANTED, account, name)
        end
        box.error(box.error.PRIV_NOT_GRANTED, account, privilege, object_type,
            object_name(object_type, id))
    end
    if old == nil then
        return not_granted()
    end
    local before = tonumber(old[5])
    local after = bit.band(before, bit.bnot(bits)) % 0x100000000
    if before == after then
        return not_granted()
    end
    if after ~= 0 then
        box.space._priv:replace({box.session.euid(), uid, object_type, id, after})
    else
        box.space._priv:delete({uid, object_type, id})
    end
end

-- ---- Drop, info ----

local function info(uid)
    local out = {}
    for _, tuple in ipairs(box.space._vpriv:select({uid})) do
        out[#out + 1] = {priv_text(tuple[5]), tuple[3], object_name(tuple[3], tuple[4])}
    end
    return out
end

-- All that belongs to the user or role, then its grants, then itself.
local function drop(uid)
    local _vpriv = box.space._vpriv
    for _, tuple in ipairs(box.space._vspace.index.owner:select({uid})) do
        box.space[tuple[1]]:drop()
    end
    for _, tuple in ipairs(box.space._vfunc.index.owner:select({uid})) do
        box.schema.func.drop(tuple[1])
    end
    for _, tuple in ipairs(box.space._vuser.index.owner:select({uid})) do
        if tuple[1] ~= uid then
            drop(tuple[1])
        end
    end
    for _, tuple in ipairs(_vpriv.index.primary:select({uid})) do
        box.space._priv:delete({uid, tuple[3], tuple[4]})
    end
    local account = box.space._vuser:get({uid})
    local kind = account ~= nil and account[4] or 'user'
    for _, tuple in ipairs(_vpriv.index.object:select({kind, uid})) do
        box.space._priv:delete({tuple[2], tuple[3], tuple[4]})
    end
    for _, tuple in ipairs(_vpriv.index.owner:select({uid})) do
        box.space._priv:delete({tuple[2], tuple[3], tuple[4]})
    end
    box.space._user:delete({uid})
end

-- The system's own are kept with everything that belongs to them.
local function refuse_system(tuple)
    if tuple[1] <= box.schema.SYSTEM_USER_ID_MAX or tuple[1] == box.schema.SUPER_ROLE_ID then
        box.error(box.error.DROP_USER, tuple[3], 'the user or the role is a system')
    end
end

-- ---- box.schema.user ----

-- What _user holds of a password: base64 of its hash's hash.
function user.password(password)
    return digest.base64_encode(digest.sha1(digest.sha1(password)))
end

function user.create(name, options)
    options = options or {}
    check.options(options, {password = 'string', if_not_exists = 'boolean'})
    if name == nil then
        box.space._vuser.index.name:get({})
    end
    if find_account(name) ~= nil then
        if options.if_not_exists then
            return
        end
        box.error(box.error.USER_EXISTS, name)
    end
    local auth = setmetatable({}, {__serialize = 'map'})
    if options.password ~= nil then
        auth['chap-sha1'] = user.password(options.password)
    end
    local _user = box.space._user
    local max = _user.index.primary:max()[1]
    local uid = math.max(max, box.schema.SUPER_ROLE_ID) + 1
    _user:insert({uid, box.session.euid(), name, 'user', auth})
    box.session.su('admin', function()
        grant(uid, name, 'public')
        grant(uid, name, 'session,usage', 'universe')
        grant(uid, name, 'alter', 'user', uid)
    end)
end

function user.exists(name)
    return find_account(name, 'user') ~= nil
end

local function set_password(uid, password)
    if uid == box.schema.GUEST_ID then
        box.error(box.error.GUEST_USER_PASSWORD)
    end
    box.space._user:update({uid}, {{'=', 5, {['chap-sha1'] = user.password(password)}}})
end

-- passwd([user,] password)
function user.passwd(name, password)
    if name == nil then
        box.error(box.error.PROC_LUA, 'Usage: box.schema.user.passwd([user,] password)')
    end
    if password == nil then
        return box.session.su('admin', set_password, box.session.uid(), name)
    end
    return set_password(need_user(name), password)
end

function user.drop(name, options)
    options = options or {}
    check.options(options, {if_exists = 'boolean'})
    local tuple = find_account(name, 'user')
    if tuple == nil then
        if options.if_exists then
            return
        end
        box.error(box.error.NO_SUCH_USER, tostring(name))
    end
    refuse_system(tuple)
    if tuple[1] == box.session.uid() or tuple[1] == box.session.euid() then
        box.error(box.error.DROP_USER, tuple[3], 'the user is active in the current session')
    end
    return drop(tuple[1])
end

function user.grant(name, privilege, object_type, object, options)
    local uid, tuple = need_user(name)
    if privilege == nil then
        box.space._vuser.index.name:get({})
    end
    return grant(uid, tuple[3], privilege, object_type, object, options)
end

function user.revoke(name, privilege, object_type, object, options)
    local account = find_account(name, type(name) == 'string' and 'user' or nil)
    if account == nil then
        box.error(box.error.NO_SUCH_USER, tostring(name))
    end
    return revoke(account[1], account[3], privilege, object_type, object, options)
end

function user.enable(name)
    return user.grant(name, 'session,usage', 'universe', nil, {if_not_exists = true})
end

function user.disable(name)
    return user.revoke(name, 'session,usage', 'universe', nil, {if_exists = true})
end

function user.info(name)
    if name == nil then
        return info(box.session.euid())
    end
    return info((need_user(name)))
end

-- ---- box.schema.role ----

function role.create(name, options)
    options = options or {}
    check.options(options, {if_not_exists = 'boolean'})
    if find_account(name) ~= nil then
        if options.if_not_exists then
            return
        end
        box.error(box.error.ROLE_EXISTS, name)
    end
    local _user = box.space._user
    local max = _user.index.primary:max()[1]
    local id = math.max(max, box.schema.SUPER_ROLE_ID) + 1
    _user:insert({id, box.session.euid(), name, 'role', setmetatable({}, {__serialize = 'map'})})
end

function role.exists(name)
    return find_account(name, 'role') ~= nil
end

function role.drop(name, options)
    options = options or {}
    check.options(options, {if_exists = 'boolean'})
    local tuple = find_account(name, 'role')
    if tuple == nil then
        if options.if_exists then
            return
        end
        box.error(box.error.NO_SUCH_ROLE, tostring(name))
    end
    refuse_system(tuple)
    return drop(tuple[1])
end

function role.grant(name, privilege, object_type, object, options)
    local id, tuple = need_role(name)
    if type(privilege) == 'string' and object_type ~= nil
       and bit.band(priv_parse(privilege, object_type), 8 + 16) ~= 0 then
        box.error(box.error.GRANT, 'system privilege can not be granted to role')
    end
    return grant(id, tuple[3], privilege, object_type, object, options)
end

function role.revoke(name, privilege, object_type, object, options)
    local id, tuple = need_role(name)
    return revoke(id, tuple[3], privilege, object_type, object, options)
end

function role.info(name)
    return info((need_role(name)))
end

return {user = user, role = role}
