/* Base64 with padding, RFC 4648. */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/** Bytes that n bytes take encoded (without a terminator). */
static inline size_t base64_encoded_size(size_t n)
{
	return (n + 2) / 3 * 4;
}

/** Bytes at most that n characters decode to. */
static inline size_t base64_decoded_size_max(size_t n)
{
	return (n + 3) / 4 * 3;
}

/** Encode n bytes into base64_encoded_size(n) bytes at dst. @return their count */
size_t base64_encode(const void *src, size_t n, char *dst);
/**
 * Decode n characters into dst (base64_decoded_size_max(n) bytes). White space is
 * stepped over; padding may be absent.
 * @return the count of bytes, -1 when a character is not of the alphabet
 */
ssize_t base64_decode(const char *src, size_t n, void *dst);

#endif
