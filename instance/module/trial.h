/* Try in a child process whether a file can be loaded, and unloaded again. */
#ifndef MODULE_TRIAL_H
#define MODULE_TRIAL_H

#include <stdbool.h>

#include "instance/module/image.h"

struct elf;

/** Does it run code of its own when it is loaded or unloaded, or need other libraries? */
bool trial_is_needed(const struct elf *elf);
/**
 * Load the image in a forked child; it lives as long as that takes, 10 s at most.
 * @param may_yield wait for it in the event loop; else it blocks
 * @param[out] ret_can_close false: it can be loaded, but to unload it ends the process
 * @return 0; -1 with diag set (ER_LOAD_MODULE)
 */
int trial_run(const struct image *image, const char *name, const char *path,
	bool may_yield, bool *ret_can_close);

#endif
