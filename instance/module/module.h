/*
 * C modules: shared objects whose functions are stored procedures.
 *
 * A module is a name (`dir.mod`). What serves it is a version: a private copy of
 * the file, opened by itself. A reload opens the new copy beside the current one,
 * finds every function in use in it, and then moves all of them in one step. The
 * old version lives on until nothing is inside it, and is closed then.
 *
 * What is inside a version is counted as pins: calls, fibers whose function lies in
 * it, tasks in worker threads, handles of box.lib. Everything here belongs to the
 * thread of the event loop, but for what says otherwise.
 */
#ifndef MODULE_MODULE_H
#define MODULE_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/base/list.h"
#include "proto/elf.h"

struct box_function_ctx;
struct fiber;
struct func;
struct func_result;

/** A stored procedure. */
typedef int (*module_proc)(
	struct box_function_ctx *ctx, const char *args, const char *args_end);

enum module_pin {
	MODULE_PIN_CALL,  /* a call of a procedure that has not returned */
	MODULE_PIN_FIBER, /* a fiber that runs a function of it */
	MODULE_PIN_TASK,  /* coio_call of a function of it */
	MODULE_PIN_LIB,   /* a handle of box.lib */
	MODULE_PIN_MAX
};

enum module_state {
	MODULE_CURRENT,  /* new calls go there */
	MODULE_DRAINING, /* replaced (or dropped); something is still inside */
	MODULE_STUCK,    /* nothing is inside, but it cannot be unloaded */
};

/*
 * One loaded copy of a file. Owned by the list of versions; freed when it is not
 * current and nothing pins it.
 */
struct module_version {
	struct list link; /* in module_versions, oldest first */
	struct module
		*module;      /* who it serves as current; NULL: replaced, or box.lib's */
	uint64_t number;      /* counts from 1 over the life of the process */
	void *handle;         /* of dlopen */
	uintptr_t base;       /* what the linker added to its addresses */
	uintptr_t begin, end; /* where it is mapped */
	unsigned pins[MODULE_PIN_MAX];
	unsigned func_count;     /* functions that are served by it now */
	unsigned thread_count;   /* threads it has started */
	uint64_t call_count;     /* calls so far */
	double loaded_at;        /* wall clock */
	const char *stuck;       /* why it can never be unloaded; NULL: it can */
	const char *never_close; /* why nobody even tries; or NULL */
	/* The file as it was copied: for box.lib, and to see what changed on disk. */
	uint64_t dev, ino, size;
	int64_t mtime_ns;
	char build_id[ELF_BUILD_ID_TEXT_SIZE]; /* hex; "" when it has none */
	char *name;                            /* owned: the module's name */
	char *path;                            /* owned: the file */
};

/* A name in use; owned by the table of modules. Lives while it has functions. */
struct module {
	struct list link; /* in module_modules */
	struct module_version *current;
	struct list funcs; /* struct module_func */
	unsigned func_count;
	bool is_reloading;
	uint64_t reload_count;
	char name[]; /* "dir.mod" */
};

/* One procedure in use. Owned by its struct func, found through the module. */
struct module_func {
	struct list link; /* in module->funcs */
	struct module *module;
	module_proc proc; /* in module->current */
	char symbol[];
};

/** All modules, oldest first; and all versions that are mapped. For listings. */
extern struct list module_modules, module_versions;

/** Once, after the box. @return 0, or -1 with diag set */
int module_init(void);

enum module_state module_version_state(const struct module_version *v);
const char *module_state_name(enum module_state state);
/** Why it can never be unloaded, as far as that is known; NULL: it can. */
const char *module_stuck_reason(const struct module_version *v);
/** All pins. */
unsigned module_version_pins(const struct module_version *v);

/** The module of that name, or NULL; no diag. */
struct module *module_find(const char *name, size_t len);

/* What a reload did; for its report. Zeroed and filled in by module_reload(). */
struct module_report {
	uint64_t old_number, new_number;
	char old_build_id[ELF_BUILD_ID_TEXT_SIZE];
	char new_build_id[ELF_BUILD_ID_TEXT_SIZE];
	unsigned func_count;
	unsigned old_pins[MODULE_PIN_MAX]; /* what is still inside the old one */
	const char *old_stuck; /* why the old one stays mapped; NULL: it goes */
	double time_s;         /* from the first look at the file */
};

/**
 * Load the file anew and move all functions of the module to it. May yield while
 * it reads and tries the file, never while it switches; does not yield at all
 * inside a transaction.
 * @param is_check do all but the switch
 * @param report may be NULL
 * @return 0; -1 with diag set: the old version serves as before
 */
int module_reload(
	const char *name, size_t len, bool is_check, struct module_report *report);

/* ---- Pins: whoever keeps code of a module running ---- */

/** The version whose mapping holds this address, or NULL. Any thread may ask. */
struct module_version *module_by_address(const void *addr);
/** The version whose code the running fiber (or thread) executes now; or NULL. */
struct module_version *module_running(void);
/**
 * The version that `func` lies in; if in none, the one that runs now (it may have
 * passed a function of a library of its own). NULL when there is neither.
 */
struct module_version *module_of_function(const void *func);
/** All versions lie between these, and much else. */
extern uintptr_t module_lowest, module_highest;
/** Lua got this function: if it is one of a version, that one stays. */
void module_note_lua(const void *func);
/** Keep the version mapped. NULL: nothing happens. */
void module_pin(struct module_version *v, enum module_pin kind);
/** The reverse; closes the version when it was the last one. NULL is fine. */
void module_unpin(struct module_version *v, enum module_pin kind);
/**
 * Stamp a new fiber with the version that its function lies in: sets
 * FIBER_LOCAL_MODULE and pins until the fiber's function has returned.
 * @param func what was given to fiber_new()
 * @return 0, or -1 with diag set (OutOfMemory)
 */
int module_pin_fiber(struct fiber *f, const void *func);

/* ---- box.lib: modules by path, each handle on a version of its own ---- */

/**
 * Open the module of this name as box.lib.load() does; the same file, unchanged
 * since, is opened once. Pins it (MODULE_PIN_LIB).
 * @return NULL with diag set
 */
struct module_version *module_lib_load(const char *name, size_t len);
/** A function of it. @return NULL with diag set */
module_proc module_lib_symbol(struct module_version *v, const char *symbol);
/** Call what module_lib_symbol() gave; as func_c_call. */
int module_lib_call(struct module_version *v, module_proc proc, const char *args,
	const char *args_end, struct func_result *result);

/* ---- Hooks of the Lua layer; set before module_init() ---- */

/**
 * Where the file of a module is: package.search(name).
 * @return 0 with a path; -1 with diag set: there is none
 */
extern int (*module_search)(const char *name, size_t len, char *ret_path, size_t size);
/**
 * Run body(arg) so that what it raises (a Lua error, a C++ exception) becomes the
 * running fiber's error. @return what body returned; -1 with diag set when it raised
 */
extern int (*module_guard)(int (*body)(void *arg), void *arg);

#endif
