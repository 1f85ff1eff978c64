-- box.once(key, func, ...): run a step of a migration one time in the life of a database.
return function(key, func, ...)
    if type(key) ~= 'string' or type(func) ~= 'function' then
        box.error(box.error.ILLEGAL_PARAMS, 'Usage: box.once(key, func, ...)')
    end
    key = 'once' .. key
    if box.space._schema:get({key}) ~= nil then
        return
    end
    box.ctl.wait_rw()
    box.space._schema:put({key})
    return func(...)
end
