#include "ctl/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "proto/chap.h"
#include "proto/text.h"

void conn_init(struct conn *c)
{
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

void conn_fini(struct conn *c)
{
	closefd(&c->fd);
	c->fd = -1;
	buf_fini(&c->in);
	buf_fini(&c->out);
}

static _format_(2, 3) enum conn_status fail(struct conn *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, ap);
	va_end(ap);
	return CONN_FAILED;
}

static enum conn_status fail_errno(struct conn *c, const char *what)
{
	c->saved_errno = errno;
	return fail(c, "%s: %s", what, strerror(errno));
}

/** Wait for the socket. */
static enum conn_status wait_fd(struct conn *c, short events, deadline_ms deadline)
{
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = events};
		int n = interrupt_poll(&p, 1, deadline_left(deadline));
		if (n > 0)
			return CONN_OK;
		if (n == 0) {
			fail(c, "timed out");
			return CONN_TIMEOUT;
		}
		if (errno != EINTR)
			return fail_errno(c, "poll");
		if (interrupt_take())
			return CONN_INTERRUPTED;
	}
}

/** Read what there is now. */
static enum conn_status fill_ready(struct conn *c)
{
	if (buf_reserve(&c->in, 16 * 1024) == NULL)
		return fail(c, "out of memory");
	for (;;) {
		ssize_t n = recv(c->fd, c->in.data + c->in.len, c->in.cap - c->in.len,
			MSG_DONTWAIT);
		if (n > 0) {
			c->in.len += (size_t)n;
			return CONN_OK;
		}
		if (n == 0 || errno == ECONNRESET) {
			fail(c, "the instance closed the connection");
			return CONN_CLOSED;
		}
		if (errno == EAGAIN)
			return CONN_OK;
		if (errno != EINTR)
			return fail_errno(c, "read");
	}
}

/** Read what there is; at least one byte. */
static enum conn_status fill(struct conn *c, deadline_ms deadline)
{
	size_t before = c->in.len;
	for (;;) {
		enum conn_status rc = fill_ready(c);
		if (rc != CONN_OK || c->in.len > before)
			return rc;
		rc = wait_fd(c, POLLIN, deadline);
		if (rc != CONN_OK)
			return rc;
	}
}

enum conn_status conn_flush(struct conn *c, deadline_ms deadline)
{
	while (buf_used(&c->out) > 0) {
		ssize_t n = send(c->fd, buf_head(&c->out), buf_used(&c->out),
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			c->out.rpos += (size_t)n;
		} else if (errno == EAGAIN) {
			/* The other side may read no more until its replies are read. */
			enum conn_status rc = wait_fd(c, POLLOUT | POLLIN, deadline);
			if (rc == CONN_OK)
				rc = fill_ready(c);
			if (rc != CONN_OK)
				return rc;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			fail(c, "the instance closed the connection");
			return CONN_CLOSED;
		} else if (errno != EINTR) {
			return fail_errno(c, "write");
		}
	}
	buf_reset(&c->out);
	return CONN_OK;
}

/** Give the last reply's bytes back. */
static void drop_consumed(struct conn *c)
{
	c->in.rpos += c->consumed;
	c->consumed = 0;
	if (buf_used(&c->in) == 0)
		buf_reset(&c->in);
	else if (c->in.rpos > 1 << 20)
		buf_compact(&c->in);
}

static enum conn_status read_greeting(struct conn *c, deadline_ms deadline)
{
	while (buf_used(&c->in) < GREETING_SIZE) {
		enum conn_status rc = fill(c, deadline);
		if (rc != CONN_OK)
			return rc;
	}
	if (greeting_decode(buf_head(&c->in), &c->greeting) != 0)
		return fail(c, "what listens there is no Tarantool (unknown greeting)");
	c->in.rpos += GREETING_SIZE;
	c->is_text = c->greeting.protocol == GREETING_TEXT;
	return CONN_OK;
}

