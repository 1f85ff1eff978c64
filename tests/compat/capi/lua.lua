-- The Lua part of the C API (lua.c).
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
local ffi = require('ffi')
local fiber = require('fiber')
local c = require('capi_lua')
assert(capi_lua == c, 'luaL_register sets the global')

local function text(v)
    if type(v) == 'string' then return (v:gsub('0x%x+', 'ADDR')) end
    if type(v) == 'table' or type(v) == 'function' then return type(v) end
    return (tostring(v):gsub('0x%x+', 'ADDR')) .. (type(v) == 'cdata' and ' cdata' or '')
end
local function show(...)
    local out = {}
    for i = 1, select('#', ...) do out[i] = text((select(i, ...))) end
    print(table.concat(out, ' | '))
end
local function try(name, ...) show(name, pcall(c[name], ...)) end

print('-- integers')
for _, v in ipairs({'0', '1', '99999999999999', '100000000000000', '9007199254740993',
                    '9223372036854775807', '9223372036854775808', '18446744073709551615'}) do
    show(v, c.push_u64(v), type(c.push_u64(v)))
end
for _, v in ipairs({'0', '-1', '-99999999999999', '-100000000000000', '99999999999999',
                    '100000000000000', '-9223372036854775808', '9223372036854775807'}) do
    show(v, c.push_i64(v), type(c.push_i64(v)))
end
local values = {
    {0}, {1}, {-1}, {1.5}, {-1.5}, {2^31}, {2^53}, {2^62}, {-2^62}, {'12'}, {'-12'}, {' 12'},
    {'12abc'}, {'abc'}, {''}, {'1.5'}, {'18446744073709551615'}, {'18446744073709551616'},
    {'9223372036854775808'}, {'0x10'}, {nil}, {true}, {{}}, {5LL}, {-5LL}, {5ULL},
    {18446744073709551615ULL}, {ffi.new('int8_t', -3)}, {ffi.new('uint8_t', 200)},
    {ffi.new('int16_t', -300)}, {ffi.new('uint16_t', 60000)}, {ffi.new('int32_t', -70000)},
    {ffi.new('uint32_t', 4e9)}, {ffi.new('double', 2.5)}, {ffi.new('float', 2.5)},
    {ffi.new('bool', true)}, {ffi.new('char', 65)}, {ffi.new('int')}, {ffi.cast('void *', 7)},
    {ffi.new('int[2]')},
}
for i = 1, 40 do
    local v = values[i][1]
    print(i, text(v))
    try('check_u64', v)
    try('check_i64', v)
    -- A negative double as an unsigned number is undefined.
    try('to_u64', v)
    try('to_i64', v)
end

print('-- cdata')
show(c.cdef('struct capi_point { double x; int y; };'))
show(c.cdef('struct capi_point { double x; int y; };'))
show(c.cdef('struct {{'))
local p = c.push_point(1.25, 7)
show(p.x, p.y, ffi.istype('struct capi_point', p))
show(c.read_point(ffi.new('struct capi_point', {3, 4})))
show(c.ctypeids())
local same = c.push_same_type(ffi.new('struct { int a; }', {77}))
show(same.a)
same = c.push_same_type(ffi.new('int', 78))
show(tonumber(same))
for _, v in ipairs({1, 'x', {}, print}) do try('check_cdata', v) end
try('check_cdata', nil)
try('check_cdata', 1LL)
try('read_point', 5)
do
    local gone = 0
    show(c.set_gc(ffi.new('int[1]'), function() gone = gone + 1 end))
    collectgarbage() collectgarbage()
    local kept = ffi.new('int[1]')
    c.set_gc(kept, function() gone = gone + 100 end)
    c.set_gc(kept, nil)
    kept = nil -- luacheck: ignore
    collectgarbage() collectgarbage()
    show('collected', gone)
end

print('-- tolstring')
local named = setmetatable({}, {__tostring = function() return 'by name' end})
for _, v in ipairs({1, 1.5, -0.1, 1e100, 'text', 'a\0b', true, false, {}, print, named, 1LL, 2ULL,
                    fiber.self(), io.stdout, coroutine.create(print), ffi.new('int', 3),
                    ffi.typeof('int')}) do
    try('tolstring', v)
