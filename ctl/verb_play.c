/*
 * Rows become requests, whose bodies are the rows' own, and go out many at one time.
 *
 * Happy path: rows are appended to the output until `batch` requests are open, then it
 * is sent and the replies are read. Failure: the first reply that is an error ends the
 * sending; the replies to what was sent before are waited for, and counted, so that the
 * message says exactly what was done and where to go on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/target.h"
#include "ctl/verb.h"
#include "ctl/xlog_file.h"
#include "ctl/xlog_select.h"

enum { PLAY_BATCH = 1000, PLAY_BATCH_MAX = 100000, PROGRESS_MS = 500 };

/* A request without its reply. */
struct open_row {
	uint64_t sync, lsn;
	bool is_open;
};

/* The command in work. */
struct play {
	struct xlog_select select;
	struct conn conn;
	struct open_row *open; /* by sync % batch; owned */
	uint32_t batch, open_count;
	uint64_t done;               /* rows that were applied */
	struct open_row failed;      /* the first that was not; sync 0: none */
	uint64_t done_behind_failed; /* of those sent behind it */
	char error[512];             /* of that one */
	bool is_skip;                /* go on behind damages */
	bool is_damaged;             /* some rows could not be read */
	int64_t progress_at;
	bool has_progress;
};

/* --- requests --- */

static bool is_request(uint32_t type)
{
	return type == IPROTO_TYPE_INSERT || type == IPROTO_TYPE_REPLACE ||
	       type == IPROTO_TYPE_UPDATE || type == IPROTO_TYPE_DELETE ||
	       type == IPROTO_TYPE_UPSERT;
}

static int put_request(struct play *p, const struct xlog_row *row)
{
	struct buf *out = &p->conn.out;
	uint64_t sync = ++p->conn.sync;
	size_t start = out->len;
	msgpack_packer pk;
	char *size = buf_reserve(out, 5);
	if (size == NULL)
		return -1;
	out->len += 5;
	mp_packer_init(&pk, out);
	int rc = msgpack_pack_map(&pk, 2);
	rc |= msgpack_pack_int(&pk, IPROTO_REQUEST_TYPE);
	rc |= msgpack_pack_uint32(&pk, row->type);
	rc |= msgpack_pack_int(&pk, IPROTO_SYNC);
	rc |= msgpack_pack_uint64(&pk, sync);
	rc |= buf_append(out, row->body, (size_t)(row->body_end - row->body));
	if (rc != 0)
		return -1;
	uint32_t be = htobe32((uint32_t)(out->len - start - 5));
	out->data[start] = (char)0xce;
	memcpy(out->data + start + 1, &be, 4);
	p->open[sync % p->batch] = (struct open_row){sync, row->lsn, true};
	p->open_count++;
	return 0;
}

/* --- replies --- */

static void on_error(struct play *p, const struct open_row *row, struct mp_cursor *body)
{
	struct iproto_error_view error;
	if (p->failed.sync != 0 && p->failed.sync < row->sync)
		return;
	p->failed = *row;
	if (iproto_decode_error(body, &error) == 0)
		text_set(p->error, sizeof(p->error), "%.*s", (int)error.message_len,
			error.message);
	else
		text_set(p->error, sizeof(p->error), "an error that cannot be read");
}

static int read_reply(struct play *p)
{
	struct iproto_frame frame;
	struct iproto_header header;
	struct mp_cursor cur;
	enum conn_status rc = conn_read_frame(&p->conn, &frame, DEADLINE_NONE);
	if (rc == CONN_INTERRUPTED)
		return CTL_INTERRUPTED;
	if (rc != CONN_OK) {
		text_set(p->error, sizeof(p->error), "%s",
			rc == CONN_CLOSED ? "the connection is lost" : p->conn.error);
		return CTL_UNREACHABLE;
	}
	mp_cursor_init(&cur, frame.data, frame.end);
	if (iproto_decode_header(&cur, &header) != 0) {
		text_set(p->error, sizeof(p->error), "a reply that is no IPROTO");
		return CTL_UNREACHABLE;
	}
	struct open_row *row = &p->open[header.sync % p->batch];
	if (row->sync != header.sync || !row->is_open)
		return CTL_OK; /* none of ours */
	row->is_open = false;
	p->open_count--;
	if (header.type & IPROTO_TYPE_ERROR) {
		on_error(p, row, &cur);
	} else {
		p->done++;
		if (p->failed.sync != 0)
			p->done_behind_failed++;
	}
	return CTL_OK;
}

