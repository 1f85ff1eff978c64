#include "ctl/luacheck.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "proto/buf.h"

struct luacheck {
	lua_State *L;
	struct buf text;
};

int luacheck_file(const char *path, char *error, size_t error_size)
{
	_cleanup_(buf_fini) struct buf text = {0};
	char name[PATH_MAX + 1];
	if (file_read(path, &text) != 0) {
		text_set(error, error_size, "%s: %s", path, strerror(errno));
		return -2;
	}
	lua_State *L = luaL_newstate();
	if (L == NULL) {
		text_set(error, error_size, "out of memory");
		return -2;
	}
	text_set(name, sizeof(name), "@%s", path);
	int rc = luaL_loadbuffer(L, text.data != NULL ? text.data : "", text.len, name);
	if (rc != 0)
		text_set(error, error_size, "%s", lua_tostring(L, -1));
	lua_close(L);
	return rc == 0 ? 0 : -1;
}

struct luacheck *luacheck_new(void)
{
	struct luacheck *lc = calloc(1, sizeof(*lc));
	if (lc != NULL)
		lc->L = luaL_newstate();
	if (lc != NULL && lc->L == NULL) {
		free(lc);
		return NULL;
	}
	return lc;
}

void luacheck_free(struct luacheck *lc)
{
	if (lc == NULL)
		return;
	lua_close(lc->L);
	buf_fini(&lc->text);
	free(lc);
}

/** @return 1: ends too early, 0: compiles, -1: another error */
static int try_load(struct luacheck *lc, const char *prefix, const char *text, size_t len)
{
	static const char eof[] = " near '<eof>'";
	buf_reset(&lc->text);
	if (buf_puts(&lc->text, prefix) != 0 || buf_append(&lc->text, text, len) != 0)
		return -1;
	int result = 0;
	if (luaL_loadbuffer(lc->L, lc->text.data, lc->text.len, "=stdin") != 0) {
		size_t n;
		const char *msg = lua_tolstring(lc->L, -1, &n);
		size_t m = sizeof(eof) - 1;
		result = n >= m && memcmp(msg + n - m, eof, m) == 0 ? 1 : -1;
	}
	lua_pop(lc->L, 1);
	return result;
}

bool luacheck_is_unfinished(struct luacheck *lc, const char *text, size_t len)
{
	return try_load(lc, "", text, len) == 1 &&
	       try_load(lc, "return ", text, len) != 0;
}
