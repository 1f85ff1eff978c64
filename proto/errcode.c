#include "proto/errcode.h"

#include <stddef.h>

static const struct {
	const char *name;
	const char *text;
} errcodes[] = {
#define X(code, name, text) [code] = {#name, text},
	ERRCODE_LIST(X)
#undef X
};

static unsigned known(unsigned code)
{
	return code < ERRCODE_MAX && errcodes[code].name != NULL ? code : ER_UNKNOWN;
}

const char *errcode_name(unsigned code)
{
	return errcodes[known(code)].name;
}

const char *errcode_text(unsigned code)
{
	return errcodes[known(code)].text;
}
