/*
 * The modules with a part in C: LUA_MODULE(name, function, when).
 *
 * `luaopen_<function>` pushes a table. A Lua file of the same name, if there is
 * one, is run after it and gets (name, table) in `...`: what it returns is the
 * module, or the table when it returns nothing. LUA_LAZY: opened by the first
 * require(). LUA_EAGER: opened at the start, in this order, for what must exist
 * without require().
 */
LUA_MODULE("loaders", loaders, LUA_EAGER)
LUA_MODULE("box.internal.error", error, LUA_EAGER)
LUA_MODULE("uuid", uuid, LUA_LAZY)
LUA_MODULE("decimal", decimal, LUA_LAZY)
LUA_MODULE("box.tuple", tuple, LUA_LAZY)
LUA_MODULE("fiber", fiber, LUA_LAZY)
LUA_MODULE("socket", socket, LUA_LAZY)
LUA_MODULE("fio", fio, LUA_LAZY)
LUA_MODULE("log", log, LUA_LAZY)
LUA_MODULE("errno", errno, LUA_LAZY)
LUA_MODULE("clock", clock, LUA_LAZY)
LUA_MODULE("title", title, LUA_LAZY)
LUA_MODULE("tarantool", tarantool, LUA_LAZY)
LUA_MODULE("json", json, LUA_LAZY)
LUA_MODULE("yaml", yaml, LUA_LAZY)
LUA_MODULE("msgpack", msgpack, LUA_LAZY)
LUA_MODULE("msgpackffi", msgpackffi, LUA_LAZY)
LUA_MODULE("console", console, LUA_LAZY)
LUA_MODULE("digest", digest, LUA_LAZY)
LUA_MODULE("uri", uri, LUA_LAZY)
LUA_MODULE("utf8", utf8, LUA_EAGER)
LUA_MODULE("pickle", pickle, LUA_LAZY)
LUA_MODULE("pwd", pwd, LUA_LAZY)
LUA_MODULE("iconv", iconv, LUA_LAZY)
LUA_MODULE("net.box", net_box, LUA_LAZY)
LUA_MODULE("box.cfg", cfg, LUA_LAZY)
LUA_MODULE("box.info", cfg, LUA_LAZY)
LUA_MODULE("box", box, LUA_EAGER)
LUA_MODULE("internal.terminal", terminal, LUA_LAZY)
LUA_MODULE("internal.control", control, LUA_EAGER)
LUA_MODULE("internal.reload", reload, LUA_LAZY)
LUA_MODULE("box.internal.session", session, LUA_LAZY)
LUA_MODULE("box.internal.space", space, LUA_LAZY)
LUA_MODULE("box.internal.module", box_module, LUA_LAZY)
LUA_MODULE("module", module_list, LUA_LAZY)
LUA_MODULE("box.internal.txn", txn, LUA_LAZY)
