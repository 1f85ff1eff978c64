--[[
fun.base: what an iterator is, and how functions of the module `fun` are made.

An iterator is three values, as `for` takes them: gen(param, state) returns the
next state and the values, or nil at the end. What the functions here return is
an object that holds the three and can be called like gen, then param and state,
so that it can be passed to `for` and to any function of the module.
]]

local fun = {}
local methods = {}
local iterator_mt = {__index = methods}

function iterator_mt.__call(self, param, state)
    return self.gen(param, state)
end

function iterator_mt.__tostring()
    return '<generator>'
end

local function wrap(gen, param, state)
    return setmetatable({gen = gen, param = param, state = state}, iterator_mt), param, state
end

function methods:unwrap()
    return self.gen, self.param, self.state
end

-- Sources: what can be iterated.

local function nil_gen()
    return nil
end

local ipairs_gen = ipairs({})

local function string_gen(text, pos)
    pos = pos + 1
    if pos > #text then
        return nil
    end
    return pos, text:sub(pos, pos)
end

local function map_gen(t, key)
    local value
    key, value = next(t, key)
    return key, key, value
end

local function table_source(t)
    local mt = getmetatable(t)
    if mt == iterator_mt then
        return t.gen, t.param, t.state
    elseif type(mt) == 'table' and mt.__ipairs ~= nil then
        return mt.__ipairs(t)
    elseif type(mt) == 'table' and mt.__pairs ~= nil then
        return mt.__pairs(t)
    elseif #t > 0 then
        return ipairs(t)
    end
    return map_gen, t, nil
end

-- The three values of a source.
local function source(obj, param, state)
    if obj == nil then
        error('invalid iterator')
    elseif type(obj) == 'table' then
        return table_source(obj)
    elseif type(obj) == 'function' then
        return obj, param, state
    elseif type(obj) == 'string' then
        if #obj == 0 then
            return nil_gen, nil, nil
        end
        return string_gen, obj, 0
    end
    error(('object %s of type "%s" is not iterable'):format(tostring(obj), type(obj)))
end

-- Make f(gen, param, state), f(a, gen, ...) or f(a, b, gen, ...) a function that
-- takes any source, and a method, under each of the names.
local function export0(names, f)
    for name in names:gmatch('%S+') do
        fun[name] = function(gen, param, state)
            return f(source(gen, param, state))
        end
        methods[name] = function(self)
            return f(self.gen, self.param, self.state)
        end
    end
end

local function export1(names, f)
    for name in names:gmatch('%S+') do
        fun[name] = function(a, gen, param, state)
            return f(a, source(gen, param, state))
        end
        methods[name] = function(self, a)
            return f(a, self.gen, self.param, self.state)
        end
    end
end

local function export2(names, f)
    for name in names:gmatch('%S+') do
        fun[name] = function(a, b, gen, param, state)
            return f(a, b, source(gen, param, state))
        end
        methods[name] = function(self, a, b)
            return f(a, b, self.gen, self.param, self.state)
        end
    end
end

function fun.wrap(gen, param, state)
    return wrap(gen, param, state)
end

function fun.iter(obj, param, state)
    return wrap(source(obj, param, state))
end

return {
    fun = fun,
    methods = methods,
    iterator_mt = iterator_mt,
    wrap = wrap,
    source = source,
    nil_gen = nil_gen,
    ipairs_gen = ipairs_gen,
    string_gen = string_gen,
    export0 = export0,
    export1 = export1,
    export2 = export2,
}
