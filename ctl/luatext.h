/* Lua values as Lua source: how settings travel into the launcher. */
#ifndef CTL_LUATEXT_H
#define CTL_LUATEXT_H

#include <stddef.h>

#include "proto/buf.h"

struct lua_State;

/**
 * A quoted Lua string on one line, for any bytes; no line end appears in it.
 * @return 0, or -1 when out of memory
 */
int luatext_string(struct buf *out, const char *text, size_t len);
int luatext_cstring(struct buf *out, const char *text);
/**
 * The fields of the table at idx: `["key"] = value, ["other"] = {...}, `.
 * @return NULL, or what cannot be written (static text)
 */
const char *luatext_fields(struct lua_State *L, int idx, struct buf *out);

#endif
