-- tap: what is printed. The YAML of a failure is sorted here, for its order is
-- the hash table's; of the trace nothing is compared.
local out = {}
local write = io.write

-- luacheck: ignore io
io.write = function(...)
    local text = {}
    for i = 1, select('#', ...) do
        text[i] = tostring((select(i, ...)))
    end
    out[#out + 1] = table.concat(text)
end

local of_trace = {trace = 1, line = 1, filename = 1, source = 1, src = 1, what = 1, namewhat = 1,
    name = 1}

local function flush()
    io.write = write
    local extra
    for line in table.concat(out):gmatch('[^\n]*') do
        if line:match('^ *%-%-%-$') then
            extra = {}
        elseif line:match('^ *%.%.%.$') and extra then
            table.sort(extra)
            print(table.concat(extra, '\n'))
            extra = nil
        elseif extra and line ~= '' and not of_trace[line:match('^[ -]*(%w+):')] then
            extra[#extra + 1] = line
        elseif not extra and line ~= '' then
            print(line)
        end
    end
end

local tap = require('tap')
local t = tap.test('root')
t:plan(30)
local results = {}
local function keep(...)
    results[#results + 1] = tostring((...))
end

keep(t:ok(true, 'ok'))
keep(t:ok(false, 'not ok'))
keep(t:ok(nil, 'nil', {a = 1}))
keep(t:ok(1))
keep(t:ok(false, 'extra', {got = 1, nested = {x = {1, 2}}}))
keep(t:is(1, 1, 'is'))
keep(t:is(1, 2, 'is not'))
keep(t:is({}, {}, 'tables'))
keep(t:is(nil, box.NULL, 'null'))
keep(t:is(1, 1LL, 'll'))
keep(t:is('1', 1))
keep(t:is(0 / 0, 0 / 0, 'nan'))
keep(t:is(1, 2, nil, {more = 1}))
keep(t:isnt(1, 2, 'isnt'))
keep(t:isnt(1, 1, 'isnt fails'))
keep(t:isnt(box.NULL, nil, 'isnt null'))
keep(t:is_deeply({1, {a = 2}}, {1, {a = 2}}, 'deep'))
keep(t:is_deeply({1, {a = 2}}, {1, {a = 3}}, 'deep no'))
keep(t:is_deeply({1, 2}, {1}, 'deep more'))
keep(t:is_deeply({1}, {1, 2}, 'deep less'))
keep(t:is_deeply({a = {1}}, {a = {1, 2}}, 'deep inside less'))
keep(t:is_deeply({a = {1}, b = 1}, {a = {1}}, 'deep more'))
keep(t:is_deeply({}, nil, 'table and nil'))
keep(t:is_deeply({a = {}}, {a = 1}, 'table and number'))
keep(t:is_deeply(1, '1', 'deep types'))
keep(t:is_deeply(0 / 0, 0 / 0, 'nan'))
keep(t:is_deeply({1, 2, a = {b = {c = 1}}}, {1, 2, a = {b = {c = '1'}}}, 'path', {more = 1}))
local same = {}
keep(t:is_deeply(same, same, 'same'))
keep(t:like('abc', 'b.', 'like'))
keep(t:like('abc', 'z', 'like no'))
keep(t:like(5, '5', 'like number'))
keep(t:unlike('abc', 'b', 'unlike no'))
keep(t:unlike('abc', 'z', 'unlike'))
keep(t:isnil(nil, 'nil'))
keep(t:isnil(1, 'nil no'))
keep(t:isnil(box.NULL, 'nil no'))
for name, value in pairs({string = 's', number = 1, table = {}, boolean = false}) do
    keep(t['is' .. name](t, value, 'type'))
end
keep(t:isfunction(print, 'type'))
for _, name in ipairs({'string', 'number', 'table', 'boolean', 'function'}) do
    keep(t['is' .. name](t, nil, 'not ' .. name))
end
keep(t:iscdata(1LL, 'int64_t', 'c'))
keep(t:iscdata(1LL, 'uint64_t', 'c no'))
keep(t:iscdata(1, 'int64_t', 'c no'))
keep(t:isudata(1, 'x', 'u no'))
keep(t:diag('diag %s %d', 'a', 1))
keep(t:diag('two\nlines'))
keep(t:skip('skipped'))
keep(t:fail('failed'))
keep(t:fail())
keep(t:fail('failed', {x = 1}))
keep(t:test('sub', function(sub)
    sub:plan(3)
    sub:ok(true, 'in sub')
    sub:ok(false, 'fails in sub', {a = 1})
    sub:diag('note')
    sub:test('subsub', function(subsub)
        subsub:plan(1)
        subsub:ok(true, 'deep')
    end)
end))
keep(t:test('bad plan', function(sub)
    sub:plan(3)
    sub:ok(true, 'x')
end))
keep(t:test('args', function(sub, a, b)
    sub:plan(1)
    sub:is(a + b, 3, 'args')
end, 1, 2))
keep(t:test('no plan', function(sub)
    sub:ok(true, 'y')
end))
keep(t:test('no trace', function(sub)
    sub.trace = false
    sub:plan(1)
    sub:ok(false, 'no trace')
end))
local handle = t:test('handle')
handle:plan(1)
handle:ok(true, 'by handle')
keep(handle:check())
keep(pcall(handle.check, handle))
keep(t:test('strict', function(sub)
    sub:plan(4)
    sub.strict = true
    sub:is(nil, box.NULL, 'is')
    sub:is_deeply({a = box.NULL}, {}, 'deep')
    sub:is(1, 1LL, 'number')
    sub:is_deeply({a = 1LL}, {a = 1}, 'deep number')
end))
keep(t:test('not strict', function(sub)
    sub:plan(3)
    sub:is(nil, box.NULL, 'is')
    sub:is_deeply({a = box.NULL}, {}, 'deep')
    sub:is_deeply({a = 1LL}, {a = 1}, 'number')
end))
keep(pcall(t.test, t, 'error', function() error('boom') end))
keep(pcall(t.test, t, 'no function', 5))
keep(pcall(t.diag, t))
keep(t:check())
keep(pcall(t.check, t))

local failed = tap.test('failed')
failed:plan(1)
failed:ok(false, 'no')
keep(failed:check())
local passed = tap.test('passed')
passed:plan(1)
passed:ok(true, 'yes')
keep(passed:check())
keep(tap.test('with a function', function(root, x)
    root:plan(1)
    root:is(x, 1, 'argument')
end, 1))
keep(passed.total, passed.failed, passed.planned, passed.name, passed.level)

flush()
print(table.concat(results, ' '))
local names = {}
for name in pairs(getmetatable(t).__index) do
    names[#names + 1] = name
end
table.sort(names)
print(table.concat(names, ' '))
os.exit(0)
