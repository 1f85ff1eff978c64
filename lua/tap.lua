-- tap: tests that report in the Test Anything Protocol.

local ffi = require('ffi')

local INDENT = 4
local methods = {}
local mt = {__index = methods}

-- The callers of the test's method, without tap itself.
local function traceback()
    local trace = {}
    local level = 3
    while true do
        local info = debug.getinfo(level, 'nSl')
        if info == nil then
            break
        end
        trace[#trace + 1] = {
            line = info.linedefined,
            what = info.what,
            name = info.name,
            namewhat = info.namewhat,
            src = info.short_src,
            source = info.source,
            filename = info.source:sub(1, 1) == '@' and info.source:sub(2) or 'eval',
        }
        level = level + 1
    end
    return trace
end

local function print_extra(test, extra)
    if next(extra) == nil then
        return
    end
    local yaml = require('yaml').new()
    yaml.cfg({encode_invalid_numbers = true, encode_load_metatables = true,
        encode_use_tostring = true, encode_invalid_as_nil = true})
    local indent = (' '):rep(INDENT * test.level)
    for line in yaml.encode(extra):gmatch('([^\n]*)\n') do
        io.write(indent, '  ', line, '\n')
    end
end

local function diag(test, fmt, ...)
    io.write((' '):rep(INDENT * test.level), '# ', fmt:format(...), '\n')
end

