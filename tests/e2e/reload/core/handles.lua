-- A background fiber, wherever its handle is kept: stop() ends its own.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')
local fiber = require('fiber')

local PLACES = {
    in_local = {'local bg', 'bg = f', 'bg:cancel()'},
    in_field = {'', 'M.bg = f', 'M.bg:cancel() M.bg = nil'},
    in_global = {'', 'BG = f', 'BG:cancel() BG = nil'},
    in_raw_global = {'', "rawset(_G, 'BGR', f)", "rawget(_G, 'BGR'):cancel()"},
    in_registry = {'local R, key = rawget(_G, "REGISTRY")', 'key = #R + 1 R[key] = f', 'R[key]:cancel()'},
    in_dep = {"local dep = require('holder')", 'dep.bg = f', 'dep.bg:cancel() dep.bg = nil'},
    in_upper = {'local M0 = M', 'M0.bg = f', 'M.bg:cancel()'},
}

local function app(place, version)
    local p = PLACES[place]
    return (([[
local fiber = require('fiber')
local M = {version = $1}
]] .. p[1] .. [[

function M.start()
    local f = fiber.create(function()
        fiber.name('NAME.$1') while true do fiber.sleep(0.01) end
    end)
    ]] .. p[2] .. [[

end
function M.stop() ]] .. p[3] .. [[ end
return M
]]):gsub('%$1', version):gsub('NAME', place))
end

local function alive(name)
    local n = 0
    for _, info in pairs(fiber.info()) do
        n = n + (info.name == name and 1 or 0)
    end
    return n
end

rig.run(function()
    rawset(_G, 'REGISTRY', {})
    rig.write('holder', 'return {}')
    local text = {}
    for place in pairs(PLACES) do
        rig.write(place, app(place, 1))
        text[#text + 1] = ("require('%s').start()"):format(place)
    end
    rig.instance(table.concat(text, '\n'))
    rig.settle()
    for version = 2, 4 do
        for place in pairs(PLACES) do
            rig.write(place, app(place, version))
        end
        rig.write('holder', 'return {v = $1}', version)
        rig.reloads('version ' .. version, {drain = 5})
        for place in pairs(PLACES) do
            rig.wait(function() return alive(place .. '.' .. version - 1) == 0 end,
                place .. ': the old fiber ends')
            rig.is(alive(place .. '.' .. version), 1, place .. ': the new one lives')
        end
    end
end)
