/*
 * chap-sha1: the client proves that it knows the password (or its hash) without
 * sending it.
 *
 *	hash1    = sha1(password)
 *	hash2    = sha1(hash1)            what the server keeps
 *	scramble = hash1 xor sha1(salt, hash2)
 */
#ifndef PROTO_CHAP_H
#define PROTO_CHAP_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CHAP_SIZE = 20,        /* of a hash, a scramble and the salt's part in use */
	CHAP_STORED_SIZE = 28, /* hash2 in base64, as _user keeps it */
};

/** What the client sends. @param salt the first CHAP_SIZE bytes of the greeting's */
void chap_scramble(const char *password, size_t password_len, const void *salt,
	unsigned char scramble[CHAP_SIZE]);
/** sha1(sha1(password)): what the server keeps. */
void chap_hash2(
	const char *password, size_t password_len, unsigned char hash2[CHAP_SIZE]);
/** Does the scramble answer the salt for this hash2? Takes the same time either way. */
bool chap_check(
	const void *scramble, const void *salt, const unsigned char hash2[CHAP_SIZE]);

#endif
