-- Adoption without a known app is refused; so is a reload that cannot know.
local rig = dofile((arg[0]:match('.*/') or '') .. 'rig.lua')

rig.run(function()
    rig.write('app', 'local M = {v = $1} function M.start() end function M.stop() end return M', 1)
    rig.instance("local app = require('app')\nlocal go = app['start']\ngo(os.time())")
    local app = require('app')
    rig.write('app', 'local M = {v = $1} function M.start() end function M.stop() end return M', 2)
    if rig.is_adopt then
        local a = rig.reloads('nobody saw the start', nil, 1, 'prepare')
        rig.like(a.message, 'nobody saw who started it', 'is refused')
        rig.is(app.v, 1, 'the old version serves')
        -- As it says: run the instance file again.
        package.loaded.app = nil
        app = rig.instance("package.loaded.app = nil local app = require('app') " ..
            "local go = app['start'] go(os.time()) return app")
        rig.is(app.v, 2, 'the instance file run once more')
        rig.write('app', 'local M = {v = $1} function M.start(t) T = t end ' ..
            'function M.stop() end return M', 3)
    end
    rig.reloads('then it is known')
    rig.is(require('app').v, rig.is_adopt and 3 or 2, 'serves')
    rig.is(app.v, rig.is_adopt and 3 or 2, 'and follows')
end)
