-- decimal: texts, arithmetic, functions, errors.
local d=require'decimal'
local function show(n, ...)
    local r = {pcall(...)}
    for i = 1, 5 do
        r[i] = tostring(r[i]):gsub('0x%x+', 'ADDR')
    end
    print(n, unpack(r, 1, 4))
end
local k={} for a,b in pairs(d) do k[#k+1]=a..':'..type(b) end table.sort(k) print(table.concat(k,' '))
for _,s in ipairs{'1','1.50','-0','0.00','1e10','1e37','1e38','9.9e37','1e-38','1e-39','1.5e-38','0e5','0e-40','123456789012345678901234567890123456789','12345678901234567890123456789012345678','0.123456789012345678901234567890123456789','1234567890.12345678901234567890123456789','inf','nan','',' 1','1 ','+5','.5','5.','1e','1e+5','1E5','0x10','-','--1','1.2.3','00012','1e-5','99999999999999999999999999999999999999.9','0.00000000000000000000000000000000000001','0.000000000000000000000000000000000000009','1e400000000000','snan','Infinity','1_0','99999999999999999999999999999999999999.4'} do show('new '..s, d.new, s) end
for _,v in ipairs{1,1.5,-1.25,0.1,1e10,1e37,1e38,1e15,123456789012345,1e-10,2^53,2^63,1/3,-0.0,1e-38,1e-39,0/0,1/0,1LL,-5LL,18446744073709551615ULL,true} do show('new '..type(v)..' '..tostring(v), d.new, v) end
show('newnil', d.new) show('newnil', d.new,nil)
show('1+',function() return d.new'1.50'+1 end) show('1+',function() return 1+d.new'1.50' end)
show('1+s',function() return '1.25'+d.new'1.50' end)
show('1+bad',function() return 'a'+d.new'1.50' end)
show('1+t',function() return {}+d.new'1.50' end)
show('1+t',function() return d.new'1.50'+{} end)
show('1+nil',function() return d.new'1.50'+nil end)
show('1-',function() return d.new'1.50'-d.new'1.50' end)
show('*',function() return d.new'1.50'*d.new'1.50' end)
show('/',function() return d.new'1'/3 end) show('/',function() return d.new'10'/5 end) show('/',function() return d.new'1'/8 end) show('/0',function() return d.new'1'/0 end) show('0/0',function() return d.new'0'/0 end)
show('%',function() return d.new'10'%3 end) show('%',function() return d.new'-10'%3 end) show('%',function() return d.new'10'%-3 end) show('%',function() return d.new'10.5'%3 end) show('%',function() return d.new'10.5'%0 end)
show('^',function() return d.new'2'^10 end) show('^',function() return d.new'2'^0.5 end) show('^',function() return d.new'2'^-1 end) show('^',function() return d.new'10'^38 end) show('^',function() return d.new'-8'^(1/3) end) show('0^0',function() return d.new'0'^0 end) show('^',function() return d.new'1.1'^10 end) show('^',function() return d.new'1.1'^100 end)
show('unm',function() return -d.new'2' end) show('unm0',function() return -d.new'0' end)
show('eq',function() return d.new'2'==d.new'2.0', d.new'2'==2, d.new'2'=='2', d.new'2'==nil, d.new'2'=={}, d.new'2'=='abc' end)
show('lt',function() return d.new'2'<d.new'2.5', d.new'2'<1, 1<d.new'2', d.new'2'<='2' end)
show('ltbad',function() return d.new'2'<{} end) show('ltbad',function() return d.new'2'<'a' end) show('ltnil',function() return d.new'2'<nil end)
for _,f in ipairs{'abs','exp','ln','log10','sqrt','scale','precision','trim','is_decimal'} do for _,s in ipairs{'3','-2.50','0','100','0.1','10','1e20','0.000','12345.678900','85','90'} do show(f..' '..s, d[f], d.new(s)) end show(f..' nil',d[f]) show(f..' num',d[f],4) show(f..' str',d[f],'4') show(f..' tbl', d[f], {}) end
for _,s in ipairs{'0.5','1.5','2.5','-0.5','123.456','99.99','1e20'} do for _,n in ipairs{0,1,2,3,-1,40,38} do show('round '..s..' '..n, d.round,d.new(s),n) show('rescale '..s..' '..n, d.rescale,d.new(s),n) end end
show('round',d.round,1) show('round',d.round) show('round',d.round,1,'a') show('rescale',d.rescale,d.new'1') show('round',d.round,d.new'1.567') 
show('add ov', function() return d.new'99999999999999999999999999999999999999'+1 end)
show('mul ov', function() return d.new'99999999999999999999999999999999999999'*10 end)
show('mul prec', function() return d.new'1.2345678901234567890123456789'*d.new'1.2345678901234567890123456789' end)
show('mul small', function() return d.new'1e-20'*d.new'1e-20' end) show('div small', function() return d.new'1e-20'/d.new'1e20' end)
show('sub small', function() return d.new'1e20'-d.new'1e-20' end) show('add', function() return d.new'1e37'+d.new'1e-20' end)
show('mixed', function() return d.new'1.5'+2LL, d.new'1.5'+2ULL end)
show('nl', function() return require'json'.encode(x), require'yaml'.encode(x), require'msgpack'.decode(require'msgpack'.encode(x)) end)
show('min', d.minus) show('log10 -',d.log10,d.new'-1') show('sqrt -',d.sqrt,d.new'-1') show('ln 0',d.ln,0)
show('tonumber', tonumber, x) show('tostring', tostring, d.new'-1e-7')
show('div', function() return d.new'2'/3, d.new'1e30'/7, d.new'1'/7, d.new'123.456'/d.new'7.89' end)
show('div2', function() return d.new'6.00'/2, d.new'6.00'/d.new'2.00', d.new'1e10'/d.new'1e5', d.new'1000'/d.new'0.001' end)
os.exit(0)
