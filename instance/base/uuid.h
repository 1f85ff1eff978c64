/* UUIDs (RFC 4122). */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { UUID_LEN = 16, UUID_STR_LEN = 36 };

/* In host byte order; Lua sees the same fields. */
struct tt_uuid {
	uint32_t time_low;
	uint16_t time_mid;
	uint16_t time_hi_and_version;
	uint8_t clock_seq_hi_and_reserved;
	uint8_t clock_seq_low;
	uint8_t node[6];
};

/** A random one (version 4). */
void uuid_create(struct tt_uuid *uuid);
/** @return 0; -1 when the text (36 bytes and a NUL) is no uuid */
int uuid_from_string(const char *text, struct tt_uuid *uuid);
/** Write 36 characters and a NUL. */
void uuid_to_string(const struct tt_uuid *uuid, char *out);
/** The 16 bytes of the network form. */
void uuid_pack(const struct tt_uuid *uuid, char *out);
void uuid_unpack(const char *in, struct tt_uuid *uuid);
/** Are the variant bits those of RFC 4122? */
static inline bool uuid_is_valid(const struct tt_uuid *uuid)
{
	uint8_t n = uuid->clock_seq_hi_and_reserved;
	return (n & 0x80) == 0 || (n & 0xc0) == 0x80 || (n & 0xe0) == 0xc0;
}

#endif
