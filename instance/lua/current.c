/*
 * Which Lua thread runs.
 *
 * Our own bindings say it before they yield (luaT_may_yield), C modules made for
 * Tarantool do not: their functions yield on whatever thread Lua called them. The VM
 * knows, but has no API for it; so the word where it keeps the running thread is looked
 * for once, at the start: in the global state, which every thread points to, it is the
 * one word that is always equal to the thread that runs.
 */
#include <string.h>

#include "instance/lua/init.h"
#include "instance/lua/utils.h"

/*
 * How far to look, in words: a thread has at least 12; the main thread is followed by
 * the global state and that by the compiler's, which has thousands of bytes.
 */
enum { THREAD_WORDS = 8, GLOBAL_WORDS = 192, GLOBAL_DISTANCE_MAX = 1024 };

/* On the stack of lua_current_init(). */
struct search {
	const char *global;
	bool is_candidate[GLOBAL_WORDS];
};

static uintptr_t word_at(const void *base, int index)
{
	uintptr_t word;
	memcpy(&word, (const char *)base + (size_t)index * sizeof(word), sizeof(word));
	return word;
}

/** The pointer that both threads have in the same place, and that leads behind main. */
static const char *find_global(lua_State *main, lua_State *thread)
{
	for (int i = 0; i < THREAD_WORDS; i++) {
		uintptr_t word = word_at(main, i);
		if (word == word_at(thread, i) && word > (uintptr_t)main &&
			word < (uintptr_t)main + GLOBAL_DISTANCE_MAX)
			return (const char *)word;
	}
	return NULL;
}

static int narrow(lua_State *L)
{
	struct search *s = lua_touserdata(L, 1);
	for (int i = 0; i < GLOBAL_WORDS; i++)
		if (word_at(s->global, i) != (uintptr_t)L)
			s->is_candidate[i] = false;
	return 0;
}

static void narrow_on(lua_State *L, struct search *s)
{
	lua_pushcfunction(L, narrow);
	lua_pushlightuserdata(L, s);
	lua_call(L, 1, 0);
}

void lua_current_init(lua_State *L)
{
	lua_State *first = lua_newthread(L), *second = lua_newthread(L);
	struct search s = {.global = find_global(L, first)};
	if (s.global != NULL) {
		memset(s.is_candidate, true, sizeof(s.is_candidate));
		narrow_on(first, &s);
		narrow_on(second, &s);
		narrow_on(L, &s);
	}
	int found = -1, count = 0;
	for (int i = 0; i < GLOBAL_WORDS; i++) {
		if (!s.is_candidate[i])
			continue;
		found = i;
		count++;
	}
	if (count == 1)
		fiber_lua_current =
			(lua_State *const *)(s.global + (size_t)found * sizeof(void *));
	lua_pop(L, 2);
}
