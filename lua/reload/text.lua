-- What people read: the answers of the ops as text.
local E = ...
local M = {}

-- Results and messages: two texts.
function M.render(op, answer, opts)
    return op .. ' exit ' .. tostring(answer.exit) .. '\n', answer.message or ''
end

return M
