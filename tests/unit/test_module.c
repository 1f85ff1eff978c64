/* C modules: loading, calls, reloads under them, and all that is wrong with files. */
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

static const char *file_path(const char *name)
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
static void write_file(const char *name, const char *data, size_t size)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/new", dir);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
	assert_int_equal(rename(path, file_path(name)), 0);
}

static void install(const char *source, const char *name)
{
	size_t size;
	char *data = read_source(source, &size);
	write_file(name, data, size);
	free(data);
}

static int search_in_dir(const char *name, size_t len, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%.*s.so", dir, (int)len, name);
	if (access(ret_path, F_OK) == 0)
		return 0;
	diag_set_client(ER_LOAD_MODULE, (int)len, name, "module not found");
	return -1;
}

static int count_entries(const char *path)
{
	DIR *d = opendir(path);
	int count = 0;
	assert_non_null(d);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count;
}

static int count_mapped(void)
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

static int count_versions(enum module_state state)
{
	int count = 0;
	list_foreach(v, &module_versions, struct module_version, link)
	{
		count += module_version_state(v) == state;
	}
	return count;
}

static void wait_drained(void)
{
	double deadline = fiber_clock() + 30;
	while (count_versions(MODULE_DRAINING) > 0) {
		assert_true(fiber_clock() < deadline);
		fiber_sleep(0.001);
	}
}

/* Of the version that got stuck last. */
static const char *last_stuck_reason(void)
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

static void create(const char *name)
{
	struct func *func = calloc(1, sizeof(*func));
	func->ref.name = strdup(name);
	func->language = FUNC_LANGUAGE_C;
	func_cache_put(func);
}

static void drop(const char *name)
{
	struct func *func = func_by_name(name, strlen(name));
	func_cache_del(func);
	func_free(func);
}

/* A small number that the function returns; -1: it failed. */
static int call(const char *name)
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

static int reload(const char *name)
{
	return module_reload(name, strlen(name), false, NULL);
}

static void assert_error(const char *part)
{
	assert_non_null(diag_last());
	if (strstr(diag_last()->message, part) == NULL)
		fail_msg("'%s' is not in: %s", part, diag_last()->message);
}

/* ---- Each test runs in a fiber ---- */

static void (*body)(void);

static int run_body(void *arg)
{
	body();
	return 0;
}

static void run_in_fiber(void (*func)(void))
{
	body = func;
	struct fiber *f = fiber_create("test", run_body, NULL);
	fiber_wakeup(f);
	fiber_loop_run(true);
}

static void end(const char *const *names)
{
	for (; *names != NULL; names++)
		drop(*names);
	assert_int_equal(count_versions(MODULE_CURRENT), 0);
	assert_int_equal(count_versions(MODULE_DRAINING), 0);
}

static const char *const both[] = {"m.version", "m.slow", NULL};

static void begin(void)
{
	install("v1", "m");
	create("m.version");
	create("m.slow");
	assert_int_equal(call("m.version"), 1);
	assert_int_equal(call("m.slow"), 1);
}

static void call_returns_values(void)
{
	begin();
	_cleanup_(buf_fini) struct buf out = {0};
	struct func_result result = {.out = &out, .keeps_values = true};
	static const char args[] = "\x92\x01\xa3xyz";
	buf_append(&out, "before", 6);
	create("m.echo");
	struct func *echo = func_by_name("m.echo", 6);
	assert_int_equal(func_c_call(echo, args, args + 6, &result), 0);
	assert_int_equal(result.count, 1);
	assert_memory_equal(out.data + result.values[0].begin, args, 6);
	create("m.fails");
	struct func *fails = func_by_name("m.fails", 7);
	func_result_fini(&result);
	assert_int_equal(func_c_call(fails, args, args + 6, &result), -1);
	assert_error("unknown error");
	assert_int_equal(result.count, 0);
	assert_int_equal(out.len, 12);
	create("m.garbage");
	assert_int_equal(call("m.garbage"), -1);
	assert_error("Invalid MsgPack");
	create("m.two_at_once");
	assert_int_equal(call("m.two_at_once"), -1);
	assert_error("Invalid MsgPack");
	create("m.nobody");
	assert_int_equal(call("m.nobody"), -1);
	assert_error("undefined symbol: nobody");
	create("m.open"); /* libc has that one */
	assert_int_equal(call("m.open"), -1);
	assert_error("undefined symbol: open");
	create("none.f");
	assert_int_equal(call("none.f"), -1);
	assert_error("Failed to dynamically load module 'none': module not found");
	static const char *const names[] = {"m.version", "m.slow", "m.echo", "m.fails",
		"m.garbage", "m.two_at_once", "m.nobody", "m.open", "none.f", NULL};
	end(names);
	assert_int_equal(count_mapped(), 0);
}

