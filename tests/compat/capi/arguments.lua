-- For tarantella only (TAP): the arguments of a C procedure stay what they were for its whole
-- call. In Tarantool 2.6.0 the search for a space's name overwrites them.
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
local json = require('json')
local dir = require('fio').tempdir()
box.cfg{log_level = 1, work_dir = dir, listen = 'unix/:./arguments.sock'}
local s = box.schema.space.create('s', {id = 600})
s:create_index('pk')
box.schema.func.create('capi_proc.put', {language = 'C'})
local put = box.func['capi_proc.put']
local count = 0
local function is(got, expected)
    count = count + 1
    local ok = json.encode(got) == json.encode(expected)
    print(('%s %d - %s'):format(ok and 'ok' or 'not ok', count, json.encode(got)))
end
is(put:call{7, 'x'}, {7, 'x'})
is(s:get{7}, {7, 'x'})
for _, size in ipairs{1, 100, 10000, 500000} do
    is(#put:call{8, ('y'):rep(size)}[2], size)
    is(s:get{8}[2] == ('y'):rep(size), true)
end
-- a trigger that calls it again does not change those of the outer call
s:before_replace(function(old, new)
    if new ~= nil and new[1] < 20 then
        put:call{new[1] + 100, 'inner'}
    end
    return new
end)
is(put:call{9, 'outer'}, {9, 'outer'})
is(s:get{109}, {109, 'inner'})
-- over IPROTO, with more requests behind it on the same connection
box.schema.func.create('capi_proc.put_later', {language = 'C'})
box.schema.user.grant('guest', 'super')
local con = require('net.box').connect('unix/:./arguments.sock')
local futures = {}
for i = 1, 300 do
    futures[i] = con:call('capi_proc.put_later', {1000 + i, ('z'):rep(i * 50)}, {is_async = true})
    con:eval('return ...', {('w'):rep(i * 30)}, {is_async = true})
end
local wrong = 0
for i, future in ipairs(futures) do
    local result = future:wait_result(30)
    local t = s:get{1000 + i}
    if result == nil or t == nil or t[2] ~= ('z'):rep(i * 50) then
        wrong = wrong + 1
    end
end
is(wrong, 0)
print('1..' .. count)
require('fio').rmtree(dir)
os.exit(0)
