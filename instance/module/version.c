/*
 * One loaded copy of a module, from dlopen() to dlclose().
 *
 * When it may be closed. Its owner gave it up (a reload, the drop of its last
 * function, box.lib), and no pin is left: no call is inside, no fiber runs a
 * function of it, no worker thread. Even then there are files that cannot go:
 *
 * - One that started a thread. Whether that thread still runs code of the file, or a
 *   destructor of its thread-local data will, cannot be known. thread.c sees each
 *   pthread_create() and asks whose function, or whose call, it is.
 * - One that gave Lua a function: seen when it does (lua/push_c.c).
 * - One whose function handles a signal: looked up before closing.
 * - One whose destructor ended the child process that tried it (trial.c).
 * - What the dynamic linker keeps: symbols of type GNU_UNIQUE (C++ statics and
 *   template members) that others were bound to, -z nodelete, destructors of
 *   thread-local objects. We expect it from the ELF, to say so at once, and then
 *   close the file and look whether it is still mapped: what counts is that.
 *
 * Such a version stays in the list as stuck. Nothing calls it.
 */
#include "instance/module/version.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/func.h"
#include "instance/fiber/fiber.h"
#include "instance/module/api_util.h"
#include "instance/module/context.h"
#include "proto/elf.h"

struct list module_versions = {&module_versions, &module_versions};
uintptr_t module_lowest = UINTPTR_MAX, module_highest;

/* For module_by_address() from other threads: held while the list changes. */
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t main_thread;
static bool has_main_thread;
/* What a thread of a module runs; in the main thread: constructors, destructors. */
static _Thread_local struct module_version *thread_running;
static uint64_t last_number;

static int call_directly(int (*body)(void *arg), void *arg)
{
	return body(arg);
}

int (*module_guard)(int (*body)(void *arg), void *arg) = call_directly;

void version_init(void)
{
	main_thread = pthread_self();
	has_main_thread = true;
}

enum module_state module_version_state(const struct module_version *v)
{
	if (v->module != NULL || v->pins[MODULE_PIN_LIB] > 0)
		return MODULE_CURRENT;
	return module_version_pins(v) > 0 ? MODULE_DRAINING : MODULE_STUCK;
}

const char *module_state_name(enum module_state state)
{
	static const char *const names[] = {
		[MODULE_CURRENT] = "current",
		[MODULE_DRAINING] = "draining",
		[MODULE_STUCK] = "cannot be unloaded",
	};
	return names[state];
}

const char *module_stuck_reason(const struct module_version *v)
{
	if (__atomic_load_n(&v->thread_count, __ATOMIC_ACQUIRE) > 0)
		return "it has started threads";
	return v->stuck;
}

unsigned module_version_pins(const struct module_version *v)
{
	unsigned sum = 0;
	for (int i = 0; i < MODULE_PIN_MAX; i++)
		sum += v->pins[i];
	return sum;
}

static void version_free(struct module_version *v)
{
	free(v->name);
	free(v->path);
	free(v);
}

struct module_version *version_new(const char *name, const char *path,
	const struct image *image, const struct elf *elf)
{
	struct module_version *v = calloc(1, sizeof(*v));
	if (v != NULL) {
		list_init(&v->link);
		v->name = strdup(name);
		v->path = strdup(path);
	}
	if (v == NULL || v->name == NULL || v->path == NULL) {
		if (v != NULL)
			version_free(v);
		diag_set(oom, "Failed to allocate memory for a module");
		return NULL;
	}
	v->dev = image->dev;
	v->ino = image->ino;
	v->size = image->size;
	v->mtime_ns = image->mtime_ns;
	elf_format_build_id(elf, v->build_id);
	if (elf->is_nodelete)
		v->stuck = "it is linked with -z nodelete";
	else if (elf->has_unique)
		v->stuck = "it has symbols of type GNU_UNIQUE (C++ statics)";
	/* Relative to where it will be. */
	v->begin = UINTPTR_MAX;
	for (unsigned i = 0; i < elf->load_count; i++) {
		const struct elf_segment *s = &elf->loads[i];
		if (s->vaddr < v->begin)
			v->begin = s->vaddr;
		if (s->vaddr + s->memsz > v->end)
			v->end = s->vaddr + s->memsz;
	}
	return v;
}

