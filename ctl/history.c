#include "ctl/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_SIZE_MAX = 16 << 20 };

/** Read the whole file, terminated. NULL: there is none, or it is unreadable. */
static char *read_all(int fd, size_t *ret_len)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || st.st_size > HISTORY_SIZE_MAX)
		return NULL;
	char *text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		return NULL;
	size_t len = 0;
	while (len < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + len, (size_t)st.st_size - len, (off_t)len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret_len = len;
	return text;
}

/** Where the last HISTORY_MAX lines begin. */
static char *last_lines(char *text, size_t len)
{
	int lines = 0;
	for (char *p = text + len; p > text; p--) {
		if (p[-1] == '\n' && lines++ == HISTORY_MAX)
			return p;
	}
	return text;
}

/** Newer consoles write a line `#<seconds>` before each entry. */
static bool is_timestamp(const char *line)
{
	size_t digits = strspn(line + 1, "0123456789");
	return line[0] == '#' && digits > 0 && line[1 + digits] == '\0';
}

void history_file_load(
	const char *path, void (*add)(void *arg, const char *entry), void *arg)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	size_t len;
	flock(fd, LOCK_EX);
	char *text = read_all(fd, &len);
	if (text == NULL) {
		close(fd);
		return;
	}
	char *start = last_lines(text, len);
	size_t kept = len - (size_t)(start - text);
	if (len - kept > kept && ftruncate(fd, 0) == 0) {
		if (pwrite(fd, start, kept, 0) != (ssize_t)kept)
			errno = 0; /* it is a history; nothing better to do */
	}
	close(fd);
	for (char *line = start, *next; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (line[0] != '\0' && !is_timestamp(line))
			add(arg, line);
	}
	free(text);
}

/** Does a line end mean no more than a space in it? */
static bool can_join(const char *entry)
{
	return strstr(entry, "--") == NULL && strstr(entry, "[[") == NULL &&
	       strstr(entry, "[=") == NULL && strstr(entry, "\\\n") == NULL;
}

int history_file_append(const char *path, const char *entry)
{
	size_t len = strlen(entry);
	char *line = malloc(len + 2);
	if (line == NULL)
		return -1;
	memcpy(line, entry, len + 1);
	if (can_join(entry)) {
		for (char *p = line; (p = strchr(p, '\n')) != NULL; p++)
			*p = ' ';
	}
	line[len] = '\n';
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0) {
		free(line);
		return -1;
	}
	flock(fd, LOCK_EX);
	ssize_t n = write(fd, line, len + 1);
	close(fd);
	free(line);
	return n == (ssize_t)len + 1 ? 0 : -1;
}
