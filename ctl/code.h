/* Where the code comes from that a command runs: --expr, a file, or stdin. */
#ifndef CTL_CODE_H
#define CTL_CODE_H

#include "ctl/verb.h"
#include "proto/buf.h"

/**
 * @param path the file, "-" or NULL: stdin, unless the request has --expr
 * @param code the text is appended
 * @param name chunk name as Lua has it, "" for an expression
 * @return CTL_OK, or an exit code after saying what is wrong
 */
int code_read(const struct request *rq, const char *path, struct buf *code, char *name,
	size_t size);

#endif
