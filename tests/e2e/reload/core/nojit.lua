-- Run a case with the JIT off: nojit.lua CASE.lua ARGUMENTS...
jit.off()
for i = 0, #arg do
    arg[i] = arg[i + 1]
end
dofile(arg[0])
