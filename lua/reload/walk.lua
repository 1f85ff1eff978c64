-- Walking code: functions, their upvalues, the tables they reach. Bounded to the code
-- of one generation: foreign functions and the tables of other modules end the walk.

local E = ...
local M = {}

local new_table = require('table.new')
local stub = E.use('stub')
local util = E.use('util')
local state = E.state

local STACK_LEVELS = 60
local CELL_LOCAL = 0x8000 -- of an upvalue in bytecode: it is a local of the parent
local CELL_NEVER_SET = 0x4000 -- and is never assigned

-- Tables at which every walk ends: the runtime's, other modules', the engine's own.
function M.borders()
    local stop = {
        [_G] = true, [debug.getregistry()] = true, [package] = true,
        [package.loaded] = true, [state] = true, [E] = true,
    }
    for _, value in pairs(package.loaded) do
        if type(value) == 'table' then
            stop[value] = true
        end
    end
    return stop
end

-- Append the upvalues of f to the queue.
local function visit_function(f, visit, push)
    visit('function', f)
    local i = 1
    while true do
        local name, value = debug.getupvalue(f, i)
        if not name then
            return
        end
        visit('upvalue', f, i, value, name)
        push(value)
        i = i + 1
    end
end

local function visit_table(t, stop, visit, push)
    local keys, n = util.keys(t)
    for i = 1, n do
        local value = rawget(t, keys[i])
        local kind = type(value)
        if kind == 'table' or kind == 'function' then
            visit('field', t, keys[i], value)
            push(value)
        end
        if i % 256 == 0 then
            util.breathe()
        end
    end
    local mt = debug.getmetatable(t)
    if mt ~= nil and not stop[mt] then
        visit('metatable', t, nil, mt)
        push(mt)
    end
end

-- Everything reachable from roots. Functions are entered when is_mine(f); stubs lead
-- to what they call. visit(kind, holder, where, value, name) is called with kinds
-- function, upvalue, field, metatable. size: about how many functions there are; a table
-- that grows to 20 000 while it is filled stops the loop for 5 ms. Yields.
function M.code(roots, is_mine, stop, visit, size)
    local seen, queue, n = new_table(0, size or 0), {}, 0
    local function push(x)
        local kind = type(x)
        if (kind == 'table' and not stop[x] or kind == 'function') and not seen[x] then
            seen[x] = true
            n = n + 1
            queue[n] = x
        end
    end
    for i = 1, #roots do
        push(roots[i])
        if i % 256 == 0 then
            util.breathe()
        end
    end
    local count = 0
    while n > 0 do
        local x = queue[n]
        queue[n] = nil
        n = n - 1
        count = count + 1
        if count % 64 == 0 then
            util.breathe()
        end
        if type(x) == 'table' then
            visit_table(x, stop, visit, push)
        elseif stub.is_stub(x) then
            push(stub.raw(x))
        elseif is_mine(x) then
            visit_function(x, visit, push)
        end
    end
    return count
end

-- Functions on the stacks of all fibers, sorted by tests: for each test(f) a list of
-- those for which it is true. Yields.
function M.running(...)
    local tests, seen, lists = {...}, {}, {}
    for i = 1, #tests do
        lists[i] = {}
    end
    for n, thread in ipairs(util.threads()) do
        for level = 0, STACK_LEVELS do
            local info = debug.getinfo(thread, level, 'f')
            if info == nil then
                break
            end
            local f = info.func
            if not seen[f] then
                seen[f] = true
                for i = 1, #tests do
                    if tests[i](f) then
                        lists[i][#lists[i] + 1] = f
                    end
                end
            end
        end
        if n % 64 == 0 then
            util.breathe()
        end
    end
    return unpack(lists)
end

-- Cells (upvalues) by name: name -> {count of different cells, holders = {{f, i,
-- value}...}, owners = {cell id -> f}}.
function M.cells(roots, is_mine, names)
    local out = {}
    for _, name in ipairs(names) do
        out[name] = {count = 0, holders = {}, owners = {}}
    end
    M.code(roots, is_mine, M.borders(), function(kind, f, i, value, name)
        local cell = kind == 'upvalue' and out[name]
        if cell then
            local id = debug.upvalueid(f, i)
            if cell.owners[id] == nil then
                cell.owners[id] = f
                cell.count = cell.count + 1
            end
            cell.holders[#cell.holders + 1] = {f, i, value}
        end
    end)
    return out
end

-- Is upvalue i of f one that its code never assigns? Compiled traces hold the value
-- of such a cell. Second result: can that be told from f alone (its parent's local)?
function M.is_constant_cell(f, i)
    local dump = string.dump(f)
    local p = 4
    local function uleb()
        local value, factor = 0, 1
        while true do
            p = p + 1
            local byte = dump:byte(p)
            value = value + byte % 128 * factor
            factor = factor * 128
            if byte < 128 then
                return value
            end
        end
    end
    local is_stripped = math.floor(uleb() / 2) % 2 == 1
    if not is_stripped then
        p = p + uleb() -- chunk name
    end
    -- Prototypes follow, inner ones first: the last is f's own.
    local word
    while p < #dump do
        local length = uleb()
        if length == 0 then
            break
        end
        local start = p
        local count = dump:byte(p + 4) -- flags, parameters, frame size, upvalues
        p = p + 4
        uleb()
        uleb()
        local instructions = uleb()
        if not is_stripped and uleb() > 0 then
            uleb()
            uleb()
        end
        local at = p + instructions * 4 + (i - 1) * 2
        word = i <= count and dump:byte(at + 1) + dump:byte(at + 2) * 256 or nil
        p = start + length
    end
    if word == nil then
        return false, false
    end
    local is_local = math.floor(word / CELL_LOCAL) % 2 == 1
    local is_never_set = math.floor(word / CELL_NEVER_SET) % 2 == 1
    return is_local and is_never_set, is_local
end

return M
