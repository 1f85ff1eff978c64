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
enum say_sink_type { SAY_STDERR, SAY_FILE, SAY_PIPE, SAY_SYSLOG };

/* As `error` of say_write(): the text is a JSON value. */
#define SAY_IS_JSON ((const char *)-1)

extern int say_log_level;

/**
 * Open the log.
 * @param spec NULL (stderr), a path, "file:PATH", "|COMMAND", "pipe:COMMAND",
 *             "syslog:identity=...,facility=...,server=..."
 * @return 0, or -1 with diag set; the log in use before stays then
 */
int say_open(const char *spec, bool nonblock, enum say_format format);
/** Is this a value for say_open()? @return 0, or -1 with diag set (IllegalParams) */
int say_check(const char *spec);
/** Where a valid spec leads. */
enum say_sink_type say_type(const char *spec);
void say_set_format(enum say_format format);
enum say_format say_get_format(void);
/** Pid of the command that the log is piped to; 0 when it is not. */
int say_command_pid(void);
/** From now on stdout and stderr lead to the log, also after a rotation (daemons). */
void say_take_stdio(void);
/** Reopen the file (SIGHUP, log.rotate()). -1 with diag set: the old one stays. */
int say_rotate(void);
void say_close(void);

/** Who logs: fills "main/101/app" for the running fiber. Set by the fiber layer. */
extern void (*say_context)(char *buf, int size);

/**
 * Write a line whatever say_log_level is.
 * @param error NULL; or what follows the text after a colon; or SAY_IS_JSON
 */
void say_write(int level, const char *file, int line, const char *error, const char *fmt,
	...) _format_(5, 6);
void say_vwrite(int level, const char *file, int line, const char *error, const char *fmt,
	va_list ap);

#define say(level, ...)                                                            \
	do {                                                                       \
		if ((level) <= say_log_level)                                      \
			say_write((level), __FILE__, __LINE__, NULL, __VA_ARGS__); \
	} while (0)
#define say_error(...) say(S_ERROR, __VA_ARGS__)
#define say_crit(...) say(S_CRIT, __VA_ARGS__)
#define say_warn(...) say(S_WARN, __VA_ARGS__)
#define say_info(...) say(S_INFO, __VA_ARGS__)
#define say_verbose(...) say(S_VERBOSE, __VA_ARGS__)
#define say_debug(...) say(S_DEBUG, __VA_ARGS__)

#endif
