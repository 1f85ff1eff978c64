-- fun: lazy iterators, with the interface of Lua Fun. What an iterator is:
-- lua/fun/base.lua.

local base = require('fun.base')
require('fun.reduce')

local fun, methods, iterator_mt = base.fun, base.methods, base.iterator_mt
local wrap, source, nil_gen = base.wrap, base.source, base.nil_gen
local ipairs_gen, string_gen = base.ipairs_gen, base.string_gen
local export0, export1 = base.export0, base.export1

-- Calls f with the values; returns the state, or nil at the end.
local function each_step(fun, state, ...)
    if state == nil then
        return nil
    end
    fun(...)
    return state
end

export1('each for_each foreach', function(fun, gen, param, state)
    repeat
        state = each_step(fun, gen(param, state))
    until state == nil
end)

-- Generators.

local function range_up_gen(param, state)
    state = state + param[2]
    if state > param[1] then
        return nil
    end
    return state, state
end

local function range_down_gen(param, state)
    state = state + param[2]
    if state < param[1] then
        return nil
    end
    return state, state
end

--- From start to stop (1 or -1 to start when there is no stop) by step.
function fun.range(start, stop, step)
    if step == nil then
        if stop == nil then
            if start == 0 then
                return nil_gen, nil, nil
            end
            stop = start
            start = 0 < stop and 1 or -1
        end
        step = start <= stop and 1 or -1
    end
    assert(type(start) == 'number', 'start must be a number')
    assert(type(stop) == 'number', 'stop must be a number')
    assert(type(step) == 'number', 'step must be a number')
    assert(step ~= 0, 'step must not be zero')
    return wrap(step > 0 and range_up_gen or range_down_gen, {stop, step}, start - step)
end

local function duplicate_gen(value, state)
    return state + 1, value
end

local function duplicate_many_gen(values, state)
    return state + 1, unpack(values, 1, values.n)
end

--- The same values again and again.
function fun.duplicate(...)
    local n = select('#', ...)
    if n <= 1 then
        return wrap(duplicate_gen, (...), 0)
    end
    return wrap(duplicate_many_gen, {n = n, ...}, 0)
end
fun.replicate = fun.duplicate
fun.xrepeat = fun.duplicate

local function tabulate_gen(fun, state)
    return state + 1, fun(state)
end

--- fun(0), fun(1), ...
function fun.tabulate(f)
    return wrap(tabulate_gen, f, 0)
end

function fun.zeros()
    return wrap(duplicate_gen, 0, 0)
end

function fun.ones()
    return wrap(duplicate_gen, 1, 0)
end

local function rands_gen(range)
    return 0, math.random(range[1], range[2])
end

local function rands_unit_gen()
    return 0, math.random()
end

--- Random numbers: from [0, 1), integers from [0, n) or from [n, m).
function fun.rands(n, m)
    if n == nil and m == nil then
        return wrap(rands_unit_gen, 0, 0)
    end
    assert(type(n) == 'number', 'invalid first arg to rands')
    if m == nil then
        m = n
        n = 0
    else
        assert(type(m) == 'number', 'invalid second arg to rands')
    end
    assert(n < m, 'empty interval')
    return wrap(rands_gen, {n, m - 1}, 0)
end

-- Slicing.

-- The values, without the state; nothing at the end.
local function values_of(state, ...)
    if state == nil then
        return nil
    end
    return ...
end

export1('nth', function(n, gen, param, state)
    assert(n > 0, 'invalid first argument to nth')
    if gen == ipairs_gen then
        return param[state + n]
    elseif gen == string_gen then
        if state + n <= #param then
            return param:sub(state + n, state + n)
        end
        return nil
    end
    for _ = 1, n - 1 do
        state = gen(param, state)
        if state == nil then
            return nil
        end
    end
    return values_of(gen(param, state))
end)

local function head_values(state, ...)
    if state == nil then
        error('head: iterator is empty')
    end
    return ...
end

export0('head car', function(gen, param, state)
    return head_values(gen(param, state))
end)

export0('tail cdr', function(gen, param, state)
    state = gen(param, state)
    if state == nil then
        return wrap(nil_gen, nil, nil)
    end
    return wrap(gen, param, state)
end)

local function take_n_step(i, state, ...)
    if state == nil then
        return nil
    end
    return {i, state}, ...
end

local function take_n_gen(param, state)
    local i = state[1]
    if i >= param[1] then
        return nil
    end
    return take_n_step(i + 1, param[2](param[3], state[2]))
end

local function take_n(n, gen, param, state)
    assert(n >= 0, 'invalid first argument to take_n')
    return wrap(take_n_gen, {n, gen, param}, {0, state})
end

