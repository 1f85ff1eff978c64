/* The process title: what ps shows, in place of the arguments. */
#ifndef BASE_PROC_TITLE_H
#define BASE_PROC_TITLE_H

/**
 * Take over the memory of the arguments and of the environment; both are copied
 * first. @return the copy of argv to use from now on; argv itself without memory
 */
char **proc_title_init(int argc, char **argv);
/** Show this text, cut to the room that there is. */
void proc_title_set(const char *text);

#endif
