/*
 * The control socket speaks both protocols; the first bytes tell which.
 *
 * A length (an unsigned MessagePack integer of any width) within the limit, followed
 * by a byte that opens a map, is IPROTO; anything else is text. One byte cannot
 * decide: a line may begin with eight spaces, and 0x20 is a length too. What stays
 * open becomes text when it ends with a newline and nothing follows for a moment,
 * or at the end.
 */
#include "instance/net/conn.h"

#include <stdlib.h>

#include "instance/base/say.h"
#include "instance/net/hooks.h"

enum sniff { SNIFF_IPROTO, SNIFF_TEXT, SNIFF_OPEN };

static bool opens_map(unsigned char c)
{
	return (c >= 0x80 && c <= 0x8f) || c == 0xde || c == 0xdf;
}

static enum sniff sniff(const char *data, size_t len)
{
	struct iproto_frame frame;
	enum iproto_split split =
		iproto_split_frame(data, data + len, NET_FRAME_MAX, &frame);
	if (split == IPROTO_BAD_SIZE || split == IPROTO_TOO_BIG)
		return SNIFF_TEXT;
	if (frame.size_len == 0 || len == frame.size_len)
		return SNIFF_OPEN;
	return opens_map((unsigned char)data[frame.size_len]) ? SNIFF_IPROTO : SNIFF_TEXT;
}

bool conn_sniff(struct conn *con)
{
	size_t len = conn_unread(con);
	const char *data = len > 0 ? con->chunk->data + con->rpos : "";
	enum sniff result = sniff(data, len);
	ev_timer_stop(fiber_loop, &con->sniff_timer);
	if (result == SNIFF_IPROTO) {
		conn_begin(con);
		return true;
	}
	if (result == SNIFF_OPEN && con->is_eof && len == 0) {
		conn_close(con); /* somebody looked whether we are there */
		return false;
	}
	if (result == SNIFF_OPEN && !con->is_eof) {
		if (len > 0 && data[len - 1] == '\n') {
			ev_timer_set(&con->sniff_timer, NET_SNIFF_S, 0);
			ev_timer_start(fiber_loop, &con->sniff_timer);
		}
		return false;
	}
	conn_become_text(con);
	return false;
}

static int text_main(void *arg)
{
	struct conn *con = arg;
	net_hooks.serve_text(con);
	conn_close(con);
	conn_unref(con);
	return 0;
}

void conn_become_text(struct conn *con)
{
	con->kind = CONN_TEXT;
	con->session->type = SESSION_CONSOLE;
	conn_set_reading(con, false);
	ev_timer_stop(fiber_loop, &con->sniff_timer);
	struct fiber *f = fiber_create("console", text_main, con);
	if (f == NULL) {
		say_error("%s", diag_last()->message);
		conn_close(con);
		return;
	}
	con->refs++;
	con->text_fiber = f;
	fiber_wakeup(f);
}
