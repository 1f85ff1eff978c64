/* One end of an IPROTO connection, shared by the files of net.box. */
#ifndef LUA_L_NET_BOX_H
#define LUA_L_NET_BOX_H

#include <lauxlib.h>
#include <stdbool.h>

#include "proto/buf.h"
#include "proto/greeting.h"
#include "proto/mp.h"

/* Owned by its Lua userdata. */
struct netbox_conn {
	int fd;    /* -1: closed */
	int users; /* fibers inside next() or flush() */
	bool is_closing;
	struct buf in, out;
	struct buf writing;    /* what flush() is writing now */
	struct mp_cursor body; /* of the frame that next() found; inside `in` */
	uint32_t frame_len;    /* to step over before the next one */
	struct greeting greeting;
};

/** The connection at 1; raises when there is none. */
struct netbox_conn *netbox_check_conn(lua_State *L);

/** Methods that append a request: each takes (conn, sync, ...). */
extern const luaL_Reg netbox_request_methods[];

#endif
