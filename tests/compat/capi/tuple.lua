-- Tuples, their iterators, formats and keys through the C API; without box.cfg.
local lib = dofile(os.getenv('COMPAT_DIR') .. '/lib.lua')
local c, mp, show = lib.capi, lib.mp, lib.show
local msgpack = require('msgpack')

-- Made, read
local t = c.tuple_new(mp(1, 'two', {3, 3.5}, box.NULL, true, {k = 'v'}))
show('new', t)
show('count', c.tuple_field_count(t))
show('bsize', c.tuple_bsize(t))
for i = 0, 7 do
    show('field', i, c.tuple_field(t, i))
end
show('field', c.tuple_field(t, 4294967295))
show('empty', c.tuple_new(mp()))
show('empty', c.tuple_field_count(c.tuple_new(mp())), c.tuple_bsize(c.tuple_new(mp())))
local many = {}
for i = 1, 70000 do many[i] = i end
local wide = c.tuple_new(msgpack.encode(many))
show('wide', c.tuple_field_count(wide), c.tuple_bsize(wide))
show('big', c.tuple_bsize(c.tuple_new(mp(('x'):rep(3000000)))))
local nested = 'x'
for _ = 1, 60 do nested = {nested} end
show('nested', c.tuple_bsize(c.tuple_new(mp(nested))))
for _, size in ipairs({0, 1, 5, 17, 18, 19, 20, 21, 22, 23, 60}) do
    show('to_buf', size, c.tuple_to_buf(t, size))
end
show('refs', c.tuple_ref_many(t, 100000), t)
show('same format', c.tuple_same_format(t, wide))
show('like', c.tuple_new_like(mp(5), t))
show('wide array', c.tuple_data(c.tuple_new('\xdc\0\1\5')) == '\xdc\0\1\5')

-- Changed
local function ops(...)
    return mp(...)
end
local base = c.tuple_new(mp(10, 'abc', 1.5, {1}))
local function update(...)
    show('update', c.tuple_update(base, ops(...)))
    show('upsert', c.tuple_upsert(base, ops(...)))
end
update()
update({'=', 1, 11})
update({'=', 0, 11})
update({'=', -1, 'last'})
update({'=', 5, 'new'})
update({'=', 6, 'gap'})
update({'+', 1, 5}, {'+', 3, 0.5})
update({'-', 1, 50}, {'-', 3, 0.5})
update({'&', 1, 2}, {'|', 1, 5}, {'^', 1, 1})
update({':', 2, 2, 1, 'XYZ'})
update({'!', 1, 0}, {'#', 4, 1})
update({'#', 1, 100})
update({'#', 1, 0})
update({'+', 2, 1})
update({'+', 1, 'x'})
update({'?', 1, 1})
update({'=', 1})
update({'=', 'name', 1})
update({'=', '[2]', 'path'})
update({1, 2, 3})
update(5)
show('not ops', c.tuple_update(base, msgpack.encode(5)))
show('not ops', c.tuple_update(base, msgpack.encode({a = 1})))
show('not ops', c.tuple_upsert(base, msgpack.encode('x')))
show('base', base)
show('same format', c.tuple_same_format(c.tuple_update(base, ops({'=', 1, 1})), base))

-- Fields one after another
show('iterate', c.field_iterator(base, 'pnpnpnpnpnpnprpnp'))
show('seek', c.field_iterator(base, 's0ps3pnps4pnprps2pnp'))
show('seek', c.field_iterator(base, 's4294967295pnrn'))
show('empty', c.field_iterator(c.tuple_new(mp()), 'pnps0prn'))
show('wide', c.field_iterator(c.tuple_new(msgpack.encode({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
    14, 15, 16, 17})), 'ps15pnpnp'))
show('holds', c.field_iterator_holds(mp('something', 'that', {'is', 'not', 'short'})))

-- Keys
local U, S, N, D, I, B, V, SC = 1, 2, 3, 4, 5, 6, 7, 8
local function key(...)
    local def, err = c.key_def_new({...})
    if def == nil then
        show('key', err)
    end
    return def
