-- fun.reduce: functions that make one value of an iterator.

local base = require('fun.base')
local fun, methods, source = base.fun, base.methods, base.source
local ipairs_gen, string_gen = base.ipairs_gen, base.string_gen
local export0, export1, export2 = base.export0, base.export1, base.export2

local function fold_step(fun, acc, state, ...)
    if state == nil then
        return nil, acc
    end
    return state, fun(acc, ...)
end

export2('foldl reduce', function(fun, acc, gen, param, state)
    while true do
        local next_acc
        state, next_acc = fold_step(fun, acc, gen(param, state))
        if state == nil then
            return acc
        end
        acc = next_acc
    end
end)

export0('length', function(gen, param, state)
    if gen == ipairs_gen or gen == string_gen then
        return #param - state
    end
    local n = 0
    state = gen(param, state)
    while state ~= nil do
        n = n + 1
        state = gen(param, state)
    end
    return n
end)

export0('is_null', function(gen, param, state)
    return gen(param, state) == nil
end)

export0('sum', function(gen, param, state)
    local sum = 0
    for _, value in gen, param, state do
        sum = sum + value
    end
    return sum
end)

export0('product', function(gen, param, state)
    local product = 1
    for _, value in gen, param, state do
        product = product * value
    end
    return product
end)

-- The value that cmp(a, b) chooses among all.
local function choose(what, cmp, gen, param, state)
    local best
    state, best = gen(param, state)
    if state == nil then
        error(what .. ': iterator is empty')
    end
    if cmp == nil then
        local is_number = type(best) == 'number'
        if what == 'min' then
            cmp = is_number and math.min or function(a, b) return a < b and a or b end
        else
            cmp = is_number and math.max or function(a, b) return a > b and a or b end
        end
    end
    for _, value in gen, param, state do
        best = cmp(best, value)
    end
    return best
end

export0('min minimum', function(gen, param, state)
    return choose('min', nil, gen, param, state)
end)
export0('max maximum', function(gen, param, state)
    return choose('max', nil, gen, param, state)
end)
export1('min_by minimum_by', function(cmp, gen, param, state)
    return choose('min', cmp, gen, param, state)
end)
export1('max_by', function(cmp, gen, param, state)
    return choose('max', cmp, gen, param, state)
end)

export0('totable', function(gen, param, state)
    local t, n = {}, 0
    for _, value in gen, param, state do
        n = n + 1
        t[n] = value
    end
    return t
end)

export0('tomap', function(gen, param, state)
    local t = {}
    for _, key, value in gen, param, state do
        t[key] = value
    end
    return t
end)

-- The next state, and whether the function is true of the values.
local function test_step(fun, state, ...)
    if state == nil or not fun(...) then
        return state, false
    end
    return state, true
end

export1('all every', function(fun, gen, param, state)
    local is_true
    repeat
        state, is_true = test_step(fun, gen(param, state))
    until state == nil or not is_true
    return state == nil
end)

export1('any some', function(fun, gen, param, state)
    local is_true
    repeat
        state, is_true = test_step(fun, gen(param, state))
    until state == nil or is_true
    return state ~= nil
end)

local function is_prefix_of(gen_x, param_x, state_x, gen_y, param_y, state_y)
    local x, y
    while true do
        state_x, x = gen_x(param_x, state_x)
        if state_x == nil then
            return true
        end
        state_y, y = gen_y(param_y, state_y)
        if state_y == nil or x ~= y then
            return false
        end
    end
end

function fun.is_prefix_of(x, y)
    local gen_x, param_x, state_x = source(x)
    return is_prefix_of(gen_x, param_x, state_x, source(y))
end

function methods:is_prefix_of(y)
    return is_prefix_of(self.gen, self.param, self.state, source(y))
end
