#include "proto/greeting.h"

#include <string.h>

#include "proto/base64.h"
#include "proto/chap.h"
#include "unit.h"

static void test_encode_as_tarantool(void **state)
{
	char out[GREETING_SIZE];
	unsigned char salt[GREETING_SALT_SIZE];
	base64_decode("w15RgCkLCLG3T09mmcZUip+lytKSD8VbBa/PydLj+1I=", 44, salt);
	greeting_encode(out, "2.6.0", "167717c9-eb90-459e-ab42-9aab9567ccdd", salt);
	assert_memory_equal(out,
		"Tarantool 2.6.0 (Binary) 167717c9-eb90-459e-ab42-9aab9567ccdd  \n"
		"w15RgCkLCLG3T09mmcZUip+lytKSD8VbBa/PydLj+1I=                   \n",
		GREETING_SIZE);
	struct greeting g;
	assert_int_equal(greeting_decode(out, &g), 0);
	assert_int_equal(g.protocol, GREETING_BINARY);
	assert_string_equal(g.version, "2.6.0");
	assert_string_equal(g.uuid, "167717c9-eb90-459e-ab42-9aab9567ccdd");
	assert_int_equal(g.salt_len, GREETING_SALT_SIZE);
	assert_memory_equal(g.salt, salt, GREETING_SALT_SIZE);
}

static void test_encode_text(void **state)
{
	char out[GREETING_SIZE];
	greeting_encode_text(out, "2.6.0");
	assert_memory_equal(out,
		"Tarantool 2.6.0 (Lua console)                                  \n"
		"type 'help' for interactive help                               \n",
		GREETING_SIZE);
	struct greeting g;
	assert_int_equal(greeting_decode(out, &g), 0);
	assert_int_equal(g.protocol, GREETING_TEXT);
}

static void test_decode_refuses(void **state)
{
	char good[GREETING_SIZE], bad[GREETING_SIZE];
	unsigned char salt[GREETING_SALT_SIZE] = {0};
	struct greeting g;
	greeting_encode(good, "2.6.0", "", salt);
	assert_int_equal(greeting_decode(good, &g), 0);
	assert_string_equal(g.uuid, "");
	static const struct {
		size_t at;
		char c;
	} breaks[] = {{0, 'X'}, {63, ' '}, {127, ' '}, {16, 'X'}, {70, '*'}};
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		memcpy(bad, good, sizeof(bad));
		bad[breaks[i].at] = breaks[i].c;
		assert_int_equal(greeting_decode(bad, &g), -1);
	}
	memcpy(bad, good, sizeof(bad));
	memset(bad + 10, 'v', 40);
	assert_int_equal(greeting_decode(bad, &g), -1);
	memcpy(bad, good, sizeof(bad));
	memset(bad + 64 + 4, ' ', 59);
	assert_int_equal(greeting_decode(bad, &g), -1);
}

static void test_base64(void **state)
{
	static const char *pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
	char out[32];
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t n = base64_encode(pairs[i][0], strlen(pairs[i][0]), out);
		assert_int_equal(n, strlen(pairs[i][1]));
		assert_memory_equal(out, pairs[i][1], n);
		assert_int_equal(base64_decode(pairs[i][1], n, out), strlen(pairs[i][0]));
		assert_memory_equal(out, pairs[i][0], strlen(pairs[i][0]));
	}
	assert_int_equal(base64_decode("Z m\n9v", 6, out), 3);
	assert_int_equal(base64_decode("Zm8", 3, out), 2);
	assert_int_equal(base64_decode("Zm*v", 4, out), -1);
}

static void test_chap(void **state)
{
	unsigned char hash2[CHAP_SIZE], scramble[CHAP_SIZE];
	char stored[CHAP_STORED_SIZE + 1] = "";
	static const char salt[] = "01234567890123456789";
	chap_hash2("pass", 4, hash2);
	base64_encode(hash2, CHAP_SIZE, stored);
	assert_string_equal(stored, "GWve3irk+EykTEfVTXhHjH4r17c=");
	chap_scramble("pass", 4, salt, scramble);
	assert_true(chap_check(scramble, salt, hash2));
	scramble[0] ^= 1;
	assert_false(chap_check(scramble, salt, hash2));
	chap_scramble("pasS", 4, salt, scramble);
	assert_false(chap_check(scramble, salt, hash2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode_as_tarantool),
		cmocka_unit_test(test_encode_text),
		cmocka_unit_test(test_decode_refuses),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_chap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
