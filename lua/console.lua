-- The console: statements in, formatted results out. One state for each console
-- (a text connection, the terminal, a session that calls console.eval()).

local _, native = ...
local fiber = require('fiber')
local formats = require('console.format')

local M = {}

local default_output = {fmt = 'yaml'}
local on_start_hook, on_disconnect_hook
-- Text connections: client = state.
local states = setmetatable({}, {__mode = 'k'})

local help_text = [[
Statements in Lua are run, and what they return is shown. `tutorial()` tells more.

Commands:

  \set output <format>       -- lua[,line|block], yaml, json or table
  \set language <language>   -- lua
  \set delimiter <delimiter> -- what ends a statement, before the newline
  \help                      -- this text
  \quit                      -- leave the console
]]

local function pack(...)
    return {n = select('#', ...), ...}
end

-- Output ----------------------------------------------------------------------

-- {fmt=, opts=} of `yaml`, `lua,block`...; nil and the error's text.
local function parse_output(value)
    local fmt, opts = value:match('^([^,]+),(.*)$')
    fmt = fmt or value
    if formats[fmt] == nil then
        return nil, ('Invalid format "%s", supported languages: lua and yaml.'):format(fmt)
    end
    if fmt ~= 'lua' then
        opts = nil
    elseif opts ~= nil and opts ~= 'line' and opts ~= 'block' then
        return nil, ('Wrong option "%s", expecting: line or block.'):format(opts)
    end
    return {fmt = fmt, opts = opts}
end

local function copy(output)
    return {fmt = output.fmt, opts = output.opts}
end

function M.set_default_output(value)
    if value == nil then
        error('Nil output value passed')
    end
    local output, err = parse_output(value)
    if output == nil then
        error(err)
    end
    default_output = output
end

function M.get_default_output()
    return copy(default_output)
end

-- State -----------------------------------------------------------------------

local function new_state()
    return {
        running = true, delimiter = '', language = 'lua', output = copy(default_output),
    }
end

local function fiber_state()
    return fiber.self().storage.console
end

-- A session that calls console.eval() keeps its state in the session's storage.
local shared_state

local function session_state()
    local session = type(box) == 'table' and rawget(box, 'session')
    local ok, storage = pcall(function() return session.storage end)
    if not ok or type(storage) ~= 'table' then
        shared_state = shared_state or new_state()
        return shared_state
    end
    storage.console = storage.console or new_state()
    return storage.console
end

local function show(state, results)
    return formats[state.output.fmt].show(results, state.output.opts)
end

local function fail(state, err)
    return formats[state.output.fmt].fail(err, state.output.opts)
end

-- Commands --------------------------------------------------------------------

local set = {}

function set.output(state, value)
    if value == nil then
        return false, 'Specify output format: lua or yaml.'
    end
    local output, err = parse_output(value)
    if output == nil then
        return false, err
    end
    state.output = output
    return true, true
end

function set.language(state, value)
    if value == nil then
        return true, {language = state.language}
    elseif value == 'sql' then
        return false, 'SQL is not built into tarantella; engine = "tarantool" runs it'
    elseif value ~= 'lua' then
        return false, ('Invalid language "%s", supported languages: lua and sql.')
            :format(value)
    end
    state.language = value
    return true, true
end

function set.delimiter(state, value)
    state.delimiter = value or ''
    return true
end

set.o, set.l, set.lang, set.d, set.delim =
    set.output, set.language, set.language, set.delimiter, set.delimiter

local commands = {}

function commands.set(state, name, value)
    if name == nil then
        return false, 'Invalid set syntax, type \\help for help'
    end
    if set[name] == nil then
        return false, 'Unknown parameter: ' .. name
    end
    return set[name](state, value)
end

function commands.help()
    return true, help_text
end

function commands.quit(state)
    state.running = false
end

commands.s, commands.h, commands.q = commands.set, commands.help, commands.quit

-- The command that a line is, or nil.
local function command_of(line)
    if line:sub(1, 1) == '\\' then
        return line:sub(2)
    end
    if line == 'help' or line == 'help()' or line == '?' then
        return 'help'
    end
end

