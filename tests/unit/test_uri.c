#include "proto/uri.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static void put(char *out, size_t size, const char *name, struct uri_part p)
{
	if (p.data != NULL)
		snprintf(out + strlen(out), size - strlen(out), "%s=%.*s ", name,
			(int)p.len, p.data);
}

/* What the real uri.parse() says of each of these. */
static const struct {
	const char *text;
	const char *parts; /* NULL: refused */
} cases[] = {
	{"3301", "service=3301 "},
	{"localhost:3301", "host=localhost service=3301 "},
	{"unix/:/tmp/x.sock", "host=unix/ service=/tmp/x.sock unix "},
	{"unix/:./x", "host=unix/ service=./x unix "},
	{"/tmp/x.sock", "host=unix/ service=/tmp/x.sock unix "},
	{"/a:b", "host=unix/ service=/a:b unix "},
	{"/", "host=unix/ service=/ unix "},
	{"user:pass@host:80", "login=user password=pass host=host service=80 "},
	{"user@unix/:/a", "login=user host=unix/ service=/a unix "},
	{"u:p@/tmp/x", "login=u password=p host=unix/ service=/tmp/x unix "},
	{"unix/:a", "host=unix path=/:a "},
	{"./a.sock", "host=. path=/a.sock "},
	{"", NULL},
	{"a b", NULL},
	{"http://h:80/p?q=1#f",
		"scheme=http host=h service=80 path=/p query=q=1 fragment=f "},
	{"h", "host=h "},
	{"h:svc", "host=h service=svc "},
	{"user:pa%40ss@h:1", "login=user password=pa%40ss host=h service=1 "},
	{"1.2.3.4:5", "host=1.2.3.4 service=5 ipv4 "},
	{"256.1.1.1", "host=256.1.1.1 ipv4 "},
	{"1.2.3", "host=1.2.3 "},
	{"u:p@[::1]:1/path?x#y", "login=u password=p host=::1 service=1 path=/path "
				 "query=x fragment=y ipv6 "},
	{"[::ffff:1.2.3.4]:1", "host=::ffff:1.2.3.4 service=1 ipv6 "},
	{":3301", NULL},
	{"*:3301", "host=* service=3301 "},
	{"unix/:", "host=unix path=/: "},
	{"a@b@c:3", NULL},
	{"host:", "host=host "},
	{"a:b:c", NULL},
	{"login:p:w@h:1", NULL},
	{"user:@h:1", "login=user password= host=h service=1 "},
	{"/a?q#f", "path=/a query=q fragment=f "},
	{"%zz", NULL},
	{"h:-1", NULL},
	{"h:1a", NULL},
	{"unix/:/tmp/a b", NULL},
	{"unix/:/p?q=1#f", "host=unix/ service=/p query=q=1 fragment=f unix "},
	{"//h:1/x", NULL},
	{"//", NULL},
	{"?q", "query=q "},
	{"h:80?", "host=h service=80 query= "},
	{"h?q#f#g", NULL},
	{"h/\xc3\xbc", NULL},
	{"[::1]x", NULL},
	{"[::1", NULL},
	{"[1.2.3.4]:1", NULL},
	{"[]", NULL},
	{"u::@h", NULL},
	{"@h", NULL},
	{"u@", NULL},
	{"u:p@/a?b", NULL},
	{"3301/", "host=3301 path=/ "},
	{"u:p@3301", "login=u password=p host=3301 "},
	{"tcp://unix/:/x", "scheme=tcp host=unix/ service=/x unix "},
	{"a+b://h", "scheme=a+b host=h "},
	{"12345678901234567890", "service=12345678901234567890 "},
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri u;
		const char *error;
		char got[256] = "";
		static const char *kinds[] = {"", "", "ipv4 ", "ipv6 ", "unix "};
		if (uri_parse(cases[i].text, strlen(cases[i].text), &u, &error) == 0) {
			put(got, sizeof(got), "scheme", u.scheme);
			put(got, sizeof(got), "login", u.login);
			put(got, sizeof(got), "password", u.password);
			put(got, sizeof(got), "host", u.host);
			put(got, sizeof(got), "service", u.service);
			put(got, sizeof(got), "path", u.path);
			put(got, sizeof(got), "query", u.query);
			put(got, sizeof(got), "fragment", u.fragment);
			strcat(got, kinds[u.host_kind]);
		} else {
			assert_non_null(error);
		}
		const char *expected = cases[i].parts == NULL ? "" : cases[i].parts;
		if (strcmp(got, expected) != 0)
			print_error("%s\n", cases[i].text);
		assert_string_equal(got, expected);
	}
}

static void test_format_is_what_was_parsed(void **state)
{
	static const char *texts[] = {"3301", "h:1", "u:p@h:1", "[::1]:3301",
		"u@unix/:/x", "http://u:p@h:80/p?q#f"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct uri u;
		const char *error;
		struct buf b = {0};
		assert_int_equal(uri_parse(texts[i], strlen(texts[i]), &u, &error), 0);
		assert_int_equal(uri_format(&u, true, &b), 0);
		assert_int_equal(b.len, strlen(texts[i]));
		assert_memory_equal(b.data, texts[i], b.len);
		buf_fini(&b);
	}
}

static void test_format_hides_the_password(void **state)
{
	struct uri u;
	const char *error;
	struct buf b = {0};
	assert_int_equal(uri_parse("u:secret@h:1", 12, &u, &error), 0);
	assert_int_equal(uri_format(&u, false, &b), 0);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "u@h:1", 5);
	buf_fini(&b);
}

static void test_check_address(void **state)
{
	struct uri u;
	const char *error;
	uri_parse("h:1", 3, &u, &error);
	assert_int_equal(uri_check_address(&u, &error), 0);
	uri_parse("h", 1, &u, &error);
	assert_int_equal(uri_check_address(&u, &error), -1);
	assert_string_equal(error, "expected host:service or /unix.socket");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format_is_what_was_parsed),
		cmocka_unit_test(test_format_hides_the_password),
		cmocka_unit_test(test_check_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
