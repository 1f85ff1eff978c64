/* C modules: loading, calls, reloads under them, what keeps a version mapped. */
#include "tests/unit/module/common.h"

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
	/* Meanwhile a call loads a newer file: what was read before does not replace it.
	 */
	reloads_done = 0;
	fiber_run_now(fiber_create("reload", run_reload, NULL));
	assert_int_equal(reloads_done, 0);
	drop("m.version");
	drop("m.slow");
	install("v2", "m");
	create("m.version");
	create("m.slow");
	assert_int_equal(call("m.version"), 2);
	while (reloads_done < 1)
		fiber_sleep(0.001);
	assert_int_equal(reload_rc[0], -1);
	assert_int_equal(call("m.version"), 2);
	install("constructs", "m");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_returns_values),
		cmocka_unit_test(test_reload_keeps_calls),
		cmocka_unit_test(test_reload_during_reload),
		cmocka_unit_test(test_reload_reads_a_disk),
		cmocka_unit_test(test_pins_keep_versions),
		cmocka_unit_test(test_lib_counts_handles),
		cmocka_unit_test(test_reloads_under_calls),
		cmocka_unit_test(test_reload_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
