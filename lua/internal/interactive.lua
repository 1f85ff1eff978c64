-- `tarantella -i`: the text console on the terminal, a statement at a time.

local _, lib = ...

local PROMPT, MORE = 'tarantella> ', '          > '

-- A statement that only lacks its end goes on in the next line.
local function is_complete(text)
    if text:match('^%s*\\') then
        return true
    end
    local chunk, err = loadstring('return ' .. text)
    if chunk == nil then
        chunk, err = loadstring(text)
    end
    return chunk ~= nil or err:sub(-7) ~= "'<eof>'"
end

-- What require('console')._serve() talks to; see instance/net/text.h.
local client = {}

function client:read(delim)
    delim = delim or ''
    local text
    while true do
        io.stdout:write(text and MORE or PROMPT)
        io.stdout:flush()
        local line = not self.is_closed and lib.read_line() or nil
        if line == nil then
            io.stdout:write('\n')
            return text
        end
        text = text and text .. '\n' .. line or line
        if delim ~= '' then
            if text:sub(-#delim) == delim then
                return text .. '\n'
            end
        elseif is_complete(text) then
            return text .. '\n'
        end
    end
end

function client:write(text)
    io.stdout:write(text, '\n')
    io.stdout:flush()
    return true
end

function client:close()
    self.is_closed = true
end

function client:peer()
    return 'terminal'
end

function client:fd()
    return 0
end

return function()
    return require('console')._serve(client)
end
