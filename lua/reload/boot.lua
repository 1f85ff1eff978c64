-- The beginning of the reload engine: what finds or makes it. bundle.py writes
-- HASH ('version.hash') and PARTS in front of this text.
--
-- Called with 'first' and the instance file's path (the launcher, before it runs that),
-- 'adopt' (ctl, on an instance that runs) or by require 'reload', which wakes nothing.
-- The code lives in the registry, apart from the data (part `state`), so another version
-- of the engine replaces the code and takes the data over. Nothing of it is in
-- package.loaded but the module for apps.
--
-- A part is called with E, the code table, and returns what is found as E.<part>.
-- What the outside may ask for, a part puts into E.ops: a function of one table of
-- options that returns one plain table with `exit`.

local caller, instance_file = ...
caller = (caller == 'first' or caller == 'adopt') and caller or nil
local registry = debug.getregistry()
local CODE, MODULE = 'tarantella.reload.engine', 'tarantella.reload.module'

local VERSION = tonumber(HASH:match('^%d+'))
local old = registry[CODE]

-- Is the engine that is there to stay? It is when it is this one, a later one, one at
-- work, or when nobody asks for another.
local function is_to_stay()
    if old == nil then
        return false
    end
    return caller == nil or old.hash == HASH or old.version > VERSION or
        old.is_busy ~= nil and old.is_busy()
end

-- The module of apps stays the same table when the engine is replaced.
local function module()
    local m = registry[MODULE]
    if m == nil then
        m = setmetatable({}, {
            __index = function(_, key)
                return registry[CODE].get_api()[key]
            end,
            __serialize = function()
                return 'reload'
            end,
        })
        registry[MODULE] = m
    end
    return m
end

if is_to_stay() then
    return module()
end

local E = {
    hash = HASH,
    version = VERSION,
    mode = old ~= nil and old.mode or caller or 'module',
    ops = {}, -- by name: what `ctl` may ask for
    api = {}, -- what require('reload') has
}

local names, texts, loading = {}, {}, {}
for i, part in ipairs(PARTS) do
    names[i], texts[part[1]] = part[1], part[2]
end
PARTS = nil

-- A part, loaded now when its turn has not come.
function E.use(name)
    if rawget(E, name) ~= nil then
        return E[name]
    end
    if texts[name] == nil or loading[name] then
        error(("reload: part '%s' %s"):format(name, loading[name] and 'needs itself' or
            'is missing'), 2)
    end
    loading[name] = true
    local part = assert(loadstring(texts[name], '@builtin/reload/' .. name .. '.lua'))
    -- Each reload ends with jit.flush(), so whatever the engine had compiled is compiled
    -- again by the next one, for loops of a few rounds. Interpreted, a small reload takes
    -- half of the time. What applications call again and again says jit.on() for itself.
    jit.off(part, true)
    E[name] = part(E)
    loading[name], texts[name] = nil, nil
    return E[name]
end

-- Most instances never reload, so at start only what learns is compiled, with what it
-- uses; the rest when it is first asked for.
setmetatable(E, {__index = function(_, name)
    if texts[name] ~= nil and not loading[name] then
        return E.use(name)
    end
end})

local function use_all(may_yield)
    for _, name in ipairs(names) do
        if texts[name] ~= nil then
            E.use(name)
            if may_yield then
                require('fiber').sleep(0)
            end
        end
    end
end

local function traceback(e)
    return {message = tostring(e), traceback = debug.traceback('', 2):gsub('^\n', '')}
end

-- Run an op. It always answers: an error of the engine is one too.
function E.call(op, opts)
    use_all(true)
    local f = E.ops[op]
    if f == nil then
        return {exit = 1, message = ("the engine of the instance has no '%s'"):format(op)}
    end
    local ok, answer = xpcall(function()
        return f(opts or {})
    end, traceback)
    if ok then
        return answer
    end
    answer.exit, answer.phase = 3, 'engine'
    answer.message = 'the reload engine itself failed: ' .. answer.message
    return answer
end

-- What apps may call: the table behind require('reload').
function E.get_api()
    use_all()
    return E.api
end

-- Known to require() on stock Tarantool as well, where no module is built in.
if caller ~= nil and package.preload.reload == nil and
        not pcall(require, 'internal.reload') then
    package.preload.reload = module
end
registry[CODE] = E
E.init.install(old)
if instance_file ~= nil and caller == 'first' then
    E.instance_file.begins(instance_file)
end
return module()
