/*
 * URIs as Tarantool writes them: `3301`, `host:3301`, `[::1]:3301`,
 * `unix/:/path`, `/path`, each with `scheme://`, `user:password@`, `/path`,
 * `?query` and `#fragment` where they make sense.
 */
#ifndef PROTO_URI_H
#define PROTO_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/buf.h"

/* A piece of the text that was parsed; data is NULL when the piece is absent. */
struct uri_part {
	const char *data;
	size_t len;
};

enum uri_host {
	URI_HOST_NONE,
	URI_HOST_NAME,
	URI_HOST_IPV4,
	URI_HOST_IPV6,
	URI_HOST_UNIX, /* host is "unix/" and service the socket's path */
};

/* Points into the text that was parsed. */
struct uri {
	struct uri_part scheme;
	struct uri_part login;
	struct uri_part password;
	struct uri_part host;
	struct uri_part service; /* port, service name or path of a Unix socket */
	struct uri_part path;
	struct uri_part query;
	struct uri_part fragment;
	enum uri_host host_kind;
};

/**
 * Parse a whole text.
 * @param ret_error what is wrong with it, a static text
 * @return 0, or -1
 */
int uri_parse(const char *text, size_t len, struct uri *ret_uri, const char **ret_error);

/**
 * May a server listen there, or a client connect? The host may be missing (any
 * address), the port may not.
 * @return 0, or -1 with *ret_error
 */
int uri_check_address(const struct uri *uri, const char **ret_error);

/** Append the URI as text; the password only when asked for. -1: out of memory. */
int uri_format(const struct uri *uri, bool with_password, struct buf *out);

#endif
