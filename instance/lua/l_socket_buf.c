/* The read buffer of a socket, and the tables of constants. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "instance/lua/l_socket.h"

enum { FILL_MIN = 16 * 1024, FILL_MAX = 1024 * 1024 };

static const char rbuf_type[] = "socket.rbuf";

/* A Lua userdata; what was read and not yet taken is data[begin..end). */
struct rbuf {
	char *data; /* owned */
	size_t begin, end, size;
};

static struct rbuf *check_rbuf(lua_State *L)
{
	return luaL_checkudata(L, 1, rbuf_type);
}

static int rbuf_reserve(struct rbuf *b, size_t more)
{
	if (b->size - b->end >= more)
		return 0;
	size_t used = b->end - b->begin;
	if (b->begin >= more && b->size - used >= more && used <= b->begin) {
		memcpy(b->data, b->data + b->begin, used);
	} else {
		size_t size = b->size * 2 > used + more ? b->size * 2 : used + more;
		char *data = malloc(size);
		if (data == NULL)
			return -1;
		if (used > 0)
			memcpy(data, b->data + b->begin, used);
		free(b->data);
		b->data = data;
		b->size = size;
	}
	b->begin = 0;
	b->end = used;
	return 0;
}

/* rbuf:fill(fd, hint): how much came; nil and errno */
static int l_rbuf_fill(lua_State *L)
{
	struct rbuf *b = check_rbuf(L);
	double hint = luaL_checknumber(L, 3);
	size_t want = hint > FILL_MAX   ? FILL_MAX
		      : hint > FILL_MIN ? (size_t)hint
					: FILL_MIN;
	ssize_t n = -1;
	if (rbuf_reserve(b, want) != 0)
		errno = ENOMEM;
	else
		n = read(luaL_checkint(L, 2), b->data + b->end, b->size - b->end);
	if (n < 0) {
		int saved = errno;
		lua_pushnil(L);
		errno = saved;
		return 1;
	}
	b->end += (size_t)n;
	lua_pushinteger(L, n);
	return 1;
}

/* rbuf:find(text, from): how many bytes up to its end, or nil */
static int l_rbuf_find(lua_State *L)
{
	const struct rbuf *b = check_rbuf(L);
	size_t len, used = b->end - b->begin;
	const char *text = luaL_checklstring(L, 2, &len);
	size_t from = (size_t)luaL_optnumber(L, 3, 0);
	if (len == 0 || from > used)
		return 0;
	const char *start = b->data + b->begin;
	const char *at = used > 0 ? memmem(start + from, used - from, text, len) : NULL;
	if (at == NULL)
		return 0;
	lua_pushnumber(L, (lua_Number)((size_t)(at - start) + len));
	return 1;
}

static int l_rbuf_take(lua_State *L)
{
	struct rbuf *b = check_rbuf(L);
	size_t used = b->end - b->begin;
	double wanted = luaL_checknumber(L, 2);
	size_t n = wanted < (double)used ? (size_t)wanted : used;
	lua_pushlstring(L, n > 0 ? b->data + b->begin : "", n);
	b->begin += n;
	if (b->begin == b->end) {
		/* An idle connection keeps no big buffer. */
		if (b->size > FILL_MIN) {
			free(b->data);
			*b = (struct rbuf){0};
		}
		b->begin = b->end = 0;
	}
	return 1;
}

static int l_rbuf_size(lua_State *L)
{
	const struct rbuf *b = check_rbuf(L);
	lua_pushnumber(L, (lua_Number)(b->end - b->begin));
	return 1;
}

static int l_rbuf_gc(lua_State *L)
{
	struct rbuf *b = check_rbuf(L);
	free(TAKE_PTR(b->data));
	return 0;
}

int l_socket_rbuf(lua_State *L)
{
	static const luaL_Reg meta[] = {{"__gc", l_rbuf_gc}, {NULL, NULL}};
	static const luaL_Reg methods[] = {{"fill", l_rbuf_fill}, {"find", l_rbuf_find},
		{"size", l_rbuf_size}, {"take", l_rbuf_take}, {NULL, NULL}};
	memset(lua_newuserdata(L, sizeof(struct rbuf)), 0, sizeof(struct rbuf));
	luaL_getmetatable(L, rbuf_type);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		luaT_type(L, rbuf_type, meta, methods);
		luaL_getmetatable(L, rbuf_type);
	}
	lua_setmetatable(L, -2);
	return 1;
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

/* How an option is used: OPTION_OTHER is neither a number nor a text. */
enum option_kind { OPTION_OTHER, OPTION_NUMBER, OPTION_TEXT };

struct option {
	const char *name;
	int value;
	enum option_kind kind;
	bool is_writable;
};

/** SO_OPT[level] = {NAME = {iname, type, rw}} */
static void set_options(lua_State *L, int level, const struct option *o)
{
	lua_newtable(L);
	for (; o->name != NULL; o++) {
		lua_createtable(L, 0, 3);
		lua_pushinteger(L, o->value);
		lua_setfield(L, -2, "iname");
		lua_pushinteger(L, o->kind);
		lua_setfield(L, -2, "type");
		lua_pushboolean(L, o->is_writable);
		lua_setfield(L, -2, "rw");
		lua_setfield(L, -2, o->name);
	}
	lua_rawseti(L, -2, level);
}

