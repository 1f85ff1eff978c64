-- Part of remote.lua: results as yaml, json, lua and tables. Fills in `formats`, to_json()
-- and show().

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

-- Deeper than that the encoders fail, and stock Tarantool's yaml overflows its stack.
local DEPTH_MAX = 100

local function is_too_deep(v, seen, depth)
    if depth > DEPTH_MAX then
        return true
    end
    seen[v] = true
    for _, item in next, v do
        if type(item) == 'table' and not seen[item] and is_too_deep(item, seen, depth + 1) then
            return true
        end
    end
    return false
end

-- A value made of what json can hold: functions become text, rings and what is too
-- deep are cut.
local function plain(v, seen, depth)
    local t = type(v)
    depth = depth or 1
    if depth > DEPTH_MAX then
        return '<deep>'
    end
    if t == 'function' or t == 'thread' or t == 'userdata' then
        return tostring(v)
    end
    if t ~= 'table' then
        return v
    end
    local mt = getmetatable(v)
    if type(mt) == 'table' and type(mt.__serialize) == 'function' then
        local ok, out = pcall(mt.__serialize, v)
        return ok and plain(out, seen, depth + 1) or '<__serialize: ' .. tostring(out) .. '>'
    end
    if seen[v] then
        return '<cycle>'
    end
    seen[v] = true
    local copy = setmetatable({}, {__serialize = type(mt) == 'table' and
        type(mt.__serialize) == 'string' and mt.__serialize or nil})
    for k, item in pairs(v) do
        local is_index = type(k) == 'number' and k % 1 == 0
        if not is_index and type(k) ~= 'string' then
            k = tostring(k)
        end
        copy[k] = plain(item, seen, depth + 1)
    end
    seen[v] = nil
    return copy
end

-- Everything prints: a value that the encoder of the format refuses is shown as far as
-- it can be.
function show(format, results)
    if not is_too_deep(results, {}, 0) then
        local ok, out = pcall(format, results)
        if ok then
            return out
        end
    end
    local copy = {n = results.n}
    for i = 1, results.n do
        copy[i] = plain(results[i], {})
    end
    return format(copy)
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

-- Bytes that are no UTF-8, and C1 control characters, as \ddd.
local function escape_bytes(run)
    local out, at = {}, 1
    while at <= #run do
        local first = run:byte(at)
        local len = first >= 0xf0 and first <= 0xf4 and 4 or first >= 0xe0 and 3 or
            first >= 0xc2 and 2 or 1
        local bytes = run:sub(at, at + len - 1)
        if len == 1 or first > 0xf4 or #bytes < len or bytes:find('[^\128-\191]', 2) or
                first == 0xc2 and bytes:byte(2) < 0xa0 then
            len = 1
            bytes = ('\\%03d'):format(first)
        end
        out[#out + 1] = bytes
        at = at + len
    end
    return table.concat(out)
end

local function quoted(s)
    s = s:gsub('[%c"\\\127]', function(c)
        if c == '\n' then
            return '\\n'
        elseif c == '"' or c == '\\' then
            return '\\' .. c
        end
        return ('\\%03d'):format(c:byte())
    end)
    return '"' .. s:gsub('[\128-\255]+', escape_bytes) .. '"'
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
        v = v:gsub('[%c\127]', function(c)
            return c == '\n' and '\\n' or ('\\%03d'):format(c:byte())
        end)
        return (v:gsub('[\128-\255]+', escape_bytes))
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
        local name = type(k) == 'number' and ('col%g'):format(k) or cell(tostring(k))
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

-- The rows of a value and the names of their columns.
local function rows_of(v)
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
        if row == nil or next(row) == nil then
            if not known.value then
                known.value = true
                columns[#columns + 1] = 'value'
            end
            row = {value = cell(item)}
        end
        rows[#rows + 1] = row
    end
    return columns, rows
end

-- Like a table, but a line for each field: for rows wider than the screen.
local function render_vertical(columns, rows)
    local name_width, out = 0, {}
    for _, name in ipairs(columns) do
        name_width = math.max(name_width, width(name))
    end
    for i, row in ipairs(rows) do
        out[#out + 1] = ('-[ row %d ]%s\n'):format(i, ('-'):rep(name_width))
        for _, name in ipairs(columns) do
            if row[name] ~= nil then
                out[#out + 1] = ('%s%s | %s\n'):format(name,
                    (' '):rep(name_width - width(name)), row[name])
            end
        end
    end
    return table.concat(out)
end


function formats.table(results)
    local list = {}
    for i, v in ipairs(dense(results)) do
        list[i] = render(rows_of(v))
    end
    return table.concat(list)
end

function formats.vertical(results)
    local list = {}
    for i, v in ipairs(dense(results)) do
        list[i] = render_vertical(rows_of(v))
    end
    return table.concat(list)
end
