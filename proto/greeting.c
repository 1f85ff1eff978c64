#include "proto/greeting.h"

#include <stdio.h>
#include <string.h>

#include "proto/base64.h"

enum { LINE_SIZE = 64 };

/* One line: the text cut or padded to 63 characters and a newline. */
static void put_line(char *out, const char *text)
{
	size_t n = strnlen(text, LINE_SIZE - 1);
	memcpy(out, text, n);
	memset(out + n, ' ', LINE_SIZE - 1 - n);
	out[LINE_SIZE - 1] = '\n';
}

void greeting_encode(char out[GREETING_SIZE], const char *version, const char *uuid,
	const unsigned char salt[GREETING_SALT_SIZE])
{
	char text[LINE_SIZE];
	snprintf(text, sizeof(text), "Tarantool %s (Binary) %s", version, uuid);
	put_line(out, text);
	text[base64_encode(salt, GREETING_SALT_SIZE, text)] = '\0';
	put_line(out + LINE_SIZE, text);
}

void greeting_encode_text(char out[GREETING_SIZE], const char *version)
{
	char text[LINE_SIZE];
	snprintf(text, sizeof(text), "Tarantool %s (Lua console)", version);
	put_line(out, text);
	put_line(out + LINE_SIZE, "type 'help' for interactive help");
}

/* Copy up to the next space; NULL when that does not fit. */
static const char *take_word(const char *p, const char *end, char *out, size_t size)
{
	size_t n = 0;
	while (p + n < end && p[n] != ' ')
		n++;
	if (n >= size)
		return NULL;
	memcpy(out, p, n);
	out[n] = '\0';
	for (p += n; p < end && *p == ' ';)
		p++;
	return p;
}

static int decode_salt(const char *p, struct greeting *g)
{
	unsigned char salt[LINE_SIZE];
	size_t n = 0;
	while (n < LINE_SIZE - 1 && p[n] != ' ')
		n++;
	ssize_t len = base64_decode(p, n, salt);
	if (len < 20)
		return -1;
	g->salt_len = len > GREETING_SALT_SIZE ? GREETING_SALT_SIZE : (size_t)len;
	memcpy(g->salt, salt, g->salt_len);
	return 0;
}

int greeting_decode(const char data[GREETING_SIZE], struct greeting *ret_greeting)
{
	static const char binary[] = "(Binary)", text[] = "(Lua console)";
	struct greeting *g = ret_greeting;
	*g = (struct greeting){0};
	const char *p = data, *end = data + LINE_SIZE - 1;
	if (memcmp(p, "Tarantool ", 10) != 0 || *end != '\n' ||
		data[GREETING_SIZE - 1] != '\n')
		return -1;
	p = take_word(p + 10, end, g->version, sizeof(g->version));
	if (p == NULL || g->version[0] == '\0')
		return -1;
	size_t left = (size_t)(end - p);
	if (left >= sizeof(text) - 1 && memcmp(p, text, sizeof(text) - 1) == 0) {
		g->protocol = GREETING_TEXT;
		return 0;
	}
	if (left < sizeof(binary) - 1 || memcmp(p, binary, sizeof(binary) - 1) != 0)
		return -1;
	for (p += sizeof(binary) - 1; p < end && *p == ' ';)
		p++;
	if (take_word(p, end, g->uuid, sizeof(g->uuid)) == NULL)
		return -1;
	return decode_salt(data + LINE_SIZE, g);
}
