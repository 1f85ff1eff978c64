-- How the console shows results and errors: yaml, lua, json, table.
--
-- A format is {show(results, opts), fail(err, opts), push(value, opts), eos}: the
-- first three give text; `results` has the count in n; eos is how every reply of
-- the format ends.

local json = require('json')
local yaml = require('yaml')

local settings = {
    encode_invalid_numbers = true, encode_load_metatables = true,
    encode_use_tostring = true, encode_invalid_as_nil = true,
}
local yaml_codec, json_codec = yaml.new(), json.new()
yaml_codec.cfg(settings)
json_codec.cfg(settings)

local DEPTH_MAX = 100

-- The results as an array without holes.
local function dense(results)
    local list = {}
    for i = 1, results.n do
        local v = results[i]
        list[i] = v == nil and json.NULL or v
    end
    return list
end

local function error_value(err)
    return {error = err == nil and json.NULL or err}
end

-- yaml --------------------------------------------------------------------------

local function yaml_fail(err)
    return yaml_codec.encode({error_value(err)})
end

local function yaml_show(results)
    if results.n == 0 then
        return '---\n...\n'
    end
    local ok, text = pcall(yaml_codec.encode, dense(results))
    if not ok then
        return yaml_fail('console: exception while formatting output: ' .. tostring(text))
    end
    return text
end

local function yaml_push(value)
    return yaml_codec.encode(value, {
        tag_handle = '!push!', tag_prefix = 'tag:tarantool.io/push,2018',
    })
end

-- lua ---------------------------------------------------------------------------

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil
               not or repeat return then true until while]]):gmatch('%a+') do
    keywords[word] = true
end

local escapes = {
    ['"'] = '\\"', ["'"] = "\\'", ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t',
    ['\\'] = '\\\\', ['\a'] = '\\a', ['\b'] = '\\b', ['\f'] = '\\f', ['\v'] = '\\v',
}

local function lua_string(s)
    s = s:gsub('[%c\127"\'\\]', function(c)
        return escapes[c] or ('\\%03d'):format(c:byte())
    end)
    return '"' .. s .. '"'
end

local function lua_number(v)
    if v == math.floor(v) and v >= -2 ^ 63 and v < 2 ^ 64 then
        return (('%.0f'):format(v):gsub('^-0$', '0'))
    end
    return ('%.14g'):format(v)
end

-- What stands for a table, cdata or userdata: a plain table and its hint ('seq',
-- 'map'), or a value of another type.
local function plain(v)
    for _ = 1, 10 do
        local ok, how = pcall(function() return v.__serialize end)
        if type(v) == 'table' then
            local mt = getmetatable(v)
            how = type(mt) == 'table' and rawget(mt, '__serialize') or nil
        elseif not ok then
            how = nil
        end
        if type(how) ~= 'function' then
            return v, how
        end
        v = how(v)
        if type(v) ~= 'table' and type(v) ~= 'cdata' then
            return v
        end
    end
    return v
end

local function is_tuple(v)
    return type(v) == 'cdata' and type(rawget(box, 'tuple')) == 'table' and
        box.tuple.is ~= nil and box.tuple.is(v)
end

local to_lua

local function lua_cdata(v, opts, indent, path)
    if v == nil then
        return 'box.NULL'
    end
    if is_tuple(v) then
        return to_lua(v:totable(), opts, indent, path)
    end
    local number = tostring(v):match('^(-?%d+)U?LL$')
    if number ~= nil then
        return number
    end
    local shown = plain(v)
    if type(shown) == 'cdata' then
        return lua_string(tostring(shown))
    end
    return to_lua(shown, opts, indent, path)
end

-- Items of an array with nil for its holes, or nil when it is a map.
local function array_size(t, hint)
    if hint == 'map' or hint == 'mapping' then
        return nil
    end
    if hint ~= nil then
        return #t
    end
    local max, count = 0, 0
    for k in pairs(t) do
        if type(k) ~= 'number' or k < 1 or k ~= math.floor(k) then
            return nil
        end
        max, count = math.max(max, k), count + 1
    end
    if max > 10 and max > 2 * count then
        return nil
    end
    return max
end

local function lua_key(k, opts, path)
    if type(k) == 'string' and k:match('^[%a_][%w_]*$') and not keywords[k] then
        return k
    end
    return '[' .. to_lua(k, opts, '', path) .. ']'
end