static void test_call_returns_values(void **state)
{
	run_in_fiber(call_returns_values);
}

static int slow_sum, slow_done;

static int run_slow(void *arg)
{
	slow_sum += call("m.slow") * (arg != NULL ? 100 : 1);
	slow_done++;
	return 0;
}

static void start_slow(void *arg)
{
	fiber_run_now(fiber_create("slow", run_slow, arg));
}

static void reload_keeps_calls(void)
{
	begin();
	slow_sum = slow_done = 0;
	struct module_report report;
	start_slow(NULL);
	start_slow(NULL);
	install("v2", "m");
	assert_int_equal(module_reload("m", 1, true, &report), 0); /* a check only */
	assert_int_equal(call("m.version"), 1);
	assert_int_equal(module_reload("m", 1, false, &report), 0);
	assert_string_equal(report.old_build_id, "01");
	assert_string_equal(report.new_build_id, "02");
	assert_int_equal(report.func_count, 2);
	assert_int_equal(report.old_pins[MODULE_PIN_CALL], 2);
	assert_true(report.time_s > 0);
	assert_int_equal(call("m.version"), 2);
	start_slow("new");
	assert_int_equal(count_mapped(), 2);
	assert_int_equal(count_versions(MODULE_DRAINING), 1);
	wait_drained();
	assert_int_equal(count_mapped(), 1);
	while (slow_done < 3)
		fiber_sleep(0.001);
	assert_int_equal(slow_sum, 1 + 1 + 2 * 100);
	/* The module goes with its last function, and its call ends all the same. */
	start_slow(NULL);
	drop("m.version");
	struct module_version *v =
		list_first(&module_versions, struct module_version, link);
	assert_int_equal(v->func_count, 1);
	drop("m.slow");
	assert_int_equal(count_versions(MODULE_DRAINING), 1);
	wait_drained();
	assert_int_equal(count_mapped(), 0);
	assert_int_equal(reload("m"), -1);
	assert_error("Module 'm' does not exist");
}

static void test_reload_keeps_calls(void **state)
{
	run_in_fiber(reload_keeps_calls);
}

/* The file is refused, the old version serves as if nothing had been. */
static void refuse(const char *part)
{
	diag_clear();
	assert_int_equal(reload("m"), -1);
	assert_error(part);
	assert_int_equal(call("m.version"), 1);
	assert_int_equal(call("m.slow"), 1);
	assert_int_equal(count_mapped(), 1);
}

static void reload_refuses_files(void)
{
	begin();
	size_t size;
	char *data = read_source("v2", &size);
	install("less", "m");
	refuse("Failed to dynamically load function 'slow': ");
	install("data", "m");
	refuse("slow");
	install("undefined", "m");
	refuse("m.so: undefined symbol: nobody_has_this");
	install("aborts", "m");
	refuse("loading it ends the process (Aborted)");
	install("exits", "m");
	refuse("loading it calls exit(3)");
	install("crashes", "m");
	refuse("loading it ends the process (");
	write_file("m", "no module\n", 10);
	refuse("is not an ELF file");
	write_file("m", data, 0);
	refuse("is empty");
	for (size_t cut = 512; cut < size; cut += 512) {
		write_file("m", data, cut);
		assert_int_equal(reload("m"), -1);
		assert_error("Failed to dynamically load module 'm': ");
	}
	refuse("m.so");
	data[18] = '\xb7'; /* e_machine: aarch64 */
	write_file("m", data, size);
	refuse("is not made for this machine");
	unlink(file_path("m"));
	refuse("module not found");
	mkdir(file_path("m"), 0700);
	refuse("is a directory");
	rmdir(file_path("m"));
	mkfifo(file_path("m"), 0700);
	refuse("is not a file");
	unlink(file_path("m"));
	symlink("m.so", file_path("m"));
	refuse("Failed to dynamically load module 'm'");
	unlink(file_path("m"));
	install("v2", "m");
	int fd = open(file_path("m"), O_WRONLY);
	refuse("is open for writing");
	close(fd);
	assert_int_equal(reload("m"), 0);
	assert_int_equal(call("m.version"), 2);
	free(data);
	end(both);
	assert_int_equal(count_mapped(), 0);
}

