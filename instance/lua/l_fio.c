/*
 * The C part of `fio`: each call that may block runs in a worker thread while its
 * fiber sleeps. The arguments stay on the fiber's Lua stack meanwhile, so the
 * worker reads strings in place; it never touches the Lua state.
 *
 * What fails returns false (or nil, where a value is asked for) and an error
 * object, and leaves errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance/fiber/coio.h"
#include "instance/lua/l_fio.h"

static int push_failure(lua_State *L)
{
	int saved = errno;
	diag_set(system, "fio: %s", strerror(saved));
	luaT_push_error(L, diag_last());
	errno = saved;
	return 2;
}

/** nil and the error object. */
int l_fio_fail(lua_State *L)
{
	lua_pushnil(L);
	return push_failure(L);
}

/** true; or false and the error object. */
int l_fio_result(lua_State *L, ssize_t rc)
{
	int saved = errno;
	lua_pushboolean(L, rc >= 0);
	errno = saved;
	return rc >= 0 ? 1 : push_failure(L);
}

ssize_t l_fio_run(lua_State *L, ssize_t (*func)(void *), struct fio_call *call)
{
	luaT_may_yield(L);
	return coio_run(func, call);
}

static const char *to_path(lua_State *L, int idx, const char *usage)
{
	const char *path = lua_tostring(L, idx);
	if (path == NULL)
		luaL_error(L, "Usage%s", usage);
	return path;
}

static ssize_t do_open(void *arg)
{
	struct fio_call *c = arg;
	return open(c->path, c->flags | O_CLOEXEC, c->mode);
}

static int l_open(lua_State *L)
{
	struct fio_call c = {.path = luaL_checkstring(L, 1),
		.flags = luaL_checkint(L, 2),
		.mode = (mode_t)luaL_checkint(L, 3)};
	ssize_t fd = l_fio_run(L, do_open, &c);
	if (fd < 0)
		return l_fio_fail(L);
	lua_pushinteger(L, fd);
	return 1;
}

static ssize_t do_close(void *arg)
{
	struct fio_call *c = arg;
	return close(c->fd);
}

static int l_close(lua_State *L)
{
	struct fio_call c = {.fd = luaL_checkint(L, 1)};
	return l_fio_result(L, l_fio_run(L, do_close, &c));
}

/* For finalisers, which may not yield. */
static int l_close_now(lua_State *L)
{
	close(luaL_checkint(L, 1));
	return 0;
}

