-- How the application speaks.

local function text(name)
    return string.format('Hello, %s!', name)
end

return {text = text}