/** Send, and read replies until at most `rest` requests are open. */
static int drain(struct play *p, uint32_t rest)
{
	enum conn_status sent = conn_flush(&p->conn, DEADLINE_NONE);
	if (sent == CONN_INTERRUPTED)
		return CTL_INTERRUPTED;
	if (sent != CONN_OK) {
		text_set(p->error, sizeof(p->error), "%s",
			sent == CONN_CLOSED ? "the connection is lost" : p->conn.error);
		return CTL_UNREACHABLE;
	}
	int rc = CTL_OK;
	while (rc == CTL_OK && p->open_count > rest)
		rc = read_reply(p);
	return rc;
}

/* --- the command --- */

static void show_progress(struct play *p, uint64_t lsn)
{
	if (!isatty(STDERR_FILENO) || clock_ms() < p->progress_at)
		return;
	p->progress_at = clock_ms() + PROGRESS_MS;
	p->has_progress = true;
	fprintf(stderr, "\r%" PRIu64 " rows, lsn %" PRIu64 " ", p->done, lsn);
}

static int play_row(struct play *p, const struct xlog_row *row)
{
	if (!is_request(row->type) || !xlog_select_matches(&p->select, row))
		return CTL_OK;
	/* Replies may come in another order: a slow one may hold the slot. */
	int rc = CTL_OK;
	while (rc == CTL_OK && p->open[(p->conn.sync + 1) % p->batch].is_open)
		rc = drain(p, p->open_count - 1);
	if (rc != CTL_OK)
		return rc;
	if (put_request(p, row) != 0) {
		text_set(p->error, sizeof(p->error), "out of memory");
		return CTL_FAILED;
	}
	/* Half of them at a time: the server always has some to work on. */
	if (p->open_count == p->batch)
		rc = drain(p, p->batch / 2);
	show_progress(p, row->lsn);
	return rc != CTL_OK ? rc : p->failed.sync != 0 ? CTL_REMOTE : CTL_OK;
}

/** After a damage: on with the next block, if that is wanted. */
static int skip(struct play *p, struct xlog_file *f)
{
	p->is_damaged = true;
	return xlog_file_recover(f, p->is_skip) == 0 ? CTL_OK : CTL_UNREACHABLE;
}

/** Rows up to the size that the file has now: what is played may be written to it. */
static int play_file(struct play *p, const char *path)
{
	struct stat st;
	struct xlog_row row;
	__attribute__((cleanup(xlog_file_close))) struct xlog_file f;
	ctl_say("Processing file '%s'", path);
	if (xlog_file_open(&f, path) != 0 || fstat(f.fd, &st) != 0) {
		ctl_say("%s", f.error);
		return CTL_UNREACHABLE;
	}
	f.limit = (uint64_t)st.st_size;
	for (;;) {
		int rc = CTL_OK;
		switch (xlog_file_next(&f, &row)) {
		case XLOG_OK:
			rc = play_row(p, &row);
			break;
		case XLOG_BAD:
			rc = skip(p, &f);
			break;
		case XLOG_MORE:
			if (!xlog_file_is_damaged(&f)) {
				xlog_file_note_torn(&f);
				return CTL_OK;
			}
			rc = skip(p, &f);
			break;
		case XLOG_EOF:
			return CTL_OK;
		}
		if (rc != CTL_OK)
			return rc;
	}
}

