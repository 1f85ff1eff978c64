-- Completion of a word by what is there: globals, keywords, fields, methods.

local ITEMS_MAX = 500
local INDEX_DEPTH_MAX = 20

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil
               not or repeat return then true until while]]):gmatch('%a+') do
    keywords[#keywords + 1] = word
end

-- The table that a value's fields come from when it has none itself.
local function index_of(v)
    local mt = debug.getmetatable(v)
    local index = type(mt) == 'table' and rawget(mt, '__index') or nil
    return type(index) == 'table' and index or nil
end

-- A field without running anything: no __index function is called.
local function field(v, name)
    for _ = 1, INDEX_DEPTH_MAX do
        if type(v) == 'table' then
            local item = rawget(v, name)
            if item ~= nil then
                return item
            end
        end
        v = index_of(v)
        if v == nil then
            return nil
        end
    end
end

-- Call add(name, value) for each field whose name begins with prefix.
local function each_field(v, prefix, add)
    for _ = 1, INDEX_DEPTH_MAX do
        if type(v) == 'table' then
            for name, item in next, v do
                if type(name) == 'string' and name:match('^[%a_][%w_]*$') and
                        name:sub(1, #prefix) == prefix then
                    add(name, item)
                end
            end
        end
        v = index_of(v)
        if v == nil then
            return
        end
    end
end

local function common_prefix(items)
    local prefix = items[1]
    for i = 2, #items do
        local n = 0
        while n < #prefix and prefix:byte(n + 1) == items[i]:byte(n + 1) do
            n = n + 1
        end
        prefix = prefix:sub(1, n)
    end
    return prefix
end

-- text: the word. Returns {common prefix, candidate...}, or nothing.
local function complete(text)
    local path, separator, prefix = text:match('^(.*)([.:])([%w_]*)$')
    local scope, items, seen = _G, {}, {}
    if path == nil then
        path, separator, prefix = '', '', text
    else
        for name in (path .. '.'):gmatch('([^.:]*)[.:]') do
            scope = name:match('^[%a_][%w_]*$') and field(scope, name)
            if scope == nil or scope == false then
                return
            end
        end
    end
    if not prefix:match('^[%w_]*$') then
        return
    end
    local function add(name, suffix)
        if not seen[name] and #items < ITEMS_MAX then
            seen[name] = true
            items[#items + 1] = path .. separator .. name .. suffix
        end
    end
    if separator == '' then
        for _, word in ipairs(keywords) do
            if word:sub(1, #prefix) == prefix then
                add(word, ' ')
            end
        end
    end
    each_field(scope, prefix, function(name, value)
        local is_function = type(value) == 'function'
        if is_function or separator ~= ':' then
            add(name, is_function and '(' or '')
        end
    end)
    if #items == 0 then
        return
    end
    table.sort(items)
    table.insert(items, 1, common_prefix(items))
    return items
end

return complete
