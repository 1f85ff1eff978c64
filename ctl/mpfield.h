/* Fields of a msgpack map by name: what ops of lua/remote.lua answer with. */
#ifndef CTL_MPFIELD_H
#define CTL_MPFIELD_H

#include "proto/mp.h"

/** A cursor at the field's value. @return false when the map has no such field */
bool mpfield_find(const struct mp_cursor *map, const char *key, struct mp_cursor *ret);
/** Its text, copied (and cut to size); "" when there is none. */
void mpfield_str(const struct mp_cursor *map, const char *key, char *out, size_t size);
/** Its number, -1 when it is negative, def when there is none. */
int64_t mpfield_int(const struct mp_cursor *map, const char *key, int64_t def);
double mpfield_double(const struct mp_cursor *map, const char *key);
bool mpfield_bool(const struct mp_cursor *map, const char *key);

#endif
