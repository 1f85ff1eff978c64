/* C modules: files, places and memory that are no good, and what cannot be unloaded. */
#include "tests/unit/module/common.h"

#include <elf.h>

#include "proto/elf.h"

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

/* A relocation to a symbol that is not there: the linker would read far away. Or one
 * that leads far away: it would write there. */
static void reload_tries_odd_tables(void)
{
	begin();
	size_t size;
	char *data = read_source("v2", &size), error[ELF_ERROR_SIZE];
	struct elf elf;
	uint64_t table;
	assert_int_equal(elf_parse(&elf, data, size, error), 0);
	assert_true(elf_is_sound(&elf));
	assert_true(elf_get_dynamic(&elf, DT_JMPREL, &table));
	Elf64_Rela rela;
	char *at = data + (elf_at(&elf, table, sizeof(rela)) - data);
	memcpy(&rela, at, sizeof(rela));
	rela.r_info |= (uint64_t)UINT32_MAX << 32;
	memcpy(at, &rela, sizeof(rela));
	assert_false(elf_is_sound(&elf));
	write_file("m", data, size);
	refuse("loading it ends the process (");
	rela.r_offset += 1 << 24;
	memcpy(at, &rela, sizeof(rela));
	write_file("m", data, size);
	refuse("is damaged: a relocation leads out of it");
	free(data);
	end(both);
}

static void test_reload_tries_odd_tables(void **state)
{
	run_in_fiber(reload_tries_odd_tables);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reload_refuses_files),
		cmocka_unit_test(test_reload_tries_odd_tables),
		cmocka_unit_test(test_reload_tries_constructors),
		cmocka_unit_test(test_copy_finds_a_place),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(test_survives_without_memory),
#endif
		cmocka_unit_test(test_stuck_versions_stay),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
