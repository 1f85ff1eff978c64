/*
 * The seam to the log on disk: a transaction hands its rows over at commit.
 */
#ifndef BOX_JOURNAL_H
#define BOX_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct request;

/* One change; memory of the transaction. */
struct journal_row {
	const struct request *request; /* journal_row_encode() makes the body */
	uint32_t group_id;             /* 1: replica local */
	int64_t lsn;                   /* filled by the journal */
	double tm;                     /* filled by the journal */
};

/* Owned by the transaction; lives until the call returns. */
struct journal_entry {
	uint32_t row_count;
	struct journal_row *rows;
};

/* Owned by the layer that sets it. */
struct journal {
	/**
	 * Make the rows durable, all or none. May yield.
	 * @return 0; -1 with diag set: the transaction is rolled back
	 */
	int (*write)(struct journal *journal, struct journal_entry *entry);
	/*
	 * Does write() look at the requests? When false the transaction does
	 * not keep them.
	 */
	bool wants_requests;
	int64_t lsn; /* of the last row */
};

/** In use; the null journal until another is set. Counts lsn and writes nothing. */
extern struct journal *journal_current;
extern struct journal journal_null;

/** Append the row's body (a msgpack map as in an .xlog). -1 when out of memory. */
int journal_row_encode(const struct journal_row *row, struct buf *out);

#endif
