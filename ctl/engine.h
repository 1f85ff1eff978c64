/* Which program runs an instance. */
#ifndef CTL_ENGINE_H
#define CTL_ENGINE_H

#include <stddef.h>
#include <sys/types.h>

/**
 * Find the program of an engine: `tarantella` beside ctl's own executable, then
 * in PATH; another name in PATH; a path as it is. Says what is wrong.
 * @return 0 or -1
 */
int engine_find(const char *engine, char *out, size_t size);
/** The program that a process runs. @return 0, or -1 when it cannot be told */
int engine_of_process(pid_t pid, char *out, size_t size);

#endif
