/*
 * digest: hashes, checksums and encodings. The objects digest.crc32 and
 * digest.murmur, and the argument checks of what they call, are lua/digest.lua.
 */
#include <errno.h>
#include <math.h>
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/md4.h>
#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/pbkdf2.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

#include "instance/fiber/coio.h"
#include "instance/lua/utils.h"
#include "proto/crc32c.h"

enum {
	HASH_SIZE_MAX = SHA512_DIGEST_SIZE,
	BASE64_LINE_LEN = 72,
	PBKDF2_SIZE_MAX = 128,
	PBKDF2_ITERATIONS = 100000,
	/* What fits in a Lua string anyway; lengths are ints in between. */
	INPUT_SIZE_MAX = 0x7fffff00,
};

int luaopen_digest(lua_State *L);

/** The string at idx, or raise "Usage: digest.<usage>". Numbers are no strings. */
static const char *check_string(lua_State *L, int idx, size_t *ret_len, const char *usage)
{
	if (lua_type(L, idx) != LUA_TSTRING)
		luaL_error(L, "Usage: digest.%s", usage);
	return lua_tolstring(L, idx, ret_len);
}

static void push_hex(lua_State *L, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * PBKDF2_SIZE_MAX];
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	lua_pushlstring(L, hex, 2 * len);
}

/* Upvalues: the nettle_hash, its usage text, is it hexadecimal. */
static int l_digest_hash(lua_State *L)
{
	const struct nettle_hash *hash = lua_touserdata(L, lua_upvalueindex(1));
	size_t len;
	const char *text = check_string(L, 1, &len, lua_tostring(L, lua_upvalueindex(2)));
	union {
		struct md4_ctx md4;
		struct md5_ctx md5;
		struct sha1_ctx sha1;
		struct sha256_ctx sha256;
		struct sha512_ctx sha512;
	} ctx;
	uint8_t out[HASH_SIZE_MAX];
	hash->init(&ctx);
	hash->update(&ctx, len, (const uint8_t *)text);
	hash->digest(&ctx, hash->digest_size, out);
	if (lua_toboolean(L, lua_upvalueindex(3)))
		push_hex(L, out, hash->digest_size);
	else
		lua_pushlstring(L, (const char *)out, hash->digest_size);
	return 1;
}

/** Add digest.<name> and digest.<name>_hex to the table on the top. */
static void add_hash(lua_State *L, const struct nettle_hash *hash)
{
	for (int is_hex = 0; is_hex < 2; is_hex++) {
		lua_pushfstring(L, "%s%s", hash->name, is_hex ? "_hex" : "");
		lua_pushlightuserdata(L, (void *)hash);
		lua_pushfstring(L, "%s%s(string)", hash->name, is_hex ? "_hex" : "");
		lua_pushboolean(L, is_hex);
		lua_pushcclosure(L, l_digest_hash, 3);
		lua_rawset(L, -3);
	}
}

static int l_digest_crc32_update(lua_State *L)
{
	static const char usage[] = "crc32_update(string)";
	size_t len;
	const char *text = check_string(L, 2, &len, usage);
	uint64_t crc;
	if (!lua_isnumber(L, 1) && luaT_to_cdata(L, 1, &(uint32_t){0}) == NULL)
		return luaL_error(L, "Usage: digest.%s", usage);
	if (!luaT_to_uint64(L, 1, &crc))
		crc = (uint64_t)lua_tonumber(L, 1);
	lua_pushnumber(L, crc32c((uint32_t)crc, text, len));
	return 1;
}

/*
 * MurmurHash3, 32 bits, in pieces: the state is the hash of the whole words so
 * far and the bytes of the one that is not complete, which stay at the end of
 * what the caller passes again.
 */
static uint32_t murmur_mix(uint32_t h, uint32_t word)
{
	word *= 0xcc9e2d51;
	word = word << 15 | word >> 17;
	h ^= word * 0x1b873593;
	h = h << 13 | h >> 19;
	return h * 5 + 0xe6546b64;
}

