/* Modules by name, and the calls of their functions. */
#include "instance/module/module.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/func.h"
#include "instance/module/open.h"
#include "instance/module/version.h"

struct list module_modules = {&module_modules, &module_modules};

struct module *module_find(const char *name, size_t len)
{
	list_foreach(m, &module_modules, struct module, link)
	{
		if (strlen(m->name) == len && memcmp(m->name, name, len) == 0)
			return m;
	}
	return NULL;
}

/** The last dot parts the module from the function; without one both are the name. */
static const char *split_name(const char *name, size_t *ret_module_len)
{
	const char *dot = strrchr(name, '.');
	*ret_module_len = dot != NULL ? (size_t)(dot - name) : strlen(name);
	return dot != NULL ? dot + 1 : name;
}

const char *module_symbol_of(const struct func *func, const struct module *m)
{
	size_t len;
	const char *symbol = split_name(func->ref.name, &len);
	bool is_of_module = func->language == FUNC_LANGUAGE_C && strlen(m->name) == len &&
			    memcmp(m->name, func->ref.name, len) == 0;
	return is_of_module ? symbol : NULL;
}

void module_set_current(struct module *m, struct module_version *v)
{
	m->current = v;
	v->module = m;
	v->func_count = m->func_count;
}

static struct module *module_load(const char *name, size_t len)
{
	struct module *m = calloc(1, sizeof(*m) + len + 1);
	if (m == NULL) {
		diag_set(oom, "Failed to allocate memory for a module");
		return NULL;
	}
	memcpy(m->name, name, len);
	list_init(&m->funcs);
	_cleanup_(freep) char *path = module_find_file(m->name);
	struct module_version *v = NULL;
	/* A call in a transaction must not yield: it would be the end of that. */
	if (path != NULL)
		v = module_open(m->name, path, NULL, false);
	if (v == NULL) {
		free(m);
		return NULL;
	}
	module_set_current(m, v);
	list_add_tail(&module_modules, &m->link);
	return m;
}

/** Forget a module without functions; its version closes when nothing is inside. */
static void module_drop_if_unused(struct module *m)
{
	if (m->func_count > 0)
		return;
	struct module_version *v = m->current;
	list_del(&m->link);
	v->module = NULL;
	free(m);
	version_retire(v);
}

static struct module_func *module_func_new(struct module *m, const char *symbol)
{
	module_proc proc = version_symbol(m->current, symbol);
	if (proc == NULL)
		return NULL;
	size_t size = strlen(symbol) + 1;
	struct module_func *f = malloc(sizeof(*f) + size);
	if (f == NULL) {
		diag_set(oom, "Failed to allocate memory for a function");
		return NULL;
	}
	f->module = m;
	f->proc = proc;
	memcpy(f->symbol, symbol, size);
	list_add_tail(&m->funcs, &f->link);
	m->current->func_count = ++m->func_count;
	return f;
}

static void module_func_free(struct module_func *f)
{
	struct module *m = f->module;
	list_del(&f->link);
	free(f);
	m->current->func_count = --m->func_count;
	module_drop_if_unused(m);
}

/** The first call: find the function, load its module when no other did. */
static int func_load(struct func *func)
{
	size_t len;
	const char *symbol = split_name(func->ref.name, &len);
	struct module *m = module_find(func->ref.name, len);
	if (m == NULL && (m = module_load(func->ref.name, len)) == NULL)
		return -1;
	func->c = module_func_new(m, symbol);
	if (func->c == NULL) {
		module_drop_if_unused(m);
		return -1;
	}
	return 0;
}

static int call_func(struct func *func, const char *args, const char *args_end,
	struct func_result *result)
{
	if (unlikely(func->c == NULL) && func_load(func) != 0)
		return -1;
	return version_call(
		func->c->module->current, func->c->proc, args, args_end, result);
}

int module_init(void)
{
	version_init();
	func_c_call = call_func;
	func_c_free = module_func_free;
	return 0;
}
