/*
 * The 128 bytes that a server sends first: two lines of 63 characters, padded with
 * spaces.
 */
#ifndef PROTO_GREETING_H
#define PROTO_GREETING_H

#include <stddef.h>

enum {
	GREETING_SIZE = 128,
	GREETING_SALT_SIZE = 32,
	GREETING_VERSION_MAX = 23,
	GREETING_UUID_SIZE = 36,
};

enum greeting_protocol {
	GREETING_BINARY, /* IPROTO */
	GREETING_TEXT,   /* Lua console */
};

struct greeting {
	enum greeting_protocol protocol;
	char version[GREETING_VERSION_MAX + 1]; /* "2.6.0" */
	char uuid[GREETING_UUID_SIZE + 1];      /* "" when there is none */
	size_t salt_len;                        /* 0 in a text greeting */
	unsigned char salt[GREETING_SALT_SIZE];
};

/** Write IPROTO's greeting. @param uuid the instance's, as text; may be "" */
void greeting_encode(char out[GREETING_SIZE], const char *version, const char *uuid,
	const unsigned char salt[GREETING_SALT_SIZE]);
/** Write the text console's greeting. */
void greeting_encode_text(char out[GREETING_SIZE], const char *version);
/** Read either. @return 0; -1 when the bytes are no greeting of a server we know */
int greeting_decode(const char data[GREETING_SIZE], struct greeting *ret_greeting);

#endif
