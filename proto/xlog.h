/*
 * .xlog and .snap files: a text header, then blocks of rows.
 *
 *   XLOG\n0.13\nKey: value\n...\n\n
 *   block: 19 bytes fixed header, then rows, plain or compressed by zstd
 *   row:   a msgpack map of IPROTO header keys, then one of body keys
 *   the end marker d5 10 ad ed, when the file was closed in order
 *
 * Works on bytes in memory: who reads the file keeps a window that starts at the
 * next thing to read, and makes it longer on XLOG_MORE. Every length is compared
 * with its limit before it is used.
 */
#ifndef PROTO_XLOG_H
#define PROTO_XLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"
#include "proto/mp.h"

enum {
	XLOG_META_MAX = 4096,              /* bytes of the text header */
	XLOG_FIXHEADER_SIZE = 19,          /* of a block */
	XLOG_BLOCK_MAX = 64 * 1024 * 1024, /* bytes of a block as stored */
	XLOG_ROWS_MAX = 1 << 30,           /* bytes of a block's rows */
	XLOG_REPLICA_MAX = 32,             /* components of a vclock */
};

enum xlog_status {
	XLOG_OK,
	XLOG_MORE, /* not enough bytes yet; at the end of the file: it is cut off */
	XLOG_EOF,  /* the end marker */
	XLOG_BAD,  /* damaged; *ret_error says how */
};

/* What the text header says. */
struct xlog_meta {
	char kind[8];      /* SNAP, XLOG, ... */
	char version[32];  /* of the program that wrote it; "" when not told */
	char instance[37]; /* uuid */
	char vclock[1024]; /* as written, "{1: 5}" */
	char prev_vclock[1024];
};

/* One block; points into the window. */
struct xlog_block {
	const char *payload;
	uint32_t payload_len;
	bool is_compressed;
};

/* One row; points into the block's rows. */
struct xlog_row {
	uint32_t type; /* enum iproto_type */
	uint32_t replica_id, group_id;
	uint64_t lsn, tsn; /* tsn: lsn of the transaction's first row */
	bool has_tsn;      /* one of several rows of a transaction */
	bool is_commit;    /* the last row of its transaction */
	double timestamp;
	const char *body, *body_end; /* a map; empty when there is none */
};

/**
 * The text header at the front of the window.
 * @param ret_size its bytes, with XLOG_OK
 */
enum xlog_status xlog_read_meta(const char *data, size_t len, struct xlog_meta *meta,
	size_t *ret_size, const char **ret_error);

/**
 * The block at the front of the window; its checksum is compared.
 * @param ret_size its bytes, with XLOG_OK and XLOG_EOF; with XLOG_MORE the bytes that
 *        the window must have at least
 */
enum xlog_status xlog_read_block(const char *data, size_t len, struct xlog_block *block,
	size_t *ret_size, const char **ret_error);

/**
 * Where the next block could begin: look for a marker, for who skips damage.
 * @return offset from data, or len when there is none
 */
size_t xlog_find_marker(const char *data, size_t len);

/**
 * The rows of a block, for a cursor.
 * @param rows holds what had to be decompressed; emptied first
 * @return 0, or -1 and *ret_error is set
 */
int xlog_block_rows(const struct xlog_block *block, struct buf *rows,
	struct mp_cursor *ret_cur, const char **ret_error);

/**
 * The next row; call while bytes are left.
 * @return 0, or -1 and *ret_error is set
 */
int xlog_next_row(struct mp_cursor *cur, struct xlog_row *row, const char **ret_error);

#endif
