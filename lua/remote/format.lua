-- Part of remote.lua: results as yaml, json, lua and tables. Fills in `formats`, and
-- to_json().

local yaml_encoder, json_encoder

local function encoder(module)
    local enc = require(module).new()
    enc.cfg({
        encode_invalid_numbers = true,
        encode_load_metatables = true,
        encode_use_tostring = true,
        encode_invalid_as_nil = true,
    })
    return enc
end

-- The results as an array without holes.
local function dense(results)
    local null = require('json').NULL
    local list = {}
    for i = 1, results.n do
        local v = results[i]
        if v == nil then
            v = null
        end
        list[i] = v
    end
    return list
end

function formats.yaml(results)
    if results.n == 0 then
        return '---\n...\n'
    end
    yaml_encoder = yaml_encoder or encoder('yaml')
    return yaml_encoder.encode(dense(results))
end

-- A value made of what json can hold: functions become text, rings are cut.
local function plain(v, seen)
    local t = type(v)
    if t == 'function' or t == 'thread' or t == 'userdata' then
        return tostring(v)
    end
    if t ~= 'table' then
        return v
    end
    local mt = getmetatable(v)
    if type(mt) == 'table' and type(mt.__serialize) == 'function' then
        return plain(mt.__serialize(v), seen)
    end
    if seen[v] then
        return '<cycle>'
    end
    seen[v] = true
    local copy = setmetatable({}, {__serialize = type(mt) == 'table' and
        type(mt.__serialize) == 'string' and mt.__serialize or nil})
    for k, item in pairs(v) do
        if type(k) ~= 'number' and type(k) ~= 'string' then
            k = tostring(k)
        end
        copy[k] = plain(item, seen)
    end
    seen[v] = nil
    return copy
end

function to_json(v)
    json_encoder = json_encoder or encoder('json')
    local ok, text = pcall(json_encoder.encode, v)
    if not ok then
        text = json_encoder.encode(plain(v, {}))
    end
    return text
end

function formats.json(results)
    local list = {}
    for i, v in ipairs(dense(results)) do
        list[i] = to_json(v)
    end
    return '[' .. table.concat(list, ',') .. ']'
end

-- Each result on a line of its own.
function formats.json_lines(results)
    local list = {}
    for i, v in ipairs(dense(results)) do
        list[i] = to_json(v) .. '\n'
    end
    return table.concat(list)
end

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local
    nil not or repeat return then true until while]]):gmatch('%a+') do
    KEYWORDS[word] = true
end

local function quoted(s)
    return '"' .. s:gsub('[%c"\\\127-\255]', function(c)
        if c == '\n' then
            return '\\n'
        elseif c == '"' or c == '\\' then
            return '\\' .. c
        elseif c:byte() >= 128 then
            return c
        end
        return ('\\%03d'):format(c:byte())
    end) .. '"'
end

local to_lua

