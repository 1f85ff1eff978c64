-- Random values through json, yaml and msgpack and back. The generator is our own,
-- so that both programs make the same values; maps have one key, because the order
-- of keys differs between builds of LuaJIT.
local json, yaml, msgpack = require('json'), require('yaml'), require('msgpack')

local seed = 20201
local function random(n)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return math.floor(seed / 65536) % n
end

local pieces = {
    'a', 'Z', '0', '9', ' ', '  ', '-', '_', '.', ':', ': ', '#', ' #', ',', '[', ']', '{',
    '}', '&', '*', '!', '|', '>', "'", '"', '%', '@', '`', '\\', '/', '?', '~', '=', '<<',
    '\n', '\n\n', '\t', '\r', '\0', '\27', '\127', '\128', '\255', 'é', '日本', '😀',
    '\xe2\x80\xa8', 'null', 'true', 'no', '1e3', '0x1', 'inf', 'word word', '---', '...',
}

local function random_string()
    local s = {}
    for i = 1, random(9) do
        s[i] = pieces[random(#pieces) + 1]
    end
    return table.concat(s)
end

local function random_number()
    local kind = random(8)
    local base = random(32768) * 32768 + random(32768)
    if kind == 0 then
        return random(10)
    elseif kind == 1 then
        return -base
    elseif kind == 2 then
        return base / 1024
    elseif kind == 3 then
        return base * 2 ^ (random(120) - 60)
    elseif kind == 4 then
        return base * 1000003LL * (random(2) == 0 and 1 or -1)
    elseif kind == 5 then
        return base * 1000003ULL
    elseif kind == 6 then
        return 2 ^ random(70)
    end
    return -tonumber('1e' .. random(40))
end

local function random_value(depth)
    local kind = random(depth > 0 and 10 or 6)
    if kind < 2 then
        return random_string()
    elseif kind < 4 then
        return random_number()
    elseif kind == 4 then
        return random(2) == 0
    elseif kind == 5 then
        return json.NULL
    end
    local t = {}
    if kind < 8 then
        for i = 1, random(5) do
            t[i] = random_value(depth - 1)
        end
        return random(4) == 0 and setmetatable(t, json.array_mt) or t
    end
    t[random_string()] = random_value(depth - 1)
    return random(4) == 0 and setmetatable(t, json.map_mt) or t
end

local function hex(s)
    return (s:gsub('.', function(c) return ('%02x'):format(c:byte()) end))
end

local function show(name, f, ...)
    local ok, result = pcall(f, ...)
    if name == 'msgpack' and ok then
        result = hex(result)
    end
    print(name, ok, tostring(result))
    return ok and result
end

for i = 1, 3000 do
    local v = random_value(4)
    print('-- ' .. i)
    local text = show('json', json.encode, v)
    if text then
        show('json again', function() return json.encode(json.decode(text)) end)
    end
    text = show('yaml', yaml.encode, v)
    if text then
        show('yaml again', function() return yaml.encode((yaml.decode(text))) end)
    end
    show('msgpack', msgpack.encode, v)
    show('msgpack again', function()
        return hex(msgpack.encode((msgpack.decode(msgpack.encode(v)))))
    end)
    -- Broken texts: the same errors.
    if text then
        local cut = text:sub(1, random(#text) + 1)
        local ok = pcall(yaml.decode, cut)
        print('yaml cut', ok)
    end
    text = json.encode({'x', 1.5, {a = 'b'}, random_string()})
    local at = random(#text) + 1
    text = text:sub(1, at - 1) .. pieces[random(#pieces) + 1] .. text:sub(at + 1)
    local ok, err = pcall(json.decode, text)
    print('json broken', ok, ok and '' or err)
end
os.exit(0)
