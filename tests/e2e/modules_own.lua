-- Where our modules differ from Tarantool's on purpose: wrong results made
-- right, crashes made errors, and what is missing said clearly.
local function check(what, is_true)
    print(what, is_true and 'yes' or 'NO')
end

local function fails(what, pattern, f, ...)
    local ok, err = pcall(f, ...)
    check(what, not ok and tostring(err):find(pattern) ~= nil)
    if ok or not tostring(err):find(pattern) then
        print('', ok, err)
    end
end

local csv = require('csv')
check('csv: an empty quoted field is empty', csv.load('"",a')[1][1] == '')
check('csv: quotes alone', csv.load('""""')[1][1] == '"')
local rows = {{'a"b', '"', '""', 'a,"b"\nc'}, {'x', ''}}
local again = csv.load(csv.dump(rows))
for i, row in ipairs(rows) do
    for j, field in ipairs(row) do
        check('csv: what dump() wrote, load() reads', again[i][j] == field)
    end
end
fails('csv: empty delimiter', 'delimiter must be a character', csv.load, 'a', {delimiter = ''})

local uri = require('uri')
check('uri: an IPv6 address keeps its brackets',
    uri.format(uri.parse('[::1]:3301')) == '[::1]:3301')

local op = require('fun').op
check('fun: neq compares', op.neq(1, 2) and not op.neq(1, 1))
check('fun: cycle of nothing ends', require('fun').cycle({}):length() == 0)

local digest = require('digest')
fails('digest: a negative size', 'size is out of range', digest.urandom, -1)
fails('digest: a huge size', 'size is out of range', digest.urandom, 2 ^ 60)
fails('digest: a size that is no number', 'number expected', digest.urandom, 'x')
fails('digest: no iterations', 'Usage', digest.pbkdf2, 'p', 's', 0)
fails('digest: a negative length', 'Usage', digest.pbkdf2_hex, 'p', 's', 1, -1)
fails('digest: wrong padding', 'bad decrypt', digest.aes256cbc.decrypt, ('a'):rep(16),
    ('k'):rep(32), ('i'):rep(16))
fails('digest: half a block', 'wrong final block length', digest.aes256cbc.decrypt, 'a',
    ('k'):rep(32), ('i'):rep(16))
check('digest: md4', digest.md4_hex('abc') == 'a448017aaf21d8525fc10ae87aa6729d')

local utf8 = require('utf8')
fails('utf8: no such character', 'code is out of range', utf8.char, 0x110000)
fails('utf8: a negative code', 'code is out of range', utf8.char, -1)
fails('utf8: collations', 'not into tarantella yet', utf8.cmp, 'a', 'b')

fails('string.endswith: its second argument', 'string expected, got table', string.endswith,
    'a', {})

local net_box = require('net.box')
local address = 'unix/:/nonexistent'
local remote = net_box.connect(address)
fails('net.box: option console', 'not into tarantella yet', net_box.connect, address,
    {console = true})
fails('net.box: option buffer', 'not into tarantella yet', remote.call, remote, 'f', {},
    {buffer = {}})
fails('net.box: option skip_header', 'not into tarantella yet', remote.call, remote, 'f', {},
    {skip_header = true})
fails('net.box: SQL', 'not into tarantella yet', remote.execute, remote, 'SELECT 1')
fails('net.box: on_push', 'on_push must be a function', remote.call, remote, 'f', {},
    {on_push = 1})

local fiber = require('fiber')
local sleeper = fiber.new(function()
    fiber.self():set_joinable(true)
    local ok, err = pcall(fiber.join, fiber.self())
    check('fiber: joining oneself', not ok and tostring(err):find("can't join itself") ~= nil)
    local start = fiber.clock()
    fiber.self():wakeup()
    fiber.sleep(0.02)
    check('fiber: a wakeup of oneself does not cut the next sleep short',
        fiber.clock() - start > 0.015)
end)
sleeper:set_joinable(true)
sleeper:join()

local fio = require('fio')
fails('fio: chmod with names', 'number expected, got table', fio.chmod, '/nonexistent', {'S_IRUSR'})

box.cfg({log_level = 3})
local space = box.schema.space.create('own')
space:create_index('primary')
space:insert({1, 'x'})
box.cfg({listen = 'unix/:./own.sock'})
check('box.info: the path of a Unix socket', box.info.listen:find('own.sock', 1, true) ~= nil)
check('box: a size is a number', type(space:bsize()) == 'number')
check('box: a tuple is not equal to a table', (box.tuple.new({1}) == {1}) == false)
check('box: decimals in the text of a tuple',
    tostring(box.tuple.new({require('decimal').new('1.5')})) == '[1.5]')

for _, name in ipairs({'swim', 'crypto', 'popen'}) do
    fails('require ' .. name, "module '" .. name
        .. "' is built into Tarantool but not into tarantella yet", require, name)
end
os.exit(0)
