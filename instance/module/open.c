#include "instance/module/open.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/module/trial.h"
#include "proto/elf.h"

static int search_nowhere(const char *name, size_t len, char *ret_path, size_t size)
{
	return module_load_error(name, "module not found");
}

int (*module_search)(
	const char *name, size_t len, char *ret_path, size_t size) = search_nowhere;

char *module_find_file(const char *name)
{
	char found[PATH_MAX];
	if (module_search(name, strlen(name), found, sizeof(found)) != 0)
		return NULL;
	char *path = realpath(found, NULL);
	if (path == NULL)
		module_load_error(name, "can't find %s: %s", found, strerror(errno));
	return path;
}

static int check_exports(
	const struct elf *elf, const char *path, const char *const *required)
{
	for (; required != NULL && *required != NULL; required++) {
		if (elf_find_function(elf, *required) == ELF_FOUND)
			continue;
		char text[PATH_MAX + 256];
		snprintf(text, sizeof(text), "%s: undefined symbol: %s", path, *required);
		diag_set_client(ER_LOAD_FUNCTION, *required, text);
		return -1;
	}
	return 0;
}

struct module_version *module_open(
	const char *name, const char *path, const char *const *required, bool may_yield)
{
	_cleanup_(image_fini) struct image image = {0};
	struct elf elf;
	char error[ELF_ERROR_SIZE];
	bool can_close = true;
	if (image_read(&image, name, path, may_yield) != 0)
		return NULL;
	if (elf_parse(&elf, image.data, image.size, error) != 0) {
		module_load_error(name, "%s %s", path, error);
		return NULL;
	}
	if (check_exports(&elf, path, required) != 0 ||
		image_store(&image, name, path) != 0 ||
		(trial_is_needed(&elf) &&
			trial_run(&image, name, path, may_yield, &can_close) != 0))
		return NULL;
	struct module_version *v = version_new(name, path, &image, &elf);
	if (v != NULL && !can_close)
		v->never_close = v->stuck = "unloading it ends the process";
	if (v == NULL || version_open(v, &image) != 0)
		return NULL;
	return v;
}
