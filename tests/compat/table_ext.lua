-- What Tarantool adds to the table library.
local names = {}
for name in pairs(table) do
    names[#names + 1] = name
end
table.sort(names)
print(table.concat(names, ' '))

local t = {1, {2, a = {3}}, x = 'y'}
t.self = t
local d = table.deepcopy(t)
print(d ~= t, d.self == d, d[2] ~= t[2], d[2].a ~= t[2].a, d[2].a[1], d.x)
local c = table.copy(t)
print(c ~= t, c.self == t, c[2] == t[2], c.x)

local m = setmetatable({a = 1}, {__index = {z = 1}})
print(getmetatable(table.copy(m)) == getmetatable(m), table.copy(m).z)
print(getmetatable(table.deepcopy(m)) == getmetatable(m), table.deepcopy(m).z)

local shared = {}
local two = table.deepcopy({shared, shared})
print(two[1] == two[2], two[1] == shared)
local key = {}
print(next(table.deepcopy({[key] = 1})) == key, next(table.copy({[key] = 1})) == key)

-- A metamethod makes the copy.
local calls = 0
local k = setmetatable({a = 1}, {
    __copy = function(self)
        calls = calls + 1
        return {made_from = self.a}
    end,
    __deepcopy = function()
        return 'not used'
    end,
})
print(table.deepcopy(k).made_from, table.copy(k).made_from, table.deepcopy({k})[1].made_from,
    table.copy({k})[1] == k, calls)
local pair = table.deepcopy({k, k})
print(pair[1] == pair[2], calls)

for _, v in ipairs({1, 's', true, print}) do
    print(table.copy(v) == v, table.deepcopy(v) == v)
end
print(table.copy(nil), table.deepcopy(nil), table.copy(), table.deepcopy())
print(next(table.deepcopy({})), #table.deepcopy({1, 2, 3}), #table.copy({1, nil, 3}))
print(table.new == require('table.new'), #table.new(10, 10), type(require('table.clear')))

local cleared = {1, 2, x = 3}
require('table.clear')(cleared)
print(next(cleared))

local deep = {}
local at = deep
for _ = 1, 100 do
    at.next = {}
    at = at.next
end
local n = 0
at = table.deepcopy(deep)
while at.next do
    at, n = at.next, n + 1
end
print(n)
os.exit(0)
