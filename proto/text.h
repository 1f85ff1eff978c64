/*
 * Framing of the text console. A request ends with a delimiter and a newline (or a
 * carriage return); a YAML reply ends with "\n...\n". Inside a reply that marker
 * cannot occur: the emitter indents every line of a quoted or block text.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** What a pushed document begins with. */
#define TEXT_PUSH_TAG "%TAG !push! tag:tarantool.io/push,2018"

/**
 * Length of the request at the front of data, its end included; 0 while it is not
 * whole.
 * @param scanned in and out: bytes known to hold no end, so that a request that
 *                comes in many pieces is looked at once; 0 at first
 * @param ret_text_len the length without delimiter and newline
 */
size_t text_find_request(const char *data, size_t len, const char *delim,
	size_t delim_len, size_t *scanned, size_t *ret_text_len);

/** Length of the YAML reply at the front of data, its end included; 0: not whole. */
size_t text_find_reply(const char *data, size_t len, size_t *scanned);

/** Is the reply what box.session.push sent? */
bool text_is_push(const char *reply, size_t len);

#endif
