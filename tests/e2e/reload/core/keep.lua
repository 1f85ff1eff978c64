-- Rule g: kept locals and fields; save() and load().
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')

local APP = [[
local count = 0
local fixed = {n = 0}
local M = {keep = {'count', 'fixed', 'field'}, version = $1}
M.field = {v = $1}
function M.bump() count = count + 1 return count end
function M.many(n) for i = 1, n do count = count + 1 end end
function M.get() return count, fixed, $1 end
function M.touch() fixed.n = fixed.n + 1 return fixed.n end
return M
]]
local NEVER_SET = [[
local limit = $1
local M = {keep = {'limit'}}
function M.get() return limit, $1 end
$2
return M
]]

rig.run(function()
    rig.write('app', APP, 1)
    local app = require('app')
    rig.settle()
    local bump, field, total = app.bump, app.field, 0
    local fixed = select(2, app.get())
    local bad = 0
    for version = 2, 21 do
        for _ = 1, 50000 do
            total = total + 1
            if bump() ~= total then
                bad = bad + 1
            end
        end
        app.many(50000)
        total = total + 50000
        rig.write('app', APP, version)
        local a = rig.reload()
        if a.exit ~= 0 then
            rig.ok(false, 'version ' .. version .. ': ' .. tostring(a.message))
        end
        local count, f, v = app.get()
        if count ~= total or f ~= fixed or v ~= version or app.touch() ~= version - 1 then
            bad = bad + 1
        end
    end
    rig.is(bad, 0, '2 million increments in hot loops, 20 reloads: none lost, none stale')
    rig.is(app.field, field, 'a kept field')

    rig.write('lim', NEVER_SET, 5, '')
    local lim = require('lim')
    rig.settle()
    for _ = 1, 1000 do lim.get() end
    rig.write('lim', NEVER_SET, 6, 'function M.set(v) limit = v end')
    rig.reloads('a local that the old code never assigns')
    rig.is((lim.get()), 5, 'keeps its value')
    lim.set(9)
    local wrong = 0
    for _ = 1, 1000 do
        wrong = wrong + (lim.get() == 9 and 0 or 1)
    end
    rig.is(wrong, 0, 'and is assigned by the new')
    rig.has_note('moved to a new cell', 'which is noted')

    rig.write('amb', 'local M = {} ' ..
        'do local n = 1 function M.a() n = n + 1 return n end end ' ..
        'do local n = 1 function M.b() n = n + 1 return n end end M.v = $1 return M', 1)
    local amb = require('amb')
    rig.settle()
    rig.write('amb', 'local M = {keep = {"n"}} ' ..
        'do local n = 1 function M.a() n = n + 1 return n end end\n' ..
        'do local n = 1 function M.b() n = n + 1 return n end end M.v = $1 return M', 2)
    local a = rig.reloads('two locals of one name', {names = {'amb'}}, 1, 'check')
    rig.like(a.message, "keep 'n' of module 'amb' is ambiguous .* and ", 'both are named')
    rig.write('amb', 'local M = {keep = {"nosuch"}} return M')
    a = rig.reloads('no such local', {names = {'amb'}}, 1, 'check')
    rig.like(a.message, "nosuch", 'is named')
    rig.write('amb', 'local fresh = 7 local M = {keep = {"fresh"}} ' ..
        'function M.f() fresh = fresh + 1 return fresh end return M')
    rig.reloads('a name that the old version does not have', {names = {'amb'}})
    rig.has_note("keep 'fresh'.*initial value", 'is noted')
    rig.is(amb.f(), 8, 'and has its initial value')
    rig.write('amb', 'local M = {} function M.keep() return "api" end return M')
    rig.reloads('a function named keep', {names = {'amb'}})
    rig.is(amb.keep(), 'api', 'is a function')

    -- save() and load().
    local state = "local s = {$2} local M = {version = $1} function M.get() return s, M.from end " ..
        "function M.add(x) s[#s + 1] = x end function M.save() return {items = s, v = $1} end " ..
        "function M.load(saved, from) $3 s = saved.items M.from = from end return M"
    rig.write('st', state, 1, "'a'", '')
    local st = require('st')
    rig.settle()
    st.add('b')
    rig.write('st', state, 2, "'fresh'", '')
    rig.reloads('save and load', {names = {'st'}})
    local items, from = st.get()
    rig.ok(#items == 2 and items[2] == 'b' and from == 1, 'the state and its version came over')
    rig.write('st', state, 3, "'fresh'", 'saved.items[1] = "broken" error("cannot migrate")')
    a = rig.reloads('a load() that raises', {names = {'st'}}, 1, 'keep')
    rig.like(a.message, 'st.load%(%): .*cannot migrate', 'is named')
    rig.is(st.version, 2, 'the code is the old one')
    rig.is(#(st.get()), 2, 'and so is the state')
    rig.write('st', state, 1, "'fresh'", '')
    rig.reloads('down to version 1', {names = {'st'}})
    rig.is(select(2, st.get()), 2, 'load() knows that it comes from 2')

    -- check() and prepare().
    local contract = 'local M = {v = $1} function M.check() $2 end ' ..
        'function M.prepare(old) PREPARED = old.v end return M'
    rig.write('con', contract, 1, '')
    local con = require('con')
    rig.settle()
    rig.write('con', contract, 2, '')
    rig.reloads('check and prepare', {names = {'con'}})
    rig.is(PREPARED, 1, 'prepare() saw the old version')
    rig.write('con', contract, 3, "error('not fit')")
    a = rig.reloads('a check() that raises', {names = {'con'}}, 1, 'check')
    rig.like(a.message, 'con.check%(%): .*not fit', 'is named')
    rig.write('con', contract, 3, "return false, 'unfit'")
    a = rig.reloads('a check() that returns false', {names = {'con'}}, 1, 'check')
    rig.like(a.message, 'con.check%(%): unfit', 'is named')
    rig.is(con.v, 2, 'the old version serves')
    rig.write('con', 'local M = {v = 4} function M.check(user, word) error("x") end return M')
    rig.reloads('a check() of another meaning', {names = {'con'}})
    rig.is(con.v, 4, 'is not called')
end)
