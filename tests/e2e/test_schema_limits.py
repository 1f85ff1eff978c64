"""What is not built says so, by name; and triggers that edit their own lists."""
import harness
import tap

SCRIPT = r'''
box.cfg{log = 'instance.log'}
local function no(name, f, ...)
    local ok, e = pcall(f, ...)
    print(name, ok, tostring(e))
end
local s = box.schema.space.create('s')
s:create_index('pk')
no('vinyl', box.schema.space.create, 'v', {engine = 'vinyl'})
no('rtree', s.create_index, s, 'i', {type = 'rtree', unique = false})
no('bitset', s.create_index, s, 'i', {type = 'bitset', unique = false})
no('path', s.create_index, s, 'i', {parts = {{2, 'string', path = 'a.b'}}})
no('collation', s.create_index, s, 'i', {parts = {{2, 'string', collation = 'unicode_ci'}}})
no('functional', s.create_index, s, 'i', {func = 'x'})
no('sequence', box.schema.sequence.create, 'x')
no('sequence row', function() return box.space._sequence:insert{1, 1, 'q', 1, 1, 9, 1, 0, false} end)
no('check', s.create_check_constraint, s, 'x', 'y')
print('indexes', #box.space._index:select{s.id}, #box.space._func:select(nil, {iterator = 'ALL'}))

local f
f = s:on_replace(function() s:on_replace(nil, f) end)
s:on_replace(function()
    for _, each in pairs(s:on_replace()) do
        s:on_replace(nil, each)
    end
    s:on_replace(function() print('added by a trigger') end)
end)
s:replace{1}
s:replace{2}
print('triggers', #s:on_replace())
s:before_replace(function()
    for _, each in pairs(s:before_replace()) do
        s:before_replace(nil, each)
    end
end)
s:replace{3}
print('triggers', #s:before_replace())
s:on_replace(function() s:drop() end)
print(pcall(s.replace, s, {4}))
print(box.space.s)
box.cfg{read_only = true}
no('read-only', box.schema.space.create, 'ro')
os.exit(0)
'''

WANTED = '''vinyl false Tarantella does not support engine 'vinyl'; engine = "tarantool" runs it
rtree false Tarantella does not support RTREE indexes; engine = "tarantool" runs them
bitset false Tarantella does not support BITSET indexes; engine = "tarantool" runs them
path false Tarantella does not support JSON paths in index parts; engine = "tarantool" runs them
collation false Tarantella does not support unicode collations; engine = "tarantool" runs them
functional false Tarantella does not support functional indexes; engine = "tarantool" runs them
sequence false Tarantella does not support sequences; engine = "tarantool" runs them
sequence row false Tarantella does not support sequences; engine = "tarantool" runs them
check false Tarantella does not support check constraints; engine = "tarantool" runs them
indexes 1 67
added by a trigger
triggers 1
added by a trigger
triggers 0
added by a trigger
true [4]
nil
read-only false Can't modify data because this instance is in read-only mode.
'''


def main():
    place = harness.Place()
    place.write('script.lua', SCRIPT)
    done = place.run(harness.TARANTELLA, 'script.lua')
    tap.equal(done.stdout.replace('\t', ' ').splitlines(), WANTED.splitlines(),
              'each answers as promised')
    tap.equal(done.returncode, 0, 'the script came to its end')
    tap.done()


main()