#define C(name)             \
	{                   \
#name, name \
	}
#define NUMBER(name)                             \
	{                                        \
#name, name, OPTION_NUMBER, true \
	}
#define READ_ONLY(name)                           \
	{                                         \
#name, name, OPTION_NUMBER, false \
	}

static const struct option socket_options[] = {READ_ONLY(SO_ACCEPTCONN),
	{"SO_BINDTODEVICE", SO_BINDTODEVICE, OPTION_TEXT, true}, NUMBER(SO_BROADCAST),
	NUMBER(SO_DEBUG), READ_ONLY(SO_DOMAIN), NUMBER(SO_DONTROUTE), READ_ONLY(SO_ERROR),
	NUMBER(SO_KEEPALIVE), {"SO_LINGER", SO_LINGER, OPTION_OTHER, false},
	NUMBER(SO_MARK), NUMBER(SO_OOBINLINE), NUMBER(SO_PASSCRED),
	READ_ONLY(SO_PEERCRED), NUMBER(SO_PRIORITY), READ_ONLY(SO_PROTOCOL),
	NUMBER(SO_RCVBUF), NUMBER(SO_RCVBUFFORCE), NUMBER(SO_RCVLOWAT),
	NUMBER(SO_RCVTIMEO), NUMBER(SO_REUSEADDR), NUMBER(SO_SNDBUF),
	NUMBER(SO_SNDBUFFORCE), NUMBER(SO_SNDLOWAT), NUMBER(SO_SNDTIMEO),
	NUMBER(SO_TIMESTAMP), READ_ONLY(SO_TYPE), {NULL, 0, OPTION_OTHER, false}};

static const struct option tcp_options[] = {NUMBER(TCP_CONGESTION), NUMBER(TCP_CORK),
	NUMBER(TCP_DEFER_ACCEPT), NUMBER(TCP_FASTOPEN),
	{"TCP_INFO", TCP_INFO, OPTION_OTHER, false}, NUMBER(TCP_KEEPCNT),
	NUMBER(TCP_KEEPIDLE), NUMBER(TCP_KEEPINTVL), NUMBER(TCP_LINGER2),
	NUMBER(TCP_MAXSEG), NUMBER(TCP_NODELAY), NUMBER(TCP_NOTSENT_LOWAT),
	NUMBER(TCP_QUICKACK), NUMBER(TCP_SYNCNT), NUMBER(TCP_TIMESTAMP),
	NUMBER(TCP_USER_TIMEOUT), NUMBER(TCP_WINDOW_CLAMP),
	{NULL, 0, OPTION_OTHER, false}};

static const struct constant domains[] = {C(AF_INET), C(AF_INET6), C(AF_LOCAL),
	C(AF_UNIX), C(PF_INET), C(PF_INET6), C(PF_LOCAL), C(PF_UNIX), {NULL, 0}};

static const struct constant types[] = {C(SOCK_DGRAM), C(SOCK_RAW), C(SOCK_RDM),
	C(SOCK_SEQPACKET), C(SOCK_STREAM), {NULL, 0}};

static const struct constant protocols[] = {{"ip", 0}, {"tcp", IPPROTO_TCP},
	{"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}, {NULL, 0}};

static const struct constant send_flags[] = {C(MSG_CONFIRM), C(MSG_CTRUNC),
	C(MSG_DONTROUTE), C(MSG_DONTWAIT), C(MSG_EOR), C(MSG_ERRQUEUE), C(MSG_FASTOPEN),
	C(MSG_FIN), C(MSG_MORE), C(MSG_NOSIGNAL), C(MSG_OOB), C(MSG_PEEK), C(MSG_PROXY),
	C(MSG_RST), C(MSG_SYN), C(MSG_TRUNC), C(MSG_WAITALL), C(MSG_WAITFORONE),
	{NULL, 0}};

static const struct constant ai_flags[] = {C(AI_ADDRCONFIG), C(AI_ALL), C(AI_CANONIDN),
	C(AI_CANONNAME), C(AI_IDN), C(AI_NUMERICHOST), C(AI_NUMERICSERV), C(AI_PASSIVE),
	C(AI_V4MAPPED), {NULL, 0}};

void l_socket_push_constants(lua_State *L)
{
	set_constants(L, "DOMAIN", domains);
	set_constants(L, "SO_TYPE", types);
	set_constants(L, "protocols", protocols);
	set_constants(L, "SEND_FLAGS", send_flags);
	set_constants(L, "AI_FLAGS", ai_flags);
	lua_pushinteger(L, SOL_SOCKET);
	lua_setfield(L, -2, "SOL_SOCKET");
	lua_newtable(L);
	set_options(L, SOL_SOCKET, socket_options);
	set_options(L, IPPROTO_TCP, tcp_options);
	lua_setfield(L, -2, "SO_OPT");
}
