#include "proto/uri.h"

#include <string.h>

/* What may stand in which part, RFC 3986. */
enum {
	IS_ALPHA = 1,
	IS_DIGIT = 2,
	IS_MARK = 4,  /* -._~ and the sub-delimiters */
	IS_COLON = 8, /* : and @ */
	IS_SLASH = 16,
	IS_QUEST = 32,
	IS_PERCENT = 64, /* with two hex digits */

	NAME_CHARS = IS_ALPHA | IS_DIGIT | IS_MARK | IS_PERCENT,
	PATH_CHARS = NAME_CHARS | IS_COLON | IS_SLASH,
	TAIL_CHARS = PATH_CHARS | IS_QUEST,
};

static int char_class(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return IS_ALPHA;
	if (c >= '0' && c <= '9')
		return IS_DIGIT;
	switch (c) {
	case '\0':
		return 0;
	case ':':
	case '@':
		return IS_COLON;
	case '/':
		return IS_SLASH;
	case '?':
		return IS_QUEST;
	case '%':
		return IS_PERCENT;
	default:
		return strchr("-._~!$&'()*+,;=", c) != NULL ? IS_MARK : 0;
	}
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* End of the longest run of such characters. */
static const char *span(const char *p, const char *end, int classes)
{
	while (p < end) {
		int c = char_class(*p);
		if ((c & classes) == 0)
			break;
		if (c == IS_PERCENT && (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2])))
			break;
		p += c == IS_PERCENT ? 3 : 1;
	}
	return p;
}

static struct uri_part part(const char *begin, const char *end)
{
	return (struct uri_part){begin, (size_t)(end - begin)};
}

static bool starts_with(const char *p, const char *end, const char *prefix)
{
	size_t n = strlen(prefix);
	return (size_t)(end - p) >= n && memcmp(p, prefix, n) == 0;
}

static bool is_ipv4(const char *p, const char *end)
{
	int groups = 0;
	while (p < end) {
		const char *q = span(p, end, IS_DIGIT);
		if (q == p || q - p > 3)
			return false;
		groups++;
		if (q == end)
			break;
		if (*q != '.')
			return false;
		p = q + 1;
		if (p == end)
			return false;
	}
	return groups == 4;
}

/* `[address]`: the position after it, NULL when it is none. */
static const char *parse_ipv6(const char *p, const char *end, struct uri *uri)
{
	const char *q = ++p;
	bool has_colon = false;
	while (q < end && (is_hex(*q) || *q == ':' || *q == '.')) {
		has_colon |= *q == ':';
		q++;
	}
	if (q == end || *q != ']' || !has_colon)
		return NULL;
	uri->host = part(p, q);
	uri->host_kind = URI_HOST_IPV6;
	return q + 1;
}

/* After the host: a port number, or a service's name. */
static const char *parse_service(const char *p, const char *end, struct uri *uri)
{
	const char *q = span(p, end, IS_DIGIT);
	if (q == p)
		q = span(p, end, IS_ALPHA);
	if (q > p)
		uri->service = part(p, q);
	return q;
}

static const char *parse_host(const char *p, const char *end, struct uri *uri)
{
	if (p < end && *p == '[') {
		p = parse_ipv6(p, end, uri);
	} else {
		const char *q = span(p, end, NAME_CHARS);
		if (q > p) {
			uri->host = part(p, q);
			uri->host_kind = is_ipv4(p, q) ? URI_HOST_IPV4 : URI_HOST_NAME;
		}
		p = q;
	}
	if (p != NULL && p < end && *p == ':' && uri->host.data != NULL)
		p = parse_service(p + 1, end, uri);
	return p;
}

static void set_unix(struct uri *uri, const char *p, const char *end)
{
	static const char host[] = "unix/";
	uri->host = part(host, host + sizeof(host) - 1);
	uri->host_kind = URI_HOST_UNIX;
	uri->service = part(p, end);
}

/* `unix/:path`, or an absolute path that is all the rest. */
static const char *parse_unix(const char *p, const char *end, struct uri *uri)
{
	if (starts_with(p, end, "unix/:/") || starts_with(p, end, "unix/:./")) {
		p += 6;
		const char *q = span(p, end, PATH_CHARS);
		set_unix(uri, p, q);
		return q;
	}
	if (p < end && *p == '/' && !starts_with(p, end, "//") &&
		span(p, end, PATH_CHARS) == end) {
		set_unix(uri, p, end);
		return end;
	}
	return NULL;
}

