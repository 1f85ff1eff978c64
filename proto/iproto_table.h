/*
 * IPROTO's keys and request types, each in one list. The names are the ones that
 * error texts show ("Missing mandatory field 'space id' in request").
 */
#ifndef PROTO_IPROTO_TABLE_H
#define PROTO_IPROTO_TABLE_H

/* clang-format off */

/* X(code, NAME, text) */
#define IPROTO_HEADER_KEY_LIST(X) \
	X(0x00, REQUEST_TYPE, "request type") \
	X(0x01, SYNC, "sync") \
	X(0x02, REPLICA_ID, "replica id") \
	X(0x03, LSN, "lsn") \
	X(0x04, TIMESTAMP, "timestamp") \
	X(0x05, SCHEMA_VERSION, "schema version") \
	X(0x06, SERVER_VERSION, "server version") \
	X(0x07, GROUP_ID, "group id") \
	X(0x08, TSN, "tsn") \
	X(0x09, FLAGS, "flags") \
	X(0x0a, STREAM_ID, "stream id")

/* X(code, NAME, text): keys of request and reply bodies. */
#define IPROTO_BODY_KEY_LIST(X) \
	X(0x10, SPACE_ID, "space id") \
	X(0x11, INDEX_ID, "index id") \
	X(0x12, LIMIT, "limit") \
	X(0x13, OFFSET, "offset") \
	X(0x14, ITERATOR, "iterator") \
	X(0x15, INDEX_BASE, "index base") \
	X(0x20, KEY, "key") \
	X(0x21, TUPLE, "tuple") \
	X(0x22, FUNCTION_NAME, "function name") \
	X(0x23, USER_NAME, "user name") \
	X(0x24, INSTANCE_UUID, "instance uuid") \
	X(0x25, CLUSTER_UUID, "cluster uuid") \
	X(0x26, VCLOCK, "vector clock") \
	X(0x27, EXPR, "expression") \
	X(0x28, OPS, "operations") \
	X(0x29, BALLOT, "ballot") \
	X(0x2a, TUPLE_META, "tuple meta") \
	X(0x2b, OPTIONS, "options") \
	X(0x30, DATA, "data") \
	X(0x31, ERROR_24, "error") \
	X(0x32, METADATA, "metadata") \
	X(0x33, BIND_METADATA, "bind meta") \
	X(0x34, BIND_COUNT, "bind count") \
	X(0x40, SQL_TEXT, "SQL text") \
	X(0x41, SQL_BIND, "SQL bind") \
	X(0x42, SQL_INFO, "SQL info") \
	X(0x43, STMT_ID, "stmt id") \
	X(0x52, ERROR, "error stack") \
	X(0x54, VERSION, "version") \
	X(0x55, FEATURES, "features")

/* The map of one error in a stack. */
#define IPROTO_ERROR_KEY_LIST(X) \
	X(0, TYPE) \
	X(1, FILE) \
	X(2, LINE) \
	X(3, MESSAGE) \
	X(4, ERRNO) \
	X(5, CODE) \
	X(6, FIELDS)

/*
 * X(code, NAME, keys, required): request types. `keys` are the body keys that are
 * read, `required` those of them without which the request is refused; any other
 * key is stepped over. No keys at all: the body is not looked at.
 */
#define K(name) IPROTO_KEY_BIT(IPROTO_##name)
#define IPROTO_TYPE_LIST(X) \
	X(1, SELECT, \
	  K(SPACE_ID) | K(INDEX_ID) | K(LIMIT) | K(OFFSET) | K(ITERATOR) | K(KEY), \
	  K(SPACE_ID) | K(LIMIT) | K(KEY)) \
	X(2, INSERT, K(SPACE_ID) | K(TUPLE), K(SPACE_ID) | K(TUPLE)) \
	X(3, REPLACE, K(SPACE_ID) | K(TUPLE), K(SPACE_ID) | K(TUPLE)) \
	X(4, UPDATE, K(SPACE_ID) | K(INDEX_ID) | K(KEY) | K(TUPLE) | K(INDEX_BASE), \
	  K(SPACE_ID) | K(KEY) | K(TUPLE)) \
	X(5, DELETE, K(SPACE_ID) | K(INDEX_ID) | K(KEY), K(SPACE_ID) | K(KEY)) \
	X(6, CALL_16, K(FUNCTION_NAME) | K(TUPLE), K(FUNCTION_NAME)) \
	X(7, AUTH, K(USER_NAME) | K(TUPLE), K(USER_NAME) | K(TUPLE)) \
	X(8, EVAL, K(EXPR) | K(TUPLE), K(EXPR)) \
	X(9, UPSERT, K(SPACE_ID) | K(TUPLE) | K(OPS) | K(INDEX_BASE), \
	  K(SPACE_ID) | K(TUPLE) | K(OPS)) \
	X(10, CALL, K(FUNCTION_NAME) | K(TUPLE), K(FUNCTION_NAME)) \
	X(11, EXECUTE, K(SQL_TEXT) | K(STMT_ID) | K(SQL_BIND) | K(OPTIONS), 0) \
	X(12, NOP, 0, 0) \
	X(13, PREPARE, K(SQL_TEXT) | K(STMT_ID), 0) \
	X(64, PING, 0, 0) \
	X(65, JOIN, 0, 0) \
	X(66, SUBSCRIBE, 0, 0) \
	X(67, VOTE_DEPRECATED, 0, 0) \
	X(68, VOTE, 0, 0) \
	X(69, FETCH_SNAPSHOT, 0, 0) \
	X(70, REGISTER, 0, 0)
/* clang-format on */

#endif
