--[[
csv: rows of text fields, separated by a delimiter, quoted where need be.

Spaces around an unquoted field do not belong to it. A row ends with \n, \r or
\r\n; inside quotes these are text, and a doubled quote is one quote.
]]

local log = require('log')

local CHUNK_SIZE = 4096

-- The first character of an option, or its default.
local function char_option(opts, name, default)
    local value = opts ~= nil and opts[name] or nil
    if value == nil then
        return default
    elseif type(value) ~= 'string' or value == '' then
        error(('csv: %s must be a character'):format(name), 4)
    end
    return value:sub(1, 1)
end

local function escape_set(char)
    return '%' .. char
end

-- Reads rows from a source of chunks.
local parser = {}
local parser_mt = {__index = parser}

-- Get more text. A last character that may belong to the next one waits for it.
-- False at the end.
function parser:fill()
    if self.is_end then
        return false
    end
    local text = self.text:sub(self.pos)
    self.pos = 1
    repeat
        local chunk = self.read()
        if chunk == nil or chunk == '' then
            self.is_end = true
            break
        end
        text = text .. chunk
        local last = text:sub(-1)
    until last ~= '\r' and last ~= self.quote
    self.text = text
    return text ~= ''
end

-- The field that is being read: its text, and how much of it was quoted (and is
-- not trimmed).
local function add_plain(field, text)
    if field.text == '' and not field.is_quoted then
        text = text:match('^ *(.*)$')
    end
    field.text = field.text .. text
end

local function add_quoted(field, text)
    field.text = field.text .. text
    field.is_quoted = true
    field.keep = #field.text
end

local function finish_field(row, field)
    local text, last = field.text, #field.text
    while last > field.keep and text:byte(last) == 32 do
        last = last - 1
    end
    row[#row + 1] = text:sub(1, last)
    field.text, field.keep, field.is_quoted = '', 0, false
end

-- Take the text up to the closing quote. True when it was found.
function parser:read_quoted(field)
    while true do
        local at = self.text:find(self.quote, self.pos, true)
        if at == nil then
            add_quoted(field, self.text:sub(self.pos))
            self.pos = #self.text + 1
            return false
        end
        add_quoted(field, self.text:sub(self.pos, at - 1))
        self.pos = at + 1
        if self.text:sub(at + 1, at + 1) ~= self.quote then
            return true
        end
        add_quoted(field, self.quote)
        self.pos = at + 2
    end
end

--- The next row; nil at the end.
function parser:next_row()
    local row, field = {}, {text = '', keep = 0, is_quoted = false}
    local is_open, is_empty = false, true
    while self.pos <= #self.text or self:fill() do
        is_empty = false
        if is_open then
            is_open = not self:read_quoted(field)
        else
            local at = self.text:find(self.special, self.pos)
            add_plain(field, self.text:sub(self.pos, at and at - 1))
            self.pos = (at or #self.text) + 1
            local char = at and self.text:sub(at, at)
            if char == self.quote then
                is_open = true
            elseif char == self.delimiter then
                finish_field(row, field)
            elseif char ~= nil then
                if char == '\r' and self.text:sub(at + 1, at + 1) == '\n' then
                    self.pos = at + 2
                end
                finish_field(row, field)
                return row
            end
        end
    end
    if is_open then
        log.error('CSV file has errors')
        return nil
    elseif is_empty then
        return nil
    end
    finish_field(row, field)
    return row
end

local function new_parser(readable, opts)
    local chunk_size = opts ~= nil and opts.chunk_size or CHUNK_SIZE
    local read
    if type(readable) == 'string' then
        local rest = readable
        read = function()
            local chunk = rest
            rest = nil
            return chunk
        end
    elseif type(readable) == 'table' or type(readable) == 'userdata' then
        if readable.read == nil then
            error('Usage: load(string or object with method read(num)returns string)', 3)
        end
        read = function()
            return readable:read(chunk_size)
        end
    else
        error('Usage: load(string or object with method read(num)returns string)', 3)
    end
    local self = setmetatable({
        read = read,
        text = '',
        pos = 1,
        delimiter = char_option(opts, 'delimiter', ','),
        quote = char_option(opts, 'quote_char', '"'),
        is_end = false,
    }, parser_mt)
    self.special = '[' .. escape_set(self.delimiter) .. escape_set(self.quote) .. '\r\n]'
    for _ = 1, opts ~= nil and opts.skip_head_lines or 0 do
        self:next_row()
    end
    return self
end

--- All rows of a string or of what read(size) returns until ''.
local function load(readable, opts)
    local rows, source = {}, new_parser(readable, opts)
    local row = source:next_row()
    while row ~= nil do
        rows[#rows + 1] = row
        row = source:next_row()
    end
    return rows
end

local function next_numbered(source, i)
    local row = source:next_row()
    if row == nil then
        return nil
    end
    return i + 1, row
end

--- for i, row in csv.iterate(readable, opts)
local function iterate(readable, opts)
    local source = new_parser(readable, opts)
    return next_numbered, source, 0
end

local function dump_row(row, delimiter, quote, special)
    local fields = {}
    for _, value in pairs(row) do
        local text = tostring(value)
        if text:find(special) ~= nil then
            text = quote .. text:gsub(escape_set(quote), escape_set(quote):rep(2)) .. quote
        end
        fields[#fields + 1] = text
    end
    return table.concat(fields, delimiter) .. '\n'
end

--- The text of a table of rows or of one row; written to writable when given.
local function dump(t, opts, writable)
    if type(t) ~= 'table' or writable ~= nil and writable.write == nil then
        error('Usage: dump(table[, opts, writable])', 2)
    end
    local delimiter = char_option(opts, 'delimiter', ',')
    local quote = char_option(opts, 'quote_char', '"')
    local special = '[' .. escape_set(delimiter) .. escape_set(quote) .. '\r\n]'
    local lines = {}
    for _, row in ipairs(type(t[1]) == 'table' and t or {t}) do
        local line = dump_row(row, delimiter, quote, special)
        if writable ~= nil then
            writable:write(line)
        else
            lines[#lines + 1] = line
        end
    end
    if writable == nil then
        return table.concat(lines)
    end
end

return {load = load, iterate = iterate, dump = dump}