end
try('tolstring', nil)
try('tolstring', box.NULL)
try('tolstring', setmetatable({}, {__tostring = function() error('no text') end}))

print('-- iscallable')
ffi.cdef('struct capi_call { int a; }; struct capi_nocall { int a; };')
ffi.metatype('struct capi_call', {__call = function() return 1 end})
ffi.metatype('struct capi_nocall', {__index = {}})
local call = ffi.new('struct capi_call')
for _, v in ipairs({1, 'x', true, {}, print, function() end, setmetatable({}, {}), 1LL,
                    setmetatable({}, {__call = print}), setmetatable({}, {__call = 1}), call,
                    ffi.new('struct capi_nocall'), ffi.cast('struct capi_call *', call),
                    ffi.new('struct capi_call[1]'), ffi.new('int[2]'), io.stdout,
                    ffi.cast('int (*)(void)', 0)}) do
    show(text(v), c.iscallable(v))
end
show(c.iscallable(nil))

print('-- calls')
show(c.call(function() end, 0))
show(c.call(function() end, 2))
show(c.call(function(...) return ... end, -1, 1, nil, 3))
show(c.call(function(...) return ... end, 1, 'a', 'b'))
show(c.call(function() error('text') end, 0))
show(c.call(function() error('text', 0) end, 1))
show(c.call(function() error({1}) end, 0))
show(c.call(function() error(nil) end, 0))
show(c.call(function() error(12) end, 0))
show(c.call(function() error(named) end, 0))
show(c.call(function() box.error(box.error.NO_SUCH_SPACE, 'x') end, 0))
show(c.call(function() box.error({code = 102, reason = 'mine'}) end, 1))
show(c.call(function() fiber.sleep(0.001) return 'slept' end, 1))
show(c.call(function() fiber.sleep(0.001) error('slept', 0) end, 1))
show(c.call(5, 0))
for _, how in ipairs({'fine', 'lua', 'box'}) do show(how, c.cpcall(how)) end

print('-- errors')
local ok, e = pcall(c.raise, 102, 'x')
show(ok, e.type, e.code, e.message, e.trace[1].file, e.trace[1].line)
ok, e = pcall(c.raise, box.error.PROC_C, 'y')
show(ok, e.type, e.code, e.message)
local n, err, count = c.nil_and_error()
show(n, err.message, err.code, count)
show(c.state())

print('-- tuples')
for _, v in ipairs({box.tuple.new{1, 2, 3}, 5, 'x', {}, 1LL, ffi.new('struct capi_call')}) do
    try('istuple', v)
    try('checktuple', v)
end
try('checktuple', nil)
local t = c.pushtuple()
show(t, #t, t[2], c.istuple(t), box.tuple.is and box.tuple.is(t))

print('-- plain Lua')
local next_number = c.counter()
next_number()
show(next_number(), next_number())
show(c.object('kept')(), pcall(c.object))
show(c.join({'a', 'b', ('c'):rep(20), 1}))
show(#c.join({('x'):rep(10000), ('y'):rep(10000)}))
collectgarbage()
show(c.on_thread(function() return 'one' end))
show(c.on_thread(function() fiber.sleep(0) error('two', 0) end))

-- Yields below C on threads that die, many at a time.
local function work()
    for i = 1, 100 do
        local rc, v = c.on_thread(function()
            fiber.sleep(0)
            local s = 0
            for k = 1, 100 do s = s + k end
            if i % 3 == 0 then error('third ' .. i, 0) end
            return s
        end)
        assert(i % 3 == 0 and rc ~= 0 and v == 'third ' .. i or rc == 0 and v == 5050)
        local rc2, _, _, last = c.call(function() fiber.sleep(0) error('x', 0) end, 0)
        assert(rc2 ~= 0 and last:find('x'))
        if i % 20 == 0 then collectgarbage() end
        fiber.sleep(0)
    end
    return true
end
local fibers = {}
for i = 1, 20 do
    fibers[i] = fiber.new(work)
    fibers[i]:set_joinable(true)
end
for i = 1, 20 do assert(select(2, fibers[i]:join()) == true) end
print('all done')
os.exit(0)
