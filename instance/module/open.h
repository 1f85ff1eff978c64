/* From a module's name to a version that is open. */
#ifndef MODULE_OPEN_H
#define MODULE_OPEN_H

#include <stdbool.h>

#include "instance/module/version.h"

/**
 * Where the module's file is: an absolute path.
 * @return a string to free; NULL with diag set (ER_LOAD_MODULE: not found)
 */
char *module_find_file(const char *name);
/**
 * Read the file, check it, try it, open a private copy of it.
 * @param required what it must export or it is not opened; ends with NULL; may be NULL
 * @param may_yield else it blocks
 * @return it belongs to nobody yet: give it an owner or version_retire() it. NULL with
 *         diag set
 */
struct module_version *module_open(
	const char *name, const char *path, const char *const *required, bool may_yield);

#endif
