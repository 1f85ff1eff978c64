/* What runs Lua for the network. */
#ifndef LUA_NET_HOOKS_H
#define LUA_NET_HOOKS_H

/** Fill in net_hooks (instance/net/hooks.h). Before net_init(). */
void lua_net_hooks_init(void);

#endif
