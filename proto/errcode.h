/* Tarantool's client error codes: one list holds code, name and text. */
#ifndef PROTO_ERRCODE_H
#define PROTO_ERRCODE_H

#include "proto/errcode_list.h"

enum errcode {
#define X(code, name, text) name = code,
	ERRCODE_LIST(X)
#undef X
		ERRCODE_MAX
};

/** Name of a code such as "ER_PROC_LUA"; "ER_UNKNOWN" for what is not in the list. */
const char *errcode_name(unsigned code);
/** printf text of a code, as Tarantool's box.error prints it. */
const char *errcode_text(unsigned code);

#endif
