/* box.session.push for connections. Internal to net/. */
#ifndef NET_PUSH_H
#define NET_PUSH_H

#include <stdint.h>

struct conn;
struct lua_State;
struct session;

/** session_vtab.push: a CHUNK, or a pushed document on a text console. May yield. */
int net_push(struct session *s, uint64_t sync, struct lua_State *L, int idx);
/** The text console's part of it. */
int net_text_push(struct conn *con, struct lua_State *L, int idx);

#endif
