#include "instance/fiber/fiber.h"

#include <assert.h>
#include <string.h>

#include "instance/fiber/sched.h"
#include "instance/fiber/switch.h"
#include "instance/fiber/worker.h"

/* Dead fibers, kept with their stacks and Lua threads: a new one costs nothing. */
enum { CACHE_MAX = 1024, ID_TABLE_MIN = 256 };

struct fiber_upcalls fiber_upcalls;

/* The definitions of what fiber.h has inline: modules call them. */
extern inline struct fiber *fiber_self(void);
extern inline bool fiber_is_cancelled(void);

static struct list live;  /* by fiber.all */
static struct list cache; /* by fiber.all */
static struct list sized; /* dead ones with a stack that nobody else wants */
static size_t cache_count;
static uint64_t id_last = FIBER_ID_FIRST - 1;

static struct fiber **id_table; /* buckets, a power of two */
static size_t id_table_size, id_count;

static int id_table_grow(void)
{
	size_t size = id_table_size != 0 ? id_table_size * 2 : ID_TABLE_MIN;
	struct fiber **table = calloc(size, sizeof(*table));
	if (table == NULL) {
		diag_set(oom, "can't allocate the table of fiber ids");
		return -1;
	}
	for (size_t i = 0; i < id_table_size; i++) {
		struct fiber *next;
		for (struct fiber *f = id_table[i]; f != NULL; f = next) {
			next = f->id_next;
			f->id_next = table[f->id & (size - 1)];
			table[f->id & (size - 1)] = f;
		}
	}
	free(id_table);
	id_table = table;
	id_table_size = size;
	return 0;
}

static void id_add(struct fiber *f)
{
	struct fiber **slot = &id_table[f->id & (id_table_size - 1)];
	f->id_next = *slot;
	*slot = f;
	id_count++;
}

static void id_del(struct fiber *f)
{
	struct fiber **slot = &id_table[f->id & (id_table_size - 1)];
	while (*slot != f)
		slot = &(*slot)->id_next;
	*slot = f->id_next;
	id_count--;
}

struct fiber *fiber_find(uint64_t id)
{
	if (id_table == NULL)
		return NULL;
	struct fiber *f = id_table[id & (id_table_size - 1)];
	while (f != NULL && f->id != id)
		f = f->id_next;
	return f;
}

int fiber_each(int (*cb)(struct fiber *f, void *arg), void *arg)
{
	list_foreach_safe(f, tmp, &live, struct fiber, all)
	{
		int rc = cb(f, arg);
		if (rc != 0)
			return rc;
	}
	return 0;
}

size_t fiber_count(void)
{
	return id_count;
}

int fiber_init(void)
{
	list_init(&live);
	list_init(&cache);
	list_init(&sized);
	if (sched_init() != 0)
		return -1;
	if (id_table_grow() != 0 || worker_init() != 0)
		goto err_after_sched;
	if (stack_watch_overflow() != 0)
		goto err_after_worker;
	return 0;

err_after_worker:
	worker_fini();
err_after_sched:
	free(id_table);
	id_table = NULL;
	id_table_size = 0;
	sched_fini();
	return -1;
}

static void fiber_free(struct fiber *f)
{
	list_del(&f->all);
	if (fiber_upcalls.on_free != NULL)
		fiber_upcalls.on_free(f);
	stack_fini(&f->stack);
	struct diag *current = diag_current;
	diag_current = &f->diag;
	diag_clear();
	diag_current = current;
	free(f);
}

void fiber_fini(void)
{
	stack_unwatch_overflow();
	worker_fini();
	list_splice_tail(&cache, &live);
	list_splice_tail(&cache, &sized);
	list_foreach_safe(f, tmp, &cache, struct fiber, all) fiber_free(f);
	cache_count = 0;
	free(id_table);
	id_table = NULL;
	id_table_size = id_count = 0;
	sched_fini();
}

void fiber_cache_trim(void)
{
	while (cache_count > CACHE_MAX) {
		cache_count--;
		fiber_free(list_first(&cache, struct fiber, all));
	}
	while (unlikely(!list_is_empty(&sized)))
		fiber_free(list_first(&sized, struct fiber, all));
}

void fiber_set_name(struct fiber *f, const char *name)
{
	size_t len = strnlen(name, FIBER_NAME_MAX);
	memcpy(f->name, name, len);
	f->name[len] = '\0';
}

static void hooks_drop(struct list *hooks)
{
	while (!list_is_empty(hooks))
		list_del(hooks->next);
}

void fiber_reset(struct fiber *f, const char *name)
{
	f->flags &= ~FIBER_IS_CANCELLED;
	hooks_drop(&f->on_yield);
	memset(f->local, 0, sizeof(f->local));
	if (fiber_upcalls.on_reset != NULL)
		fiber_upcalls.on_reset(f);
	if (f->diag.last != NULL) {
		error_unref(f->diag.last);
		f->diag.last = NULL;
	}
	fiber_set_name(f, name);
}

/* The end of a fiber that nobody joins, or that was joined. */
static void fiber_recycle(struct fiber *f)
{
	fiber_reset(f, "");
	id_del(f);
	f->id = 0;
	f->lua_now = NULL;
	list_del(&f->all);
	if (unlikely(f->stack.size != FIBER_STACK_SIZE)) {
		list_add(&sized, &f->all);
		return;
	}
	list_add(&cache, &f->all);
	cache_count++;
}

