-- digest: the checksums that are computed piece by piece. The rest is C.

local _, digest = ...

local crc32_update = digest.crc32_update
local murmur_words, murmur_result = digest.murmur_words, digest.murmur_result
digest.murmur_words, digest.murmur_result = nil, nil

-- crc32: CRC-32C without the final inversion.
local crc32 = {crc_begin = 4294967295}
local crc32_methods = {}
local crc32_mt = {__index = crc32_methods}

function crc32.new()
    return setmetatable({value = crc32.crc_begin}, crc32_mt)
end

function crc32_methods:update(text)
    if type(text) ~= 'string' then
        error('Usage crc32:update(string)')
    end
    self.value = crc32_update(self.value, text)
end

function crc32_methods:result()
    return self.value
end

function crc32_methods:clear()
    self.value = crc32.crc_begin
end

function crc32_methods:copy()
    return setmetatable({value = self.value}, crc32_mt)
end

digest.crc32 = setmetatable(crc32, {
    __call = function(_, text)
        if type(text) ~= 'string' then
            error('Usage digest.crc32(string)')
        end
        return crc32_update(crc32.crc_begin, text)
    end,
})

-- murmur: MurmurHash3, 32 bits. `rest` is what does not fill a word yet.
local murmur = {default_seed = 13}
local murmur_methods = {}
local murmur_mt = {__index = murmur_methods}

function murmur.new(opts)
    local seed = opts and opts.seed or murmur.default_seed
    return setmetatable({
        default_seed = seed,
        value = seed,
        rest = '',
        total_length = 0,
    }, murmur_mt)
end

function murmur_methods:update(text)
    if type(text) ~= 'string' then
        error('Usage: murhash:update(string)')
    end
    self.total_length = self.total_length + #text
    text = self.rest .. text
    self.value = murmur_words(self.value, text)
    self.rest = text:sub(#text - #text % 4 + 1)
end

function murmur_methods:result()
    return murmur_result(self.value, self.rest, self.total_length)
end

function murmur_methods:clear()
    self.value, self.rest, self.total_length = self.default_seed, '', 0
end

function murmur_methods:copy()
    local copy = murmur.new({seed = self.default_seed})
    copy.value, copy.rest, copy.total_length = self.value, self.rest, self.total_length
    return copy
end

digest.murmur = setmetatable(murmur, {
    __call = function(_, text)
        if type(text) ~= 'string' then
            error('Usage: digest.murhash(string)')
        end
        local rest = text:sub(#text - #text % 4 + 1)
        return murmur_result(murmur_words(murmur.default_seed, text), rest, #text)
    end,
})

return digest