static void test_reload_refuses_files(void **state)
{
	run_in_fiber(reload_refuses_files);
}

static void reload_tries_constructors(void)
{
	begin();
	install("constructs", "m");
	assert_int_equal(reload("m"), 0);
	assert_int_equal(call("m.version"), 110);
	install("destructs", "m");
	assert_int_equal(reload("m"), 0);
	assert_int_equal(call("m.version"), 13);
	end(both);
	/* The first load blocks; it tries all the same. */
	install("aborts", "m");
	create("m.version");
	assert_int_equal(call("m.version"), -1);
	assert_error("loading it ends the process (Aborted)");
	drop("m.version");
	assert_int_equal(count_mapped(), 0);
}

static void test_reload_tries_constructors(void **state)
{
	run_in_fiber(reload_tries_constructors);
}

static int reload_rc[2], reloads_done;

static int run_reload(void *arg)
{
	int i = reloads_done;
	reload_rc[i] = reload("m");
	reloads_done++;
	return 0;
}

static void reload_during_reload(void)
{
	begin();
	install("constructs", "m"); /* it waits for the child that tries it */
	reloads_done = 0;
	fiber_run_now(fiber_create("reload", run_reload, NULL));
	assert_int_equal(reloads_done, 0);
	assert_int_equal(reload("m"), -1);
	assert_error("it is being reloaded");
	assert_int_equal(call("m.version"), 1);
	while (reloads_done < 1)
		fiber_sleep(0.001);
	assert_int_equal(reload_rc[0], 0);
	assert_int_equal(call("m.version"), 110);
	/* Its functions are dropped meanwhile. */
	reloads_done = 0;
	fiber_run_now(fiber_create("reload", run_reload, NULL));
	end(both);
	while (reloads_done < 1)
		fiber_sleep(0.001);
	assert_int_equal(reload_rc[0], -1);
	assert_int_equal(count_mapped(), 0);
}

static void test_reload_during_reload(void **state)
{
	run_in_fiber(reload_during_reload);
}

/* The file is not in memory: a worker thread reads it, and others go on. */
static void reload_reads_a_disk(void)
{
	begin();
	install("v2", "m");
	int fd = open(file_path("m"), O_RDONLY);
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	reloads_done = 0;
	fiber_run_now(fiber_create("reload", run_reload, NULL));
	if (reloads_done == 0) /* not so on a file system in memory */
		assert_int_equal(call("m.version"), 1);
	while (reloads_done < 1)
		fiber_sleep(0.001);
	assert_int_equal(reload_rc[0], 0);
	assert_int_equal(call("m.version"), 2);
	end(both);
	assert_int_equal(count_mapped(), 0);
}

static void test_reload_reads_a_disk(void **state)
{
	run_in_fiber(reload_reads_a_disk);
}

static int cancel_background(struct fiber *f, void *arg)
{
	if (strcmp(f->name, "background") == 0)
		fiber_cancel(f);
	return 0;
}

