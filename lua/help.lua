-- help and tutorial: what a newcomer types at the prompt.

local help = {[[
To learn about the Lua interface, see the manual at https://tarantool.io/en/doc/
For a short tour of what runs here, type 'tutorial()'.

At the prompt these commands are known beside Lua:

  \set language <language>   -- the language of statements (lua)
  \set output <format>       -- how results are shown (lua[,line|block] or yaml)
  \set delimiter <delimiter> -- what ends a statement of several lines
  \help                      -- this text
  \quit                      -- leave the console
]]}

local screens = {
[[
Tutorial -- Screen 1 -- Values
==============================

What you type is Lua. Its results are shown as YAML:

1 + 2, "three", {4, five = 5}

Several values are separated by commas; a table is shown with what is in it.
An error is shown as one, and nothing else happens:

nosuch.field

Type tutorial("next") for the next screen.
]],
[[
Tutorial -- Screen 2 -- Functions
=================================

A variable without "local" is global: it is there for the next statement, and for
every client that is connected.

function hypotenuse(a, b) return math.sqrt(a * a + b * b) end
hypotenuse(3, 4)

Clients that speak the binary protocol CALL it by its name, if they may.
]],
[[
Tutorial -- Screen 3 -- Fibers
==============================

Many things go on at once, each in a fiber. One runs until it waits.

fiber = require('fiber')
f = fiber.create(function() while true do n = (n or 0) + 1 fiber.sleep(0.1) end end)
n
f:status()
f:cancel()
]],
[[
Tutorial -- Screen 4 -- Spaces
==============================

Data is kept in spaces: rows that are called tuples, found by an index.

box.cfg{}
s = box.schema.space.create('people')
s:create_index('primary', {parts = {1, 'unsigned'}})
s:insert{1, 'Ann'}
s:insert{2, 'Bob', {likes = 'tea'}}
s:get(2)
s:select({1}, {iterator = 'GE'})
s:update(2, {{'=', 2, 'Rob'}})
s:drop()
]],
[[
Tutorial -- Screen 5 -- Applications
====================================

An application is a module with start() and stop(). To replace it while it runs:

app.stop()
package.loaded['app'] = nil
app = require('app')
app.start()

The example my_app shows the whole story, with data that is migrated on the way.
]],
}

local USAGE = ('Usage: tutorial("start" | "next" | "prev" | 1 .. %d)'):format(#screens)

local current = 0

local function show_screen(_, action)
    if action == nil or action == 'start' or action == '' then
        current = 1
    elseif action == 'next' then
        current = current + 1
    elseif action == 'prev' then
        current = current - 1
    elseif type(action) == 'number' and action % 1 == 0 then
        current = action
    else
        error(USAGE)
    end
    current = math.max(1, math.min(current, #screens))
    return screens[current]
end

help = setmetatable(help, {
    __call = function(self)
        return self
    end,
})
local tutorial = setmetatable({"Type tutorial() to begin."}, {__call = show_screen})

rawset(_G, 'help', help)
rawset(_G, 'tutorial', tutorial)

return {help = help, tutorial = tutorial}
