/*
 * box.lib: modules that an application loads and unloads itself. Each handle stays on
 * the version it was made with; the same file, unchanged since, is opened once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/module/open.h"
#include "instance/module/version.h"

static bool is_same_file(const struct module_version *v, const struct stat *st)
{
	return v->dev == st->st_dev && v->ino == st->st_ino &&
	       v->size == (uint64_t)st->st_size &&
	       v->mtime_ns ==
		       (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

struct module_version *module_lib_load(const char *name, size_t len)
{
	_cleanup_(freep) char *copy = strndup(name, len);
	if (copy == NULL) {
		diag_set(oom, "Failed to allocate memory for a module");
		return NULL;
	}
	_cleanup_(freep) char *path = module_find_file(copy);
	struct stat st;
	if (path == NULL)
		return NULL;
	if (stat(path, &st) != 0) {
		module_load_error(copy, "can't open %s: %s", path, strerror(errno));
		return NULL;
	}
	list_foreach(v, &module_versions, struct module_version, link)
	{
		if (v->pins[MODULE_PIN_LIB] > 0 && strcmp(v->path, path) == 0 &&
			is_same_file(v, &st)) {
			module_pin(v, MODULE_PIN_LIB);
			return v;
		}
	}
	struct module_version *v = module_open(copy, path, NULL, false);
	module_pin(v, MODULE_PIN_LIB);
	return v;
}

module_proc module_lib_symbol(struct module_version *v, const char *symbol)
{
	return version_symbol(v, symbol);
}

int module_lib_call(struct module_version *v, module_proc proc, const char *args,
	const char *args_end, struct func_result *result)
{
	return version_call(v, proc, args, args_end, result);
}
