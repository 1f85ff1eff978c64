/* From a function's name to its address in a version. */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>

#include "instance/base/diag.h"
#include "instance/module/version.h"

struct look {
	uintptr_t addr;
	bool is_code;
};

static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct look *look = arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + ph->p_vaddr;
		if (ph->p_type == PT_LOAD && ph->p_flags & PF_X && look->addr >= begin &&
			look->addr < begin + ph->p_memsz)
			look->is_code = true;
	}
	return look->is_code;
}

/* Data of that name is no function: a call would crash. */
static bool is_code(uintptr_t addr)
{
	struct look look = {addr, false};
	dl_iterate_phdr(look_at_object, &look);
	return look.is_code;
}

/* @return NULL, or why it cannot be called */
static const char *find_symbol(
	const struct module_version *v, const char *symbol, module_proc *ret)
{
	dlerror();
	uintptr_t addr = (uintptr_t)dlsym(v->handle, symbol);
	dlerror();
	if (addr == 0)
		return "undefined symbol";
	/*
	 * dlsym() looks into the libraries that the file needs too: a private one may
	 * hold the function, but libc's open() is not meant by `mod.open`.
	 */
	bool is_own = addr >= v->begin && addr < v->end;
	if (!is_own && addr == (uintptr_t)dlsym(RTLD_DEFAULT, symbol))
		return "undefined symbol";
	dlerror();
	if (!is_code(addr))
		return "not a function";
	*ret = (module_proc)addr;
	return NULL;
}

bool version_has_symbol(const struct module_version *v, const char *symbol)
{
	module_proc proc;
	return find_symbol(v, symbol, &proc) == NULL;
}

module_proc version_symbol(const struct module_version *v, const char *symbol)
{
	module_proc proc;
	const char *wrong = find_symbol(v, symbol, &proc);
	if (wrong == NULL)
		return proc;
	char text[1024];
	snprintf(text, sizeof(text), "%s: %s: %s", v->path, wrong, symbol);
	diag_set_client(ER_LOAD_FUNCTION, symbol, text);
	return NULL;
}