local function take_while_step(fun, state, ...)
    if state == nil or not fun(...) then
        return nil
    end
    return state, ...
end

local function take_while_gen(param, state)
    return take_while_step(param[1], param[2](param[3], state))
end

local function take_while(fun, gen, param, state)
    assert(type(fun) == 'function', 'invalid first argument to take_while')
    return wrap(take_while_gen, {fun, gen, param}, state)
end

local function take(n_or_fun, gen, param, state)
    if type(n_or_fun) == 'number' then
        return take_n(n_or_fun, gen, param, state)
    end
    return take_while(n_or_fun, gen, param, state)
end

local function drop_n(n, gen, param, state)
    assert(n >= 0, 'invalid first argument to drop_n')
    for _ = 1, n do
        state = gen(param, state)
        if state == nil then
            return wrap(nil_gen, nil, nil)
        end
    end
    return wrap(gen, param, state)
end

-- Does the value belong to what is dropped? And the state after it.
local function drop_while_step(fun, state, ...)
    if state == nil or not fun(...) then
        return state, false
    end
    return state, true
end

local function drop_while(fun, gen, param, state)
    assert(type(fun) == 'function', 'invalid first argument to drop_while')
    local before, is_dropped
    repeat
        before = state
        state, is_dropped = drop_while_step(fun, gen(param, state))
    until not is_dropped
    if state == nil then
        return wrap(nil_gen, nil, nil)
    end
    return wrap(gen, param, before)
end

local function drop(n_or_fun, gen, param, state)
    if type(n_or_fun) == 'number' then
        return drop_n(n_or_fun, gen, param, state)
    end
    return drop_while(n_or_fun, gen, param, state)
end

export1('take_n', take_n)
export1('take_while', take_while)
export1('take', take)
export1('drop_n', drop_n)
export1('drop_while', drop_while)
export1('drop', drop)

export1('span split split_at', function(n_or_fun, gen, param, state)
    return take(n_or_fun, gen, param, state), drop(n_or_fun, gen, param, state)
end)

-- Indexing.

export1('index index_of elem_index', function(x, gen, param, state)
    local i = 1
    for _, value in gen, param, state do
        if value == x then
            return i
        end
        i = i + 1
    end
    return nil
end)

local function indexes_gen(param, state)
    local x, gen = param[1], param[2]
    local i, value = state[1]
    state = state[2]
    repeat
        state, value = gen(param[3], state)
        if state == nil then
            return nil
        end
        i = i + 1
    until value == x
    return {i, state}, i
end

export1('indexes indices elem_indexes elem_indices', function(x, gen, param, state)
    return wrap(indexes_gen, {x, gen, param}, {0, state})
end)

-- Filtering.

-- One value needs no closure on its way.
local function filter1_gen(fun, gen, param, state, value)
    while true do
        if state == nil or fun(value) then
            return state, value
        end
        state, value = gen(param, state)
    end
end

local function filter_many_gen(fun, gen, param, state, ...)
    if state == nil or fun(...) then
        return state, ...
    end
    return filter_many_gen(fun, gen, param, gen(param, state))
end

local function filter_step(fun, gen, param, state, ...)
    if select('#', ...) < 2 then
        return filter1_gen(fun, gen, param, state, ...)
    end
    return filter_many_gen(fun, gen, param, state, ...)
end

local function filter_gen(param, state)
    local gen = param[2]
    return filter_step(param[1], gen, param[3], gen(param[3], state))
end

local function filter(fun, gen, param, state)
    return wrap(filter_gen, {fun, gen, param}, state)
end

export1('filter remove_if', filter)

export1('grep', function(fun_or_pattern, gen, param, state)
    local fun = fun_or_pattern
    if type(fun) == 'string' then
        fun = function(value)
            return string.find(value, fun_or_pattern) ~= nil
        end
    end
    return filter(fun, gen, param, state)
end)

export1('partition', function(fun, gen, param, state)
    local function is_other(...)
        return not fun(...)
    end
    return filter(fun, gen, param, state), filter(is_other, gen, param, state)
end)

-- Transforming.

local function map_step(fun, state, ...)
    if state == nil then
        return nil
    end
    return state, fun(...)
end

local function map_values_gen(param, state)
    return map_step(param[1], param[2](param[3], state))
end

export1('map', function(fun, gen, param, state)
    return wrap(map_values_gen, {fun, gen, param}, state)
end)

local function enumerate_step(i, state, ...)
    if state == nil then
        return nil
    end
    return {i + 1, state}, i, ...
end

local function enumerate_gen(param, state)
    return enumerate_step(state[1], param[1](param[2], state[2]))
end

export0('enumerate', function(gen, param, state)
    return wrap(enumerate_gen, {gen, param}, {1, state})
end)

