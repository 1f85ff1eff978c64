/*
 * The history file, in the form that Tarantool's consoles share: plain lines. It
 * is only ever appended to, under a lock, so consoles side by side lose nothing.
 */
#ifndef CTL_HISTORY_H
#define CTL_HISTORY_H

enum { HISTORY_MAX = 10000 /* lines that are kept */ };

/**
 * Call add for each entry of the file, oldest first. A file that has grown far
 * beyond HISTORY_MAX lines is cut.
 */
void history_file_load(
	const char *path, void (*add)(void *arg, const char *entry), void *arg);
/**
 * Append an entry. One of several lines is joined to one where that does not
 * change its meaning, so that it comes back whole.
 * @return 0, or -1 with errno set
 */
int history_file_append(const char *path, const char *entry);

#endif
