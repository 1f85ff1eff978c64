-- pwd: users and groups of the system.
local pwd = require('pwd')

local function show(v)
    if type(v) ~= 'table' then
        return (tostring(v):gsub('builtin/[%w/_.]*%.lua:%d+: ', ''))
    end
    local parts = {}
    for name, value in pairs(v) do
        parts[#parts + 1] = tostring(name) .. '=' .. (type(value) == 'table'
            and '{' .. show(value) .. '}' or tostring(value))
    end
    table.sort(parts)
    return table.concat(parts, ' ')
end

for _, key in ipairs({'root', 0, 'nosuch', 987654, 'daemon', 1, -1, 1.5}) do
    print(key, show(pwd.getpw(key)))
    print(key, show(pwd.getgr(key)))
end
print(show(pwd.getpw()))
print(show(pwd.getgr()))
for _, f in ipairs({pwd.getpwall, pwd.getgrall}) do
    for _, entry in ipairs(f()) do
        print(show(entry))
    end
end
for _, bad in ipairs({true, {}}) do
    print(show(select(2, pcall(pwd.getpw, bad))))
    print(show(select(2, pcall(pwd.getgr, bad))))
end
os.exit(0)