static void pins_keep_versions(void)
{
	begin();
	create("m.starts_fiber");
	create("m.runs_task");
	assert_int_equal(call("m.starts_fiber"), 0);
	struct module_version *old =
		list_first(&module_versions, struct module_version, link);
	assert_int_equal(old->pins[MODULE_PIN_FIBER], 1);
	install("v2", "m");
	assert_int_equal(reload("m"), 0);
	assert_int_equal(count_versions(MODULE_DRAINING), 1);
	assert_ptr_equal(module_by_address((void *)old->begin), old);
	fiber_sleep(0.005); /* it runs in the old file */
	fiber_each(cancel_background, NULL);
	wait_drained();
	assert_int_equal(count_mapped(), 1);
	assert_int_equal(call("m.runs_task"), 2);
	assert_int_equal(count_versions(MODULE_CURRENT), 1);
	static const char *const names[] = {
		"m.version", "m.slow", "m.starts_fiber", "m.runs_task", NULL};
	end(names);
	assert_int_equal(count_mapped(), 0);
}

static void test_pins_keep_versions(void **state)
{
	run_in_fiber(pins_keep_versions);
}

static void replace_stuck(const char *source, const char *proc, const char *reason)
{
	char name[64];
	int stuck = count_versions(MODULE_STUCK);
	struct module_report report;
	snprintf(name, sizeof(name), "s.%s", proc);
	install(source, "s");
	create("s.version");
	create(name);
	assert_true(call("s.version") > 0);
	assert_true(call(name) >= 0);
	install("v2", "s");
	assert_int_equal(module_reload("s", 1, false, &report), 0);
	assert_int_equal(call("s.version"), 2);
	assert_int_equal(count_versions(MODULE_STUCK), stuck + 1);
	assert_string_equal(last_stuck_reason(), reason);
	drop("s.version");
	drop(name);
	assert_int_equal(count_versions(MODULE_CURRENT), 0);
}

static void stuck_versions_stay(void)
{
	replace_stuck(
		"unique", "slow", "it has symbols of type GNU_UNIQUE (C++ statics)");
	replace_stuck("nodelete", "slow", "it is linked with -z nodelete");
	replace_stuck("dies", "slow", "unloading it ends the process");
	replace_stuck("v1", "starts_thread", "it has started threads");
	int stuck = count_versions(MODULE_STUCK);
	assert_int_equal(count_mapped(), stuck);
	/* A handler of a signal that is given back in time does no harm. */
	begin();
	create("m.takes_signal");
	create("m.gives_signal_back");
	assert_int_equal(call("m.takes_signal"), 0);
	assert_int_equal(call("m.gives_signal_back"), 0);
	assert_int_equal(reload("m"), 0);
	assert_int_equal(count_versions(MODULE_STUCK), stuck);
	assert_int_equal(call("m.takes_signal"), 0);
	assert_int_equal(reload("m"), 0);
	assert_int_equal(count_versions(MODULE_STUCK), stuck + 1);
	assert_string_equal(last_stuck_reason(), "it handles a signal");
	raise(SIGUSR2);
	signal(SIGUSR2, SIG_DFL);
	static const char *const names[] = {
		"m.version", "m.slow", "m.takes_signal", "m.gives_signal_back", NULL};
	end(names);
}

static void test_stuck_versions_stay(void **state)
{
	run_in_fiber(stuck_versions_stay);
}

static void set_limit(int resource, rlim_t limit)
{
	struct rlimit r;
	getrlimit(resource, &r);
	r.rlim_cur = limit;
	setrlimit(resource, &r);
}

