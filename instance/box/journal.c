#include "instance/box/journal.h"

#include "instance/base/diag.h"
#include "instance/box/mp_raw.h"
#include "instance/box/request.h"
#include "proto/buf.h"

/* Keys of a body, as in the protocol. */
enum {
	BODY_SPACE_ID = 0x10,
	BODY_INDEX_ID = 0x11,
	BODY_INDEX_BASE = 0x15,
	BODY_KEY = 0x20,
	BODY_TUPLE = 0x21,
	BODY_OPS = 0x28,
};

static int journal_null_write(struct journal *journal, struct journal_entry *entry)
{
	journal->lsn += entry->row_count;
	return 0;
}

struct journal journal_null = {.write = journal_null_write};
struct journal *journal_current = &journal_null;

static int put_uint(struct buf *out, uint8_t key, uint64_t v)
{
	char tmp[16];
	char *p = mp_raw_put_uint(mp_raw_put_uint(tmp, key), v);
	return buf_append(out, tmp, (size_t)(p - tmp));
}

static int put_bytes(struct buf *out, uint8_t key, const char *data, const char *end)
{
	if (data == NULL)
		return 0;
	char k = (char)key;
	if (buf_append(out, &k, 1) != 0)
		return -1;
	return buf_append(out, data, (size_t)(end - data));
}

int journal_row_encode(const struct journal_row *row, struct buf *out)
{
	const struct request *r = row->request;
	size_t len_before = out->len;
	bool has_base = r->ops != NULL || r->type == REQUEST_UPDATE;
	bool has_index = r->index_id != 0;
	uint32_t count = 1 + has_base + has_index + (r->key != NULL) +
			 (r->tuple != NULL) + (r->ops != NULL);
	char head[8];
	size_t head_len = (size_t)(mp_raw_put_map(head, count) - head);
	if (buf_append(out, head, head_len) == 0 &&
		put_uint(out, BODY_SPACE_ID, r->space_id) == 0 &&
		(!has_index || put_uint(out, BODY_INDEX_ID, r->index_id) == 0) &&
		(!has_base || put_uint(out, BODY_INDEX_BASE, r->index_base) == 0) &&
		put_bytes(out, BODY_KEY, r->key, r->key_end) == 0 &&
		put_bytes(out, BODY_TUPLE, r->tuple, r->tuple_end) == 0 &&
		put_bytes(out, BODY_OPS, r->ops, r->ops_end) == 0)
		return 0;
	out->len = len_before;
	diag_set(oom, "out of memory");
	return -1;
}
