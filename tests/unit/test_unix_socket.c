#include "instance/net/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "instance/base/diag.h"
#include "unit.h"

static char dir[] = "/tmp/unit-unix-XXXXXX";
static char path[4096];

static int setup(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/s", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static mode_t mode_of(const char *file)
{
	struct stat st;
	assert_int_equal(lstat(file, &st), 0);
	return st.st_mode & 0777;
}

static void test_mode_is_exact(void **state)
{
	static const mode_t modes[] = {0600, 0660, 0755, 0777};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct unix_file file;
		mode_t old = umask(0027);
		int fd = unix_file_bind(&file, path, modes[i], (gid_t)-1, "test");
		assert_true(fd >= 0);
		assert_int_equal(mode_of(path), modes[i]);
		assert_int_equal(umask(old), 0027);
		close(fd);
		unix_file_remove(&file);
		assert_int_not_equal(access(path, F_OK), 0);
	}
}

static void test_group(void **state)
{
	struct unix_file file;
	struct stat st;
	if (getuid() != 0)
		skip();
	int fd = unix_file_bind(&file, path, 0660, 12345, "test");
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_gid, 12345);
	assert_int_equal(st.st_mode & 0777, 0660);
	close(fd);
	unix_file_remove(&file);
}

static void test_dead_one_is_replaced(void **state)
{
	struct unix_file first, second;
	int fd = unix_file_bind(&first, path, 0600, (gid_t)-1, "test");
	close(fd); /* as a process that died */
	int fd2 = unix_file_bind(&second, path, 0600, (gid_t)-1, "test");
	assert_true(fd2 >= 0);
	assert_true(unix_file_is_own(&second));
	close(fd2);
	unix_file_remove(&second);
	unix_file_remove(&first);
}

static void test_living_one_is_refused(void **state)
{
	struct unix_file first, second;
	int fd = unix_file_bind(&first, path, 0600, (gid_t)-1, "test");
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(unix_file_bind(&second, path, 0600, (gid_t)-1, "test"), -1);
	assert_string_equal(diag_last()->type->name, "SocketError");
	assert_int_equal(diag_last()->saved_errno, EADDRINUSE);
	assert_true(unix_file_is_own(&first));
	close(fd);
	unix_file_remove(&first);
}

static void test_other_file_is_left_alone(void **state)
{
	struct unix_file file;
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(unix_file_bind(&file, path, 0600, (gid_t)-1, "test"), -1);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

/* Somebody put his own socket there: it is not ours to remove. */
static void test_remove_only_own(void **state)
{
	struct unix_file first, second;
	int fd = unix_file_bind(&first, path, 0600, (gid_t)-1, "test");
	char saved[sizeof(path) + 4];
	snprintf(saved, sizeof(saved), "%s.old", path);
	assert_int_equal(rename(path, saved), 0);
	int fd2 = unix_file_bind(&second, path, 0600, (gid_t)-1, "test");
	unix_file_remove(&first);
	assert_true(unix_file_is_own(&second));
	close(fd);
	close(fd2);
	unix_file_remove(&second);
	unlink(saved);
}

/* A path longer than a socket address, and a relative one. */
static void test_long_and_relative_paths(void **state)
{
	char sub[256], file_path[512], cwd[4096];
	struct unix_file file;
	snprintf(sub, sizeof(sub), "%s/%0150d", dir, 7);
	snprintf(file_path, sizeof(file_path), "%s/sock", sub);
	assert_int_equal(mkdir(sub, 0700), 0);
	int fd = unix_file_bind(&file, file_path, 0600, (gid_t)-1, "test");
	assert_true(fd >= 0);
	assert_int_equal(mode_of(file_path), 0600);
	close(fd);
	unix_file_remove(&file);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(sub), 0);
	fd = unix_file_bind(&file, "./sock", 0600, (gid_t)-1, "test");
	assert_true(fd >= 0);
	assert_int_equal(chdir(cwd), 0);
	close(fd);
	unix_file_remove(&file);
	assert_int_not_equal(access(file_path, F_OK), 0);
	rmdir(sub);
}

static void test_no_such_directory(void **state)
{
	struct unix_file file;
	assert_int_equal(
		unix_file_bind(&file, "/nonexistent/x/s", 0600, (gid_t)-1, "test"), -1);
	assert_int_equal(diag_last()->saved_errno, ENOENT);
	diag_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode_is_exact),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_dead_one_is_replaced),
		cmocka_unit_test(test_living_one_is_refused),
		cmocka_unit_test(test_other_file_is_left_alone),
		cmocka_unit_test(test_remove_only_own),
		cmocka_unit_test(test_long_and_relative_paths),
		cmocka_unit_test(test_no_such_directory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
