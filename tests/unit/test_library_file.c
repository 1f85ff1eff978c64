/* The file of a C module as ctl reads, checks and copies it. */
#include "ctl/library_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl/mpfield.h"
#include "unit.h"

static char dir[] = "/tmp/test-library-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL || chdir(dir) != 0;
}

static int remove_dir(void **state)
{
	(void)state;
	char command[64];
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return chdir("/") != 0 || system(command) != 0;
}

/** Put a part of libplain.so there, written long ago. */
static void put_file(const char *name, size_t size_max)
{
	static char data[1 << 20];
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/libplain.so", getenv("ELF_DIR"));
	FILE *in = fopen(path, "rb"), *out = fopen(name, "wb");
	assert_non_null(in);
	assert_non_null(out);
	size_t size = fread(data, 1, sizeof(data), in);
	size = size < size_max ? size : size_max;
	assert_int_equal(fwrite(data, 1, size, out), size);
	fclose(in);
	fclose(out);
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
}

static void assert_refused(const char *path, const char *why)
{
	struct library_file f = {0};
	char error[LIBRARY_ERROR_SIZE] = "";
	assert_int_equal(library_file_read(&f, 0, dir, path, error), -1);
	assert_string_equal(error, why);
	library_file_fini(&f);
}

static void test_library_file_read(void **state)
{
	(void)state;
	struct library_file f = {0};
	char error[LIBRARY_ERROR_SIZE] = "";
	put_file("good.so", SIZE_MAX);
	assert_int_equal(library_file_read(&f, 0, dir, "good.so", error), 0);
	assert_string_equal(f.build_id, "0123456789abcdef");
	assert_int_equal(elf_find_function(&f.elf, "elf_function"), ELF_FOUND);
	library_file_fini(&f);
	/* By the directory of a process. */
	memset(&f, 0, sizeof(f));
	assert_int_equal(
		library_file_read(&f, getpid(), "/nowhere", "good.so", error), 0);
	assert_string_equal(f.path, "good.so");
	library_file_fini(&f);
}

static void test_library_file_read_bad(void **state)
{
	(void)state;
	char path[PATH_MAX + 10];
	put_file("cut.so", 1000);
	assert_refused("cut.so", "cut.so is cut short");
	put_file("empty.so", 0);
	assert_refused("empty.so", "empty.so is empty");
	assert_refused("none.so", "none.so: No such file or directory");
	snprintf(path, sizeof(path), "%s is a directory", dir);
	assert_refused(dir, path);
	assert_int_equal(mkfifo("fifo.so", 0600), 0);
	assert_refused("fifo.so", "fifo.so is no regular file");
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_refused(path, "its path is too long");
}

/* One that is written to all the time is given up in the end. */
static void test_library_file_read_changing(void **state)
{
	(void)state;
	put_file("changing.so", SIZE_MAX);
	pid_t child = fork();
	if (child == 0) {
		for (;;) {
			utimensat(AT_FDCWD, "changing.so", NULL, 0);
			usleep(2000);
		}
	}
	usleep(20000);
	assert_refused("changing.so", "changing.so changes while it is read");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_library_file_copy(void **state)
{
	(void)state;
	struct library_file f = {0};
	struct stat st;
	char error[LIBRARY_ERROR_SIZE] = "", inode[24];
	put_file("good.so", SIZE_MAX);
	assert_int_equal(library_file_read(&f, 0, dir, "good.so", error), 0);
	assert_int_equal(library_file_copy(&f, 0, dir, error), 0);
	assert_int_equal(strncmp(f.copy, dir, strlen(dir)), 0);
	assert_int_equal(stat(f.copy, &st), 0);
	assert_int_equal(st.st_size, f.data.len);
	assert_int_equal(st.st_mode & 0777, 0755);
	snprintf(inode, sizeof(inode), "%llu", (unsigned long long)st.st_ino);
	assert_string_equal(f.copy_inode, inode);
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", f.copy);
	library_file_fini(&f);
	assert_int_equal(access(copy, F_OK), -1);
	/* Where the server's own directory is no good, another one is taken. */
	memset(&f, 0, sizeof(f));
	assert_int_equal(library_file_read(&f, 0, dir, "good.so", error), 0);
	assert_int_equal(library_file_copy(&f, 0, "/nowhere", error), 0);
	assert_int_equal(strncmp(f.copy, "/tmp/ctl-", 9), 0);
	library_file_fini(&f);
}

static void test_mpfield(void **state)
{
	(void)state;
	/* {a: 5, b: "text", c: -1, d: true, e: 1.5, 7: 8, f: [1]} */
	static const char data[] = "\x87\xa1"
				   "a\x05\xa1"
				   "b\xa4text\xa1"
				   "c\xff\xa1"
				   "d\xc3"
				   "\xa1"
				   "e\xcb\x3f\xf8\0\0\0\0\0\0\x07\x08\xa1"
				   "f\x91\x01";
	struct mp_cursor map, value;
	char text[4];
	mp_cursor_init(&map, data, data + sizeof(data) - 1);
	assert_int_equal(mpfield_int(&map, "a", 0), 5);
	assert_int_equal(mpfield_int(&map, "c", 0), -1);
	assert_int_equal(mpfield_int(&map, "b", 9), 9);
	assert_int_equal(mpfield_int(&map, "none", 9), 9);
	assert_true(mpfield_bool(&map, "d"));
	assert_false(mpfield_bool(&map, "a"));
	assert_true(mpfield_double(&map, "e") == 1.5);
	mpfield_str(&map, "b", text, sizeof(text));
	assert_string_equal(text, "tex");
	mpfield_str(&map, "a", text, sizeof(text));
	assert_string_equal(text, "");
	assert_true(mpfield_find(&map, "f", &value));
	assert_int_equal(mp_read_array(&value), 1);
	/* Cut anywhere: what is not there is not found. */
	for (size_t n = 0; n < sizeof(data) - 1; n++) {
		mp_cursor_init(&map, data, data + n);
		mpfield_str(&map, "f", text, sizeof(text));
		assert_string_equal(text, "");
		assert_int_equal(mpfield_int(&map, "f", 3), 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mpfield),
		cmocka_unit_test(test_library_file_read),
		cmocka_unit_test(test_library_file_read_bad),
		cmocka_unit_test(test_library_file_read_changing),
		cmocka_unit_test(test_library_file_copy),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
