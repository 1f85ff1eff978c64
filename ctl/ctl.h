/* What all of ctl shares: exit codes, messages, deadlines. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _format_(a, b) __attribute__((format(printf, a, b)))
#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

enum exit_code {
	CTL_OK = 0,           /* done and verified */
	CTL_FAILED = 1,       /* refused or failed, nothing changed */
	CTL_UNREACHABLE = 2,  /* cannot read the file or reach the instance */
	CTL_REMOTE = 3,       /* the code failed inside the instance, or timed out */
	CTL_ROLLED_BACK = 4,  /* switched, then rolled back */
	CTL_NOT_DRAINED = 5,  /* switched, something of the old is still there */
	CTL_USAGE = 64,       /* wrong command line */
	CTL_INTERRUPTED = 130 /* Ctrl-C */
};

/** The code of a command over several instances, from two of them. */
int exit_code_merge(int a, int b);

/** A line for people, to stderr. */
void ctl_say(const char *fmt, ...) _format_(1, 2);
/**
 * Bring what was printed to stdout.
 * @return CTL_OK, or CTL_FAILED: it could not be written, which is said once
 */
int ctl_flush(void);
/** A line for people that is worth seeing on a terminal only. */
void ctl_progress(const char *fmt, ...) _format_(1, 2);

/* A point of the monotonic clock in milliseconds; DEADLINE_NONE: never. */
typedef int64_t deadline_ms;
#define DEADLINE_NONE INT64_MAX

/** Now, on the clock of deadline_ms. */
int64_t clock_ms(void);
/** From now; a negative duration means never. */
deadline_ms deadline_after(int64_t duration_ms);
/** For poll(): milliseconds left, 0 when it passed, -1 for never. */
int deadline_left(deadline_ms deadline);
/** `250ms`, `5s`, `2m`, `1h`; a bare number counts seconds. @return -1: malformed */
int duration_parse(const char *text, int64_t *ret_ms);

/** snprintf that fails when the text does not fit. @return 0 or -1 */
int text_set(char *buf, size_t size, const char *fmt, ...) _format_(3, 4);
void closefd(const int *fd);
void freetext(char **text);

/** Length of the UTF-8 sequence that the text begins with, 0 when it is none. */
size_t utf8_length(const char *text, size_t left);
/** Append a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
struct buf;
int json_string(struct buf *out, const char *text, size_t len);
/** Append text; bytes that are no UTF-8 become U+FFFD. */
int utf8_append(struct buf *out, const char *text, size_t len);

/** Read a whole file ("-": stdin). @return 0, or -1 with errno set. */
int file_read(const char *path, struct buf *out);
int fd_read(int fd, struct buf *out);
/** Write everything. @return 0, or -1 with errno set. */
int fd_write(int fd, const char *data, size_t len);

#endif
