/* The C part of `fio` in two files; what they share. */
#ifndef LUA_L_FIO_H
#define LUA_L_FIO_H

#include <sys/stat.h>
#include <time.h>

#include "instance/lua/utils.h"

/* Arguments of one call in a worker; strings belong to the Lua stack. */
struct fio_call {
	const char *path, *path2; /* path NULL: fd */
	int fd, flags;
	mode_t mode;
	unsigned uid, gid;
	off_t offset; /* -1: where the file stands */
	char *data;
	size_t size;
	struct timespec times[2];
	struct stat *stat;
	char *text; /* result, malloc'ed */
};

/** Run it in a worker. @return what func returned, errno is its errno. Yields. */
ssize_t l_fio_run(lua_State *L, ssize_t (*func)(void *), struct fio_call *call);
/** Push nil and the error object of errno. @return 2 */
int l_fio_fail(lua_State *L);
/** Push true; or false and the error object of errno. @return how many */
int l_fio_result(lua_State *L, ssize_t rc);

/* The bindings of l_fio_dir.c. */
int l_fio_stat(lua_State *L);
int l_fio_lstat(lua_State *L);
int l_fio_fstat(lua_State *L);
int l_fio_listdir(lua_State *L);
int l_fio_glob(lua_State *L);
int l_fio_readlink(lua_State *L);
int l_fio_tempdir(lua_State *L);
int l_fio_copyfile(lua_State *L);
/** Set c.flag, c.mode, c.seek in the table on the top. */
void l_fio_push_constants(lua_State *L);

#endif