static void say_end(const struct play *p, int rc)
{
	if (p->has_progress)
		fputc('\n', stderr);
	bool is_known = p->error[0] == '\0' && p->open_count == 0;
	if (rc == CTL_OK || is_known) {
		ctl_say("%" PRIu64 " rows are played", p->done);
		return;
	}
	if (p->failed.sync != 0) {
		ctl_say("The row with lsn %" PRIu64 " failed: %s", p->failed.lsn,
			p->error);
		if (p->done_behind_failed > 0)
			ctl_say("%" PRIu64
				" of the rows behind it were sent already, and "
				"are applied (--batch=1 sends one at a time)",
				p->done_behind_failed);
		ctl_say("%" PRIu64 " rows are played. Go on with --from=%" PRIu64,
			p->done, p->failed.lsn);
		return;
	}
	if (p->error[0] != '\0')
		ctl_say("%s", p->error);
	ctl_say("%" PRIu64 " rows are played, of %" PRIu32 " more it is not known",
		p->done, p->open_count);
}

static int play_files(struct play *p, const struct xlog_files *files)
{
	int rc = CTL_OK;
	for (int i = 0; rc == CTL_OK && i < files->count; i++)
		rc = play_file(p, files->paths[i]);
	/* After a failure too: what was sent is applied or not, and that is told. */
	if (rc != CTL_INTERRUPTED && p->conn.fd >= 0) {
		int drained = drain(p, 0);
		rc = rc != CTL_OK ? rc : drained;
	}
	if (rc == CTL_OK && p->failed.sync != 0)
		return CTL_REMOTE;
	return rc == CTL_OK && p->is_damaged ? CTL_UNREACHABLE : rc;
}

static int parse_batch(const struct request *rq, uint32_t *batch)
{
	const char *text = request_option(rq, "batch");
	char *end = "";
	long n = text != NULL ? strtol(text, &end, 10) : PLAY_BATCH;
	if (*end != '\0' || n < 1 || n > PLAY_BATCH_MAX) {
		ctl_say("Bad --batch '%s': a number from 1 to %d is expected", text,
			PLAY_BATCH_MAX);
		return CTL_USAGE;
	}
	*batch = (uint32_t)n;
	return CTL_OK;
}

static int connect_target(struct play *p, const struct target *target)
{
	enum conn_status status = target_open(target, &p->conn, DEADLINE_NONE);
	if (status != CONN_OK)
		return target_explain(target, &p->conn, status);
	if (!p->conn.is_text)
		return CTL_OK;
	ctl_say("play needs the binary protocol, and a text console answers there");
	return CTL_UNREACHABLE;
}

static int run(const struct request *rq)
{
	struct play p = {.is_skip = request_option(rq, "skip-damaged") != NULL};
	struct target target;
	struct xlog_files files = {0};
	if (xlog_select_init(&p.select, rq) != CTL_OK ||
		parse_batch(rq, &p.batch) != CTL_OK)
		return CTL_USAGE;
	int rc = target_of_uri(&target, rq->argv[0]);
	if (rc != CTL_OK)
		return rc;
	p.open = calloc(p.batch, sizeof(*p.open));
	conn_init(&p.conn);
	interrupt_start();
	rc = p.open != NULL && xlog_files_init(&files, rq->argc - 1, rq->argv + 1) == 0
		     ? connect_target(&p, &target)
		     : CTL_UNREACHABLE;
	if (rc == CTL_OK) {
		rc = play_files(&p, &files);
		say_end(&p, rc);
	}
	interrupt_stop();
	xlog_files_fini(&files);
	conn_fini(&p.conn);
	free(p.open);
	return rc;
}

static const struct verb_option options[] = {
	XLOG_SELECT_OPTIONS,
	{"batch", 0, "N", "requests that are open at one time (1000)"},
	{"skip-damaged", 0, NULL, "leave out what is damaged and go on behind it"},
	{NULL},
};

const struct verb verb_row_play = {
	.name = "play",
	.args = "URI FILE...",
	.summary = "Apply the rows of .snap and .xlog files to what listens at a URI",
	.help = "Rows of system spaces are left out unless they are asked for. Of a file "
		"that\ngrows, what it holds now is played. The first row that fails ends "
		"it; the\nmessage says which, and where to go on.",
	.options = options,
	.min_args = 2,
	.max_args = -1,
	.run = run,
};
