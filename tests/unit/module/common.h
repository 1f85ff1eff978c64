/*
 * What the tests of C modules share: files in a directory of their own, functions,
 * and tests that run in a fiber.
 */
#ifndef TESTS_UNIT_MODULE_COMMON_H
#define TESTS_UNIT_MODULE_COMMON_H

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance/box/func.h"
#include "instance/fiber/fiber.h"
#include "instance/module/module.h"
#include "proto/buf.h"

static char dir[] = "/tmp/test_module.XXXXXX";
static char tmp_dir[128];
static const char *source_dir;

/* ---- Files ---- */

static inline const char *file_path(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s.so", dir, name);
	return path;
}

static char *read_source(const char *name, size_t *ret_size)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s.so", source_dir, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*ret_size = (size_t)ftell(f);
	rewind(f);
	char *data = malloc(*ret_size);
	assert_int_equal(fread(data, 1, *ret_size, f), *ret_size);
	fclose(f);
	return data;
}

/* A new file in place of the old one, as a linker makes it. */
static inline void write_file(const char *name, const char *data, size_t size)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/new", dir);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
	assert_int_equal(rename(path, file_path(name)), 0);
}

static inline void install(const char *source, const char *name)
{
	size_t size;
	char *data = read_source(source, &size);
	write_file(name, data, size);
	free(data);
}

static inline int search_in_dir(const char *name, size_t len, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%.*s.so", dir, (int)len, name);
	if (access(ret_path, F_OK) == 0)
		return 0;
	diag_set_client(ER_LOAD_MODULE, (int)len, name, "module not found");
	return -1;
}

static inline int count_entries(const char *path)
{
	DIR *d = opendir(path);
	int count = 0;
	assert_non_null(d);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count;
}

static inline int count_mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;
	while (fgets(line, sizeof(line), f) != NULL)
		count += strstr(line, ".so (deleted)") != NULL &&
			 strstr(line, "r-xp") != NULL;
	fclose(f);
	return count;
}

static inline int count_versions(enum module_state state)
{
	int count = 0;
	list_foreach(v, &module_versions, struct module_version, link)
	{
		count += module_version_state(v) == state;
	}
	return count;
}

static inline void wait_drained(void)
{
	double deadline = fiber_clock() + 30;
	while (count_versions(MODULE_DRAINING) > 0) {
		assert_true(fiber_clock() < deadline);
		fiber_sleep(0.001);
	}
}

/* Of the version that got stuck last. */
static inline const char *last_stuck_reason(void)
{
	const char *reason = NULL;
	list_foreach(v, &module_versions, struct module_version, link)
	{
		if (module_version_state(v) == MODULE_STUCK)
			reason = module_stuck_reason(v);
	}
	return reason;
}

/* ---- Functions and calls ---- */

static inline void create(const char *name)
{
	struct func *func = calloc(1, sizeof(*func));
	func->ref.name = strdup(name);
	func->language = FUNC_LANGUAGE_C;
	func_cache_put(func);
}

static inline void drop(const char *name)
{
	struct func *func = func_by_name(name, strlen(name));
	func_cache_del(func);
	func_free(func);
}

/* A small number that the function returns; -1: it failed. */
static inline int call(const char *name)
{
	_cleanup_(buf_fini) struct buf out = {0};
	struct func_result result = {.out = &out};
	static const char no_args[] = "\x90";
	if (func_c_call(func_by_name(name, strlen(name)), no_args, no_args + 1,
		    &result) != 0) {
		assert_int_equal(out.len, 0);
		return -1;
	}
	return result.count == 0 ? 0 : out.data[0];
}

static inline int reload(const char *name)
{
	return module_reload(name, strlen(name), false, NULL);
}

static inline void assert_error(const char *part)
{
	assert_non_null(diag_last());
	if (strstr(diag_last()->message, part) == NULL)
		fail_msg("'%s' is not in: %s", part, diag_last()->message);
}

/* ---- Each test runs in a fiber ---- */

static void (*body)(void);

static inline int run_body(void *arg)
{
	body();
	return 0;
}

static inline void run_in_fiber(void (*func)(void))
{
	body = func;
	struct fiber *f = fiber_create("test", run_body, NULL);
	fiber_wakeup(f);
	fiber_loop_run(true);
}

static inline void end(const char *const *names)
{
	for (; *names != NULL; names++)
		drop(*names);
	assert_int_equal(count_versions(MODULE_CURRENT), 0);
	assert_int_equal(count_versions(MODULE_DRAINING), 0);
}

static const char *const both[] = {"m.version", "m.slow", NULL};

static inline void begin(void)
{
	install("v1", "m");
	create("m.version");
	create("m.slow");
	assert_int_equal(call("m.version"), 1);
	assert_int_equal(call("m.slow"), 1);
}

static inline int setup(void **state)
{
	source_dir = getenv("MODULE_DIR");
	if (source_dir == NULL || mkdtemp(dir) == NULL)
		return -1;
	snprintf(tmp_dir, sizeof(tmp_dir), "%s/tmp", dir);
	mkdir(tmp_dir, 0700);
	unsetenv("TMPDIR");
	module_search = search_in_dir;
	return fiber_init() != 0 || func_cache_init() != 0 || module_init() != 0 ? -1 : 0;
}

static inline int teardown(void **state)
{
	unlink(file_path("m"));
	unlink(file_path("s"));
	rmdir(tmp_dir);
	rmdir(dir);
	func_cache_fini();
	fiber_fini();
	setenv("TEST_IS_OVER", "1", 1);
	return 0;
}

#endif