static void wake_all(struct list *waiters)
{
	while (!list_is_empty(waiters))
		fiber_wakeup(list_first(waiters, struct fiber, ready));
}

static void fiber_finish(struct fiber *f)
{
	while (!list_is_empty(&f->on_stop)) {
		struct fiber_hook *hook =
			list_first(&f->on_stop, struct fiber_hook, link);
		list_del(&hook->link);
		hook->run(hook);
	}
	if (f->result != 0 && !(f->flags & FIBER_IS_JOINABLE) &&
		fiber_upcalls.on_error != NULL)
		fiber_upcalls.on_error(f);
	switch_check();
	f->flags |= FIBER_IS_DEAD;
	list_del(&f->ready);
	f->flags &= ~FIBER_IS_READY;
	wake_all(&f->joiners);
	if (!(f->flags & FIBER_IS_JOINABLE))
		fiber_recycle(f);
}

/* Lives on the fiber's stack; runs one function after another, until freed. */
static void fiber_main(void)
{
	for (;;) {
		struct fiber *f = fiber_current;
		f->result = f->run(f->arg);
		fiber_finish(f);
		switch_to(sched_next());
	}
}

static struct fiber *fiber_new_uncached(size_t stack_size)
{
	struct fiber *f = calloc(1, sizeof(*f));
	if (f == NULL) {
		diag_set(oom, "can't allocate a fiber");
		return NULL;
	}
	if (stack_init(&f->stack, stack_size) != 0) {
		free(f);
		return NULL;
	}
	list_init(&f->ready);
	list_init(&f->all);
	list_init(&f->joiners);
	list_init(&f->on_yield);
	list_init(&f->on_stop);
	f->lua_ref = f->storage_ref = -2; /* LUA_NOREF */
	switch_prepare(f, fiber_main);
	if (fiber_upcalls.on_new != NULL && fiber_upcalls.on_new(f) != 0) {
		stack_fini(&f->stack);
		free(f);
		return NULL;
	}
	return f;
}

static struct fiber *cache_take(void)
{
	if (list_is_empty(&cache))
		return NULL;
	struct fiber *f = list_first(&cache, struct fiber, all);
	list_del(&f->all);
	cache_count--;
	return f;
}

struct fiber *fiber_create_sized(
	const char *name, size_t stack_size, int (*run)(void *arg), void *arg)
{
	if (id_count >= id_table_size && id_table_grow() != 0)
		return NULL;
	struct fiber *f = stack_size == FIBER_STACK_SIZE ? cache_take() : NULL;
	if (f == NULL && (f = fiber_new_uncached(stack_size)) == NULL)
		return NULL;
	f->id = ++id_last;
	f->flags = 0;
	f->csw = 0;
	memset(&f->cpu, 0, sizeof(f->cpu));
	f->run = run;
	f->arg = arg;
	fiber_set_name(f, name);
	list_add_tail(&live, &f->all);
	id_add(f);
	return f;
}

struct fiber *fiber_create(const char *name, int (*run)(void *arg), void *arg)
{
	return fiber_create_sized(name, FIBER_STACK_SIZE, run, arg);
}

void fiber_discard(struct fiber *f)
{
	list_del(&f->ready);
	fiber_recycle(f);
}

void fiber_cancel(struct fiber *f)
{
	f->flags |= FIBER_IS_CANCELLED;
	if (f != fiber_current && !(f->flags & FIBER_NOT_CANCELLABLE))
		fiber_wakeup(f);
}

int fiber_testcancel(void)
{
	if (!fiber_is_cancelled())
		return 0;
	diag_set(cancelled, "fiber is cancelled");
	return -1;
}

bool fiber_set_cancellable(bool yesno)
{
	bool before = !(fiber_current->flags & FIBER_NOT_CANCELLABLE);
	if (yesno)
		fiber_current->flags &= ~FIBER_NOT_CANCELLABLE;
	else
		fiber_current->flags |= FIBER_NOT_CANCELLABLE;
	return before;
}

void fiber_set_joinable(struct fiber *f, bool yesno)
{
	if (yesno) {
		f->flags |= FIBER_IS_JOINABLE;
		return;
	}
	bool was_joinable = f->flags & FIBER_IS_JOINABLE;
	f->flags &= ~FIBER_IS_JOINABLE;
	if (was_joinable && f->flags & FIBER_IS_DEAD)
		fiber_recycle(f);
}

int fiber_join_wait(struct fiber *f)
{
	assert(f->flags & FIBER_IS_JOINABLE && f != fiber_current);
	uint64_t id = f->id;
	while (f->id == id && !(f->flags & FIBER_IS_DEAD)) {
		switch_check();
		list_del(&fiber_current->ready);
		list_add_tail(&f->joiners, &fiber_current->ready);
		fiber_yield();
	}
	if (f->id != id) {
		diag_set(illegal_params, "the fiber was joined by another one");
		return -1;
	}
	return 0;
}

int fiber_join(struct fiber *f)
{
	if (fiber_join_wait(f) != 0)
		return -1;
	int result = f->result;
	if (result != 0)
		diag_move(&f->diag, diag_get());
	fiber_recycle(f);
	return result;
}