local function run_command(state, text)
    local words = {}
    for word in text:gmatch('%S+') do
        words[#words + 1] = word
    end
    local command = commands[words[1] or 'help']
    if command == nil then
        return fail(state, ('Invalid command \\%s. Type \\help for help.'):format(text))
    end
    local results = pack(command(state, words[2], words[3]))
    if not state.running then
        return nil
    elseif results[1] then
        return show(state, pack(unpack(results, 2, results.n)))
    end
    return fail(state, results[2])
end

-- Evaluation ------------------------------------------------------------------

-- Run a statement: as an expression when it can be read as one.
-- Returns the text to show; nil ends the console.
local function eval_in(state, line)
    if line == nil then
        return nil
    end
    local command = command_of(line)
    if command ~= nil then
        return run_command(state, command)
    end
    local chunk = loadstring('return ' .. line)
    local err
    if chunk == nil then
        chunk, err = loadstring(line)
    end
    if chunk == nil then
        return fail(state, err)
    end
    local results = pack(pcall(chunk))
    if not results[1] then
        return fail(state, results[2])
    end
    return show(state, pack(unpack(results, 2, results.n)))
end

function M.eval(line)
    local state = fiber_state()
    if state == nil then
        state = session_state()
        -- `\quit` is the client's business.
        state.running = true
    end
    return eval_in(state, line)
end

function M.delimiter(delimiter)
    local state = fiber_state() or session_state()
    if delimiter == nil then
        return state.delimiter
    elseif type(delimiter) ~= 'string' then
        error('invalid delimiter')
    end
    state.delimiter = delimiter
end

function M.eos()
    local state = fiber_state() or session_state()
    return formats[state.output.fmt].eos
end

function M.ac(yes_no)
    local state = fiber_state() or session_state()
    state.is_completion_off = yes_no == false
end

M.completion_handler = function(text)
    return require('console.complete')(text)
end

local function set_hook(name, hook)
    if hook ~= nil and type(hook) ~= 'function' then
        error(('Wrong type of %s hook: %s'):format(name, type(hook)))
    end
    return hook
end

function M.on_start(hook)
    on_start_hook = set_hook('on_start', hook)
end

function M.on_client_disconnect(hook)
    on_disconnect_hook = set_hook('on_client_disconnect', hook)
end

-- Run statements until the end: read(state) gives the next one, print(text) shows.
local function run(state, read, print)
    local storage = fiber.self().storage
    local before = storage.console
    storage.console = state
    local ok, err = pcall(function()
        if on_start_hook ~= nil then
            on_start_hook(state)
        end
        while state.running do
            local text = eval_in(state, read(state))
            if text == nil then
                break
            end
            print(text)
        end
    end)
    storage.console = before
    if on_disconnect_hook ~= nil and state.client ~= nil then
        pcall(on_disconnect_hook, state)
    end
    if not ok then
        error(err, 0)
    end
end

-- Text connections ------------------------------------------------------------

-- Called by the server in a fiber of its own: a conversation with `client`.
function M._serve(client)
    local state = new_state()
    state.client = client
    states[client] = state
    run(state, function()
        local text = client:read(state.delimiter)
        if text == nil or text == '~.\n' then
            return nil
        end
        return text:sub(1, -#state.delimiter - 2)
    end, function(text)
        if not client:write(text) then
            state.running = false
        end
    end)
end

-- box.session.push() of a text connection.
function M._push(value, client)
    local state = states[client]
    local output = state ~= nil and state.output or default_output
    return client:write(formats[output.fmt].push(value, output.opts))
end

function M.listen(uri)
    uri = uri ~= nil and tostring(uri) or 'unix/:/tmp/tarantool-console.sock'
    if uri == 'unix/' or uri == 'unix/:' then
        uri = 'unix/:/tmp/tarantool-console.sock'
    end
    local listener = native.listen(uri)
    return setmetatable({}, {
        __index = {
            close = function() return native.close(listener) end,
            name = function() return native.address(listener) end,
        },
        __serialize = function() return {name = native.address(listener)} end,
    })
end

-- The terminal ----------------------------------------------------------------

-- Is the statement to be continued on the next line?
local function is_incomplete(text)
    if loadstring('return ' .. text) ~= nil then
        return false
    end
    local chunk, err = loadstring(text)
    return chunk == nil and err:sub(-#"near '<eof>'") == "near '<eof>'"
end

-- A whole statement from several lines; nil at the end of the input.
local function read_statement(state)
    local terminal = require('internal.terminal')
    local prompt = state.prompt or 'tarantella'
    local text
    while true do
        local line = terminal.read_line(
            (text == nil and prompt or (' '):rep(#prompt)) .. '> ')
        if line == nil then
            io.stdout:write('\n')
            return nil
        end
        text = text == nil and line or text .. '\n' .. line
        if state.delimiter ~= '' then
            if text:sub(-#state.delimiter) == state.delimiter then
                terminal.remember(text)
                return text:sub(1, -#state.delimiter - 1)
            end
        elseif command_of(text) ~= nil or not is_incomplete(text) then
            terminal.remember(text)
            return text
        end
    end
end

function M.start()
    if fiber_state() ~= nil and fiber_state().is_terminal then
        return
    end
    local state = new_state()
    state.is_terminal = true
    run(state, read_statement, function(text)
        io.stdout:write(text, '\n')
        io.stdout:flush()
    end)
end

function M.connect(uri)
    if uri == nil then
        error('Usage: console.connect("[login:password@][host:]port")')
    end
    error('console.connect() is not built into tarantella yet: use `ctl connect URI`')
end

package.loaded['console'] = M
return M
