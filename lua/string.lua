-- What Tarantool adds to the string library. Run once at start; changes the
-- `string` table, so the methods of every string.

local byte, find, format, rep, sub = string.byte, string.find, string.format,
    string.rep, string.sub

local function bad_argument(n, func, expected, got)
    error(format("bad argument #%d to 'string.%s' (%s expected, got %s)", n, func, expected,
        got), 3)
end

local function is_count(v)
    return type(v) == 'number' and v >= 0
end

-- Words between runs of white space, at most max of them before the rest.
local function split_words(s, max)
    local res, n, pos = {}, 0, find(s, '%S')
    while pos ~= nil do
        n = n + 1
        if n > max then
            res[n] = sub(s, pos)
            return res
        end
        local stop = find(s, '%s', pos)
        if stop == nil then
            res[n] = sub(s, pos)
            return res
        end
        res[n] = sub(s, pos, stop - 1)
        pos = find(s, '%S', stop)
    end
    return res
end

--- Cut at each `sep` (white space when nil), at most `max` times.
function string.split(s, sep, max)
    if type(s) ~= 'string' then
        bad_argument(1, 'split', 'string', type(s))
    end
    if sep ~= nil and type(sep) ~= 'string' then
        bad_argument(2, 'split', 'string', type(sep))
    end
    if max ~= nil and not is_count(max) then
        bad_argument(3, 'split', 'positive integer', type(max))
    end
    max = max or math.huge
    if sep == nil then
        return split_words(s, max)
    end
    if sep == '' then
        bad_argument(2, 'split', 'non-empty string', 'empty string')
    end
    local res, n, pos = {}, 0, 1
    while n < max do
        local first, last = find(s, sep, pos, true)
        if first == nil then
            break
        end
        n = n + 1
        res[n] = sub(s, pos, first - 1)
        pos = last + 1
    end
    res[n + 1] = sub(s, pos)
    return res
end

-- How much to fill, and with what.
local function padding(func, s, width, char)
    local n, expected, got
    if type(s) ~= 'string' then
        n, expected, got = 1, 'string', s
    elseif not is_count(width) then
        n, expected, got = 2, 'positive integer', width
    elseif char ~= nil and (type(char) ~= 'string' or #char ~= 1) then
        n, expected, got = 3, 'char', char
    else
        return math.max(width - #s, 0), char or ' '
    end
    error(format("bad argument #%d to 'string.%s' (%s expected, got %s)", n, func, expected,
        type(got)), 3)
end

function string.ljust(s, width, char)
    local n, fill = padding('ljust', s, width, char)
    return s .. rep(fill, n)
end

function string.rjust(s, width, char)
    local n, fill = padding('rjust', s, width, char)
    return rep(fill, n) .. s
end

function string.center(s, width, char)
    local n, fill = padding('center', s, width, char)
    local left = math.floor(n / 2)
    return rep(fill, left) .. s .. rep(fill, n - left)
end

-- Negative positions count from the end.
local function position(len, pos, default)
    pos = math.floor(pos or default)
    return pos < 0 and len + pos + 1 or pos
end

--- Does s, from `first` to `last` when given, begin with head?
function string.startswith(s, head, first, last)
    if type(s) ~= 'string' then
        bad_argument(1, 'startswith', 'string', type(s))
    elseif type(head) ~= 'string' then
        bad_argument(2, 'startswith', 'string', type(head))
    elseif first ~= nil and type(first) ~= 'number' then
        bad_argument(3, 'startswith', 'integer', type(first))
    elseif last ~= nil and type(last) ~= 'number' then
        bad_argument(4, 'startswith', 'integer', type(last))
    end
    local len = #head
    if len == 0 then
        return true
    end
    first = position(#s, first, 1)
    last = math.min(position(#s, last, #s), #s)
    if first < 1 or last - first + 1 < len then
        return false
    end
    return sub(s, first, first + len - 1) == head
end

--- Does s, from `first` to `last` when given, end with tail?
function string.endswith(s, tail, first, last)
    if type(s) ~= 'string' then
        bad_argument(1, 'endswith', 'string', type(s))
    elseif type(tail) ~= 'string' then
        bad_argument(2, 'endswith', 'string', type(tail))
    elseif first ~= nil and type(first) ~= 'number' then
        bad_argument(3, 'endswith', 'integer', type(first))
    elseif last ~= nil and type(last) ~= 'number' then
        bad_argument(4, 'endswith', 'integer', type(last))
    end
    local len = #tail
    if len == 0 then
        return true
    end
    first = math.max(position(#s, first, 1), 1)
    last = math.min(position(#s, last, #s), #s)
    if last - first + 1 < len then
        return false
    end
    return sub(s, last - len + 1, last) == tail
end

local hex_of_byte, byte_of_hex

local function make_hex_tables()
    local digits = '0123456789abcdefABCDEF'
    hex_of_byte, byte_of_hex = {}, {}
    for i = 0, 255 do
        hex_of_byte[string.char(i)] = format('%02x', i)
    end
    for high in digits:gmatch('.') do
        for low in digits:gmatch('.') do
            byte_of_hex[high .. low] = string.char(tonumber(high .. low, 16))
        end
    end
end

function string.hex(s)
    if type(s) ~= 'string' then
        bad_argument(1, 'hex', 'string', type(s))
    end
    if hex_of_byte == nil then
        make_hex_tables()
    end
    return (s:gsub('.', hex_of_byte))
end

function string.fromhex(s)
    if type(s) ~= 'string' then
        bad_argument(1, 'fromhex', 'string', type(s))
    end
    if #s % 2 ~= 0 then
        bad_argument(1, 'fromhex', 'even amount of chars', 'odd amount')
    end
    if find(s, '%X') then
        bad_argument(1, 'fromhex', 'hex string', 'non hex chars')
    end
    if byte_of_hex == nil then
        make_hex_tables()
    end
    return (s:gsub('..', byte_of_hex))
end

local spaces = {[9] = true, [10] = true, [11] = true, [12] = true, [13] = true, [32] = true}

-- The set of bytes in chars; white space when there are none.
local function byte_set(func, s, chars)
    if type(s) ~= 'string' then
        error(format("bad argument #1 to 'string.%s' (string expected, got %s)", func, type(s)),
            3)
    end
    if chars == nil then
        return spaces
    end
    if type(chars) ~= 'string' then
        error(format("bad argument #2 to 'string.%s' (string expected, got %s)", func,
            type(chars)), 3)
    end
    local set = {}
    for i = 1, #chars do
        set[byte(chars, i)] = true
    end
    return set
end

local function first_kept(s, set)
    local i = 1
    while i <= #s and set[byte(s, i)] do
        i = i + 1
    end
    return i
end

local function last_kept(s, set, from)
    local i = #s
    while i >= from and set[byte(s, i)] do
        i = i - 1
    end
    return i
end

function string.strip(s, chars)
    local set = byte_set('strip', s, chars)
    local first = first_kept(s, set)
    return sub(s, first, last_kept(s, set, first))
end

function string.lstrip(s, chars)
    local set = byte_set('lstrip', s, chars)
    return sub(s, first_kept(s, set))
end

function string.rstrip(s, chars)
    local set = byte_set('rstrip', s, chars)
    return sub(s, 1, last_kept(s, set, 1))
end

return string
