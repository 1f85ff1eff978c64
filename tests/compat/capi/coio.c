/* Descriptors, worker threads, name look-ups and the log from C. */
#include "module.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

LUA_API int luaopen_capi_coio(lua_State *L);

static int make_pipe(lua_State *L)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		return luaL_error(L, "socketpair: %s", strerror(errno));
	lua_pushinteger(L, fds[0]);
	lua_pushinteger(L, fds[1]);
	return 2;
}

static int put(lua_State *L)
{
	size_t len;
	const char *s = luaL_checklstring(L, 2, &len);
	lua_pushinteger(L, write(luaL_checkinteger(L, 1), s, len));
	return 1;
}

static int take(lua_State *L)
{
	char buf[256];
	ssize_t n = read(luaL_checkinteger(L, 1), buf, sizeof(buf));
	if (n < 0)
		lua_pushnil(L);
	else
		lua_pushlstring(L, buf, (size_t)n);
	return 1;
}

static int wait_fd(lua_State *L)
{
	lua_pushinteger(L, coio_wait(luaL_checkinteger(L, 1), luaL_checkinteger(L, 2),
				   luaL_checknumber(L, 3)));
	return 1;
}

static int close_fd(lua_State *L)
{
	int fd = luaL_checkinteger(L, 1);
	errno = 0;
	lua_pushinteger(L, coio_close(fd));
	lua_pushinteger(L, errno);
	return 2;
}

/* ---- coio_call ---- */

static pthread_t loop_thread;

static ssize_t run_args(va_list ap)
{
	int a = va_arg(ap, int);
	double b = va_arg(ap, double);
	const char *s = va_arg(ap, const char *);
	char *out = va_arg(ap, char *);
	int64_t sum = 0;
	for (int i = 0; i < 8; i++)
		sum += va_arg(ap, int64_t);
	sprintf(out, "%d %.2f %s %lld %s", a, b, s, (long long)sum,
		pthread_equal(pthread_self(), loop_thread) ? "here" : "elsewhere");
	errno = ENOTTY;
	return (ssize_t)strlen(s) + ((ssize_t)1 << 40);
}

static int call_args(lua_State *L)
{
	char out[256] = "";
	loop_thread = pthread_self();
	ssize_t rc = coio_call(run_args, 7, 2.5, "text", out, (int64_t)1, (int64_t)2,
		(int64_t)3, (int64_t)4, (int64_t)5, (int64_t)6, (int64_t)7,
		(int64_t)1 << 33);
	int error = errno;
	lua_pushstring(L, out);
	lua_pushnumber(L, (double)rc);
	lua_pushboolean(L, error == ENOTTY);
	return 3;
}

static ssize_t run_fail(va_list ap)
{
	errno = va_arg(ap, int);
	return -1;
}

static int call_fail(lua_State *L)
{
	ssize_t rc = coio_call(run_fail, ENOENT);
	lua_pushboolean(L, errno == ENOENT);
	lua_pushinteger(L, rc);
	return 2;
}

static ssize_t run_sleep(va_list ap)
{
	double s = va_arg(ap, double);
	struct timespec ts = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
	nanosleep(&ts, NULL);
	return 5;
}

/* Blocks a thread, not the loop; a wake-up or a cancel does not end it. */
static int call_sleep(lua_State *L)
{
	double began = clock_monotonic(), seconds = luaL_checknumber(L, 1);
	ssize_t rc = coio_call(run_sleep, seconds);
	lua_pushinteger(L, rc);
	lua_pushboolean(L, clock_monotonic() - began >= seconds);
	return 2;
}

/* ---- coio_getaddrinfo ---- */

static int resolve(lua_State *L)
{
	const char *host = lua_tostring(L, 1), *port = lua_tostring(L, 2);
	double timeout = luaL_checknumber(L, 3);
	struct addrinfo hints = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *list = NULL;
	box_error_clear();
	int rc = coio_getaddrinfo(host, port, &hints, &list, timeout);
	lua_pushinteger(L, rc);
	if (rc != 0) {
		lua_pushstring(L, box_error_type(box_error_last()));
		return 2;
	}
	const struct sockaddr_in *in = (const struct sockaddr_in *)list->ai_addr;
	lua_pushinteger(L, ntohs(in->sin_port));
	lua_pushinteger(L, (lua_Integer)ntohl(in->sin_addr.s_addr));
	freeaddrinfo(list);
	return 3;
}

/* ---- The log ---- */

static int log_lines(lua_State *L)
{
	errno = ENOENT;
	say_syserror("a system error %d", 1);
	say_error("an error %d", 2);
	say_crit("crit %s", "c");
	say_warn("warn");
	say_info("info %5.1f", 3.25);
	say_verbose("verbose");
	say_debug("debug");
	say(S_ERROR, "the reason", "with %s", "reason");
	say_file_line(S_WARN, "dir/other.c", 77, NULL, "elsewhere");
	_say(S_DEBUG, __FILE__, __LINE__, NULL, "not asked for by level");
	lua_pushinteger(L, log_level);
	lua_pushboolean(L, say_log_level_is_enabled(S_WARN));
	lua_pushboolean(L, say_log_level_is_enabled(S_DEBUG));
	return 3;
}

int luaopen_capi_coio(lua_State *L)
{
	static const struct luaL_Reg functions[] = {
		{"pipe", make_pipe},
		{"put", put},
		{"take", take},
		{"wait", wait_fd},
		{"close", close_fd},
		{"call_args", call_args},
		{"call_fail", call_fail},
		{"call_sleep", call_sleep},
		{"resolve", resolve},
		{"log_lines", log_lines},
		{NULL, NULL},
	};
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
