-- For compat scripts: print what a call returned or raised, the same in both programs.
--
--   local try = dofile(os.getenv('COMPAT_DIR') .. '/../lib/results.lua').try
--   try('what it shows', box.space.s.insert, box.space.s, {1})
local json = require('json')
local M = {}

-- JSON with sorted keys, so that the order of a map does not matter.
local function show(v)
    if type(v) == 'cdata' and box.tuple.is(v) then
        v = v:totable()
    end
    if type(v) ~= 'table' then
        local ok, text = pcall(json.encode, v)
        return ok and text or tostring(v)
    end
    local out = {}
    if #v > 0 or next(v) == nil then
        for i = 1, #v do
            out[i] = show(v[i])
        end
        return '[' .. table.concat(out, ',') .. ']'
    end
    for k, x in pairs(v) do
        out[#out + 1] = tostring(k) .. ':' .. show(x)
    end
    table.sort(out)
    return '{' .. table.concat(out, ',') .. '}'
end
M.show = show

-- Call f(...) and print its results, or the error without its position.
function M.try(name, f, ...)
    local r = {pcall(f, ...)}
    if not r[1] then
        local e = r[2]
        if type(e) == 'cdata' then
            print(name, 'ERR', e.type, e.code, e.message)
        else
            print(name, 'ERR', (tostring(e):gsub('^[^ ]*:%d+: ', '')))
        end
        return
    end
    local out = {}
    for i = 2, table.maxn(r) do
        out[#out + 1] = show(r[i])
    end
    print(name, 'OK', unpack(out))
end

return M
