-- ffi.cdef and ffi.metatype happen once in a VM. The same declaration again is
-- skipped, a changed one is refused; a second metatable of a type is poured into the
-- first one at the switch, so old objects follow.

local E = ...
local M = {}

local ffi = require('ffi')
local util = E.use('util')
local state = E.state

-- Is this fiber of the generation that is being loaded?
local function pending()
    local p = state.pending
    return p ~= nil and p.is_mine() and p or nil
end

local function redefined(p, real_error)
    if p.is_adopting() then
        -- The text of the first declaration is not known: it may well be the same.
        p.note('ffi.cdef kept as it was declared first, its text is not known: %s',
            tostring(real_error))
        return
    end
    util.fail('load', 'a changed ffi.cdef needs a new process: %s', tostring(real_error))
end

function M.cdef(real, text, ...)
    if select('#', ...) > 0 then
        return real(text, ...)
    end
    if state.cdefs[text] then
        return
    end
    local ok, err = pcall(real, text)
    if not ok then
        local p = pending()
        if p == nil or not tostring(err):find('attempt to redefine', 1, true) then
            error(err, 3)
        end
        redefined(p, err)
    elseif pending() then
        local p = pending()
        p.declared = (p.declared or 0) + 1
    end
    state.cdefs[text] = true
end

-- The metatables of all ctypes are in the environment of ffi.metatype.
local function metatable_of(real, ctype)
    local known = debug.getfenv(real)
    return known and known[-tonumber(ffi.typeof(ctype))]
end

function M.metatype(real, ctype, metatable)
    local p = pending()
    local old = p and metatable_of(real, ctype)
    if not old then
        return real(ctype, metatable)
    end
    p.metatypes[#p.metatypes + 1] = {
        module = p.loading_now(), new = metatable, old = old,
    }
    return ffi.typeof(ctype)
end

-- Put the watchers in front, once in the life of the VM.
function M.install()
    if state.has_ffi then
        return
    end
    state.has_ffi = true
    local entry = state.entry
    local cdef, metatype = ffi.cdef, ffi.metatype
    ffi.cdef = function(...)
        return entry.cdef(cdef, ...)
    end
    ffi.metatype = function(...)
        return entry.metatype(metatype, ...)
    end
end

return M
