/* C modules in Lua: box.schema.func.reload, calls of C functions, box.lib. */
#ifndef LUA_L_MODULE_H
#define LUA_L_MODULE_H

/** Set the hooks of module/. Before module_init(). */
void l_module_init(void);

#endif
