/* Who talks to the instance, as whom, and how to push to him. */
#ifndef BOX_SESSION_H
#define BOX_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "instance/base/diag.h"
#include "instance/base/list.h"

enum session_type {
	SESSION_BACKGROUND,
	SESSION_BINARY,
	SESSION_CONSOLE,
	SESSION_REPL,
	SESSION_TYPE_MAX,
};
extern const char *session_type_name[]; /* "background" "binary" "console" "repl" */

enum {
	USER_GUEST = 0,
	USER_ADMIN = 1,
	ROLE_PUBLIC = 2,
	ROLE_REPLICATION = 3,
	ROLE_SUPER = 31
};

/* As in _priv. */
enum priv {
	PRIV_R = 1,
	PRIV_W = 2,
	PRIV_X = 4,
	PRIV_S = 8,   /* session */
	PRIV_U = 16,  /* usage */
	PRIV_C = 32,  /* create */
	PRIV_D = 64,  /* drop */
	PRIV_A = 128, /* alter */
	PRIV_REFERENCE = 256,
	PRIV_TRIGGER = 512,
	PRIV_INSERT = 1024,
	PRIV_UPDATE = 2048,
	PRIV_DELETE = 4096,
	PRIV_GRANT = 8192,
	PRIV_REVOKE = 16384,
};

struct credentials {
	uint32_t uid;
};

struct lua_State;
struct session;

/* How a kind of session does things; a member may be NULL (not supported). */
struct session_vtab {
	/**
	 * Send a pushed value (the Lua value at idx of L).
	 * @return 0, or -1 with diag set
	 */
	int (*push)(struct session *s, uint64_t sync, struct lua_State *L, int idx);
	/** The same with one well-formed msgpack value. */
	int (*push_mp)(
		struct session *s, uint64_t sync, const char *data, const char *end);
	int (*fd)(const struct session *s);
	uint64_t (*sync)(const struct session *s);
};

/* Owned by the connection (or console) that made it. */
struct session {
	uint64_t id;
	enum session_type type;
	const struct session_vtab *vtab;
	void *owner;                  /* the connection */
	struct credentials cred;      /* effective user */
	struct credentials real_cred; /* as logged in */
	int storage_ref;              /* box.session.storage, or LUA_NOREF */
	struct list link;             /* in its bucket of the table of sessions */
	char peer[128];               /* "127.0.0.1:4301", "unix/:", or "" */
};

/** The admin session of background fibers; once, after that it does nothing. */
int session_init(void);
void session_fini(void);
struct session *session_new(enum session_type type, uint32_t uid);
/** Drop it; its storage goes with it. */
void session_free(struct session *s);
struct session *session_by_id(uint64_t id);
/** The running fiber's session; the admin background session when it has none. */
struct session *session_current(void);
/** Make it the running fiber's. @return the one before (to set it back) */
struct session *session_set_current(struct session *s);
/**
 * The running fiber's session; one of its own is made (and freed with the fiber)
 * when it has none, for what must not be shared: storage, su().
 * @return NULL with diag set
 */
struct session *session_own(void);

/**
 * Whose rights count now: the user that the fiber took on for a while
 * (session_set_effective), else its session's.
 */
uint32_t session_effective_uid(void);
/**
 * Take on somebody's rights in the running fiber (setuid functions, su, triggers).
 * @param cred must live until the reverse call; NULL: the session's own again
 * @return what was set before
 */
const struct credentials *session_set_effective(const struct credentials *cred);
extern const struct credentials session_admin_cred;

/* Lists of struct trigger; the event is struct session_event. */
extern struct list session_on_connect, session_on_disconnect, session_on_auth;

struct session_event {
	struct session *session;
	const char *user;      /* on_auth only */
	bool is_authenticated; /* on_auth only */
};

/** Triggers of box.session.on_connect and friends. -1: refused, diag set. */
int session_run_on_connect(struct session *s);
void session_run_on_disconnect(struct session *s);
/** Who drops a session's storage: set by the Lua layer. */
extern void (*session_storage_free)(int storage_ref);

/**
 * chap-sha1: log the session in.
 * @param salt    the 20 first bytes of the greeting's salt
 * @param scramble what the client sent; NULL for guest without a password
 */
int session_auth(struct session *s, const char *user, uint32_t user_len, const char *salt,
	const char *scramble, uint32_t scramble_len);

/** May the current session EVAL? 0, or -1 with AccessDeniedError. */
int access_check_eval(void);
/** May the current session CALL this function name? 0, or -1 with diag set. */
int access_check_call(const char *name, uint32_t len);

#endif
