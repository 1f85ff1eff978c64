/* The orderly end of the process: signals and os.exit(). */
#ifndef LUA_SHUTDOWN_H
#define LUA_SHUTDOWN_H

#include <stdbool.h>

#include "instance/base/list.h"

/** struct trigger: box.ctl.on_shutdown. Run in a fiber before the loop ends. */
extern struct list shutdown_triggers;

/** Once, with lua_main: puts os.exit in. */
void shutdown_init(void);
/** Run the triggers and then end the loop. The first call decides the exit code. */
void shutdown_start(int exit_code);
/** The exit code; `otherwise` when nobody asked for the end. */
int shutdown_code(int otherwise);
bool shutdown_is_started(void);

#endif