/* `login[:password]@`: the position after it, or p when there is none. */
static const char *parse_userinfo(const char *p, const char *end, struct uri *uri)
{
	const char *q = span(p, end, NAME_CHARS);
	struct uri_part login = part(p, q), password = {0};
	if (q == p)
		return p;
	if (q < end && *q == ':') {
		const char *r = span(q + 1, end, NAME_CHARS);
		password = part(q + 1, r);
		q = r;
	}
	if (q == end || *q != '@')
		return p;
	uri->login = login;
	uri->password = password;
	return q + 1;
}

/* `scheme://`: the position after it, or p when there is none. */
static const char *parse_scheme(const char *p, const char *end, struct uri *uri)
{
	const char *q = p;
	if (q == end || (char_class(*q) & IS_ALPHA) == 0)
		return p;
	while (q < end && ((char_class(*q) & (IS_ALPHA | IS_DIGIT)) != 0 || *q == '+' ||
				  *q == '-' || *q == '.'))
		q++;
	if (!starts_with(q, end, "://"))
		return p;
	uri->scheme = part(p, q);
	return q + 3;
}

/* `/path?query#fragment`, each optional; the position after. */
static const char *parse_tail(const char *p, const char *end, struct uri *uri)
{
	if (p < end && *p == '/') {
		const char *q = span(p, end, PATH_CHARS);
		uri->path = part(p, q);
		p = q;
	}
	if (p < end && *p == '?') {
		const char *q = span(p + 1, end, TAIL_CHARS);
		uri->query = part(p + 1, q);
		p = q;
	}
	if (p < end && *p == '#') {
		const char *q = span(p + 1, end, TAIL_CHARS);
		uri->fragment = part(p + 1, q);
		p = q;
	}
	return p;
}

int uri_parse(const char *text, size_t len, struct uri *ret_uri, const char **ret_error)
{
	const char *p = text, *end = text + len;
	*ret_uri = (struct uri){0};
	*ret_error = NULL;
	if (len == 0) {
		*ret_error = "the URI is empty";
		return -1;
	}
	if (span(p, end, IS_DIGIT) == end) {
		ret_uri->service = part(p, end);
		return 0;
	}
	p = parse_scheme(p, end, ret_uri);
	p = parse_userinfo(p, end, ret_uri);
	const char *authority = p;
	p = parse_unix(p, end, ret_uri);
	if (p == NULL)
		p = parse_host(authority, end, ret_uri);
	if (p == NULL) {
		*ret_error = "the IPv6 address is not valid";
		return -1;
	}
	bool needs_host = ret_uri->scheme.data != NULL || ret_uri->login.data != NULL;
	if ((needs_host && ret_uri->host.data == NULL) || starts_with(p, end, "//")) {
		*ret_error = "the host is missing";
		return -1;
	}
	if (parse_tail(p, end, ret_uri) != end) {
		*ret_error = "a character is not allowed there";
		return -1;
	}
	return 0;
}

int uri_check_address(const struct uri *uri, const char **ret_error)
{
	*ret_error = NULL;
	if (uri->service.data == NULL || uri->service.len == 0)
		*ret_error = "expected host:service or /unix.socket";
	return *ret_error == NULL ? 0 : -1;
}

/* prefix, part, suffix; nothing when the part is absent. */
static int put(struct buf *out, const char *prefix, struct uri_part p, const char *suffix)
{
	if (p.data == NULL)
		return 0;
	if (buf_puts(out, prefix) != 0 || buf_append(out, p.data, p.len) != 0)
		return -1;
	return buf_puts(out, suffix);
}

int uri_format(const struct uri *uri, bool with_password, struct buf *out)
{
	size_t start = out->len;
	struct uri_part none = {0};
	struct uri_part password = with_password ? uri->password : none;
	bool is_ipv6 = uri->host_kind == URI_HOST_IPV6;
	bool has_login = uri->login.data != NULL;
	int rc = put(out, "", uri->scheme, "://");
	rc |= put(out, "", uri->login, "");
	rc |= has_login ? put(out, ":", password, "") : 0;
	rc |= has_login ? buf_puts(out, "@") : 0;
	rc |= put(out, is_ipv6 ? "[" : "", uri->host, is_ipv6 ? "]" : "");
	rc |= put(out, uri->host.data != NULL ? ":" : "", uri->service, "");
	rc |= put(out, "", uri->path, "");
	rc |= put(out, "?", uri->query, "");
	rc |= put(out, "#", uri->fragment, "");
	if (rc != 0)
		out->len = start;
	return rc;
}
