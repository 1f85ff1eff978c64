/*
 * Replacing a module's version under the calls that are inside it.
 *
 * Everything that can fail happens before the switch, beside the version that
 * serves: the file is read, checked and opened as a copy of its own, and each
 * function in use is found in it. The switch itself only stores addresses, and
 * nobody runs in between. New calls go to the new version; those inside the old one
 * end there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/func.h"
#include "instance/box/txn.h"
#include "instance/module/open.h"
#include "instance/module/version.h"

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Names of functions, ends with NULL. */
struct names {
	const char **list;
	size_t count, capacity;
	const struct module *module;
};

static void names_fini(struct names *names)
{
	free(names->list);
}

static int names_add(struct names *names, const char *name)
{
	if (names->count + 2 > names->capacity) {
		size_t capacity = names->capacity != 0 ? names->capacity * 2 : 16;
		const char **list = realloc(names->list, capacity * sizeof(*list));
		if (list == NULL) {
			diag_set(oom, "Failed to allocate memory for a reload");
			return -1;
		}
		names->list = list;
		names->capacity = capacity;
	}
	names->list[names->count++] = name;
	names->list[names->count] = NULL;
	return 0;
}

/* A function counts as in use when it was called, or could be: the current version
 * has it. A row of _func whose function never existed does not stop a reload. */
static int add_if_used(struct func *func, void *arg)
{
	struct names *names = arg;
	const char *symbol = module_symbol_of(func, names->module);
	if (symbol == NULL ||
		(func->c == NULL && !version_has_symbol(names->module->current, symbol)))
		return 0;
	return names_add(names, symbol);
}

/** The functions in use; they point into the functions' names: good until a yield. */
static int names_collect(struct names *names, const struct module *m)
{
	*names = (struct names){.module = m};
	return func_each(add_if_used, names);
}

/** Does the new version have all that is in use? */
static int check_version(const struct module *m, const struct module_version *v)
{
	_cleanup_(names_fini) struct names names = {0};
	if (names_collect(&names, m) != 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		if (version_symbol(v, names.list[i]) == NULL)
			return -1;
	}
	return 0;
}

/** What is in the file itself can be asked of the new file before it is opened. */
static int copy_own_names(const struct module *m, char ***ret)
{
	_cleanup_(names_fini) struct names names = {0};
	if (names_collect(&names, m) != 0)
		return -1;
	size_t size = sizeof(char *), count = 0;
	for (size_t i = 0; i < names.count; i++)
		size += sizeof(char *) + strlen(names.list[i]) + 1;
	char **copy = malloc(size);
	if (copy == NULL) {
		diag_set(oom, "Failed to allocate memory for a reload");
		return -1;
	}
	char *text = (char *)(copy + names.count + 1);
	for (size_t i = 0; i < names.count; i++) {
		uintptr_t addr = (uintptr_t)version_symbol(m->current, names.list[i]);
		if (addr < m->current->begin || addr >= m->current->end)
			continue;
		copy[count++] = text;
		text = stpcpy(text, names.list[i]) + 1;
	}
	copy[count] = NULL;
	*ret = copy;
	return 0;
}

/* The functions were all found: nothing here fails. */
static void switch_to_version(struct module *m, struct module_version *v)
{
	struct module_version *old = m->current;
	list_foreach(f, &m->funcs, struct module_func, link)
	{
		f->proc = version_symbol(v, f->symbol);
	}
	module_set_current(m, v);
	m->reload_count++;
	version_retire(old);
}

static void report_old(struct module_report *report, const struct module *m)
{
	const struct module_version *old = m->current;
	report->old_number = old->number;
	memcpy(report->old_build_id, old->build_id, sizeof(report->old_build_id));
	memcpy(report->old_pins, old->pins, sizeof(report->old_pins));
	report->old_stuck = module_stuck_reason(old);
	report->func_count = m->func_count;
}

static void report_new(struct module_report *report, const struct module_version *v)
{
	report->new_number = v->number;
	memcpy(report->new_build_id, v->build_id, sizeof(report->new_build_id));
}

/** Is it the same module still, on the same version? Yields may have dropped it, and a
 * call loaded it anew. */
static struct module *find_unchanged(const char *name, size_t len, uint64_t number)
{
	struct module *m = module_find(name, len);
	return m != NULL && m->current->number == number ? m : NULL;
}

/** The new version beside the old one. The module may be gone afterwards (yields). */
static struct module_version *prepare(struct module *m)
{
	bool may_yield = txn_current() == NULL;
	uint64_t number = m->current->number;
	_cleanup_(freep) char **required = NULL;
	_cleanup_(freep) char *path = module_find_file(m->name);
	if (path == NULL || copy_own_names(m, &required) != 0)
		return NULL;
	_cleanup_(freep) char *name = strdup(m->name);
	if (name == NULL) {
		diag_set(oom, "Failed to allocate memory for a reload");
		return NULL;
	}
	m->is_reloading = true;
	struct module_version *v =
		module_open(name, path, (const char *const *)required, may_yield);
	m = find_unchanged(name, strlen(name), number);
	if (m != NULL)
		m->is_reloading = false;
	return v;
}

static int no_such_module(const char *name, size_t len)
{
	char text[256];
	snprintf(text, sizeof(text), "%.*s",
		(int)(len < sizeof(text) ? len : sizeof(text)), name);
	diag_set_client(ER_NO_SUCH_MODULE, text);
	return -1;
}

static int not_there_any_more(const char *name, size_t len)
{
	const struct module *m = module_find(name, len);
	return m != NULL ? module_load_error(m->name, "it was loaded anew meanwhile")
			 : no_such_module(name, len);
}

int module_reload(
	const char *name, size_t len, bool is_check, struct module_report *report)
{
	struct module_report unused;
	if (report == NULL)
		report = &unused;
	memset(report, 0, sizeof(*report));
	double start = now();
	struct module *m = module_find(name, len);
	if (m == NULL)
		return no_such_module(name, len);
	if (m->is_reloading)
		return module_load_error(m->name, "it is being reloaded");
	uint64_t number = m->current->number;
	struct module_version *v = prepare(m);
	if (v == NULL)
		return -1;
	m = find_unchanged(name, len, number);
	if (m == NULL || check_version(m, v) != 0) {
		version_retire(v);
		return m == NULL ? not_there_any_more(name, len) : -1;
	}
	report_old(report, m);
	report_new(report, v);
	if (is_check)
		version_retire(v);
	else
		switch_to_version(m, v);
	report->time_s = now() - start;
	return 0;
}
