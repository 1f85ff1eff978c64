-- Update operations on tuples: results and errors.
local ffi = require('ffi')

local function show(v)
    if type(v) == 'table' then
        local parts = {}
        for i = 1, table.maxn(v) do
            parts[i] = show(v[i])
        end
        return '{' .. table.concat(parts, ',') .. '}'
    end
    if ffi.istype('float', v) or ffi.istype('double', v) then
        return tostring(ffi.typeof(v)) .. tonumber(v)
    end
    return type(v) == 'string' and "'" .. v .. "'" or tostring(v)
end

local function run(method, ops, fields)
    local t = box.tuple.new(fields or {1, 2, 'three', 4.5, -5, {6}, 'x'})
    local ok, res = pcall(t[method], t, ops)
    if not ok and type(res) == 'cdata' then
        res = ('%s %s %s'):format(res.type, tostring(res.code), tostring(res))
    else
        res = tostring(res):gsub('^[%w/_]+%.lua:%d+: ', '')
    end
    print(method, show(ops), res)
end

local function both(ops, fields)
    run('update', ops, fields)
    run('upsert', ops, fields)
end

-- Malformed
for _, ops in ipairs{{}, {{}}, {1}, {{1}}, {{'='}}, {{'=', 1}}, {{'=', 1, 2, 3}}, {{'x', 1, 2}},
    {{'xx', 1, 2}}, {{'==', 1, 2}}, {{'', 1, 2}}, {{'=', 1.5, 1}}, {{'=', true, 1}}, {{'=', {}, 1}},
    {{'=', box.NULL, 1}}, {{'=', 1, 1}, {'?', 1, 1}}, {{'=', 1, 1}, 5}, {{':', 3, 1, 1}},
    {{'#', 1}}, {{'+', 1}}, {{'!', 1}}, {{box.NULL, 1, 1}}} do
    both(ops)
end
both('x')
both(nil)
both(5)

-- = ! # at each place
for _, op in ipairs{'=', '!'} do
    for at = -9, 9 do
        both{{op, at, 'new'}}
    end
end
for at = -9, 9 do
    both{{'#', at, 1}}
end
for _, n in ipairs{0, 2, 100, -1, 'x', 1.5, box.NULL} do
    both{{'#', 1, n}}
    both{{'#', -2, n}}
end
for _, v in ipairs{box.NULL, {}, {a = 1}, {1, {2}}, 'str', 1.5, -1, true, 2 ^ 60} do
    both{{'=', 2, v}}
    both{{'!', 2, v}}
end

-- Arithmetic
local numbers = {0, 1, -1, 5, -5, 1.5, -0.5, 2 ^ 31, 2 ^ 53, 2 ^ 63, -2 ^ 63, 1e300,
    18446744073709551615ULL, 18446744073709551614ULL, 9223372036854775807LL,
    -9223372036854775807LL, ffi.cast('float', 1.5), ffi.cast('double', 2)}
for _, a in ipairs(numbers) do
    for _, b in ipairs(numbers) do
        for _, op in ipairs{'+', '-', '&', '|', '^'} do
            run('update', {{op, 1, b}}, {a})
        end
    end
end
for _, op in ipairs{'+', '-', '&', '|', '^'} do
    for _, v in ipairs{'x', '', true, box.NULL, {}, {1}} do
        both({{op, 2, v}})
    end
    for _, at in ipairs{3, 6, 7, 8, 9, -1, -7, -8} do
        both({{op, at, 1}})
    end
end

-- Splice
for _, offset in ipairs{-8, -7, -6, -2, -1, 0, 1, 2, 5, 6, 7, 100} do
    for _, cut in ipairs{-100, -6, -1, 0, 1, 3, 100} do
        run('update', {{':', 3, offset, cut, 'XY'}})
    end
end
both{{':', 3, 2, 1, ''}}
both{{':', 2, 1, 1, 'X'}}
both{{':', 3, 'a', 1, 'X'}}
both{{':', 3, 1, 'a', 'X'}}
both{{':', 3, 1, 1, 1}}
both{{':', 9, 1, 1, 'x'}}
both{{':', 3, 1.5, 1, 'X'}}
both({{':', 1, 1, 0, 'abc'}}, {''})
both({{':', 1, 30, 5, ('z'):rep(40)}}, {('y'):rep(31)})

-- Several
for _, ops in ipairs{
    {{'+', 2, 1}, {'+', 2, 1}}, {{'=', 2, 1}, {'+', 2, 1}}, {{'+', 2, 1}, {'=', 2, 7}},
    {{'!', 2, 1}, {'+', 2, 1}}, {{'!', 2, 1}, {'+', 3, 1}}, {{'#', 1, 1}, {'+', 1, 1}},
    {{'=', 2, 1}, {'=', 2, 7}}, {{'=', 8, 1}, {'=', 9, 2}}, {{'=', 8, 1}, {'+', 8, 2}},
    {{':', 3, 1, 1, 'X'}, {':', 3, 1, 1, 'Y'}}, {{'=', 3, 'zz'}, {':', 3, 1, 1, 'Y'}},
    {{'+', 2, 1}, {'#', 2, 1}}, {{'=', 1, 1}, {'#', 1, 1}}, {{'&', 2, 1}, {'&', 2, 3}},
    {{'-', 2, 1}, {'!', 2, 8}, {'+', 3, 1}}, {{'=', -1, 5}, {'!', -1, 6}, {'#', -1, 1}},
    {{'#', 1, 7}, {'!', 1, 'a'}, {'=', 2, 'b'}}, {{'+', 9, 1}, {'+', 2, 1}},
    {{'+', 3, 1}, {'-', 5, 1}}, {{'!', 8, 1}, {'!', 9, 2}, {'#', 1, 2}, {'=', -1, 'end'}},
    {{'=', 2, 10}, {'+', 3, 1}, {'=', 4, 0}}} do
    both(ops)
end

-- Names
for _, name in ipairs{'a', '[2]', '[9]', '', '[', '[x]'} do
    both{{'=', name, 1}}
end
both{{'+', '[3]', 1}}
both{{'+', '[2]', 1}}
both{{'#', '[2]', 1}}
both{{'!', '[2]', 1}}

-- Field numbers
for _, at in ipairs{2147483647, -2147483648} do
    both{{'=', at, 1}}
end

-- The empty tuple
for _, op in ipairs{'=', '!', '#', '+'} do
    for at = -2, 2 do
        both({{op, at, 1}}, {})
    end
end
local ops = {}
for i = 1, 4001 do
    ops[i] = {'=', 1, i}
end
print(pcall(function() return box.tuple.new{1}:update(ops) end))
ops[4001] = nil
print(box.tuple.new{1}:update(ops))