/* The linker's text with the file's name in place of the copy's. */
static int set_dl_error(const struct module_version *v, const struct image *image)
{
	const char *text = dlerror();
	if (text == NULL)
		text = "unknown error";
	size_t len = strlen(image->open_path);
	if (strncmp(text, image->open_path, len) == 0)
		return module_load_error(v->name, "%s%s", v->path, text + len);
	return module_load_error(v->name, "%s", text);
}

struct opening {
	struct module_version *v;
	const struct image *image;
};

static int open_body(void *arg)
{
	struct opening *o = arg;
	o->v->handle = dlopen(o->image->open_path, RTLD_NOW | RTLD_LOCAL);
	return o->v->handle != NULL ? 0 : set_dl_error(o->v, o->image);
}

int version_open(struct module_version *v, const struct image *image)
{
	struct opening o = {v, image};
	struct link_map *map;
	struct module_version *before = version_set_running(v);
	int rc = module_guard(open_body, &o);
	version_set_running(before);
	if (rc != 0 || dlinfo(v->handle, RTLD_DI_LINKMAP, &map) != 0) {
		/* What it started in vain may still use what we know of it. */
		if (__atomic_load_n(&v->thread_count, __ATOMIC_ACQUIRE) == 0)
			version_free(v);
		return -1;
	}
	v->base = map->l_addr;
	v->begin += v->base;
	v->end += v->base;
	if (v->begin < module_lowest)
		module_lowest = v->begin;
	if (v->end > module_highest)
		module_highest = v->end;
	v->number = ++last_number;
	v->loaded_at = fiber_time();
	pthread_mutex_lock(&list_lock);
	list_add_tail(&module_versions, &v->link);
	pthread_mutex_unlock(&list_lock);
	return 0;
}

/* ---- Closing ---- */

struct look {
	const struct module_version *v;
	bool is_found;
};

static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct look *look = arg;
	static const char prefix[] = "/proc/self/fd/";
	look->is_found = info->dlpi_addr == look->v->base &&
			 strncmp(info->dlpi_name, prefix, sizeof(prefix) - 1) == 0;
	return look->is_found;
}

static bool is_mapped(const struct module_version *v)
{
	struct look look = {v, false};
	dl_iterate_phdr(look_at_object, &look);
	return look.is_found;
}

static bool is_inside(const struct module_version *v, const void *addr)
{
	return (uintptr_t)addr >= v->begin && (uintptr_t)addr < v->end;
}

static bool handles_signal(const struct module_version *v)
{
	for (int i = 1; i < NSIG; i++) {
		struct sigaction action;
		if (sigaction(i, NULL, &action) != 0)
			continue;
		uintptr_t addr = (uintptr_t)(action.sa_flags & SA_SIGINFO
						     ? (void *)action.sa_sigaction
						     : (void *)action.sa_handler);
		if (is_inside(v, (void *)addr))
			return true;
	}
	return false;
}

static int close_body(void *arg)
{
	struct module_version *v = arg;
	return dlclose(TAKE_PTR(v->handle));
}

/* Nothing is inside and nobody owns it. */
static void version_close(struct module_version *v)
{
	if (v->handle == NULL)
		return;
	if (__atomic_load_n(&v->thread_count, __ATOMIC_ACQUIRE) > 0) {
		v->stuck = module_stuck_reason(v);
	} else if (v->never_close != NULL) {
		v->stuck = v->never_close;
	} else if (handles_signal(v)) {
		v->stuck = "it handles a signal";
	} else {
		struct module_version *before = version_set_running(v);
		struct error *last = diag_last();
		if (last != NULL)
			error_ref(last);
		module_guard(close_body, v); /* a destructor may raise: that is all */
		diag_clear();
		if (last != NULL)
			diag_set_error(last);
		version_set_running(before);
		if (!is_mapped(v) && v->thread_count == 0) {
			pthread_mutex_lock(&list_lock);
			list_del(&v->link);
			pthread_mutex_unlock(&list_lock);
			version_free(v);
		} else if (v->stuck == NULL) {
			v->stuck = "the dynamic linker keeps it";
		}
	}
}

void version_retire(struct module_version *v)
{
	v->module = NULL;
	v->func_count = 0;
	if (module_version_pins(v) == 0)
		version_close(v);
}

void module_pin(struct module_version *v, enum module_pin kind)
{
	if (v != NULL)
		v->pins[kind]++;
}

