-- What compiled functions tell: their prototypes, and so the generation they
-- belong to; the modules they require; the names they use.

local E = ...
local M = {}

local bit = require('bit')
local jutil = require('jit.util')
local new_table = require('table.new')
local vmdef = require('jit.vmdef')
local util = E.use('util')

-- Number of an operation -> its name.
local operations = {}
for i = 0, #vmdef.bcnames / 6 - 1 do
    operations[i] = vmdef.bcnames:sub(i * 6 + 1, i * 6 + 6):gsub(' ', '')
end

-- Calls visit(prototype or function) for f and every function written inside it,
-- the main one first. Yields between two of them.
function M.each_prototype(f, visit)
    visit(f)
    util.breathe()
    local i = -1
    while true do
        local constant = jutil.funck(f, i)
        if constant == nil then
            return
        end
        if type(constant) == 'proto' then
            M.each_prototype(constant, visit)
        end
        i = i - 1
    end
end

local WEAK, NONE = {__mode = 'k'}, {}

-- Remember that all functions of a compiled chunk belong to a generation. count: how many
-- they are, when that is known. A table for each chunk, made in its size: one for all of
-- them grew, in one step of 10 ms for 20 000 functions, and the collector went through the
-- remains of all generations at once.
function M.record(chunk, generation, count)
    local source = jutil.funcinfo(chunk).source
    local functions = setmetatable(new_table(0, count or 0), WEAK)
    local list = {{generation = generation, functions = functions}}
    for _, before in ipairs(E.state.compiled[source] or NONE) do
        if next(before.functions) ~= nil then
            list[#list + 1] = before
        end
    end
    E.state.compiled[source] = list
    M.each_prototype(chunk, function(p)
        if type(p) == 'function' then
            p = jutil.funcinfo(p).proto
        end
        functions[p] = true
    end)
end

-- The generation that a function was compiled for by the engine; nil: not by it.
-- info: of jit.util.funcinfo().
function M.compiled_for(info)
    for _, chunk in ipairs(E.state.compiled[info.source] or NONE) do
        if chunk.functions[info.proto] then
            return chunk.generation
        end
    end
    return nil
end
jit.on(M.compiled_for)

-- Number of the generation that f's code was compiled for; nil for code that is
-- no module of the application.
function M.generation_of(f)
    local info = jutil.funcinfo(f)
    if info.proto == nil then
        return nil
    end
    local generation = M.compiled_for(info)
    if generation ~= nil then
        return generation
    end
    -- Loaded by a plain require: the record knows when.
    local record = E.state.sources[info.source]
    return record and record.born or nil
end
jit.on(M.generation_of)

-- Decoded instruction pc of p: operation name, A, D; nil after the last.
local function instruction(p, pc)
    local word = jutil.funcbc(p, pc)
    if word == nil then
        return nil
    end
    return operations[bit.band(word, 255)], bit.band(bit.rshift(word, 8), 255),
        bit.rshift(word, 16)
end
M.instruction = instruction

local LOADERS = {require = true, dofile = true, loadfile = true}

-- Scan one prototype for `require 'name'`: the global is fetched, then comes the
-- constant. found(function name, constant) or found(function name, nil).
local function scan_loads(p, found)
    local pending, pending_pc
    local pc = 1
    while true do
        local op, _, d = instruction(p, pc)
        if op == nil then
            break
        end
        if op == 'GGET' and LOADERS[jutil.funck(p, -d - 1)] then
            if pending then
                found(pending, nil)
            end
            pending, pending_pc = jutil.funck(p, -d - 1), pc
        elseif op == 'KSTR' and pending and pc - pending_pc <= 2 then
            found(pending, jutil.funck(p, -d - 1))
            pending = nil
        end
        pc = pc + 1
        if pc % 256 == 0 then
            util.breathe()
        end
    end
    if pending then
        found(pending, nil)
    end
end

-- The modules and files that a chunk names literally. A require in the main
-- chunk is strong, one inside a function is weak: that one runs later and finds
-- the current module. `dynamic` counts those without a literal, `functions` all functions.
function M.requires(chunk)
    local edges = {strong = {}, weak = {}, files = {}, dynamic = 0, functions = 0}
    local is_main = true
    M.each_prototype(chunk, function(p)
        edges.functions = edges.functions + 1
        scan_loads(p, function(loader, name)
            if name == nil then
                edges.dynamic = edges.dynamic + (loader == 'require' and 1 or 0)
            elseif loader == 'require' then
                local set = is_main and edges.strong or edges.weak
                set[name] = true
            elseif is_main then
                edges.files[name] = true
            end
        end)
        is_main = false
    end)
    return edges
end

-- Set of the string constants of a chunk: every name it can spell.
function M.names(chunk)
    local names = {}
    M.each_prototype(chunk, function(p)
        local i = -1
        while true do
            local constant = jutil.funck(p, i)
            if constant == nil then
                break
            end
            if type(constant) == 'string' then
                names[constant] = true
            end
            i = i - 1
        end
    end)
    return names
end

-- Does the chunk only build constants: no global read, no call, no varargs?
function M.is_constant(chunk)
    local pure = true
    M.each_prototype(chunk, function(p)
        local pc = 1
        while true do
            local op = instruction(p, pc)
            if op == nil then
                break
            end
            if op == 'GGET' or op == 'VARG' or op:find('^CALL') then
                pure = false
            end
            pc = pc + 1
        end
    end)
    return pure
end

return M
