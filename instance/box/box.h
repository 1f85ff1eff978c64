/*
 * Data requests by ids and msgpack, as IPROTO and C procedures use them.
 * All of them check the rights of the current session.
 */
#ifndef BOX_BOX_H
#define BOX_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

/**
 * Create the system spaces with what a new database holds (once; after that it does
 * nothing), and the admin session. -1 with diag set.
 */
int box_init(void);
void box_fini(void);
/** Has box.cfg{} succeeded? */
bool box_is_configured(void);
/** Bumped by each change of a space or index; in each IPROTO reply. */
extern uint32_t box_schema_version;
/** The instance's uuid and that of its replica set, text; "" before box_init(), which
 * makes them when they are not set. */
extern char box_instance_uuid[37], box_cluster_uuid[37];

/**
 * SELECT: append the tuples to out as msgpack, one after another (no array
 * header).
 * @param ret_count how many
 * @return 0, or -1 with diag set (out is as before)
 */
int box_select(uint32_t space_id, uint32_t index_id, int iterator, uint32_t offset,
	uint32_t limit, const char *key, const char *key_end, struct buf *out,
	uint32_t *ret_count);

#endif