local function table_to_lua(v, seen)
    if seen[v] then
        return 'nil --[[cycle]]'
    end
    seen[v] = true
    local out, count = {}, #v
    for i = 1, count do
        out[i] = to_lua(v[i], seen)
    end
    local keys = {}
    for k in pairs(v) do
        if type(k) ~= 'number' or k < 1 or k > count or k % 1 ~= 0 then
            keys[#keys + 1] = k
        end
    end
    table.sort(keys, function(a, b)
        if type(a) == type(b) and (type(a) == 'number' or type(a) == 'string') then
            return a < b
        end
        return type(a) < type(b)
    end)
    for _, k in ipairs(keys) do
        local name
        if type(k) == 'string' and k:match('^[%a_][%w_]*$') and not KEYWORDS[k] then
            name = k
        else
            name = '[' .. to_lua(k, seen) .. ']'
        end
        out[#out + 1] = name .. ' = ' .. to_lua(v[k], seen)
    end
    seen[v] = nil
    return '{' .. table.concat(out, ', ') .. '}'
end

function to_lua(v, seen)
    local t = type(v)
    if t == 'string' then
        return quoted(v)
    elseif t == 'cdata' and v == nil then
        return 'box.NULL'
    elseif t == 'cdata' and type(box) == 'table' and box.tuple ~= nil and
            box.tuple.is ~= nil and box.tuple.is(v) then
        return table_to_lua(v:totable(), seen)
    elseif t == 'table' then
        local mt = getmetatable(v)
        if type(mt) == 'table' and type(mt.__serialize) == 'function' then
            return to_lua(mt.__serialize(v), seen)
        end
        return table_to_lua(v, seen)
    elseif t == 'number' or t == 'boolean' or t == 'nil' then
        return tostring(v)
    elseif t == 'cdata' and tostring(v):match('^%-?%d+U?LL$') then
        return tostring(v)
    end
    return quoted(tostring(v))
end

function formats.lua(results)
    local list = {}
    for i, v in ipairs(dense(results)) do
        list[i] = to_lua(v, {})
    end
    return table.concat(list, ', ') .. ';\n'
end

-- A result as rows and columns: an array of tuples, arrays or maps is a row each,
-- a lone map a row of its fields, anything else one cell.

local function cell(v)
    if type(v) == 'string' then
        return (v:gsub('[%c\127]', function(c)
            return c == '\n' and '\\n' or ('\\%03d'):format(c:byte())
        end))
    elseif v == nil then
        return 'null'
    end
    return to_json(v)
end

-- The fields of a row by column name; nil when the value has none.
local function row_fields(v, columns, known)
    if type(v) == 'cdata' and type(box) == 'table' and box.tuple ~= nil and
            box.tuple.is ~= nil and box.tuple.is(v) then
        v = v:totable()
    end
    if type(v) ~= 'table' then
        return nil
    end
    local row, extra = {}, {}
    for k, item in pairs(v) do
        local name = type(k) == 'number' and ('col%d'):format(k) or tostring(k)
        row[name] = cell(item)
        if not known[name] then
            known[name] = true
            extra[#extra + 1] = {name, k}
        end
    end
    table.sort(extra, function(a, b)
        if type(a[2]) == 'number' and type(b[2]) == 'number' then
            return a[2] < b[2]
        end
        return a[1] < b[1]
    end)
    for _, item in ipairs(extra) do
        columns[#columns + 1] = item[1]
    end
    return row
end

local function width(s)
    local _, n = s:gsub('[^\128-\191]', '')
    return n
end

local function render(columns, rows)
    local widths = {}
    for i, name in ipairs(columns) do
        widths[i] = width(name)
        for _, row in ipairs(rows) do
            widths[i] = math.max(widths[i], width(row[name] or ''))
        end
    end
    local function line(get)
        local out = {}
        for i, name in ipairs(columns) do
            local text = get(name)
            out[i] = ' ' .. text .. (' '):rep(widths[i] - width(text)) .. ' '
        end
        return '|' .. table.concat(out, '|') .. '|\n'
    end
    local rule = {}
    for i in ipairs(columns) do
        rule[i] = ('-'):rep(widths[i] + 2)
    end
    rule = '+' .. table.concat(rule, '+') .. '+\n'
    local out = {rule, line(function(name) return name end), rule}
    for _, row in ipairs(rows) do
        out[#out + 1] = line(function(name) return row[name] or '' end)
    end
    out[#out + 1] = rule
    return table.concat(out)
end

local function table_of(v)
    local columns, known, rows = {}, {}, {}
    local is_list = type(v) == 'table' and #v > 0
    if is_list then
        for i = 1, #v do
            if type(v[i]) ~= 'table' and type(v[i]) ~= 'cdata' then
                is_list = false
            end
        end
    end
    for _, item in ipairs(is_list and v or {v}) do
        local row = row_fields(item, columns, known)
        if row == nil then
            if not known.value then
                known.value = true
                columns[#columns + 1] = 'value'
            end
            row = {value = cell(item)}
        end
        rows[#rows + 1] = row
    end
    return render(columns, rows)
end

function formats.table(results)
    local list = {}
    for i, v in ipairs(dense(results)) do
        list[i] = table_of(v)
    end
    return table.concat(list)
end
