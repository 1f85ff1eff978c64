/* Programs that get the terminal for their time: a shell, an editor, a pager. */
#ifndef CTL_CHILD_H
#define CTL_CHILD_H

#include <stddef.h>

enum { CHILD_NOT_FOUND = 127 };

/**
 * Run a command line of the shell and wait for its end. Ctrl-C meanwhile is the
 * child's.
 * @param input what it reads from stdin; NULL: the terminal
 * @return its exit status, 128 + the signal that ended it, -1 with errno set when there
 *         is no shell
 */
int child_run(const char *command, const char *input, size_t len);
/** End the child that runs, if one does. Safe in a signal handler. */
void child_end(void);

#endif