end
local function compare(def, ...)
    local list = {...}
    local line = {}
    for i, a in ipairs(list) do
        for j, b in ipairs(list) do
            line[#line + 1] = c.compare(c.tuple_new(a), c.tuple_new(b), def)
        end
    end
    show('compare', unpack(line))
end
compare(key({0, U}), mp(1), mp(2), mp(1, 'x'), mp(300), mp(18446744073709551615ULL))
compare(key({0, S}), mp(''), mp('a'), mp('aa'), mp('b'), mp('A'))
compare(key({0, I}), mp(-5), mp(5), mp(-500), mp(0))
compare(key({0, N}), mp(-5), mp(1.5), mp(2), mp(2.0), mp(1e300))
compare(key({0, D}), mp(1.5), mp(-1.5), mp(1e300))
compare(key({0, B}), mp(true), mp(false))
compare(key({0, V}), '\x91\xc4\x02ab', '\x91\xc4\x01a', '\x91\xc4\x02ac')
compare(key({0, SC}), mp(true), mp(1), mp('a'), mp(-1.5), '\x91\xc4\x02ab')
compare(key({0, U}, {1, S}), mp(1, 'a'), mp(1, 'b'), mp(2, 'a'))
compare(key({1, S}, {0, U}), mp(1, 'a'), mp(1, 'b'), mp(2, 'a'))
compare(key({2, U}, {5, U}), mp(0, 0, 1, 0, 0, 2), mp(9, 9, 1, 9, 9, 1, 7), mp(0, 0, 0, 0, 0, 9))
local def = key({0, U}, {1, S})
for _, k in ipairs({mp(), mp(1), mp(2), mp(3), mp(2, 'a'), mp(2, 'b'), mp(2, 'c'), mp(1, 'z')}) do
    show('with key', c.compare_with_key(c.tuple_new(mp(2, 'b', 'more')), k, def))
end

-- Formats
local f = c.format_new(key({0, U}), key({2, S}))
show('format', f)
show('fits', c.tuple_new(mp(1, 'any', 'x'), f))
show('fits', c.tuple_new(mp(1, 'any', 'x', 4, 5), f))
show('type', c.tuple_new(mp('1', 'any', 'x'), f))
show('type', c.tuple_new(mp(1, 'any', 5), f))
show('nil', c.tuple_new(mp(box.NULL, 'any', 'x'), f))
show('missing', c.tuple_new(mp(1, 'any'), f))
show('missing', c.tuple_new(mp(), f))
show('no keys', c.tuple_new(mp(1), c.format_new()))
show('wider type', c.tuple_new(mp(-1), c.format_new(key({0, U}), key({0, I}))))
show('wider type', c.tuple_new(mp(1), c.format_new(key({0, N}), key({0, I}))))
show('clash', c.format_new(key({0, U}), key({0, S})))
show('clash', c.format_new(key({3, B}), key({3, D})))
local ft = c.tuple_new(mp(1, 'any', 'x'), f)
f = nil
collectgarbage()
collectgarbage()
show('without the format', ft)
show('update', c.tuple_update(ft, ops({'=', 2, 'else'})))
show('update', c.tuple_update(ft, ops({'=', 1, 'else'})))
show('update', c.tuple_update(ft, ops({'#', 2, 2})))
show('upsert', c.tuple_upsert(ft, ops({'=', 2, 'else'})))
show('big', c.tuple_bsize(c.tuple_new(mp(1, ('x'):rep(2000000), 'x'), c.format_new(key({0, U})))))

-- Errors
c.error_clear()
show('none', c.error_last())
show('set', c.error_set('dir/file.c', 42, 100, 'a text'))
show('last', c.error_last())
show('throw', pcall(c.throw_last))
local e = box.error.last()
show('in Lua', e.type, e.code, e.message, e.trace[1].file, e.trace[1].line)
show('raise', pcall(c.error_raise))
show('raise', box.error.last().code)
c.error_set('x', 1, 1000000, ('x'):rep(2000))
show('long', box.error.last().code, #box.error.last().message)
show('clear', c.error_clear(), box.error.last())
show('nobody', pcall(box.error, box.error.NO_SUCH_SPACE, 's'))
show('of Lua', c.error_last())
c.tuple_field(t, 100)
show('stays', c.error_last())
pcall(error, 'text')
show('stays', c.error_last())
box.error.clear()
show('cleared', c.error_last())

-- Latches
local fiber = require('fiber')
local l = c.latch_new()
show('free', c.latch_trylock(l), c.latch_trylock(l))
local log = {}
for i = 1, 3 do
    fiber.create(function()
        local n = i
        log[#log + 1] = 'try ' .. n .. ' ' .. c.latch_trylock(l)
        c.latch_lock(l)
        log[#log + 1] = 'got ' .. n .. ' ' .. c.latch_trylock(l)
        fiber.sleep(0.001)
        c.latch_unlock(l)
        log[#log + 1] = 'gave ' .. n
    end)
end
local cancelled = fiber.create(function()
    c.latch_lock(l)
    log[#log + 1] = 'got, ' .. tostring(pcall(fiber.testcancel))
    c.latch_unlock(l)
end)
cancelled:cancel()
fiber.sleep(0.01)
log[#log + 1] = 'unlock'
c.latch_unlock(l)
log[#log + 1] = 'try main ' .. c.latch_trylock(l)
c.latch_lock(l)
log[#log + 1] = 'got main'
c.latch_unlock(l)
log[#log + 1] = 'again ' .. c.latch_trylock(l)
print(table.concat(log, '\n'))
os.exit(0)
