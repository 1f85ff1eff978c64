/* Lua text that ctl carries; made at build time. */
#ifndef CTL_EMBEDDED_H
#define CTL_EMBEDDED_H

#include <stddef.h>

/* What commands send to an instance: lua/remote.lua. */
extern const char remote_lua[];
extern const size_t remote_lua_len;
extern const char remote_lua_hash[];
/* What `start` runs the instance file with: ctl/launcher.lua. */
extern const char launcher_lua[];
extern const size_t launcher_lua_len;
extern const char launcher_lua_hash[];
/* What an instance with metrics runs: ctl/metrics.lua. */
extern const char metrics_lua[];
extern const size_t metrics_lua_len;
extern const char metrics_lua_hash[];
/* The reload engine: what lua/reload/bundle.py makes of its parts. */
extern const char reload_lua[];
extern const size_t reload_lua_len;
extern const char reload_lua_hash[];

/* What `init` makes: ctl/template/. */
extern const char init_instance_lua[];
extern const char init_app_lua[];
extern const char init_defaults_lua[];

#endif
