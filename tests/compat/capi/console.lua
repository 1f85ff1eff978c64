-- box_session_push to a text console.
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
local socket = require('socket')
box.cfg{log_level = 1}
box.schema.func.create('capi_proc.push', {language = 'C'})
local server = require('console').listen('unix/:./console.sock')
local client = socket.tcp_connect('unix/', './console.sock')
client:read({chunk = 128}, 5)
local function ask(line)
    client:write(line .. '\n')
    local text = ''
    repeat
        local more = client:read('\n...\n', 5)
        text = text .. (more or '')
    until more == nil or not more:match('^%%TAG')
    print(text)
end
ask([[box.func['capi_proc.push']:call{}]])
ask([[box.session.push({1, 'x'})]])
ask([[coroutine.wrap(function() return box.func['capi_proc.push']:call{} end)()]])
client:close()
server:close()
os.exit(0)