/** A path that fits sun_path: through the directory's descriptor when it is long. */
static int short_path(const char *path, struct sockaddr_un *addr, int *ret_dir_fd)
{
	*ret_dir_fd = -1;
	if (strlen(path) < sizeof(addr->sun_path)) {
		strcpy(addr->sun_path, path);
		return 0;
	}
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash - path) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*ret_dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir_fd < 0)
		return -1;
	if (text_set(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s",
		    *ret_dir_fd, slash + 1) != 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static enum conn_status connect_unix(
	struct conn *c, const char *path, deadline_ms deadline)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_(closefd) int dir_fd = -1;
	if (short_path(path, &addr, &dir_fd) != 0)
		return fail_errno(c, path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return fail_errno(c, "socket");
	if (deadline != DEADLINE_NONE) {
		/* A full backlog makes connect() wait: that long at most. */
		int left = deadline_left(deadline);
		struct timeval tv = {left / 1000, left % 1000 * 1000 + 1};
		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	}
	if (connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return CONN_OK;
	if (errno == EAGAIN) {
		fail(c, "timed out");
		return CONN_TIMEOUT;
	}
	if (errno == EINTR && interrupt_take())
		return CONN_INTERRUPTED;
	return fail_errno(c, path);
}

enum conn_status conn_open_unix(struct conn *c, const char *path, deadline_ms deadline)
{
	enum conn_status rc = connect_unix(c, path, deadline);
	return rc == CONN_OK ? read_greeting(c, deadline) : rc;
}

static enum conn_status connect_tcp(
	struct conn *c, const char *host, const char *service, deadline_ms deadline)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	int gai =
		getaddrinfo(host[0] != '\0' ? host : "localhost", service, &hints, &list);
	if (gai != 0)
		return fail(c, "%s: %s", host, gai_strerror(gai));
	enum conn_status rc = CONN_FAILED;
	for (struct addrinfo *ai = list; ai != NULL && rc == CONN_FAILED;
		ai = ai->ai_next) {
		closefd(&c->fd);
		c->fd = socket(
			ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (c->fd < 0) {
			rc = fail_errno(c, "socket");
			continue;
		}
		int error = 0;
		socklen_t len = sizeof(error);
		if (connect(c->fd, ai->ai_addr, ai->ai_addrlen) == 0) {
			rc = CONN_OK;
		} else if (errno != EINPROGRESS) {
			rc = fail_errno(c, "connect");
		} else if ((rc = wait_fd(c, POLLOUT, deadline)) == CONN_OK) {
			getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
			errno = error;
			rc = error != 0 ? fail_errno(c, "connect") : CONN_OK;
		}
	}
	freeaddrinfo(list);
	return rc;
}

/** Read the reply of a request without results. */
static enum conn_status read_ack(struct conn *c, deadline_ms deadline)
{
	struct iproto_frame frame;
	enum conn_status rc = conn_read_frame(c, &frame, deadline);
	if (rc != CONN_OK)
		return rc;
	struct mp_cursor cur;
	struct iproto_header header;
	mp_cursor_init(&cur, frame.data, frame.end);
	if (iproto_decode_header(&cur, &header) != 0)
		return fail(c, "malformed reply");
	if (!(header.type & IPROTO_TYPE_ERROR))
		return CONN_OK;
	struct iproto_error_view error;
	if (iproto_decode_error(&cur, &error) != 0)
		return fail(c, "malformed reply");
	return fail(c, "%.*s", (int)error.message_len, error.message);
}

static enum conn_status login(struct conn *c, const struct uri *uri, deadline_ms deadline)
{
	char user[256];
	unsigned char scramble[CHAP_SIZE];
	bool has_password = uri->password.data != NULL;
	if (c->is_text)
		return CONN_OK; /* whoever may connect is admin there */
	if (text_set(user, sizeof(user), "%.*s", (int)uri->login.len, uri->login.data) !=
		0)
		return fail(c, "the user's name is too long");
	if (has_password)
		chap_scramble(uri->password.data, uri->password.len, c->greeting.salt,
			scramble);
	if (iproto_encode_auth(
		    &c->out, ++c->sync, user, has_password ? scramble : NULL) != 0)
		return fail(c, "out of memory");
	enum conn_status rc = conn_flush(c, deadline);
	return rc == CONN_OK ? read_ack(c, deadline) : rc;
}

enum conn_status conn_open_uri(
	struct conn *c, const struct uri *uri, deadline_ms deadline)
{
	char host[NI_MAXHOST], service[PATH_MAX];
	if (text_set(host, sizeof(host), "%.*s", (int)uri->host.len, uri->host.data) !=
			0 ||
		text_set(service, sizeof(service), "%.*s", (int)uri->service.len,
			uri->service.data) != 0)
		return fail(c, "the address is too long");
	enum conn_status rc;
	if (uri->host_kind == URI_HOST_UNIX)
		rc = connect_unix(c, service, deadline);
	else
		rc = connect_tcp(c, host, service, deadline);
	if (rc == CONN_OK)
		rc = read_greeting(c, deadline);
	if (rc == CONN_OK && uri->login.data != NULL)
		rc = login(c, uri, deadline);
	return rc;
}

enum conn_status conn_read_frame(
	struct conn *c, struct iproto_frame *ret_frame, deadline_ms deadline)
{
	drop_consumed(c);
	for (;;) {
		switch (iproto_split_frame(buf_head(&c->in), c->in.data + c->in.len,
			CONN_REPLY_MAX, ret_frame)) {
		case IPROTO_FRAME:
			c->consumed = (size_t)(ret_frame->end - buf_head(&c->in));
			return CONN_OK;
		case IPROTO_MORE:
			break;
		case IPROTO_BAD_SIZE:
			return fail(c, "malformed reply");
		case IPROTO_TOO_BIG:
			return fail(c, "the reply is larger than 1 GiB");
		}
		enum conn_status rc = fill(c, deadline);
		if (rc != CONN_OK)
			return rc;
	}
}

enum conn_status conn_read_text(
	struct conn *c, const char **ret_reply, size_t *ret_len, deadline_ms deadline)
{
	drop_consumed(c);
	c->scanned = 0;
	for (;;) {
		size_t len =
			text_find_reply(buf_head(&c->in), buf_used(&c->in), &c->scanned);
		if (len > 0) {
			*ret_reply = buf_head(&c->in);
			*ret_len = c->consumed = len;
			return CONN_OK;
		}
		if (buf_used(&c->in) > CONN_REPLY_MAX)
			return fail(c, "the reply is larger than 1 GiB");
		enum conn_status rc = fill(c, deadline);
		if (rc != CONN_OK)
			return rc;
	}
}

enum conn_status conn_ping(struct conn *c, deadline_ms deadline)
{
	const char *reply;
	size_t len;
	int rc = c->is_text ? buf_puts(&c->out, "return true\n")
			    : iproto_encode_ping(&c->out, ++c->sync);
	if (rc != 0)
		return fail(c, "out of memory");
	enum conn_status status = conn_flush(c, deadline);
	if (status != CONN_OK)
		return status;
	return c->is_text ? conn_read_text(c, &reply, &len, deadline)
			  : read_ack(c, deadline);
}