/** murmur_words(h, string): mix in the whole words of the string. */
static int l_digest_murmur_words(lua_State *L)
{
	uint32_t h = (uint32_t)(int64_t)lua_tonumber(L, 1);
	size_t len;
	const char *text = luaL_checklstring(L, 2, &len);
	for (size_t i = 0; i + 4 <= len; i += 4) {
		uint32_t word;
		memcpy(&word, text + i, 4);
		h = murmur_mix(h, word);
	}
	lua_pushnumber(L, h);
	return 1;
}

/** murmur_result(h, rest, total_length): the hash; rest has less than a word. */
static int l_digest_murmur_result(lua_State *L)
{
	uint32_t h = (uint32_t)lua_tonumber(L, 1);
	size_t len;
	const char *rest = luaL_checklstring(L, 2, &len);
	uint32_t word = 0;
	memcpy(&word, rest, len & 3);
	word *= 0xcc9e2d51;
	word = word << 15 | word >> 17;
	h ^= word * 0x1b873593;
	h ^= (uint32_t)lua_tonumber(L, 3);
	h = (h ^ h >> 16) * 0x85ebca6b;
	h = (h ^ h >> 13) * 0xc2b2ae35;
	lua_pushnumber(L, h ^ h >> 16);
	return 1;
}

/** guava(state, buckets): the bucket by the jump consistent hash. */
static int l_digest_guava(lua_State *L)
{
	uint64_t state;
	int64_t negative;
	if (luaT_to_int64(L, 1, &negative))
		state = (uint64_t)negative;
	else if (!luaT_to_uint64(L, 1, &state))
		return luaL_error(L,
			"bad argument #1 to '?' (cannot convert '%s' to 'uint64_t')",
			luaL_typename(L, 1));
	if (!lua_isnumber(L, 2))
		return luaL_error(L,
			"bad argument #2 to '?' (cannot convert '%s' to 'int')",
			lua_typename(L, lua_isnone(L, 2) ? LUA_TNIL : lua_type(L, 2)));
	double buckets = lua_tonumber(L, 2);
	double bucket = 0;
	for (;;) {
		state = state * 2862933555777941757ULL + 1;
		double step = (double)((uint32_t)(state >> 33) + 1) / 0x1p31;
		double next = floor((bucket + 1) / step);
		if (next >= buckets)
			break;
		bucket = next;
	}
	lua_pushnumber(L, bucket);
	return 1;
}

static int l_digest_urandom(lua_State *L)
{
	if (lua_isnoneornil(L, 1))
		return luaL_error(L, "Usage: digest.urandom(len)");
	lua_Number size = luaL_checknumber(L, 1);
	luaL_argcheck(L, size >= 0 && size <= INPUT_SIZE_MAX, 1, "size is out of range");
	size_t len = (size_t)size;
	char *out = lua_newuserdata(L, len + 1);
	for (size_t done = 0; done < len;) {
		ssize_t got = getrandom(out + done, len - done, 0);
		if (got < 0 && errno != EINTR)
			return luaL_error(L, "getrandom: %s", strerror(errno));
		done += got > 0 ? (size_t)got : 0;
	}
	lua_pushlstring(L, out, len);
	return 1;
}

/* On the stack of the fiber that waits. */
struct pbkdf2_task {
	const char *pass, *salt;
	size_t pass_len, salt_len;
	unsigned iterations;
	uint8_t out[PBKDF2_SIZE_MAX];
	size_t out_len;
};

static ssize_t run_pbkdf2(void *arg)
{
	struct pbkdf2_task *t = arg;
	pbkdf2_hmac_sha256(t->pass_len, (const uint8_t *)t->pass, t->iterations,
		t->salt_len, (const uint8_t *)t->salt, t->out_len, t->out);
	return 0;
}

/** The number at idx, `none` without one; raises when it is something else. */
static lua_Number check_count(lua_State *L, int idx, const char *name, lua_Number none)
{
	if (lua_isnoneornil(L, idx))
		return none;
	if (!lua_isnumber(L, idx))
		luaL_error(L, "%s must be a number", name);
	return lua_tonumber(L, idx);
}

