#include "ctl/xlog_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "proto/iproto.h"

/** "space id" as a key: space_id; a number when nobody knows it. */
static void key_name(uint64_t key, char *name, size_t size)
{
	const char *known = key <= UINT32_MAX ? iproto_key_name((uint32_t)key) : NULL;
	if (known == NULL) {
		text_set(name, size, "%" PRIu64, key);
		return;
	}
	size_t i = 0;
	for (; known[i] != '\0' && i + 1 < size; i++)
		name[i] = known[i] == ' ' ? '_' : known[i];
	name[i] = '\0';
}

static void type_name(uint32_t type, char *name, size_t size)
{
	const char *known = iproto_type_name(type);
	if (known == NULL)
		text_set(name, size, "%" PRIu32, type);
	else
		text_set(name, size, "%s", known);
}

/* --- JSON and YAML: everything that the row holds --- */

/* How the two write the same things. */
struct notation {
	const char *begin, *comma, *colon, *quote, *body, *end;
};
static const struct notation notations[] = {
	[MPTEXT_JSON] = {"{\"HEADER\":{", ",", "\":", "\"", "},\"BODY\":{", "}}\n"},
	[MPTEXT_YAML] = {"---\nHEADER:\n  ", "\n  ", ": ", "", "\nBODY:\n  ", "\n"},
};

static int put_key(struct buf *out, const char *key, const struct notation *n)
{
	return buf_puts(out, n->quote) | buf_puts(out, key) | buf_puts(out, n->colon);
}

static int put_number(
	struct buf *out, const char *key, uint64_t value, const struct notation *n)
{
	return put_key(out, key, n) | mptext_uint(out, value) | buf_puts(out, n->comma);
}

static int put_header(
	struct buf *out, const struct xlog_row *row, const struct notation *n)
{
	char type[32];
	int rc = 0;
	type_name(row->type, type, sizeof(type));
	if (row->lsn != 0)
		rc |= put_number(out, "lsn", row->lsn, n);
	if (row->has_tsn && row->is_commit)
		rc |= put_key(out, "commit", n) | buf_puts(out, "true") |
		      buf_puts(out, n->comma);
	if (row->replica_id != 0)
		rc |= put_number(out, "replica_id", row->replica_id, n);
	if (row->group_id != 0)
		rc |= put_number(out, "group_id", row->group_id, n);
	rc |= put_key(out, "type", n) | buf_puts(out, n->quote) | buf_puts(out, type) |
	      buf_puts(out, n->quote);
	/* What stands behind the type has its comma in front. */
	if (row->has_tsn)
		rc |= buf_puts(out, n->comma) | put_key(out, "tsn", n) |
		      mptext_uint(out, row->tsn);
	if (row->timestamp != 0)
		rc |= buf_puts(out, n->comma) | put_key(out, "timestamp", n) |
		      buf_printf(out, "%.14g", row->timestamp);
	return rc;
}

static int put_row(
	struct buf *out, const struct xlog_row *row, const struct notation *n, int format)
{
	struct mp_cursor cur;
	int rc = buf_puts(out, n->begin) | put_header(out, row, n);
	if (row->body == row->body_end) /* a NOP has none */
		return rc | buf_puts(out, format == MPTEXT_JSON ? "}}\n" : "\n");
	rc |= buf_puts(out, n->body);
	mp_cursor_init(&cur, row->body, row->body_end);
	uint32_t count = mp_read_map(&cur);
	for (uint32_t i = 0; i < count && rc == 0 && cur.error == NULL; i++) {
		char key[32];
		key_name(mp_read_uint(&cur), key, sizeof(key));
		rc |= i > 0 ? buf_puts(out, n->comma) : 0;
		rc |= put_key(out, key, n);
		rc |= mptext_write(out, &cur, format);
	}
	return rc != 0 || cur.error != NULL ? -1 : buf_puts(out, n->end);
}

/* --- Lua: what to call to have the same data --- */

/* What of a body a statement needs; NULL: not there. */
struct body {
	uint64_t space, index;
	const char *key, *tuple, *ops;
};

static int read_body(const struct xlog_row *row, struct body *body)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, row->body, row->body_end);
	uint32_t count = row->body < row->body_end ? mp_read_map(&cur) : 0;
	for (uint32_t i = 0; i < count && cur.error == NULL; i++) {
		uint64_t key = mp_read_uint(&cur);
		const char *value = cur.pos;
		if (key == IPROTO_SPACE_ID) {
			body->space = mp_read_uint(&cur);
			continue;
		}
		if (key == IPROTO_INDEX_ID) {
			body->index = mp_read_uint(&cur);
			continue;
		}
		mp_skip(&cur);
		if (key == IPROTO_KEY)
			body->key = value;
		else if (key == IPROTO_TUPLE)
			body->tuple = value;
		else if (key == IPROTO_OPS)
			body->ops = value;
	}
	return cur.error == NULL ? 0 : -1;
}

static int put_value(struct buf *out, const char *value, const char *end)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, value, end);
	return value != NULL ? mptext_write(out, &cur, MPTEXT_LUA) : -1;
}

static int put_lua(struct buf *out, const struct xlog_row *row)
{
	struct body b = {0};
	if (read_body(row, &b) != 0)
		return -1;
	const struct {
		uint32_t type;
		const char *name, *first, *second;
	} methods[] = {
		{IPROTO_TYPE_INSERT, "insert", b.tuple, NULL},
		{IPROTO_TYPE_REPLACE, "replace", b.tuple, NULL},
		{IPROTO_TYPE_UPDATE, "update", b.key, b.tuple},
		{IPROTO_TYPE_UPSERT, "upsert", b.tuple, b.ops},
		{IPROTO_TYPE_DELETE, "delete", b.key, NULL},
	};
	for (size_t i = 0; i < lengthof(methods); i++) {
		if (methods[i].type != row->type)
			continue;
		int rc = buf_printf(out, "box.space[%" PRIu64 "]", b.space);
		if (b.index != 0)
			rc |= buf_printf(out, ".index[%" PRIu64 "]", b.index);
		rc |= buf_printf(out, ":%s(", methods[i].name);
		rc |= put_value(out, methods[i].first, row->body_end);
		if (methods[i].second != NULL)
			rc |= buf_puts(out, ", ") |
			      put_value(out, methods[i].second, row->body_end);
		return rc | buf_puts(out, ")\n");
	}
	char type[32];
	type_name(row->type, type, sizeof(type));
	return buf_printf(out, "-- %s, lsn %" PRIu64 "\n", type, row->lsn);
}

int xlog_row_text(struct buf *out, const struct xlog_row *row, enum mptext_format format)
{
	return format == MPTEXT_LUA ? put_lua(out, row)
				    : put_row(out, row, &notations[format], format);
}
