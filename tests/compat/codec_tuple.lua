-- Tuples through the codecs.
local j,y,m=require'json',require'yaml',require'msgpack'
local t=box.tuple.new{1,'a',{2,{b=3}},box.NULL,1.5,2^60,'é\n\n'}
print(j.encode(t), j.encode{t}, j.encode{a=t}) io.write(y.encode(t), y.encode{t,{t}}, y.encode{a=t}) print((m.encode{t,5}):hex())
print(j.encode(m.decode(m.encode(t))))
print(pcall(j.encode,{[t]=1}))
os.exit(0)
