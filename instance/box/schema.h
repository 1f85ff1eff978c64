/*
 * The schema's constants, and what the definitions of all kinds of objects
 * share: names, options, functions by name.
 *
 * What exists stands in the system spaces. Triggers on them (alter_*.c) make,
 * change and drop the objects in memory inside the same transaction.
 */
#ifndef BOX_SCHEMA_H
#define BOX_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/box/access.h"
#include "instance/box/box.h"

struct tuple;

/* Ids of the system spaces. */
enum {
	SPACE_VINYL_DEFERRED_DELETE = 257,
	SPACE_SCHEMA = 272,
	SPACE_COLLATION = 276,
	SPACE_VCOLLATION = 277,
	SPACE_SPACE = 280,
	SPACE_VSPACE = 281,
	SPACE_SEQUENCE = 284,
	SPACE_SEQUENCE_DATA = 285,
	SPACE_VSEQUENCE = 286,
	SPACE_INDEX = 288,
	SPACE_VINDEX = 289,
	SPACE_FUNC = 296,
	SPACE_VFUNC = 297,
	SPACE_USER = 304,
	SPACE_VUSER = 305,
	SPACE_PRIV = 312,
	SPACE_VPRIV = 313,
	SPACE_CLUSTER = 320,
	SPACE_TRIGGER = 328,
	SPACE_TRUNCATE = 330,
	SPACE_SPACE_SEQUENCE = 340,
	SPACE_FK_CONSTRAINT = 356,
	SPACE_CK_CONSTRAINT = 364,
	SPACE_FUNC_INDEX = 372,
	SPACE_SESSION_SETTINGS = 380,
	SPACE_ID_MAX = 0x7fffffff, /* the largest id of a space */
};

enum { IDENTIFIER_MAX = 65000 };

/**
 * May this be a name? Valid UTF-8, printable, not empty.
 * @return 0, or -1 with ER_IDENTIFIER
 */
int identifier_check(const char *name, size_t len);

/* ---- Maps of options ---- */

enum opt_type {
	OPT_BOOL,
	OPT_UINT,
	OPT_INT,
	OPT_NUMBER,
	OPT_STR,
	OPT_ENUM,
	OPT_ARRAY,
	OPT_ANY
};

/* A string inside msgpack, not terminated; NULL: not given. */
struct opt_str {
	const char *s;
	uint32_t len;
};

/* Where one option of a map goes. */
struct opt_def {
	const char *name;
	enum opt_type type;
	size_t offset; /* bool, uint32_t, int64_t, double, struct opt_str */
};

/**
 * Decode a well-formed msgpack map into the struct `out`; what is not given stays.
 * OPT_ANY and OPT_ARRAY are skipped.
 * @param code    ER_WRONG_SPACE_OPTIONS and the like: (field %u): %s
 * @param fieldno for the message
 * @return 0, or -1 with diag set
 */
int opts_decode(const struct opt_def *defs, size_t count, const char *map, unsigned code,
	uint32_t fieldno, void *out);

/* ---- Changes ---- */

/**
 * A space was made, changed or dropped (also by a rollback). Set by the Lua layer.
 */
extern void (*schema_on_space)(uint32_t space_id);
/** Count the change and tell. */
void schema_space_changed(uint32_t space_id);

/**
 * Make the spaces that hold the schema itself, empty, with their triggers. The
 * rows (of a first start, or of a snapshot) make everything else.
 * @return 0, or -1 with diag set
 */
int schema_init(void);
/** Insert the rows of a new database. */
int bootstrap(const char *cluster_uuid);

#endif
