/* Order of msgpack scalars (well-formed), and their hints. */
#ifndef BOX_MP_COMPARE_H
#define BOX_MP_COMPARE_H

#include <stdint.h>

#include "instance/box/tuple_format.h"

/** Order of two values of any scalar type: nil, boolean, number, string, binary, uuid. */
int mp_compare_scalar(const char *a, const char *b);
/** Order of two numbers of any type, decimals included; NaN is below all. */
int mp_compare_number(const char *a, const char *b);
/** Order of two values that match the field type; NULL counts as nil. */
int mp_compare_field(const char *a, const char *b, enum field_type type);
/** A hint: see key_def.h. NULL counts as nil. */
uint64_t mp_hint(const char *value);

/**
 * A hash of the value joined to the hash so far: equal values have equal hashes,
 * numbers of different types too. NULL counts as nil.
 */
uint64_t mp_hash(uint64_t hash, const char *value);
/** Spread the bits; once, after the last part. */
uint64_t mp_hash_finish(uint64_t hash);

#endif
