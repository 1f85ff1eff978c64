#include "ctl/engine.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

/** Try DIR/NAME. */
static int try_program(
	const char *dir, size_t dir_len, const char *name, char *out, size_t size)
{
	if (text_set(out, size, "%.*s/%s", (int)dir_len, dir, name) != 0)
		return -1;
	return access(out, X_OK);
}

static int find_beside(const char *name, char *out, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return -1;
	self[n] = '\0';
	char *slash = strrchr(self, '/');
	size_t len = (size_t)(slash - self);
	if (try_program(self, len, name, out, size) == 0)
		return 0;
	/* In a build tree: ctl/ctl and instance/tarantella. */
	if (len < 4 || memcmp(self + len - 4, "/ctl", 4) != 0 ||
		text_set(out, size, "%.*s/instance/%s", (int)len - 4, self, name) != 0)
		return -1;
	return access(out, X_OK);
}

static int find_in_path(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH");
	for (const char *p = path != NULL ? path : "/usr/bin:/bin"; *p != '\0';) {
		size_t len = strcspn(p, ":");
		if (len > 0 && try_program(p, len, name, out, size) == 0)
			return 0;
		p += len + (p[len] == ':');
	}
	return -1;
}

int engine_find(const char *engine, char *out, size_t size)
{
	if (strchr(engine, '/') != NULL) {
		if (text_set(out, size, "%s", engine) == 0 && access(out, X_OK) == 0)
			return 0;
		ctl_say("Can't run the engine %s: %m", engine);
		return -1;
	}
	if (strcmp(engine, "tarantella") == 0 && find_beside(engine, out, size) == 0)
		return 0;
	if (find_in_path(engine, out, size) == 0)
		return 0;
	ctl_say("The engine '%s' is not installed: it is %sin PATH", engine,
		strcmp(engine, "tarantella") == 0 ? "neither beside ctl nor " : "not ");
	return -1;
}

int engine_of_process(pid_t pid, char *out, size_t size)
{
	char link[64];
	text_set(link, sizeof(link), "/proc/%d/exe", (int)pid);
	ssize_t n = readlink(link, out, size - 1);
	if (n <= 0)
		return -1;
	out[n] = '\0';
	/* A program that was replaced while it runs: the new one. */
	static const char deleted[] = " (deleted)";
	size_t m = sizeof(deleted) - 1;
	if ((size_t)n > m && strcmp(out + n - m, deleted) == 0)
		out[(size_t)n - m] = '\0';
	return access(out, X_OK);
}
