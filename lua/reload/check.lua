-- Phase check: may the new version take the old one's place?

local E = ...
local M = {}

local bytecode = E.use('bytecode')
local stub = E.use('stub')
local util = E.use('util')
local jutil = require('jit.util')
local state = E.state

-- A hook of the contract: a function of that name which takes no more than `params`
-- parameters. An application's own function of the name takes more, most likely.
function M.hook(module, name, params)
    if type(module) ~= 'table' then
        return nil
    end
    local f = stub.raw(rawget(module, name))
    if type(f) ~= 'function' or (jutil.funcinfo(f).params or 0) > params then
        return nil
    end
    return f
end

local function kind_of(value)
    -- true is what require() gives for a chunk that returns nothing.
    return value == true and 'nothing' or type(value)
end

local function check_kind(p, unit, record)
    local old, new = kind_of(record.public), kind_of(unit.new)
    if old ~= new and not p.opts.kind_change then
        util.fail('check', "%s: module '%s' returned %s before and %s now (a " ..
            'half-written file? --kind-change allows it)', unit.path or unit.source,
            unit.name, old, new)
    end
end

local function removed_exports(unit, record)
    local removed = {}
    if type(unit.new) == 'table' and type(record.public) == 'table' then
        for key, f in next, record.public do
            if type(f) == 'function' and rawget(unit.new, key) == nil then
                removed[#removed + 1] = tostring(key)
            end
        end
        util.breathe()
    end
    table.sort(removed)
    return removed
end

-- Modules whose code spells the name, in the version that will run.
local function users_of(p, plan, name, own)
    local users = {}
    for other, record in pairs(plan.records) do
        local unit = p.set[other]
        if other ~= own then
            if unit ~= nil then
                unit.names = unit.names or bytecode.names(unit.chunk)
            elseif record.names == nil and record.text ~= nil and record.kind == 'file' then
                local chunk = E.source.compile(record.text, record.source)
                record.names = chunk and bytecode.names(chunk) or {}
            end
            if (unit or record).names and (unit or record).names[name] then
                users[#users + 1] = other
            end
        end
    end
    table.sort(users)
    return users
end

-- An export that is gone fails its callers later; say so now.
local function check_removed(p, plan)
    for name, unit in pairs(p.set) do
        local record = state.records[name]
        for _, export in ipairs(record and removed_exports(unit, record) or {}) do
            local users = users_of(p, plan, export, name)
            local text = ("export '%s' of module '%s' is removed%s"):format(export, name,
                #users > 0 and ', used by ' .. table.concat(users, ', ') or '')
            if p.opts.strict and #users > 0 then
                util.fail('check', '%s: %s', unit.path or unit.source, text)
            end
            p.note('%s', text)
        end
    end
end

local function fails(p, phase, name, hook, err)
    util.fail(phase, {message = ('%s.%s(): %s'):format(name, hook, err.message),
        traceback = err.traceback, timeout = err.timeout, abandoned = err.abandoned})
end

-- Call a hook of each new module that has it, in the order in which they were loaded.
function M.call_hooks(p, phase, hook, params, argument)
    for _, name in ipairs(p.order) do
        local unit = p.set[name]
        local f = unit and M.hook(unit.new, hook, params)
        if f ~= nil then
            local ok, result, text = E.hooks.run(p, phase, f, p.hook_timeout,
                argument and argument(name) or nil)
            if not ok then
                fails(p, phase, name, hook, result)
            elseif hook == 'check' and (result == false or result == nil and text ~= nil) then
                fails(p, phase, name, hook, {message = text ~= nil and util.text(text) or
                    'returned false'})
            end
        end
    end
end

function M.run(p, plan)
    for name, unit in pairs(p.set) do
        local record = state.records[name]
        if record ~= nil then
            check_kind(p, unit, record)
        end
    end
    check_removed(p, plan)
    E.keep.check(p)
    M.call_hooks(p, 'check', 'check', 0)
end

return M