local function lua_table(t, hint, opts, indent, path)
    local items, inner = {}, indent .. '  '
    local size = array_size(t, hint)
    if size ~= nil then
        for i = 1, size do
            items[i] = to_lua(t[i], opts, inner, path)
        end
    else
        for k, v in pairs(t) do
            items[#items + 1] = lua_key(k, opts, path) .. ' = ' ..
                to_lua(v, opts, inner, path)
        end
    end
    if opts ~= 'block' then
        return '{' .. table.concat(items, ', ') .. '}'
    end
    return '{\n' .. (#items > 0 and inner or '') ..
        table.concat(items, ',\n' .. inner) .. '\n' .. indent .. '}'
end

function to_lua(v, opts, indent, path)
    local kind = type(v)
    if kind == 'string' then
        return lua_string(v)
    elseif kind == 'number' then
        return lua_number(v)
    elseif kind == 'nil' or kind == 'boolean' then
        return tostring(v)
    elseif kind == 'cdata' then
        return lua_cdata(v, opts, indent, path)
    elseif kind ~= 'table' then
        return lua_string(tostring(v))
    end
    -- What contains itself ends here.
    if path[v] or path.depth >= DEPTH_MAX then
        return 'nil'
    end
    local shown, hint = plain(v)
    if type(shown) ~= 'table' then
        return to_lua(shown, opts, indent, path)
    end
    path[v], path.depth = true, path.depth + 1
    local text = lua_table(shown, hint, opts, indent, path)
    path[v], path.depth = nil, path.depth - 1
    return text
end

local function lua_fail(err, opts)
    return to_lua({error = err == nil and json.NULL or err}, opts, '', {depth = 0}) .. ';'
end

local function lua_show(results, opts)
    local list = {}
    for i = 1, results.n do
        local ok, text = pcall(to_lua, results[i], opts, '', {depth = 0})
        if not ok then
            return lua_fail('console: exception while formatting output: ' ..
                            tostring(text), opts)
        end
        list[i] = text
    end
    return table.concat(list, ', ') .. ';'
end

local function lua_push(value, opts)
    return '-- Push\n' .. to_lua(value, opts, '', {depth = 0}) .. ';'
end

-- json: a reply is one line, the array of the results ------------------------------

local function json_fail(err)
    return json_codec.encode(error_value(err)) .. '\n'
end

local function json_show(results)
    local list = setmetatable(dense(results), json.array_mt)
    local ok, text = pcall(json_codec.encode, list)
    if not ok then
        return json_fail('console: exception while formatting output: ' .. tostring(text))
    end
    return text .. '\n'
end

local function json_push(value)
    return json_codec.encode({push = value == nil and json.NULL or value}) .. '\n'
end

-- table: an array of tuples, arrays or maps is a row each ---------------------------

local function cell(v)
    if v == nil then
        return 'null'
    elseif type(v) ~= 'string' then
        return json_codec.encode(v)
    end
    return (v:gsub('[%c\127]', function(c)
        return c == '\n' and '\\n' or ('\\%03d'):format(c:byte())
    end))
end

-- Characters, not bytes.
local function width(s)
    local _, n = s:gsub('[^\128-\191]', '')
    return n
end

-- Add the fields of a row to the columns.
local function add_row(rows, columns, v)
    if is_tuple(v) then
        v = v:totable()
    end
    local row, new = {}, {}
    if type(v) ~= 'table' then
        v = {value = v == nil and json.NULL or v}
    end
    for k, item in pairs(v) do
        local name = type(k) == 'number' and ('col%d'):format(k) or tostring(k)
        row[name] = cell(item)
        if not columns[name] then
            columns[name] = true
            new[#new + 1] = {name = name, order = type(k) == 'number' and k or math.huge}
        end
    end
    table.sort(new, function(a, b)
        if a.order ~= b.order then
            return a.order < b.order
        end
        return a.name < b.name
    end)
    for _, column in ipairs(new) do
        columns[#columns + 1] = column.name
    end
    rows[#rows + 1] = row
end

local function render(rows, columns)
    local widths, rule = {}, {}
    for i, name in ipairs(columns) do
        widths[i] = width(name)
        for _, row in ipairs(rows) do
            widths[i] = math.max(widths[i], width(row[name] or ''))
        end
        rule[i] = ('-'):rep(widths[i] + 2)
    end
    local function line(get)
        local cells = {}
        for i, name in ipairs(columns) do
            local text = get(name)
            cells[i] = ' ' .. text .. (' '):rep(widths[i] - width(text) + 1)
        end
        return '|' .. table.concat(cells, '|') .. '|\n'
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
    local rows, columns = {}, {}
    local is_list = type(v) == 'table' and #v > 0
    for i = 1, is_list and #v or 0 do
        is_list = is_list and (type(v[i]) == 'table' or is_tuple(v[i]))
    end
    if is_list then
        for i = 1, #v do
            add_row(rows, columns, v[i])
        end
    else
        add_row(rows, columns, v)
    end
    return render(rows, columns)
end

local function table_fail(err)
    return table_of({error = err == nil and json.NULL or err}) .. '\n'
end

local function table_show(results)
    local list = {}
    for i, v in ipairs(dense(results)) do
        local ok, text = pcall(table_of, v)
        if not ok then
            return table_fail('console: exception while formatting output: ' ..
                              tostring(text))
        end
        list[i] = text
    end
    return table.concat(list) .. '\n'
end

local function table_push(value)
    return table_of({push = value == nil and json.NULL or value})
end

return {
    yaml = {show = yaml_show, fail = yaml_fail, push = yaml_push, eos = '\n...\n'},
    lua = {show = lua_show, fail = lua_fail, push = lua_push, eos = ';'},
    json = {show = json_show, fail = json_fail, push = json_push, eos = '\n'},
    table = {show = table_show, fail = table_fail, push = table_push, eos = '\n\n'},
}
