-- What people read: the answers of the ops as text. Results are one text, messages
-- (what failed and why) another: ctl prints them to stdout and stderr.
local M = {}

-- Building blocks -------------------------------------------------------------

local function ms(value)
    if value < 0.095 then
        return ('%.2f ms'):format(value)
    end
    return (value < 100 and '%.1f ms' or '%.0f ms'):format(value)
end

local function duration(s)
    if s < 60 then
        return ('%.0fs'):format(s)
    elseif s < 3600 then
        return ('%dm%02ds'):format(s / 60, s % 60)
    elseif s < 86400 then
        return ('%dh%02dm'):format(s / 3600, s % 3600 / 60)
    end
    return ('%dd%02dh'):format(s / 86400, s % 86400 / 3600)
end

local function count(n, noun)
    return ('%d %s%s'):format(n, noun, n == 1 and '' or 's')
end

-- One line, whatever is in it.
local function one_line(text)
    return (tostring(text):gsub('%s*\n%s*', '; '))
end

local function cell(value)
    if value == nil or type(value) == 'cdata' and value == nil then
        return ''
    elseif type(value) == 'table' then
        local names = {}
        for i, item in ipairs(value) do
            names[i] = type(item) == 'table' and tostring(item.name or item.where or '?') or
                tostring(item)
        end
        return table.concat(names, ', ')
    end
    return one_line(value)
end