static ssize_t do_write(void *arg)
{
	struct fio_call *c = arg;
	for (size_t done = 0; done < c->size;) {
		ssize_t n = c->offset < 0 ? write(c->fd, c->data + done, c->size - done)
					  : pwrite(c->fd, c->data + done, c->size - done,
						    c->offset + (off_t)done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* write(fd, text [, offset]) */
static int l_write(lua_State *L)
{
	struct fio_call c = {.fd = luaL_checkint(L, 1), .offset = -1};
	c.data = (char *)luaL_checklstring(L, 2, &c.size);
	if (!lua_isnoneornil(L, 3))
		c.offset = (off_t)luaL_checknumber(L, 3);
	return l_fio_result(L, l_fio_run(L, do_write, &c));
}

static ssize_t do_read(void *arg)
{
	struct fio_call *c = arg;
	for (;;) {
		ssize_t n = c->offset < 0 ? read(c->fd, c->data, c->size)
					  : pread(c->fd, c->data, c->size, c->offset);
		if (n >= 0 || errno != EINTR)
			return n;
	}
}

/* read(fd, size [, offset]): text, "" at the end */
static int l_read(lua_State *L)
{
	double size = luaL_checknumber(L, 2);
	luaL_argcheck(L, size >= 0 && size <= INT_MAX, 2, "bad size");
	struct fio_call c = {
		.fd = luaL_checkint(L, 1), .size = (size_t)size, .offset = -1};
	if (!lua_isnoneornil(L, 3))
		c.offset = (off_t)luaL_checknumber(L, 3);
	c.data = lua_newuserdata(L, c.size + 1);
	ssize_t n = l_fio_run(L, do_read, &c);
	if (n < 0)
		return l_fio_fail(L);
	lua_pushlstring(L, c.data, (size_t)n);
	return 1;
}

static int l_seek(lua_State *L)
{
	off_t at = lseek(
		luaL_checkint(L, 1), (off_t)luaL_checknumber(L, 2), luaL_checkint(L, 3));
	lua_pushnumber(L, (lua_Number)at);
	return 1;
}

static ssize_t do_truncate(void *arg)
{
	struct fio_call *c = arg;
	return c->path != NULL ? truncate(c->path, c->offset)
			       : ftruncate(c->fd, c->offset);
}

static int l_truncate(lua_State *L)
{
	struct fio_call c = {.path = to_path(L, 1, ": fio.truncate(pathname[, newlen])"),
		.offset = (off_t)luaL_optnumber(L, 2, 0)};
	return l_fio_result(L, l_fio_run(L, do_truncate, &c));
}

static int l_ftruncate(lua_State *L)
{
	struct fio_call c = {
		.fd = luaL_checkint(L, 1), .offset = (off_t)luaL_optnumber(L, 2, 0)};
	return l_fio_result(L, l_fio_run(L, do_truncate, &c));
}

static ssize_t do_fsync(void *arg)
{
	struct fio_call *c = arg;
	return c->flags ? fdatasync(c->fd) : fsync(c->fd);
}

static int l_fsync(lua_State *L)
{
	struct fio_call c = {.fd = luaL_checkint(L, 1)};
	return l_fio_result(L, l_fio_run(L, do_fsync, &c));
}

static int l_fdatasync(lua_State *L)
{
	struct fio_call c = {.fd = luaL_checkint(L, 1), .flags = 1};
	return l_fio_result(L, l_fio_run(L, do_fsync, &c));
}

static ssize_t do_sync(void *arg)
{
	sync();
	return 0;
}

static int l_sync(lua_State *L)
{
	struct fio_call c = {0};
	return l_fio_result(L, l_fio_run(L, do_sync, &c));
}

static ssize_t do_rename(void *arg)
{
	struct fio_call *c = arg;
	return rename(c->path, c->path2);
}

static ssize_t do_link(void *arg)
{
	struct fio_call *c = arg;
	return link(c->path, c->path2);
}

static ssize_t do_symlink(void *arg)
{
	struct fio_call *c = arg;
	return symlink(c->path, c->path2);
}

static ssize_t do_unlink(void *arg)
{
	struct fio_call *c = arg;
	return unlink(c->path);
}

static ssize_t do_rmdir(void *arg)
{
	struct fio_call *c = arg;
	return rmdir(c->path);
}

static int call_two_paths(lua_State *L, ssize_t (*func)(void *), const char *usage)
{
	struct fio_call c = {.path = to_path(L, 1, usage), .path2 = to_path(L, 2, usage)};
	return l_fio_result(L, l_fio_run(L, func, &c));
}

static int call_path(lua_State *L, ssize_t (*func)(void *), const char *usage)
{
	struct fio_call c = {.path = to_path(L, 1, usage)};
	return l_fio_result(L, l_fio_run(L, func, &c));
}

static int l_rename(lua_State *L)
{
	return call_two_paths(L, do_rename, ": fio.rename(oldpath, newpath)");
}

static int l_link(lua_State *L)
{
	return call_two_paths(L, do_link, ": fio.link(target, linkpath)");
}

static int l_symlink(lua_State *L)
{
	return call_two_paths(L, do_symlink, ": fio.symlink(target, linkpath)");
}

static int l_unlink(lua_State *L)
{
	return call_path(L, do_unlink, ": fio.unlink(pathname)");
}

static int l_rmdir(lua_State *L)
{
	return call_path(L, do_rmdir, ": fio.rmdir(pathname)");
}

static ssize_t do_mkdir(void *arg)
{
	struct fio_call *c = arg;
	return mkdir(c->path, c->mode);
}

static int l_mkdir(lua_State *L)
{
	struct fio_call c = {.path = to_path(L, 1, " fio.mkdir(pathname[, mode])"),
		.mode = (mode_t)luaL_optint(L, 2, 0777)};
	return l_fio_result(L, l_fio_run(L, do_mkdir, &c));
}

static ssize_t do_chmod(void *arg)
{
	struct fio_call *c = arg;
	return chmod(c->path, c->mode);
}

static int l_chmod(lua_State *L)
{
	static const char usage[] = ": fio.chmod(pathname, mode)";
	struct fio_call c = {.path = to_path(L, 1, usage)};
	if (lua_isnoneornil(L, 2))
		return luaL_error(L, "Usage%s", usage);
	c.mode = (mode_t)luaL_checkint(L, 2);
	return l_fio_result(L, l_fio_run(L, do_chmod, &c));
}

/** A user or group: a number, or a name to look up. @return false: no such name */
static bool to_id(lua_State *L, int idx, bool is_group, unsigned *ret)
{
	if (lua_type(L, idx) == LUA_TNUMBER) {
		*ret = (unsigned)lua_tonumber(L, idx);
		return true;
	}
	const char *name = luaL_checkstring(L, idx);
	const struct group *gr = is_group ? getgrnam(name) : NULL;
	const struct passwd *pw = is_group ? NULL : getpwnam(name);
	if (gr == NULL && pw == NULL)
		return false;
	*ret = is_group ? gr->gr_gid : pw->pw_uid;
	return true;
}

static ssize_t do_chown(void *arg)
{
	struct fio_call *c = arg;
	return chown(c->path, c->uid, c->gid);
}

static int l_chown(lua_State *L)
{
	static const char usage[] = ": fio.chown(pathname, owner, group)";
	struct fio_call c = {.path = to_path(L, 1, usage)};
	if (lua_gettop(L) < 3)
		return luaL_error(L, "Usage%s", usage);
	if (!to_id(L, 2, false, &c.uid) || !to_id(L, 3, true, &c.gid)) {
		errno = EINVAL;
		return 0;
	}
	return l_fio_result(L, l_fio_run(L, do_chown, &c));
}

static ssize_t do_utime(void *arg)
{
	struct fio_call *c = arg;
	return utimensat(AT_FDCWD, c->path, c->times, 0);
}

static struct timespec to_timespec(double s)
{
	struct timespec ts = {.tv_sec = (time_t)s};
	ts.tv_nsec = (long)((s - (double)ts.tv_sec) * 1e9);
	return ts;
}

/* utime(path, atime, mtime) */
static int l_utime(lua_State *L)
{
	struct fio_call c = {.path = luaL_checkstring(L, 1),
		.times = {to_timespec(luaL_checknumber(L, 2)),
			to_timespec(luaL_checknumber(L, 3))}};
	return l_fio_result(L, l_fio_run(L, do_utime, &c));
}

static int l_umask(lua_State *L)
{
	mode_t before;
	if (lua_isnoneornil(L, 1)) {
		before = umask(0);
		umask(before);
	} else {
		before = umask((mode_t)luaL_checkint(L, 1));
	}
	lua_pushinteger(L, before);
	return 1;
}

static int l_cwd(lua_State *L)
{
	char path[PATH_MAX];
	if (getcwd(path, sizeof(path)) == NULL)
		return l_fio_fail(L);
	lua_pushstring(L, path);
	return 1;
}

static int l_chdir(lua_State *L)
{
	lua_pushboolean(L, chdir(luaL_checkstring(L, 1)) == 0);
	return 1;
}

static int l_dirname(lua_State *L)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s", luaL_checkstring(L, 1));
	lua_pushstring(L, dirname(path));
	return 1;
}

int luaopen_fio(lua_State *L);

int luaopen_fio(lua_State *L)
{
	static const luaL_Reg functions[] = {{"chdir", l_chdir}, {"chmod", l_chmod},
		{"chown", l_chown}, {"close", l_close}, {"close_now", l_close_now},
		{"copyfile", l_fio_copyfile}, {"cwd", l_cwd}, {"dirname", l_dirname},
		{"fdatasync", l_fdatasync}, {"fstat", l_fio_fstat}, {"fsync", l_fsync},
		{"ftruncate", l_ftruncate}, {"glob", l_fio_glob}, {"link", l_link},
		{"listdir", l_fio_listdir}, {"lstat", l_fio_lstat}, {"mkdir", l_mkdir},
		{"open", l_open}, {"read", l_read}, {"readlink", l_fio_readlink},
		{"rename", l_rename}, {"rmdir", l_rmdir}, {"seek", l_seek},
		{"stat", l_fio_stat}, {"symlink", l_symlink}, {"sync", l_sync},
		{"tempdir", l_fio_tempdir}, {"truncate", l_truncate}, {"umask", l_umask},
		{"unlink", l_unlink}, {"utime", l_utime}, {"write", l_write},
		{NULL, NULL}};
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	l_fio_push_constants(L);
	return 1;
}
