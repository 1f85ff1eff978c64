-- iconv: conversions between character sets.
local iconv = require('iconv')

local function try(f, ...)
    local ok, res = pcall(f, ...)
    res = tostring(res):gsub('builtin/[%w/_.]*%.lua:%d+: ', ''):gsub('0x%x+', 'ADDR')
    print(ok, (res:gsub('[^%g ]', function(c)
        return ('\\%d'):format(c:byte())
    end)))
end

local to_utf16 = iconv.new('UTF-16BE', 'UTF-8')
try(to_utf16, 'abc')
try(to_utf16, '')
try(to_utf16, 'ё☃')
try(to_utf16, 'ё\209')
try(to_utf16, '\209')
try(to_utf16, 'abc')
print(#to_utf16(('x'):rep(100000)))
try(iconv.new('UTF-8', 'KOI8-R'), '\193\194')
try(iconv.new('KOI8-R', 'UTF-8'), 'аб')
try(iconv.new('CP1251', 'KOI8-R'), '\193\194')
try(iconv.new('ASCII', 'UTF-8'), 'ё')
try(iconv.new('UTF-8', 'UTF-16BE'), '\0a\4Q')
try(iconv.new, 'x', 'y')
try(iconv.new)
try(iconv.new, 'UTF-8')
print((pcall(to_utf16)), (pcall(to_utf16, {})))
print(tostring(to_utf16):match('^iconv: ') ~= nil)
for i = 1, 300 do
    local c = iconv.new('UTF-8', 'UTF-16LE')
    assert(c('a\0') == 'a', i)
end
os.exit(0)