static void copy_finds_a_place(void)
{
	begin();
	install("v2", "m");
	int files = count_entries(tmp_dir), fds = count_entries("/proc/self/fd");
	setenv("TMPDIR", tmp_dir, 1);
	assert_int_equal(reload("m"), 0);
	assert_int_equal(count_entries(tmp_dir), files);
	setenv("TMPDIR", "/proc", 1); /* nobody can write there */
	assert_int_equal(reload("m"), 0);
	setenv("TMPDIR", "/nowhere", 1);
	assert_int_equal(reload("m"), 0);
	char longest[5000];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	setenv("TMPDIR", longest, 1);
	assert_int_equal(reload("m"), 0);
	/* Full, as far as write() can tell, here and in memory. */
	setenv("TMPDIR", tmp_dir, 1);
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit before;
	getrlimit(RLIMIT_FSIZE, &before);
	set_limit(RLIMIT_FSIZE, 4096);
	assert_int_equal(reload("m"), -1);
	assert_error("can't copy ");
	set_limit(RLIMIT_FSIZE, before.rlim_cur);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(count_entries(tmp_dir), files);
	/* Each descriptor that cannot be had. */
	getrlimit(RLIMIT_NOFILE, &before);
	int failed = 0;
	for (rlim_t limit = (rlim_t)fds - 5; limit < (rlim_t)fds + 10; limit++) {
		install("v2", "m");
		set_limit(RLIMIT_NOFILE, limit);
		int rc = reload("m");
		set_limit(RLIMIT_NOFILE, before.rlim_cur);
		failed += rc != 0;
		assert_int_equal(call("m.version"), 2);
		assert_int_equal(count_entries("/proc/self/fd"), fds);
		assert_int_equal(count_entries(tmp_dir), files);
	}
	assert_true(failed > 0 && failed < 15);
	unsetenv("TMPDIR");
	end(both);
}

static void test_copy_finds_a_place(void **state)
{
	run_in_fiber(copy_finds_a_place);
}

static void lib_counts_handles(void)
{
	int mapped = count_mapped();
	install("v1", "m");
	struct module_version *a = module_lib_load("m", 1), *b = module_lib_load("m", 1);
	assert_non_null(a);
	assert_ptr_equal(a, b);
	install("v2", "m"); /* another file: another version, the handles stay */
	struct module_version *c = module_lib_load("m", 1);
	assert_ptr_not_equal(a, c);
	assert_int_equal(count_mapped(), mapped + 2);
	_cleanup_(buf_fini) struct buf out = {0};
	struct func_result result = {.out = &out};
	static const char no_args[] = "\x90";
	module_proc proc = module_lib_symbol(a, "version");
	assert_int_equal(module_lib_call(a, proc, no_args, no_args + 1, &result), 0);
	assert_int_equal(out.data[0], 1);
	assert_null(module_lib_symbol(a, "nobody"));
	assert_null(module_lib_load("nobody", 6));
	module_unpin(a, MODULE_PIN_LIB);
	assert_int_equal(count_mapped(), mapped + 2);
	module_unpin(b, MODULE_PIN_LIB);
	assert_int_equal(count_mapped(), mapped + 1);
	module_unpin(c, MODULE_PIN_LIB);
	assert_int_equal(count_mapped(), mapped);
}

static void test_lib_counts_handles(void **state)
{
	run_in_fiber(lib_counts_handles);
}

/* ---- Many at once ---- */

static bool is_over;
static int callers, wrong;
static unsigned total;

static int run_caller(void *arg)
{
	uint64_t seed = 88172645463325252u + (uintptr_t)arg;
	while (!is_over) {
		struct module *m = module_find("m", 1);
		int before = m->current->build_id[1] - '0';
		bool is_slow = unit_random(&seed) % 4 != 0;
		if (call(is_slow ? "m.slow" : "m.version") != before)
			wrong++;
		total++;
		if (!is_slow)
			fiber_reschedule();
	}
	callers--;
	return 0;
}

static void reloads_under_calls(void)
{
	enum { CALLERS = 1000, RELOADS = 300 };
	begin();
	is_over = false;
	wrong = 0;
	total = 0;
	int mapped = count_mapped(), fds = count_entries("/proc/self/fd");
	for (callers = 0; callers < CALLERS; callers++)
		fiber_wakeup(
			fiber_create("caller", run_caller, (void *)(uintptr_t)callers));
	for (int i = 0; i < RELOADS * unit_times(); i++) {
		if (i % 10 < 2)
			install(i % 10 == 0 ? "v2" : "v1", "m");
		assert_int_equal(reload("m"), 0);
		fiber_sleep(0.0005);
	}
	is_over = true;
	while (callers > 0)
		fiber_sleep(0.001);
	wait_drained();
	assert_int_equal(wrong, 0);
	assert_true(total > CALLERS);
	assert_int_equal(count_mapped(), mapped);
	assert_int_equal(count_entries("/proc/self/fd"), fds);
	end(both);
}