-- Rows as columns: columns is a list of {title, key or function of the row}. A
-- column that has nothing in any row is left out.
local function columns(rows, list)
    local shown = {}
    for _, column in ipairs(list) do
        local title, get = column[1], column[2]
        local texts, width, is_empty, is_number = {}, #title, true, true
        for i, row in ipairs(rows) do
            local value
            if type(get) == 'function' then
                value = get(row)
            else
                value = row[get]
            end
            texts[i] = cell(value)
            width = math.max(width, #texts[i])
            is_empty = is_empty and texts[i] == ''
            is_number = is_number and (type(value) == 'number' or texts[i] == '')
        end
        if not is_empty then
            shown[#shown + 1] = {title = title, texts = texts, width = width,
                                 is_number = is_number}
        end
    end
    local out = {}
    for i = 0, #rows do
        local line = {}
        for n, column in ipairs(shown) do
            local text = i == 0 and column.title or column.texts[i]
            local pad = (' '):rep(column.width - #text)
            line[n] = column.is_number and pad .. text or text .. pad
        end
        out[#out + 1] = table.concat(line, '  '):gsub('%s+$', '') .. '\n'
    end
    return table.concat(out)
end

local function indent(text)
    return (text:gsub('[^\n]+', '  %0'))
end

local function sentence(text)
    text = text:gsub('^%l', string.upper)
    return text:match('[.!?]$') and text or text .. '.'
end

-- A reload, and what is like it -----------------------------------------------

local verbs = {
    reload = 'reload', rollback = 'rollback', patch = 'patch', drain = 'drain',
    purge = 'purge', check = 'check', plan = 'plan',
}

local function is_trial(op, args)
    return op == 'check' or op == 'plan' or args.check or args.dry_run
end

-- Fibers and calls that still run old code, one a line.
local function lingerer(item)
    local name = item.name and (" '%s'"):format(item.name) or ''
    local id = item.fiber and ('%s %s'):format(item.kind or 'fiber', item.fiber) or
        item.kind or 'fiber'
    local text = ('%s%s of generation %s'):format(id, name, tostring(item.generation or '?'))
    if item.where then
        text = text .. (', at %s'):format(item.where)
    end
    if item.waiting then
        text = text .. (' in %s'):format(item.waiting)
    end
    if item.state and item.state ~= '' then
        text = text .. (' (%s)'):format(item.state)
    end
    return text .. '\n'
end

local function lingering(answer)
    local list = answer.lingering or {}
    if #list == 0 then
        return ''
    end
    local out = {('still running old code: %d\n'):format(#list)}
    for _, item in ipairs(list) do
        out[#out + 1] = '  ' .. (type(item) == 'table' and lingerer(item) or
            one_line(item) .. '\n')
    end
    return table.concat(out)
end

-- What of replaced code is still in memory, and what holds it.
local function retained(answer)
    local out = {}
    for _, item in ipairs(answer.retained or {}) do
        out[#out + 1] = ('still in memory: %s\n'):format(type(item) == 'table' and
            ('%s, held by %s'):format(item.where or item.name or '?', item.held_by or '?') or
            one_line(item))
    end
    return table.concat(out)
end

local function modules(answer)
    local rows = {}
    for i, m in ipairs(answer.modules or {}) do
        rows[i] = type(m) == 'table' and m or {name = m}
    end
    if #rows == 0 then
        return ''
    end
    return columns(rows, {{'module', 'name'}, {'why', 'reason'}, {'file', 'path'}})
end

local function phases(answer)
    local out = {}
    for _, phase in ipairs(answer.phases or {}) do
        local text = ('%s %s'):format(phase.name, ms(phase.ms or 0))
        if phase.note and phase.note ~= '' then
            text = ('%s (%s)'):format(text, one_line(phase.note))
        end
        out[#out + 1] = text
    end
    if #out == 0 or #(answer.modules or {}) == 0 then
        return ''
    end
    local lines, line = {}, 'phases:'
    for i, text in ipairs(out) do
        text = ' ' .. text .. (i < #out and ',' or '')
        if #line + #text > 96 then
            lines[#lines + 1] = line
            line = '       '
        end
        line = line .. text
    end
    lines[#lines + 1] = line
    return table.concat(lines, '\n') .. '\n'
end

local function notes(answer)
    local out = {}
    for i, note in ipairs(answer.notes or {}) do
        out[i] = ('note: %s\n'):format(one_line(note))
    end
    return table.concat(out)
end

-- What adoption found and re-pointed, as numbers.
local function captured(answer)
    local c = answer.captured
    if type(c) ~= 'table' then
        return ''
    end
    local parts = {}
    for _, kind in ipairs({'table', 'upvalue', 'local', 'ref'}) do
        if type(c[kind]) == 'number' and c[kind] > 0 then
            local name = kind == 'ref' and 'reference from C' or kind
            parts[#parts + 1] = count(c[kind], name)
        end
    end
    if #parts == 0 then
        return ''
    end
    return ('captured functions that follow now: %s\n'):format(table.concat(parts, ', '))
end

-- One sentence: what the instance runs now.
local function state(op, answer, args)
    if answer.state then
        return sentence(answer.state)
    end
    local n = answer.generation or answer.previous
    if answer.exit == 1 then
        return 'Nothing changed: the instance runs what it ran before.'
    elseif is_trial(op, args) then
        return 'Nothing was changed.'
    elseif n == nil then
        return ''
    end
    return ('Generation %s serves.'):format(tostring(n))
end

-- The first line of a success.
local function headline(op, answer, args)
    local n = #(answer.modules or {})
    if args.dry_run or op == 'plan' then
        return n == 0 and 'Nothing changed: a reload would do nothing.' or
            ('A reload would replace %s.'):format(count(n, 'module'))
    elseif args.check or op == 'check' then
        return n == 0 and 'Nothing changed: there is nothing to check.' or
            ('%s can be reloaded; nothing was changed.'):format(count(n, 'module'))
    elseif n == 0 and (op == 'reload' or op == 'patch' or op == 'rollback') then
        return ('Nothing changed: generation %s serves.'):format(
            tostring(answer.generation or '?'))
    end
    if (op == 'drain' or op == 'purge') and answer.message and answer.exit == 0 then
        return ('%s %s'):format(sentence(answer.message), state(op, answer, args))
    end
    local text = state(op, answer, args)
    if answer.switch_ms and answer.total_ms then
        text = ('%s Switched in %s, %s in all.'):format(text, ms(answer.switch_ms),
            ms(answer.total_ms))
    end
    return text
end

-- The frames of the application: without the message again, and without ours below.
local function frames(traceback)
    local from = traceback:find('stack traceback:', 1, true)
    traceback = from and traceback:sub(from) or traceback
    local at = traceback:find("\n\t%[C%]: in function 'xpcall'\n\tbuiltin/reload/")
    return (traceback:sub(1, (at or 0) - 1):gsub('\n+$', ''))
end

-- What went wrong: phase, file:line, traceback, and what the instance runs now.
local function failure(op, answer, args)
    local text = answer.message or 'failed'
    if answer.phase and answer.phase ~= '' then
        text = ('%s failed in phase %s: %s'):format(verbs[op] or op, answer.phase, text)
        text = text:gsub('^%l', string.upper)
    end
    if answer.traceback and answer.traceback ~= '' then
        text = text .. '\n' .. frames(answer.traceback)
    end
    local now = state(op, answer, args)
    if now ~= '' then
        text = text .. '\n' .. now
    end
    return text
end

local function report(op, answer, args)
    local details = modules(answer) .. phases(answer) .. captured(answer) ..
        notes(answer) .. lingering(answer) .. retained(answer)
    if answer.exit == 0 or answer.exit == 5 then
        local message = ''
        if answer.exit == 5 then
            message = answer.message and sentence(answer.message) or
                ('%s still run old code.'):format(#(answer.lingering or {}))
        end
        return headline(op, answer, args) .. '\n' .. indent(details), message
    end
    local extra = notes(answer) .. lingering(answer)
    return '', failure(op, answer, args) .. (extra ~= '' and '\n' .. indent(extra) or '')
end

-- One line of it, for one of several instances.
local function row(op, answer, args)
    if answer.exit == 0 or answer.exit == 5 then
        local names = {}
        for _, m in ipairs(answer.modules or {}) do
            names[#names + 1] = type(m) == 'table' and m.name or m
        end
        local text = headline(op, answer, args)
        if #names > 0 then
            text = ('%s (%s)'):format(text, table.concat(names, ', '))
        end
        if answer.exit == 5 then
            text = ('%s %d still run old code.'):format(text, #(answer.lingering or {}))
        end
        return text .. '\n', ''
    end
    return one_line(answer.message or 'failed') .. '\n', failure(op, answer, args)
end

for op in pairs(verbs) do
    M[op] = report
end

-- The report of an answer of `reload`: both texts as one.
function M.report(answer)
    local out, message = report('reload', answer, {})
    return out .. message
end

-- The other ops ---------------------------------------------------------------

local function age(row)
    local age_s = row.age
    if age_s == nil and row.loaded_at then
        age_s = require('fiber').time() - row.loaded_at
    end
    return age_s and duration(math.max(0, age_s))
end

local function short_hash(g)
    return g.hash and tostring(g.hash):sub(1, 12)
end

function M.gens(_, answer)
    local rows = answer.generations or answer.gens or {}
    local out = columns(rows, {
        {'gen', 'id'}, {'state', 'state'}, {'hash', short_hash}, {'age', age},
        {'modules', 'modules'}, {'fibers', 'fibers'}, {'calls', 'calls'},
        {'retained by', 'retained_by'}, {'why', 'why'},
    })
    return out .. notes(answer), ''
end

function M.fibers(_, answer)
    local rows = answer.fibers or {}
    if #rows == 0 then
        return 'No fiber runs code of the application.\n', ''
    end
    return columns(rows, {
        {'gen', 'generation'}, {'state', 'state'}, {'kind', 'kind'}, {'fiber', 'fiber'},
        {'name', 'name'}, {'sleeps at', 'where'}, {'in', 'waiting'},
        {'runs', 'code'}, {'made by gen', 'created_by'},
    }) .. notes(answer), ''
end

local function when(entry)
    return entry.at and os.date('%Y-%m-%d %H:%M:%S', entry.at)
end

local function outcome(entry)
    local text = entry.message
    if entry.exit == 0 or text == nil then
        text = entry.state or text
    end
    if entry.phase and entry.exit ~= 0 and text then
        text = ('%s: %s'):format(entry.phase, text)
    end
    return text
end

function M.history(_, answer)
    local rows = answer.entries or answer.history or {}
    if #rows == 0 then
        return 'Nothing was reloaded yet.\n', ''
    end
    return columns(rows, {
        {'no', 'number'}, {'at', when}, {'what', 'op'}, {'by', 'by'}, {'exit', 'exit'},
        {'gen', 'generation'}, {'modules', 'modules'},
        {'ms', function(e) return e.total_ms and ('%.1f'):format(e.total_ms) end},
        {'outcome', outcome},
    }), ''
end

local CONTEXT = 3 -- lines around a difference

-- Which lines are shown: those that differ, and a few around each.
local function shown_lines(lines)
    local shown, last = {}, -math.huge
    for i, line in ipairs(lines) do
        if line:sub(1, 1) ~= ' ' then
            for k = math.max(1, i - CONTEXT, last + 1), math.min(#lines, i + CONTEXT) do
                shown[k] = true
            end
            last = i
        end
    end
    return shown
end

-- The lines that differ, as diff(1) shows them.
local function difference(m)
    local out = {('\n--- %s, as it is loaded\n+++ on disk\n'):format(m.path or m.name)}
    local shown, number = shown_lines(m.diff.lines), m.diff.first - 1
    for i, line in ipairs(m.diff.lines) do
        number = number + (line:sub(1, 1) ~= '+' and 1 or 0)
        if shown[i] and not shown[i - 1] then
            out[#out + 1] = ('@@ line %d @@\n'):format(math.max(number, 1))
        end
        out[#out + 1] = shown[i] and line .. '\n' or nil
    end
    return table.concat(out)
end

function M.diff(_, answer)
    local rows = answer.modules or {}
    if #rows == 0 then
        return 'No module of the application is loaded.\n', ''
    end
    local out = {columns(rows, {
        {'module', 'name'}, {'gen', 'generation'}, {'state', 'state'},
        {'patched by', 'patches'}, {'file', 'path'}, {'', 'message'},
    }), notes(answer)}
    for _, m in ipairs(rows) do
        if type(m.diff) == 'table' then
            out[#out + 1] = difference(m)
        end
    end
    return table.concat(out), ''
end

-- What it is at, for the progress line.
function M.status(_, answer)
    if answer.probation then
        return ('generation %d serves, its probation runs\n'):format(answer.probation), ''
    elseif answer.busy then
        return ('phase %s\n'):format(answer.phase or 'read'), ''
    elseif answer.draining then
        return ('generation %d drains\n'):format(answer.draining), ''
    end
    return '', ''
end

-- The files that an answer names, one a line.
local function paths(answer)
    local out = {}
    for _, m in ipairs(answer.modules or {}) do
        if type(m) == 'table' and type(m.path) == 'string' then
            out[#out + 1] = m.path .. '\n'
        end
    end
    return table.concat(out)
end

-- An answer as text. args: the options that the op got. format: 'text'; 'row', one
-- line; 'paths'. Returns the result and the messages.
function M.render(op, answer, args, format)
    if format == 'paths' then
        return paths(answer), answer.exit ~= 0 and answer.message or ''
    end
    local f = M[op]
    if f == report then
        f = format == 'row' and row or report
    elseif answer.exit ~= 0 and answer.message ~= nil then
        return '', failure(op, answer, args)
    end
    return f(op, answer, args)
end

return M
