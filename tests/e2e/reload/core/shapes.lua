-- Whatever a module may be: a function, a class, a callable table, data, nothing.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')

local MODULES = {
    func = "return function(x) return 'func$1', x end",
    callable = "return setmetatable({}, {__call = function(_, x) return 'call$1', x end})",
    class = [[
local C = {} C.__index = C
function C.new() return setmetatable({n = 1}, C) end
function C:name() return 'class$1' end
C.__tostring = function() return 'object$1' end
return C]],
    sub = [[
local Base = require('class')
local S = setmetatable({}, {__index = Base}) S.__index = S S.__tostring = Base.__tostring
function S.new() return setmetatable({}, S) end
function S:own() return 'sub$1' end
return S]],
    hidden = [[
local mt = {__index = {get = function() return 'hidden$1' end}}
return {new = function() return setmetatable({}, mt) end}]],
    nested = [[
local M = {http = {get = function() return 'get$1' end, deep = {f = function() return $1 end}}}
return M]],
    text = "return 'text$1'",
    number = 'return $1',
    no = 'LOADED_NO = (rawget(_G, "LOADED_NO") or 0) + 1 return false',
    nothing = "function made_by_nothing() return 'nothing$1' end",
    inplace = "local M = {f = function() return 'inplace$1' end} package.loaded[...] = M",
    seeall = "module('seeall', package.seeall) function f() return 'seeall$1', type(print) end",
    fenv = "local M = {} setfenv(1, setmetatable(M, {__index = _G})) " ..
        "function f() return 'fenv$1', g() end function g() return $1 end return M",
    reexport = "return {f = require('inplace').f, g = function() return $1 end}",
}

local function write_all(n)
    for name, text in pairs(MODULES) do
        rig.write(name, text, n)
    end
end

rig.run(function()
    write_all(1)
    local m = {}
    for name in pairs(MODULES) do
        m[name] = require(name)
    end
    m.seeall = require('seeall')
    rig.settle({kind_change = true})
    if type(m.func) == 'function' then
        m.func = require('func')
    end
    local object, child, hidden = m.class.new(), m.sub.new(), m.hidden.new()
    local method, made = m.class.name, made_by_nothing
    local sub_get, deep = m.nested.http, m.nested.http.deep
    for n = 2, 3 do
        write_all(n)
        rig.reloads('version ' .. n)
        rig.is((m.func(n)), 'func' .. n, 'a module that is a function follows')
        rig.is(select(2, m.func(n)), n, 'and passes arguments')
        rig.is((m.callable(n)), 'call' .. n, 'a callable table')
        rig.is(object:name(), 'class' .. n, 'an old object of a class')
        rig.is(tostring(object), 'object' .. n, 'and its __tostring')
        rig.is(method(object), 'class' .. n, 'a captured method')
        rig.is(child:own(), 'sub' .. n, 'an object of a subclass')
        rig.is(child:name(), 'class' .. n, 'and what it inherits')
        rig.is(tostring(child), 'object' .. n, 'and its inherited __tostring')
        rig.is(m.class.new():name(), 'class' .. n, 'a new object')
        rig.is(hidden.get(), 'hidden' .. n, 'an object with a private metatable')
        rig.is(sub_get.get(), 'get' .. n, 'a nested table')
        rig.is(deep.f(), n, 'a table nested twice')
        rig.is(require('text'), 'text' .. n, 'a module that is a string')
        rig.is(require('number'), n, 'a module that is a number')
        rig.is(made(), 'nothing' .. n, 'a captured global function of a module without value')
        rig.is(made_by_nothing(), 'nothing' .. n, 'and by its name')
        rig.is(m.inplace.f(), 'inplace' .. n, 'a module that sets package.loaded itself')
        rig.is((m.seeall.f()), 'seeall' .. n, 'module(..., package.seeall)')
        rig.is(select(2, m.seeall.f()), 'function', 'which sees globals')
        rig.is(rawget(_G, 'seeall'), m.seeall, 'and is a global')
        rig.is((m.fenv.f()), 'fenv' .. n, 'setfenv(1, M)')
        rig.is(select(2, m.fenv.f()), n, 'which calls its own')
        rig.is(m.reexport.f(), 'inplace' .. n, 're-exported function')
        rig.is(m.reexport.g(), n, 'beside an own one')
    end
end)
