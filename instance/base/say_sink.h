/* Where the log goes: stderr, a file, a command's stdin, syslog. */
#ifndef BASE_SAY_SINK_H
#define BASE_SAY_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "instance/base/say.h"
#include "proto/buf.h"

/* In place; owned by the log. */
struct say_sink {
	enum say_sink_type type;
	int fd;         /* -1 while it is not open */
	char *path;     /* file (absolute), command, or syslog server; NULL: default */
	char *identity; /* syslog */
	int facility;   /* syslog */
	pid_t pid;      /* of the command */
};

/** Read a box.cfg.log value. @return 0, or -1 with diag set (nothing to close) */
int say_sink_parse(struct say_sink *s, const char *spec);
/** @return 0, or -1 with diag set */
int say_sink_open(struct say_sink *s, bool nonblock);
/** Open the file again (it was renamed). -1 with diag set: the old one stays. */
int say_sink_reopen(struct say_sink *s);
/** One line. @return 0, or -1 with errno: it is lost */
int say_sink_write(struct say_sink *s, const char *line, size_t len);
void say_sink_close(struct say_sink *s);
/** `<priority>Mmm dd hh:mm:ss identity[pid]: ` */
void say_sink_syslog_header(const struct say_sink *s, int level, struct buf *out);

#endif