/** pbkdf2(pass, salt[, iterations[, size]]); in a worker thread. Yields. */
static int push_pbkdf2(lua_State *L, const char *usage, bool is_hex)
{
	struct pbkdf2_task t;
	luaT_may_yield(L);
	t.pass = check_string(L, 1, &t.pass_len, usage);
	t.salt = check_string(L, 2, &t.salt_len, usage);
	lua_Number iterations = check_count(L, 3, "iters", PBKDF2_ITERATIONS);
	lua_Number size = check_count(L, 4, "digest_len", PBKDF2_SIZE_MAX);
	if (size > PBKDF2_SIZE_MAX)
		return luaL_error(L, "too big digest size");
	if (!(iterations >= 1 && iterations <= 1e9) || !(size >= 0))
		return luaL_error(L, "Usage: digest.%s", usage);
	t.iterations = (unsigned)iterations;
	t.out_len = (size_t)size;
	if (coio_run(run_pbkdf2, &t) != 0)
		return luaT_error(L);
	if (is_hex)
		push_hex(L, t.out, t.out_len);
	else
		lua_pushlstring(L, (const char *)t.out, t.out_len);
	return 1;
}

static int l_digest_pbkdf2(lua_State *L)
{
	return push_pbkdf2(L, "pbkdf2(pass, salt[,iters][,digest_len])", false);
}

static int l_digest_pbkdf2_hex(lua_State *L)
{
	return push_pbkdf2(L, "pbkdf2_hex(pass, salt)", true);
}

struct aes_input {
	const uint8_t *text, *key, *iv;
	size_t len;
};

static void check_aes(lua_State *L, struct aes_input *in, const char *usage)
{
	size_t key_len, iv_len;
	in->text = (const uint8_t *)check_string(L, 1, &in->len, usage);
	in->key = (const uint8_t *)check_string(L, 2, &key_len, usage);
	in->iv = (const uint8_t *)check_string(L, 3, &iv_len, usage);
	if (key_len != AES256_KEY_SIZE)
		luaL_error(
			L, "key size expected %d, got %d", AES256_KEY_SIZE, (int)key_len);
	if (iv_len != AES_BLOCK_SIZE)
		luaL_error(L, "IV size expected %d, got %d", AES_BLOCK_SIZE, (int)iv_len);
	if (in->len > INPUT_SIZE_MAX)
		luaL_error(L, "text is too long");
}

/** aes256cbc.encrypt(text, key, iv), padded as in PKCS 7. */
static int l_digest_aes256cbc_encrypt(lua_State *L)
{
	struct aes_input in;
	check_aes(L, &in, "aes256cbc.encrypt(string, key, iv)");
	size_t pad = AES_BLOCK_SIZE - in.len % AES_BLOCK_SIZE;
	uint8_t *out = lua_newuserdata(L, in.len + pad);
	memcpy(out, in.text, in.len);
	memset(out + in.len, (int)pad, pad);
	struct aes256_ctx ctx;
	uint8_t iv[AES_BLOCK_SIZE];
	memcpy(iv, in.iv, sizeof(iv));
	aes256_set_encrypt_key(&ctx, in.key);
	cbc_encrypt(&ctx, (nettle_cipher_func *)aes256_encrypt, AES_BLOCK_SIZE, iv,
		in.len + pad, out, out);
	lua_pushlstring(L, (const char *)out, in.len + pad);
	return 1;
}

/** How many bytes of padding end the text; 0: no valid padding. */
static size_t aes_padding(const uint8_t *text, size_t len)
{
	size_t pad = text[len - 1];
	if (pad == 0 || pad > AES_BLOCK_SIZE)
		return 0;
	uint8_t diff = 0;
	for (size_t i = len - pad; i < len; i++)
		diff |= text[i] ^ (uint8_t)pad;
	return diff == 0 ? pad : 0;
}

static int l_digest_aes256cbc_decrypt(lua_State *L)
{
	struct aes_input in;
	check_aes(L, &in, "aes256cbc.decrypt(string, key, iv)");
	if (in.len == 0 || in.len % AES_BLOCK_SIZE != 0)
		return luaL_error(L, "aes256cbc: wrong final block length");
	uint8_t *out = lua_newuserdata(L, in.len);
	struct aes256_ctx ctx;
	uint8_t iv[AES_BLOCK_SIZE];
	memcpy(iv, in.iv, sizeof(iv));
	aes256_set_decrypt_key(&ctx, in.key);
	cbc_decrypt(&ctx, (nettle_cipher_func *)aes256_decrypt, AES_BLOCK_SIZE, iv,
		in.len, out, in.text);
	size_t pad = aes_padding(out, in.len);
	if (pad == 0)
		return luaL_error(L, "aes256cbc: bad decrypt");
	lua_pushlstring(L, (const char *)out, in.len - pad);
	return 1;
}