local function ok(test, cond, message, extra)
    test.total = test.total + 1
    io.write((' '):rep(INDENT * test.level))
    if cond then
        io.write(('ok - %s\n'):format(tostring(message)))
        return true
    end
    test.failed = test.failed + 1
    io.write(('not ok - %s\n'):format(tostring(message)))
    extra = extra or {}
    if test.trace then
        -- Who called the method: each of them ends in a tail call to here.
        local frame = debug.getinfo(2, 'l')
        extra.trace = traceback()
        extra.filename = extra.trace[#extra.trace].filename
        extra.line = frame and frame.currentline or 0
    end
    print_extra(test, extra)
    return false
end

local function fail(test, message, extra)
    return ok(test, false, message, extra)
end

local function skip(test, message, extra)
    ok(test, true, message .. ' # skip', extra)
end

-- In a test that is not strict nil is box.NULL, and 1 is 1LL.
local function is_equal(test, got, expected)
    if test.strict and type(got) ~= type(expected) then
        return false
    end
    return got == expected
end

local function is(test, got, expected, message, extra)
    extra = extra or {}
    extra.got = got
    extra.expected = expected
    return ok(test, is_equal(test, got, expected), message, extra)
end

local function isnt(test, got, unexpected, message, extra)
    extra = extra or {}
    extra.got = got
    extra.unexpected = unexpected
    return ok(test, not is_equal(test, got, unexpected), message, extra)
end

-- The message may be left out; what it would describe is told by extra.
local function like(test, got, pattern, message, extra)
    extra = extra or {}
    extra.got = got
    extra.expected = pattern
    return ok(test, tostring(got):match(tostring(pattern)) ~= nil, message, extra)
end

local function unlike(test, got, pattern, message, extra)
    extra = extra or {}
    extra.got = got
    extra.expected = pattern
    return ok(test, tostring(got):match(tostring(pattern)) == nil, message, extra)
end

local compare_deeply

-- Compare two tables; extra.path leads to what is different.
local function compare_tables(got, expected, extra)
    local path = extra.path or '/'
    local seen = {}
    for key, value in pairs(got) do
        seen[key] = true
        extra.path = path .. '/' .. tostring(key)
        if not compare_deeply(value, expected[key], extra) then
            return false
        end
    end
    -- What is left is only in expected.
    for key, value in pairs(expected) do
        if not seen[key] and (extra.strict or value ~= nil) then
            extra.expected = 'key ' .. tostring(key)
            extra.got = 'nil'
            return false
        end
    end
    extra.path = path
    return true
end

function compare_deeply(got, expected, extra)
    if type(expected) == 'number' or type(got) == 'number' then
        extra.got, extra.expected = got, expected
        return got == expected or (got ~= got and expected ~= expected)
    end
    if ffi.istype('bool', got) then
        got = got == 1
    end
    if ffi.istype('bool', expected) then
        expected = expected == 1
    end
    if extra.strict and type(got) ~= type(expected) then
        extra.got, extra.expected = type(got), type(expected)
        return false
    end
    if type(got) ~= 'table' or type(expected) ~= 'table' then
        extra.got, extra.expected = got, expected
        return got == expected
    end
    return got == expected or compare_tables(got, expected, extra)
end

local function is_deeply(test, got, expected, message, extra)
    extra = extra or {}
    extra.got = got
    extra.expected = expected
    extra.strict = test.strict
    return ok(test, compare_deeply(got, expected, extra), message, extra)
end

local function isnil(test, value, message, extra)
    extra = extra or {}
    extra.got = value
    extra.expected = 'nil'
    return ok(test, type(value) == 'nil', message, extra)
end

local function is_type(test, value, name, message, extra)
    extra = extra or {}
    extra.got = type(value)
    extra.expected = name
    return ok(test, type(value) == name, message, extra)
end

local function isudata(test, value, utype, message, extra)
    extra = extra or {}
    extra.expected = ('userdata<%s>'):format(tostring(utype))
    if type(value) ~= 'userdata' then
        extra.got = type(value)
        return ok(test, false, message, extra)
    end
    local value_mt = getmetatable(value)
    extra.got = ('userdata<%s>'):format(tostring(value_mt))
    return ok(test, value_mt == utype or value_mt == debug.getregistry()[utype], message, extra)
end

local function iscdata(test, value, ctype, message, extra)
    ctype = ffi.typeof(ctype)
    extra = extra or {}
    extra.expected = tostring(ctype)
    if type(value) ~= 'cdata' then
        extra.got = type(value)
        return ok(test, false, message, extra)
    end
    extra.got = tostring(ffi.typeof(value))
    return ok(test, ffi.istype(ctype, value), message, extra)
end

local function plan(test, planned)
    test.planned = planned
    io.write((' '):rep(INDENT * test.level), ('1..%d\n'):format(planned))
end

--- Is it as planned, and without a failure? Told to the parent, or as a note.
local function check(test)
    if test.checked then
        error('check called twice')
    end
    test.checked = true
    if test.planned ~= test.total then
        if test.parent ~= nil then
            ok(test.parent, false, 'bad plan', {planned = test.planned, run = test.total})
        else
            diag(test, 'bad plan: planned %d run %d', test.planned, test.total)
        end
    elseif test.failed > 0 then
        if test.parent ~= nil then
            ok(test.parent, false, 'failed subtests',
                {failed = test.failed, planned = test.planned})
        else
            diag(test, 'failed subtest: %d', test.failed)
        end
    elseif test.parent ~= nil then
        ok(test.parent, true, test.name)
    end
    return test.planned == test.total and test.failed == 0
end

local function new(parent, name)
    return setmetatable({
        parent = parent,
        name = name,
        level = parent and parent.level + 1 or 0,
        total = 0,
        failed = 0,
        planned = 0,
        trace = parent == nil or parent.trace,
        strict = parent ~= nil and parent.strict,
    }, mt)
end

local function run(test, fun, ...)
    diag(test, '%s', test.name)
    fun(test, ...)
    diag(test, '%s: end', test.name)
    return test:check()
end

local function test(parent, name, fun, ...)
    local child = new(parent, name)
    if fun == nil then
        return child
    end
    local res = run(child, fun, ...)
    return res
end

local function root_test(name, fun, ...)
    io.write('TAP version 13', '\n')
    local root = new(nil, name)
    if fun == nil then
        return root
    end
    local res = run(root, fun, ...)
    return res
end

methods.test = test
methods.plan = plan
methods.check = check
methods.diag = diag
methods.ok = ok
methods.fail = fail
methods.skip = skip
methods.is = is
methods.isnt = isnt
methods.isnil = isnil
methods.is_deeply = is_deeply
methods.like = like
methods.unlike = unlike
methods.isudata = isudata
methods.iscdata = iscdata

for _, name in ipairs({'string', 'number', 'table', 'boolean', 'function'}) do
    methods['is' .. name] = function(self, value, message, extra)
        return is_type(self, value, name, message, extra)
    end
end

return {test = root_test}
