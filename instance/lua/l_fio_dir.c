/* The part of `fio` that looks at directories and at what files are. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "instance/lua/l_fio.h"

static ssize_t do_stat(void *arg)
{
	struct fio_call *c = arg;
	if (c->path == NULL)
		return fstat(c->fd, c->stat);
	return c->flags & AT_SYMLINK_NOFOLLOW ? lstat(c->path, c->stat)
					      : stat(c->path, c->stat);
}

static void set_number(lua_State *L, const char *name, double value)
{
	lua_pushnumber(L, value);
	lua_setfield(L, -2, name);
}

static double to_seconds(struct timespec ts)
{
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int is_kind(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "mode");
	unsigned mode = (unsigned)lua_tonumber(L, -1);
	lua_pushboolean(
		L, (mode & S_IFMT) == (unsigned)lua_tonumber(L, lua_upvalueindex(1)));
	return 1;
}

/* is_reg() and the others, as methods of each stat table. */
static void push_stat_metatable(lua_State *L)
{
	static const struct {
		const char *name;
		unsigned kind;
	} kinds[] = {{"is_reg", S_IFREG}, {"is_dir", S_IFDIR}, {"is_link", S_IFLNK},
		{"is_fifo", S_IFIFO}, {"is_blk", S_IFBLK}, {"is_chr", S_IFCHR},
		{"is_sock", S_IFSOCK}};
	if (!luaL_newmetatable(L, "fio.stat"))
		return;
	lua_createtable(L, 0, lengthof(kinds));
	for (size_t i = 0; i < lengthof(kinds); i++) {
		lua_pushnumber(L, kinds[i].kind);
		lua_pushcclosure(L, is_kind, 1);
		lua_setfield(L, -2, kinds[i].name);
	}
	lua_setfield(L, -2, "__index");
}

static int stat_call(lua_State *L, struct fio_call *c)
{
	struct stat st;
	c->stat = &st;
	if (l_fio_run(L, do_stat, c) != 0)
		return l_fio_fail(L);
	lua_createtable(L, 0, 13);
	set_number(L, "dev", (double)st.st_dev);
	set_number(L, "inode", (double)st.st_ino);
	set_number(L, "mode", st.st_mode);
	set_number(L, "nlink", (double)st.st_nlink);
	set_number(L, "uid", st.st_uid);
	set_number(L, "gid", st.st_gid);
	set_number(L, "rdev", (double)st.st_rdev);
	set_number(L, "size", (double)st.st_size);
	set_number(L, "blksize", (double)st.st_blksize);
	set_number(L, "blocks", (double)st.st_blocks);
	set_number(L, "atime", to_seconds(st.st_atim));
	set_number(L, "mtime", to_seconds(st.st_mtim));
	set_number(L, "ctime", to_seconds(st.st_ctim));
	push_stat_metatable(L);
	lua_setmetatable(L, -2);
	return 1;
}

int l_fio_stat(lua_State *L)
{
	struct fio_call c = {.path = lua_tostring(L, 1)};
	if (c.path == NULL)
		return luaL_error(L, "Usage: fio.stat(pathname)");
	return stat_call(L, &c);
}

int l_fio_lstat(lua_State *L)
{
	struct fio_call c = {.path = lua_tostring(L, 1), .flags = AT_SYMLINK_NOFOLLOW};
	if (c.path == NULL)
		return luaL_error(L, "pathname is absent");
	return stat_call(L, &c);
}

int l_fio_fstat(lua_State *L)
{
	struct fio_call c = {.fd = luaL_checkint(L, 1)};
	return stat_call(L, &c);
}

static void closedirp(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

/* All names, each with its NUL. */
static ssize_t do_listdir(void *arg)
{
	struct fio_call *c = arg;
	_cleanup_(closedirp) DIR *dir = opendir(c->path);
	if (dir == NULL)
		return -1;
	size_t used = 0, size = 0;
	for (struct dirent *d; errno = 0, (d = readdir(dir)) != NULL;) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		size_t len = strlen(d->d_name) + 1;
		if (used + len > size) {
			size = size * 2 + 4096;
			char *bigger = realloc(c->text, size);
			if (bigger == NULL)
				return -1;
			c->text = bigger;
		}
		memcpy(c->text + used, d->d_name, len);
		used += len;
	}
	return errno == 0 ? (ssize_t)used : -1;
}

static void free_text(struct fio_call *c)
{
	free(c->text);
}

