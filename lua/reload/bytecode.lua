-- What compiled functions tell: their prototypes, and so the generation they
-- belong to; the modules they require; the names they use.

local E = ...
local M = {}

local bit = require('bit')
local jutil = require('jit.util')
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

-- Remember that all functions of a compiled chunk belong to a generation.
function M.record(chunk, generation)
    local prototypes = E.state.prototypes
    M.each_prototype(chunk, function(p)
        if type(p) == 'function' then
            p = jutil.funcinfo(p).proto
        end
        prototypes[p] = generation
    end)
end

-- Number of the generation that f's code was compiled for; nil for code that is
-- no module of the application.
function M.generation_of(f)
    local info = jutil.funcinfo(f)
    local proto = info.proto
    if proto == nil then
        return nil
    end
    local generation = E.state.prototypes[proto]
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
-- the current module. `dynamic` counts those without a literal.
function M.requires(chunk)
    local edges = {strong = {}, weak = {}, files = {}, dynamic = 0}
    local is_main = true
    M.each_prototype(chunk, function(p)
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
