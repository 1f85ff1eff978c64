-- The instance file is no module: a reload does not run it, and says so when it is
-- another one than what ran.
local E = ...
local M = {}

local S = E.state
S.instance = S.instance or {}

local SIZE_MAX = 1024 * 1024

local function read(path)
    local file = path ~= nil and path ~= '' and io.open(path, 'rb')
    if not file then
        return nil
    end
    local text = file:read(SIZE_MAX)
    file:close()
    return text
end

-- It is about to run (the launcher).
function M.begins(path)
    S.instance.path, S.instance.text = path, read(path)
end

-- A text ran inside of the instance (ctl eval): was it this file?
function M.ran(text)
    if S.instance.path ~= nil and read(S.instance.path) == text then
        S.instance.text = text
    end
end

local function is_changed(path)
    local known, text = S.instance.text, read(path)
    if text == nil then
        return false
    elseif known ~= nil then
        return text ~= known
    end
    -- It ran before the engine came.
    local stat = E.source.stat_all({path})[path]
    return stat and stat.changed > E.plan.process_start() or false
end

-- For the report: path is what ctl takes for the instance file. May yield.
function M.note(path, note)
    path = S.instance.path or path
    if path ~= nil then
        S.instance.path = path
        if is_changed(path) then
            note('the instance file %s is another one than what ran: a reload does not run it, ' ..
                '`ctl eval` does', path)
        end
    end
end

return M
