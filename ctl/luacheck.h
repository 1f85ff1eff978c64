/* Is it Lua? Compiled by our own LuaJIT, never run. */
#ifndef CTL_LUACHECK_H
#define CTL_LUACHECK_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Compile a file.
 * @param error where what is wrong goes ("FILE:LINE: ...")
 * @return 0; -1: a syntax error; -2: cannot be read
 */
int luacheck_file(const char *path, char *error, size_t error_size);

/* For the console: a state that is kept between statements. */
struct luacheck;
struct luacheck *luacheck_new(void);
void luacheck_free(struct luacheck *lc);
/** Does the statement go on in the next line (its error is at <eof>)? */
bool luacheck_is_unfinished(struct luacheck *lc, const char *text, size_t len);

#endif
