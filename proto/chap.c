#include "proto/chap.h"

#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <stdint.h>

static void sha1(const void *data, size_t len, unsigned char out[CHAP_SIZE])
{
	struct sha1_ctx ctx;
	sha1_init(&ctx);
	sha1_update(&ctx, len, data);
	sha1_digest(&ctx, CHAP_SIZE, out);
}

/* sha1(salt, hash2): the part that only this connection has. */
static void challenge(const void *salt, const unsigned char hash2[CHAP_SIZE],
	unsigned char out[CHAP_SIZE])
{
	struct sha1_ctx ctx;
	sha1_init(&ctx);
	sha1_update(&ctx, CHAP_SIZE, salt);
	sha1_update(&ctx, CHAP_SIZE, hash2);
	sha1_digest(&ctx, CHAP_SIZE, out);
}

void chap_hash2(const char *password, size_t password_len, unsigned char hash2[CHAP_SIZE])
{
	unsigned char hash1[CHAP_SIZE];
	sha1(password, password_len, hash1);
	sha1(hash1, CHAP_SIZE, hash2);
}

void chap_scramble(const char *password, size_t password_len, const void *salt,
	unsigned char scramble[CHAP_SIZE])
{
	unsigned char hash1[CHAP_SIZE], hash2[CHAP_SIZE];
	sha1(password, password_len, hash1);
	sha1(hash1, CHAP_SIZE, hash2);
	challenge(salt, hash2, scramble);
	for (int i = 0; i < CHAP_SIZE; i++)
		scramble[i] ^= hash1[i];
}

bool chap_check(
	const void *scramble, const void *salt, const unsigned char hash2[CHAP_SIZE])
{
	unsigned char hash1[CHAP_SIZE], candidate[CHAP_SIZE];
	challenge(salt, hash2, hash1);
	for (int i = 0; i < CHAP_SIZE; i++)
		hash1[i] ^= ((const unsigned char *)scramble)[i];
	sha1(hash1, CHAP_SIZE, candidate);
	return memeql_sec(candidate, hash2, CHAP_SIZE);
}
