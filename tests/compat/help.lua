-- help and tutorial: how they behave; the texts are each program's own.
print(type(help), type(tutorial), require('help').help == help)
print(help() == help, help('x') == help, type(help[1]), #help)
print(help[1]:match('\\set language') ~= nil, help[1]:match('\\quit') ~= nil)
for _, action in ipairs({'start', 'next', 'prev', 1, 2}) do
    print(action, tutorial(action):match('^Tutorial') ~= nil)
end
print(tutorial(1) == tutorial('start'), tutorial('next') == tutorial(2))
print(tutorial('prev') == tutorial(1), tutorial() == tutorial(1))
for _, bad in ipairs({'x', 99, 0, true}) do
    local ok, err = pcall(tutorial, bad)
    print(bad, ok, err:match('Usage: tutorial%("start" | "next" | "prev" | 1 ..') ~= nil)
end
os.exit(0)
