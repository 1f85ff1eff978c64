-- ctl diff: what is loaded against what is on disk, module by module.
local E = ...
local M = {}

local digest = require('digest')
local source = E.use('source')
local util = E.use('util')

local S = E.state

local LINES_MAX = 4000
local CONTEXT = 3
-- Changed regions larger than this are shown as removed and added as a whole.
local REGION_MAX = 400

local function hash(text)
    return text and digest.sha1_hex(text):sub(1, 12) or nil
end

local function split(text)
    local lines = {}
    for line in (text:sub(-1) == '\n' and text or text .. '\n'):gmatch('(.-)\n') do
        lines[#lines + 1] = line
    end
    return lines
end

-- Length of the longest common subsequence of a[i..] and b[j..].
local function lcs_table(a, b, from, a_end, b_end)
    local t = {}
    for i = a_end + 1, from, -1 do
        t[i] = {}
        for j = b_end + 1, from, -1 do
            if i > a_end or j > b_end then
                t[i][j] = 0
            elseif a[i] == b[j] then
                t[i][j] = t[i + 1][j + 1] + 1
            else
                t[i][j] = math.max(t[i + 1][j], t[i][j + 1])
            end
        end
        util.breathe()
    end
    return t
end

-- Rows {mark, line} with mark ' ', '-' or '+' for the differing middle.
local function edit_script(a, b, from, a_end, b_end)
    local out = {}
    local function add(mark, line)
        out[#out + 1] = mark .. line
    end
    local i, j = from, from
    if a_end - from <= REGION_MAX and b_end - from <= REGION_MAX then
        local t = lcs_table(a, b, from, a_end, b_end)
        while i <= a_end and j <= b_end do
            if a[i] == b[j] then
                add(' ', a[i])
                i, j = i + 1, j + 1
            elseif t[i + 1][j] >= t[i][j + 1] then
                add('-', a[i])
                i = i + 1
            else
                add('+', b[j])
                j = j + 1
            end
        end
    end
    for k = i, a_end do
        add('-', a[k])
    end
    for k = j, b_end do
        add('+', b[k])
    end
    return out
end

-- The differing part with some lines around it: {first = line number, lines}.
function M.lines(old, new)
    local a, b = split(old), split(new)
    if #a > LINES_MAX * 10 or #b > LINES_MAX * 10 then
        return nil
    end
    local from, a_end, b_end = 1, #a, #b
    while from <= a_end and from <= b_end and a[from] == b[from] do
        from = from + 1
    end
    while a_end >= from and b_end >= from and a[a_end] == b[b_end] do
        a_end, b_end = a_end - 1, b_end - 1
    end
    local out = {}
    for i = math.max(1, from - CONTEXT), from - 1 do
        out[#out + 1] = ' ' .. a[i]
    end
    for _, row in ipairs(edit_script(a, b, from, a_end, b_end)) do
        out[#out + 1] = row
    end
    for i = a_end + 1, math.min(#a, a_end + CONTEXT) do
        out[#out + 1] = ' ' .. a[i]
    end
    for i = LINES_MAX + 1, #out do
        out[i] = nil
    end
    return {first = math.max(1, from - CONTEXT), lines = out}
end

local function patches_of(record)
    local out = {}
    for id, g in pairs(S.generations) do
        if g.patch ~= nil and g.state ~= 'rolled-back' and id > (record.gen or 1) then
            for _, m in ipairs(g.modules) do
                if m.name:match('^[^.:]+') == record.name then
                    out[#out + 1] = g.patch
                    break
                end
            end
        end
    end
    table.sort(out)
    return #out > 0 and out or nil
end

local function row_of(record, opts)
    local row = {name = record.name, path = record.path, generation = record.gen,
                 loaded = hash(record.text), patches = patches_of(record)}
    local ok, text = pcall(source.read, record.path)
    if not ok then
        row.state = 'missing'
        row.message = type(text) == 'table' and text.message or tostring(text)
        return row
    end
    row.disk = hash(text)
    if record.text == nil then
        row.state = 'unknown' -- loaded before the engine came
    elseif record.text == text then
        row.state = 'same'
    else
        row.state = 'changed'
        if opts.lines ~= false then
            row.diff = M.lines(record.text, text)
        end
        local chunk, err = source.compile(text, '@' .. record.path)
        if chunk == nil then
            row.message = err
        end
    end
    return row
end

-- opts.names: only these modules. exit 0, also when something differs.
function E.ops.diff(opts)
    E.plan.managed(function() end)
    local wanted
    for _, name in ipairs(opts.names or {}) do
        wanted = wanted or {}
        wanted[name] = true
    end
    local rows, changed = {}, 0
    for _, name in ipairs(util.sorted_keys(S.records)) do
        local record = S.records[name]
        if (wanted == nil or wanted[name]) and record.kind == 'file' then
            rows[#rows + 1] = row_of(record, opts)
            changed = changed + (rows[#rows].state ~= 'same' and 1 or 0)
        end
        if wanted ~= nil then
            wanted[name] = nil
        end
    end
    local unknown = wanted and next(wanted)
    if unknown ~= nil then
        return {exit = 1, message = ("module '%s' is not loaded"):format(unknown)}
    end
    return {exit = 0, modules = rows, changed = changed, generation = S.generation}
end

return M
