/* The file of a listening Unix socket. Internal to net/. */
#ifndef NET_UNIX_SOCKET_H
#define NET_UNIX_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

/* Owned by its listener. */
struct unix_file {
	char *path; /* absolute; NULL: no file */
	dev_t dev;
	ino_t ino;
};

/**
 * Make a socket bound to the path; it does not listen yet. A file that is left from
 * a process that died is replaced; one that somebody answers on, or that is no
 * socket, is refused. Paths may be longer than a socket address.
 * @param mode the file's mode; it never has more than that
 * @param group the file's group, or -1: as created
 * @param who  names the service in messages
 * @return the descriptor; -1 with diag set
 */
int unix_file_bind(struct unix_file *file, const char *path, mode_t mode, gid_t group,
	const char *who);
/** Is the file still there, and still this socket's? */
bool unix_file_is_own(const struct unix_file *file);
/** Remove it if it is; forget it. */
void unix_file_remove(struct unix_file *file);

#endif
