/*
 * What the network needs from the layer above, which runs Lua. The network knows
 * nothing of Lua: it hands over bytes and connections.
 */
#ifndef NET_HOOKS_H
#define NET_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct conn;
struct lua_State;
struct session;

/* Set once, before net_init(). All may yield, but for fiber_prepare. */
struct net_hooks {
	/** Make the running fiber fit for the others. @return 0, or -1 with diag set */
	int (*fiber_prepare)(void);
	/** A CALL: see lua_call_path(). */
	int (*call)(const char *name, uint32_t name_len, const char *args,
		const char *args_end, bool is_call_16, struct buf *out,
		uint32_t *ret_count);
	/** An EVAL: see lua_eval_text(). */
	int (*eval)(const char *expr, uint32_t expr_len, const char *args,
		const char *args_end, struct buf *out, uint32_t *ret_count);
	/**
	 * Run the text console on a connection whose first bytes stand in its input
	 * buffer. Called in a fiber of its own; returns when the console is over.
	 */
	void (*serve_text)(struct conn *con);
	/** session_vtab.push: a CHUNK, or a pushed document on a text console. */
	int (*push)(struct session *s, uint64_t sync, struct lua_State *L, int idx);
	int (*push_mp)(
		struct session *s, uint64_t sync, const char *data, const char *end);
};

extern struct net_hooks net_hooks;

#endif
