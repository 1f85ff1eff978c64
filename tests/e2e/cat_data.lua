-- Writes files for test_ctl_cat: every kind of row and value. Runs in Tarantool.
box.cfg{log = 'log', log_level = 2}
local s = box.schema.space.create('s')
s:create_index('pk')
s:replace{1, 'a', 2.5, {1, 2, {}}, {a = 1}, true, box.NULL, -5, 'x\0y\n\'"\\', 'тест 漢字 🙂'}
s:insert{2, '\xff\xfe not utf-8', 18446744073709551615ULL, -9223372036854775807LL, 1e300, 0.5}
s:update(2, {{'=', 2, 'c'}, {'+', 3, -1}})
s:upsert({2, 'd'}, {{'=', 2, 'e'}})
s:delete(1)
box.begin()
for i = 3, 6 do
    s:replace{i}
end
box.commit()
box.begin() -- a block that is compressed
for i = 10, 200 do
    s:replace{i, ('long text '):rep(10), i * 1.5}
end
box.commit()
local decimal = require('decimal')
s:replace{7, decimal.new('1.25'), decimal.new('-0.0001'), decimal.new(1) / 3,
    require('uuid').fromstr('49e06834-bd92-4b78-85c5-2afcf4dfe9a9')}
box.schema.space.create('loc', {is_local = true}):create_index('pk')
box.space.loc:replace{1}
s:truncate()
box.snapshot()
s:replace{1, 'after the snapshot'}
os.exit(0)