int l_fio_listdir(lua_State *L)
{
	_cleanup_(free_text) struct fio_call c = {.path = luaL_checkstring(L, 1)};
	ssize_t len = l_fio_run(L, do_listdir, &c);
	if (len < 0)
		return l_fio_fail(L);
	lua_newtable(L);
	const char *end = c.text + len;
	int n = 0;
	for (const char *name = c.text; name < end; name += strlen(name) + 1) {
		lua_pushstring(L, name);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

static ssize_t do_glob(void *arg)
{
	struct fio_call *c = arg;
	return glob(c->path, 0, NULL, (glob_t *)c->data);
}

int l_fio_glob(lua_State *L)
{
	_cleanup_(globfree) glob_t found = {0};
	struct fio_call c = {.path = lua_tostring(L, 1), .data = (char *)&found};
	if (c.path == NULL)
		return luaL_error(L, "Usage: fio.glob(pattern)");
	ssize_t rc = l_fio_run(L, do_glob, &c);
	if (rc != 0 && rc != GLOB_NOMATCH)
		return l_fio_fail(L);
	lua_newtable(L);
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++) {
		lua_pushstring(L, found.gl_pathv[i]);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

static ssize_t do_readlink(void *arg)
{
	struct fio_call *c = arg;
	return readlink(c->path, c->data, c->size);
}

int l_fio_readlink(lua_State *L)
{
	char target[PATH_MAX];
	struct fio_call c = {
		.path = lua_tostring(L, 1), .data = target, .size = sizeof(target)};
	if (c.path == NULL)
		return luaL_error(L, "Usage: fio.readlink(pathname)");
	ssize_t len = l_fio_run(L, do_readlink, &c);
	if (len < 0)
		return l_fio_fail(L);
	lua_pushlstring(L, target, (size_t)len);
	return 1;
}

static ssize_t do_tempdir(void *arg)
{
	struct fio_call *c = arg;
	return mkdtemp(c->data) != NULL ? 0 : -1;
}

int l_fio_tempdir(lua_State *L)
{
	char path[PATH_MAX];
	const char *parent = getenv("TMPDIR");
	int len = snprintf(path, sizeof(path), "%s/XXXXXX",
		parent != NULL && parent[0] != '\0' ? parent : "/tmp");
	if (len >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return l_fio_fail(L);
	}
	struct fio_call c = {.data = path};
	if (l_fio_run(L, do_tempdir, &c) != 0)
		return l_fio_fail(L);
	lua_pushstring(L, path);
	return 1;
}

static ssize_t copy_all(int from, int to)
{
	char block[65536];
	for (;;) {
		ssize_t n = read(from, block, sizeof(block));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		for (ssize_t done = 0; done < n;) {
			ssize_t m = write(to, block + done, (size_t)(n - done));
			if (m < 0 && errno != EINTR)
				return -1;
			done += m > 0 ? m : 0;
		}
	}
}

static ssize_t do_copyfile(void *arg)
{
	struct fio_call *c = arg;
	struct stat st;
	_cleanup_(closep) int from = open(c->path, O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) != 0)
		return -1;
	_cleanup_(closep) int to = open(
		c->path2, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
	if (to < 0 || copy_all(from, to) != 0)
		return -1;
	return close(take_fd(&to));
}

int l_fio_copyfile(lua_State *L)
{
	struct fio_call c = {
		.path = luaL_checkstring(L, 1), .path2 = luaL_checkstring(L, 2)};
	return l_fio_result(L, l_fio_run(L, do_copyfile, &c));
}

struct constant {
	const char *name;
	int value;
};

static void set_constants(lua_State *L, const char *table, const struct constant *c)
{
	lua_newtable(L);
	for (; c->name != NULL; c++) {
		lua_pushinteger(L, c->value);
		lua_setfield(L, -2, c->name);
	}
	lua_setfield(L, -2, table);
}

#define C(name)             \
	{                   \
#name, name \
	}

void l_fio_push_constants(lua_State *L)
{
	static const struct constant flags[] = {C(O_APPEND), C(O_ASYNC), C(O_CLOEXEC),
		C(O_CREAT), C(O_DIRECT), C(O_DIRECTORY), C(O_EXCL), C(O_LARGEFILE),
		C(O_NDELAY), C(O_NOATIME), C(O_NOCTTY), C(O_NOFOLLOW), C(O_NONBLOCK),
		C(O_PATH), C(O_RDONLY), C(O_RDWR), C(O_SYNC), C(O_TMPFILE), C(O_TRUNC),
		C(O_WRONLY), {NULL, 0}};
	static const struct constant modes[] = {C(S_IRGRP), C(S_IROTH), C(S_IRUSR),
		C(S_IRWXG), C(S_IRWXO), C(S_IRWXU), C(S_IWGRP), C(S_IWOTH), C(S_IWUSR),
		C(S_IXGRP), C(S_IXOTH), C(S_IXUSR), {NULL, 0}};
	static const struct constant seeks[] = {C(SEEK_CUR), C(SEEK_DATA), C(SEEK_END),
		C(SEEK_HOLE), C(SEEK_SET), {NULL, 0}};
	lua_newtable(L);
	set_constants(L, "flag", flags);
	set_constants(L, "mode", modes);
	set_constants(L, "seek", seeks);
	lua_setfield(L, -2, "c");
}