static bool has_option(lua_State *L, int idx, const char *name)
{
	if (!lua_istable(L, idx))
		return false;
	lua_getfield(L, idx, name);
	bool is_on = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return is_on;
}

/** base64_encode(string[, {nopad, nowrap, urlsafe}]); urlsafe means all three. */
static int l_digest_base64_encode(lua_State *L)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char url[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static const char usage[] = "base64_encode(string[, table])";
	size_t len;
	const uint8_t *in = (const uint8_t *)check_string(L, 1, &len, usage);
	if (!lua_isnoneornil(L, 2) && !lua_istable(L, 2))
		return luaL_error(L, "Usage: digest.%s", usage);
	if (len > INPUT_SIZE_MAX / 2)
		return luaL_error(L, "digest.base64_encode: the string is too long");
	bool is_url = has_option(L, 2, "urlsafe");
	bool has_pad = !is_url && !has_option(L, 2, "nopad");
	bool has_wrap = !is_url && !has_option(L, 2, "nowrap");
	const char *abc = is_url ? url : plain;

	size_t size = (len + 2) / 3 * 4;
	char *out = lua_newuserdata(L, size + size / BASE64_LINE_LEN + 1);
	char *p = out;
	size_t column = 0;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? in[i + 1] << 8 : 0) |
				(left > 2 ? in[i + 2] : 0);
		*p++ = abc[bits >> 18];
		*p++ = abc[bits >> 12 & 63];
		if (left > 1 || has_pad)
			*p++ = left > 1 ? abc[bits >> 6 & 63] : '=';
		if (left > 2 || has_pad)
			*p++ = left > 2 ? abc[bits & 63] : '=';
		column += 4;
		if (has_wrap && column == BASE64_LINE_LEN && left > 2) {
			*p++ = '\n';
			column = 0;
		}
	}
	lua_pushlstring(L, out, (size_t)(p - out));
	return 1;
}

/** The six bits of a character of either alphabet, or -1. */
static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/** base64_decode(string): any character outside the alphabets is skipped. */
static int l_digest_base64_decode(lua_State *L)
{
	size_t len;
	const char *in = check_string(L, 1, &len, "base64_decode(string)");
	char *out = lua_newuserdata(L, len / 4 * 3 + 3);
	size_t out_len = 0;
	uint32_t bits = 0;
	int bit_count = 0;
	for (size_t i = 0; i < len; i++) {
		int value = base64_value((unsigned char)in[i]);
		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			out[out_len++] = (char)(bits >> bit_count);
		}
	}
	lua_pushlstring(L, out, out_len);
	return 1;
}

static const luaL_Reg aes256cbc_functions[] = {
	{"encrypt", l_digest_aes256cbc_encrypt},
	{"decrypt", l_digest_aes256cbc_decrypt},
	{NULL, NULL},
};

static const luaL_Reg functions[] = {
	{"base64_decode", l_digest_base64_decode},
	{"base64_encode", l_digest_base64_encode},
	{"crc32_update", l_digest_crc32_update},
	{"guava", l_digest_guava},
	{"murmur_result", l_digest_murmur_result},
	{"murmur_words", l_digest_murmur_words},
	{"pbkdf2", l_digest_pbkdf2},
	{"pbkdf2_hex", l_digest_pbkdf2_hex},
	{"urandom", l_digest_urandom},
	{NULL, NULL},
};

int luaopen_digest(lua_State *L)
{
	static const struct nettle_hash *const hashes[] = {&nettle_md4, &nettle_md5,
		&nettle_sha1, &nettle_sha224, &nettle_sha256, &nettle_sha384,
		&nettle_sha512};
	luaT_module(L, "digest", functions);
	for (size_t i = 0; i < lengthof(hashes); i++)
		add_hash(L, hashes[i]);
	lua_newtable(L);
	luaL_register(L, NULL, aes256cbc_functions);
	lua_setfield(L, -2, "aes256cbc");
	return 1;
}
