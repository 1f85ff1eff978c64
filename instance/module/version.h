/* Inside of module/: how versions are made, used and given up. */
#ifndef MODULE_VERSION_H
#define MODULE_VERSION_H

#include "instance/module/image.h"
#include "instance/module/module.h"

struct elf;

/** At the start: who is the thread of the event loop. */
void version_init(void);

/**
 * A version that is not open yet, with what the image and its ELF say; not in the
 * list. @return NULL with diag set (OutOfMemory)
 */
struct module_version *version_new(const char *name, const char *path,
	const struct image *image, const struct elf *elf);
/**
 * dlopen() the image's private copy.
 * @return 0; -1 with diag set, and the version is freed
 */
int version_open(struct module_version *v, const struct image *image);
/** Its owner (a module, box.lib) gives it up: it closes when nothing is inside. */
void version_retire(struct module_version *v);
/** A symbol of it. @return NULL with diag set (ER_LOAD_FUNCTION) */
module_proc version_symbol(const struct module_version *v, const char *symbol);
/** Can the function be had from it? No diag. */
bool version_has_symbol(const struct module_version *v, const char *symbol);
/** Call a procedure of it; as func_c_call. */
int version_call(struct module_version *v, module_proc proc, const char *args,
	const char *args_end, struct func_result *result);
/** The function's name in the module; NULL when it is not one of that module. */
const char *module_symbol_of(const struct func *func, const struct module *m);
/** New calls go there; the one before is not touched. */
void module_set_current(struct module *m, struct module_version *v);

/** Make this the version whose code the thread runs. @return the one before */
struct module_version *version_set_running(struct module_version *v);
/** It started a thread: it stays. Any thread may call. */
void version_add_thread(struct module_version *v);

#endif
