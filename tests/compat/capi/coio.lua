-- Descriptors, worker threads, name look-ups and the log from C (coio.c).
package.cpath = os.getenv('CAPI_DIR') .. '/?.so;' .. package.cpath
local fiber = require('fiber')
local fio = require('fio')
local c = require('capi_coio')
local READ, WRITE = 1, 2

print('-- coio_wait')
local a, b = c.pipe()
print(c.wait(a, READ, 0.001), c.wait(a, READ, 0))
print(c.wait(a, WRITE, 1), c.wait(a, READ + WRITE, 1))
fiber.create(function() fiber.sleep(0.001) c.put(b, 'hello') end)
print(c.wait(a, READ, 10), c.take(a))
c.put(b, 'x')
print(c.wait(a, READ + WRITE, 10), c.take(a))

-- A wake-up and a cancel end it early.
local f = fiber.new(function() return c.wait(a, READ, 1000) end)
f:set_joinable(true)
fiber.yield()
f:wakeup()
print(f:join())
f = fiber.new(function()
    local events = c.wait(a, READ, 1000)
    return events, pcall(fiber.testcancel)
end)
f:set_joinable(true)
fiber.yield()
f:cancel()
print(f:join())

-- Two fibers wait for one descriptor; coio_close wakes them (and tells them different
-- events in the two programs).
local done = {}
for i = 1, 2 do
    done[i] = fiber.new(function() c.wait(a, READ, 1000) return 'woken ' .. i end)
    done[i]:set_joinable(true)
end
fiber.sleep(0.001)
print(c.close(a))
print(done[1]:join())
print(done[2]:join())
print(c.close(a))
print(c.close(b))

print('-- coio_call')
-- Tarantool loses errno, against what its header says.
local text, rc, has_errno = c.call_args()
print(text, rc)
assert(has_errno or not arg[-1]:find('tarantella'))
print(select(2, c.call_fail()))
print(c.call_sleep(0.01))
local ticks = 0
local ticker = fiber.create(function() while true do fiber.sleep(0.001) ticks = ticks + 1 end end)
f = fiber.new(c.call_sleep, 0.1)
f:set_joinable(true)
fiber.sleep(0.01)
f:cancel()
print(f:join())
ticker:cancel()
print(ticks > 5)
-- More tasks than threads.
local all = {}
for i = 1, 30 do
    all[i] = fiber.new(c.call_args)
    all[i]:set_joinable(true)
end
local equal = 0
for i = 1, 30 do
    local ok, text = all[i]:join()
    if ok and text:find('elsewhere') then equal = equal + 1 end
end
print(equal)

print('-- coio_getaddrinfo')
print(c.resolve('127.0.0.1', '3301', 10))
print(c.resolve('10.20.30.40', '80', 10))
print(c.resolve('not a number', '80', 10))
print(c.resolve('127.0.0.1', 'noport', 10))

print('-- the log')
for _, level in ipairs({5, 7, 2}) do
    local path = fio.pathjoin(fio.cwd(), 'log' .. level)
    -- The sink cannot be changed later, so the lines of each level go to one file.
    if level == 5 then box.cfg{log = path, log_level = level, wal_mode = 'none'} end
    box.cfg{log_level = level}
    print(c.log_lines())
end
local n = 0
for line in io.lines(fio.pathjoin(fio.cwd(), 'log5')) do
    local text = line:match(' (%S+ %S> .*)$') or line:match('(%S> .*)$')
    -- Only what coio.c wrote.
    if line:find('coio.c', 1, true) or line:find('other.c', 1, true)
            or line:match('> crit c$') or line:match('> info   3.2$') or line:match('> verbose$')
            or line:match('> debug$') then
        n = n + 1
        print((text:gsub('coio%.c:%d+', 'coio.c:LINE')))
    end
end
print(n)
os.exit(0)
