/*
 * Data changes as values: what IPROTO, Lua, C procedures and recovery hand to
 * request_execute().
 */
#ifndef BOX_REQUEST_H
#define BOX_REQUEST_H

#include <stdint.h>

struct tuple;
struct space;

/* The numbers of the protocol. */
enum request_type {
	REQUEST_SELECT = 1,
	REQUEST_INSERT = 2,
	REQUEST_REPLACE = 3,
	REQUEST_UPDATE = 4,
	REQUEST_DELETE = 5,
	REQUEST_UPSERT = 9,
	REQUEST_NOP = 12,
};

/* Points into memory of somebody else. All msgpack here is well-formed (checked). */
struct request {
	enum request_type type;
	uint32_t space_id;
	uint32_t index_id;
	uint32_t index_base; /* number of the first field in ops: 0, or 1 from Lua */
	const char *key;     /* array; UPDATE, DELETE */
	const char *key_end;
	const char *tuple; /* array; INSERT, REPLACE, UPSERT; UPDATE: operations */
	const char *tuple_end;
	const char *ops; /* array; UPSERT */
	const char *ops_end;
};

/**
 * Execute a change in the current transaction, or in one of its own. Checks the
 * rights of the current session. May yield at commit.
 * @param ret_tuple the tuple after INSERT, REPLACE, UPDATE, the one before a
 *        DELETE, NULL when there is none or after UPSERT. It has a reference
 *        that the caller drops. NULL: not wanted
 * @return 0, or -1 with diag set and nothing changed
 */
int request_execute(const struct request *request, struct tuple **ret_tuple);

/** The same without a check of rights, for system spaces and recovery. */
int request_execute_system(const struct request *request, struct tuple **ret_tuple);

#endif