local function intersperse_step(i, state, ...)
    if state == nil then
        return nil
    end
    return {i + 1, state}, ...
end

local function intersperse_gen(param, state)
    local i = state[1]
    if i % 2 == 1 then
        return {i + 1, state[2]}, param[1]
    end
    return intersperse_step(i, param[2](param[3], state[2]))
end

--- x after each value.
export1('intersperse', function(x, gen, param, state)
    return wrap(intersperse_gen, {x, gen, param}, {0, state})
end)

-- Composing.

-- How many sources there are: an iterator at the end may bring its param and
-- state along.
local function count_sources(...)
    local n = select('#', ...)
    if n >= 3 then
        local it, param, state = select(n - 2, ...)
        if type(it) == 'table' and getmetatable(it) == iterator_mt and it.param == param
            and it.state == state then
            return n - 2
        end
    end
    return n
end

local function zip_gen(param, state)
    local new_state, values, n = {}, {}, param.n
    for i = 1, n do
        new_state[i], values[i] = param[2 * i - 1](param[2 * i], state[i])
        if new_state[i] == nil then
            return nil
        end
    end
    return new_state, unpack(values, 1, n)
end

-- Two sources need no table of values.
local function zip_pair_gen(param, state)
    local state_a, a = param[1](param[2], state[1])
    if state_a == nil then
        return nil
    end
    local state_b, b = param[3](param[4], state[2])
    if state_b == nil then
        return nil
    end
    return {state_a, state_b}, a, b
end

--- The first value of each source, side by side, to the end of the shortest.
local function zip(...)
    local n = count_sources(...)
    if n == 0 then
        return wrap(nil_gen, nil, nil)
    end
    local param, state = {n = n}, {}
    for i = 1, n do
        param[2 * i - 1], param[2 * i], state[i] = source((select(i, ...)))
    end
    return wrap(n == 2 and zip_pair_gen or zip_gen, param, state)
end

fun.zip = zip
methods.zip = zip

local chain_gen

local function chain_step(param, i, state, ...)
    if state ~= nil then
        return {i, state}, ...
    end
    if i == param.n then
        return nil
    end
    return chain_gen(param, {i + 1, param[3 * i + 3]})
end

function chain_gen(param, state)
    local i = state[1]
    return chain_step(param, i, param[3 * i - 2](param[3 * i - 1], state[2]))
end

--- One source after the other.
local function chain(...)
    local n = count_sources(...)
    if n == 0 then
        return wrap(nil_gen, nil, nil)
    end
    local param = {n = n}
    for i = 1, n do
        param[3 * i - 2], param[3 * i - 1], param[3 * i] = source((select(i, ...)))
    end
    return wrap(chain_gen, param, {1, param[3]})
end

fun.chain = chain
methods.chain = chain

local function cycle_step(param, state, ...)
    if state == nil then
        return param[1](param[2], param[3])
    end
    return state, ...
end

local function cycle_gen(param, state)
    return cycle_step(param, param[1](param[2], state))
end

export0('cycle', function(gen, param, state)
    return wrap(cycle_gen, {gen, param, state}, state)
end)

-- Operators as functions.

local function divide_down(a, b)
    return math.floor(a / b)
end

-- Down for what is not negative, else up; whatever the divisor's sign.
local function divide_int(a, b)
    return a >= 0 and math.floor(a / b) or math.ceil(a / b)
end

fun.operator = {
    lt = function(a, b) return a < b end,
    le = function(a, b) return a <= b end,
    eq = function(a, b) return a == b end,
    ne = function(a, b) return a ~= b end,
    neq = function(a, b) return a ~= b end,
    ge = function(a, b) return a >= b end,
    gt = function(a, b) return a > b end,
    add = function(a, b) return a + b end,
    sub = function(a, b) return a - b end,
    mul = function(a, b) return a * b end,
    div = function(a, b) return a / b end,
    truediv = function(a, b) return a / b end,
    floordiv = divide_down,
    intdiv = divide_int,
    mod = function(a, b) return a % b end,
    pow = function(a, b) return a ^ b end,
    unm = function(a) return -a end,
    concat = function(a, b) return a .. b end,
    len = function(a) return #a end,
    length = function(a) return #a end,
    land = function(a, b) return a and b end,
    lor = function(a, b) return a or b end,
    lnot = function(a) return not a end,
    truth = function(a) return not not a end,
}
fun.op = fun.operator
methods.operator = fun.operator
methods.op = fun.operator

-- Called, the module puts its functions in the global table.
return setmetatable(fun, {
    __call = function(self)
        for name, value in pairs(self) do
            _G[name] = value
        end
    end,
})