static void test_reloads_under_calls(void **state)
{
	run_in_fiber(reloads_under_calls);
}

#ifndef __SANITIZE_ADDRESS__
/* Memory that is not to be had: the n-th allocation fails, libc's and ld.so's too. */
static long allocations_left = -1;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static bool is_allowed(void)
{
	if (allocations_left < 0)
		return true;
	if (allocations_left == 0) {
		errno = ENOMEM;
		return false;
	}
	allocations_left--;
	return true;
}

#define FOR_LIBC __attribute__((visibility("default")))

FOR_LIBC void *malloc(size_t size)
{
	return is_allowed() ? __libc_malloc(size) : NULL;
}

FOR_LIBC void *calloc(size_t count, size_t size)
{
	return is_allowed() ? __libc_calloc(count, size) : NULL;
}

FOR_LIBC void *realloc(void *p, size_t size)
{
	return is_allowed() ? __libc_realloc(p, size) : NULL;
}

static int fail_at(long n, int (*func)(void))
{
	allocations_left = n;
	int rc = func();
	allocations_left = -1;
	return rc;
}

static int reload_m(void)
{
	return reload("m");
}

static int load_m(void)
{
	return call("m.version") > 0 ? 0 : -1;
}

/* Every allocation of a load and of a reload fails once. */
static void survives_without_memory(void)
{
	int mapped = count_mapped(), fds = count_entries("/proc/self/fd");
	long n, failed = 0;
	install("v1", "m");
	create("m.version");
	for (n = 0; fail_at(n, load_m) != 0; n++) {
		assert_non_null(diag_last());
		/* The call may fail after the load. */
		assert_int_equal(count_mapped(), mapped + count_versions(MODULE_CURRENT));
		assert_int_equal(count_entries("/proc/self/fd"), fds);
	}
	assert_true(n > 10);
	create("m.slow");
	assert_int_equal(call("m.slow"), 1);
	install("v2", "m");
	for (n = 0; fail_at(n, reload_m) != 0; n++) {
		assert_non_null(diag_last());
		assert_int_equal(call("m.version"), 1);
		assert_int_equal(count_mapped(), mapped + 1);
		assert_int_equal(count_entries("/proc/self/fd"), fds);
		failed++;
	}
	assert_true(failed > 10);
	assert_int_equal(call("m.version"), 2);
	end(both);
}

static void test_survives_without_memory(void **state)
{
	run_in_fiber(survives_without_memory);
}
#endif

static size_t read_resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t size, resident;
	assert_int_equal(fscanf(f, "%zu %zu", &size, &resident), 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void reload_leaves_nothing(void)
{
	begin();
	for (int i = 0; i < 200; i++)
		assert_int_equal(reload("m"), 0);
	int fds = count_entries("/proc/self/fd"), mapped = count_mapped();
	size_t resident = read_resident();
	for (int i = 0; i < 2000 * unit_times(); i++)
		assert_int_equal(reload("m"), 0);
	assert_int_equal(count_entries("/proc/self/fd"), fds);
	assert_int_equal(count_mapped(), mapped);
#ifndef __SANITIZE_ADDRESS__
	assert_true(read_resident() < resident + 256 * 1024);
#else
	(void)resident;
#endif
	end(both);
}

static void test_reload_leaves_nothing(void **state)
{
	run_in_fiber(reload_leaves_nothing);
}

static int setup(void **state)
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

static int teardown(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_returns_values),
		cmocka_unit_test(test_reload_keeps_calls),
		cmocka_unit_test(test_reload_refuses_files),
		cmocka_unit_test(test_reload_tries_constructors),
		cmocka_unit_test(test_reload_during_reload),
		cmocka_unit_test(test_reload_reads_a_disk),
		cmocka_unit_test(test_pins_keep_versions),
		cmocka_unit_test(test_copy_finds_a_place),
		cmocka_unit_test(test_lib_counts_handles),
		cmocka_unit_test(test_reloads_under_calls),
		cmocka_unit_test(test_reload_leaves_nothing),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(test_survives_without_memory),
#endif
		cmocka_unit_test(test_stuck_versions_stay),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