void module_unpin(struct module_version *v, enum module_pin kind)
{
	if (v == NULL)
		return;
	v->pins[kind]--;
	if (unlikely(v->module == NULL) && module_version_pins(v) == 0)
		version_close(v);
}

/* ---- Whose code is it ---- */

struct module_version *module_by_address(const void *addr)
{
	struct module_version *found = NULL;
	pthread_mutex_lock(&list_lock);
	list_foreach(v, &module_versions, struct module_version, link)
	{
		if (is_inside(v, addr)) {
			found = v;
			break;
		}
	}
	pthread_mutex_unlock(&list_lock);
	return found;
}

void module_note_lua(const void *func)
{
	struct module_version *v = module_by_address(func);
	if (v != NULL && v->never_close == NULL)
		v->never_close = v->stuck = "Lua has functions of it";
}

struct module_version *module_running(void)
{
	if (thread_running != NULL)
		return thread_running;
	if (!has_main_thread || !pthread_equal(pthread_self(), main_thread))
		return NULL;
	return fiber_current != NULL ? fiber_current->local[FIBER_LOCAL_MODULE] : NULL;
}

struct module_version *version_set_running(struct module_version *v)
{
	struct module_version *before = thread_running;
	thread_running = v;
	return before;
}

struct module_version *module_of_function(const void *func)
{
	struct module_version *v = module_by_address(func);
	return v != NULL ? v : module_running();
}

void version_add_thread(struct module_version *v)
{
	__atomic_add_fetch(&v->thread_count, 1, __ATOMIC_ACQ_REL);
}

struct fiber_stamp {
	struct fiber_hook on_stop;
	struct module_version *version;
};

static void on_fiber_stop(struct fiber_hook *hook)
{
	struct fiber_stamp *stamp = container_of(hook, struct fiber_stamp, on_stop);
	fiber_current->local[FIBER_LOCAL_MODULE] = NULL;
	module_unpin(stamp->version, MODULE_PIN_FIBER);
	free(stamp);
}

int module_pin_fiber(struct fiber *f, const void *func)
{
	struct module_version *v = module_of_function(func);
	if (v == NULL)
		return 0;
	struct fiber_stamp *stamp = malloc(sizeof(*stamp));
	if (stamp == NULL) {
		diag_set(oom, "Failed to allocate memory for a fiber of a module");
		return -1;
	}
	*stamp = (struct fiber_stamp){.on_stop.run = on_fiber_stop, .version = v};
	list_add(&f->on_stop, &stamp->on_stop.link);
	f->local[FIBER_LOCAL_MODULE] = v;
	module_pin(v, MODULE_PIN_FIBER);
	return 0;
}

/* ---- Calls ---- */

struct call {
	module_proc proc;
	struct box_function_ctx ctx;
	const char *args, *args_end;
	unsigned errors_before; /* an older failure is not this one's */
};

static int call_body(void *arg)
{
	struct call *call = arg;
	int rc = call->proc(&call->ctx, call->args, call->args_end);
	/* It says that it failed: with an error of its own, or without a word. */
	if (rc != 0 &&
		(diag_last() == NULL || diag_get()->set_count == call->errors_before))
		diag_set_client(ER_PROC_C, "unknown error");
	return rc;
}

static void undo_result(struct func_result *result, size_t len_before)
{
	bool keeps_values = result->keeps_values;
	func_result_fini(result);
	result->keeps_values = keeps_values;
	result->out->len = len_before;
}

int version_call(struct module_version *v, module_proc proc, const char *args,
	const char *args_end, struct func_result *result)
{
	size_t len_before = result->out->len;
	struct call call = {proc, {result}, args, args_end, diag_get()->set_count};
	void **running = &fiber_current->local[FIBER_LOCAL_MODULE];
	void *outer = *running;
	uint64_t mark = api_scratch_mark();
	module_pin(v, MODULE_PIN_CALL);
	v->call_count++;
	*running = v;
	int rc = module_guard(call_body, &call);
	*running = outer;
	api_scratch_release(mark);
	if (unlikely(rc != 0)) {
		undo_result(result, len_before);
		rc = -1;
	} else if (unlikely(result->is_broken)) {
		diag_set_client(ER_INVALID_MSGPACK, "a function returned it");
		undo_result(result, len_before);
		rc = -1;
	}
	module_unpin(v, MODULE_PIN_CALL);
	return rc;
}
