/*
 * The log, in Tarantool's line format:
 *   2026-11-21 12:00:00.123 [PID] main/101/app file.c:12 I> text
 *
 * Library code does not log; what is at the top does (programs, box.cfg, net).
 */
#ifndef BASE_SAY_H
#define BASE_SAY_H

#include <stdarg.h>
#include <stdbool.h>

#include "instance/base/util.h"

enum say_level {
	S_FATAL,
	S_SYSERROR,
	S_ERROR,
	S_CRIT,
	S_WARN,
	S_INFO,
	S_VERBOSE,
	S_DEBUG,
};

enum say_format { SF_PLAIN, SF_JSON };

extern int say_log_level;

/**
 * Open the log.
 * @param spec NULL (stderr), a path, "file:PATH", "|COMMAND", "pipe:COMMAND",
 *             "syslog:identity=...,facility=...,server=..."
 * @return 0, or -1 with diag set; the log in use before stays then
 */
int say_open(const char *spec, bool nonblock, enum say_format format);
/** Reopen the file (SIGHUP, log.rotate()). -1 with diag set: the old one stays. */
int say_rotate(void);
void say_close(void);

/** Who logs: fills "main/101/app" for the running fiber. Set by the fiber layer. */
extern void (*say_context)(char *buf, int size);

void say_write(int level, const char *file, int line, const char *error, const char *fmt, ...)
	_format_(5, 6);
void say_vwrite(int level, const char *file, int line, const char *error, const char *fmt,
	va_list ap);

#define say(level, ...)                                                                  \
	do {                                                                             \
		if ((level) <= say_log_level)                                            \
			say_write((level), __FILE__, __LINE__, NULL, __VA_ARGS__);       \
	} while (0)
#define say_error(...) say(S_ERROR, __VA_ARGS__)
#define say_crit(...) say(S_CRIT, __VA_ARGS__)
#define say_warn(...) say(S_WARN, __VA_ARGS__)
#define say_info(...) say(S_INFO, __VA_ARGS__)
#define say_verbose(...) say(S_VERBOSE, __VA_ARGS__)
#define say_debug(...) say(S_DEBUG, __VA_ARGS__)

#endif
