/* The C API: the log. `log_level` itself is another name of say_log_level. */
#include "instance/module/api.h"

static void say_for_module(
	int level, const char *file, int line, const char *error, const char *format, ...)
{
	if (level > say_log_level)
		return;
	if (level < S_FATAL)
		level = S_FATAL;
	else if (level > S_DEBUG)
		level = S_DEBUG;
	va_list ap;
	va_start(ap, format);
	say_vwrite(level, file, line, error, format, ap);
	va_end(ap);
}

sayfunc_t _say = say_for_module;
