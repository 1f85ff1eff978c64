/* Stored procedures that use box, called over IPROTO and from Lua. */
#include <module.h>
#include <stdio.h>

#include "mp.h"

#define EXPORT __attribute__((visibility("default")))

typedef int procedure(box_function_ctx_t *ctx, const char *args, const char *args_end);
EXPORT procedure push, put, leave_open, fail_in_transaction, yield_in_transaction,
	rolled_back, keep, move_all, with_latch, twice, nothing_found, raise_kept,
	put_later;

enum { SPACE = 600 };

static box_latch_t *the_latch;

static int return_str(box_function_ctx_t *ctx, const char *text)
{
	char buf[300];
	return box_return_mp(ctx, buf, mp_put_str(buf, text));
}

static int return_error(box_function_ctx_t *ctx)
{
	char text[200];
	const box_error_t *e = box_error_last();
	snprintf(text, sizeof(text), "%s %u %s", box_error_type(e), box_error_code(e),
		box_error_message(e));
	return return_str(ctx, text);
}

static int put_number(int n)
{
	char row[] = {(char)0x91, (char)0xcd, (char)(n >> 8), (char)n};
	return box_replace(SPACE, row, row + sizeof(row), NULL);
}

/* Push a few values, then answer. */
int push(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	static const char values[] = "\x01\xa2hi\x92\x05\xc0\x81\xa1k\xc3";
	static const int ends[] = {1, 4, 7, 11};
	(void)args;
	(void)args_end;
	for (int i = 0, from = 0; i < 4; from = ends[i++])
		if (box_session_push(values + from, values + ends[i]) != 0)
			return return_error(ctx);
	return return_str(ctx, "pushed");
}

/* The arguments are the tuple; the space is found by its name. */
int put(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	box_tuple_t *tuple;
	uint32_t id = box_space_id_by_name("s", 1);
	if (id == BOX_ID_NIL)
		return return_str(ctx, "no space");
	if (box_replace(id, args, args_end, &tuple) != 0)
		return -1;
	return box_return_tuple(ctx, tuple);
}

int leave_open(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	(void)args;
	(void)args_end;
	if (box_txn_begin() != 0 || put_number(901) != 0)
		return -1;
	return return_str(ctx, "left open");
}

int fail_in_transaction(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	(void)ctx;
	(void)args;
	(void)args_end;
	if (box_txn_begin() != 0 || put_number(902) != 0)
		return -1;
	return box_error_raise(ER_PROC_C, "no %s", "good");
}

int yield_in_transaction(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	(void)args;
	(void)args_end;
	if (box_txn_begin() != 0 || put_number(903) != 0)
		return -1;
	fiber_sleep(0);
	return box_txn_commit() != 0 ? return_error(ctx) : return_str(ctx, "committed");
}

int rolled_back(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	(void)args;
	(void)args_end;
	box_tuple_t *tuple;
	if (box_txn_begin() != 0 || put_number(904) != 0 || box_txn_rollback() != 0)
		return -1;
	if (put_number(905) != 0 || box_txn())
		return -1;
	/* What was put last, and another. */
	if (box_index_max(SPACE, 0, "\x90", "\x90" + 1, &tuple) != 0)
		return -1;
	box_return_tuple(ctx, tuple);
	if (box_index_min(SPACE, 0, "\x90", "\x90" + 1, &tuple) != 0)
		return -1;
	return box_return_tuple(ctx, tuple);
}

/* A tuple that is deleted while the procedure sleeps. */
int keep(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	box_tuple_t *tuple;
	if (box_index_get(SPACE, 0, args, args_end, &tuple) != 0)
		return -1;
	if (tuple == NULL)
		return return_str(ctx, "none");
	box_tuple_ref(tuple);
	if (box_delete(SPACE, 0, args, args_end, NULL) != 0)
		return -1;
	fiber_sleep(0.001);
	int rc = box_return_tuple(ctx, tuple);
	box_tuple_unref(tuple);
	return rc;
}

/* Keys of all tuples first, then they go, in one transaction. */
int move_all(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	enum { MAX = 300 };
	char *keys[MAX];
	uint32_t sizes[MAX];
	int n = 0;
	(void)args;
	(void)args_end;
	if (box_txn_begin() != 0)
		return -1;
	box_iterator_t *it = box_index_iterator(SPACE, 0, ITER_ALL, "\x90", "\x90" + 1);
	box_tuple_t *tuple = NULL;
	while (it != NULL && n < MAX && box_iterator_next(it, &tuple) == 0 &&
		tuple != NULL) {
		keys[n] = box_tuple_extract_key(tuple, SPACE, 0, &sizes[n]);
		n++;
	}
	if (it == NULL)
		return -1;
	box_iterator_free(it);
	for (int i = 0; i < n; i++)
		if (box_delete(SPACE, 0, keys[i], keys[i] + sizes[i], NULL) != 0)
			return -1;
	if (box_txn_commit() != 0)
		return -1;
	char number[16];
	return box_return_mp(ctx, number, mp_put_int(number, n));
}

/* One at a time: 0, then the order in which they came. */
int with_latch(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	static int inside, count;
	char text[50];
	(void)args;
	(void)args_end;
	if (the_latch == NULL)
		the_latch = box_latch_new();
	box_latch_lock(the_latch);
	int before = inside++;
	fiber_sleep(0.001);
	inside--;
	snprintf(text, sizeof(text), "%d %d", before, ++count);
	box_latch_unlock(the_latch);
	return return_str(ctx, text);
}

/* An error that is caught, then one that is not. */
int twice(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	(void)args;
	(void)args_end;
	if (box_insert(SPACE, "\x91\xa1x", "\x91\xa1x" + 3, NULL) != -1)
		return 0;
	return_error(ctx);
	return box_insert(9999, "\x91\x01", "\x91\x01" + 2, NULL);
}

/* The arguments are the tuple; it is put after a while. */
int put_later(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	box_tuple_t *tuple;
	fiber_sleep(0.01);
	if (box_replace(SPACE, args, args_end, &tuple) != 0)
		return -1;
	return box_return_tuple(ctx, tuple);
}

/* An error object that Lua keeps and raises again and again. */
int raise_kept(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	(void)ctx;
	(void)args;
	(void)args_end;
	lua_State *L = luaT_state();
	int top = lua_gettop(L);
	lua_getglobal(L, "raise_kept");
	int rc = luaT_call(L, 0, 0);
	lua_settop(L, top);
	return rc != 0 ? -1 : 0;
}

/* What is not there is no error. */
int nothing_found(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	(void)args;
	(void)args_end;
	box_tuple_t *tuple;
	if (box_index_get(SPACE, 0, "\x91\xcd\xff\xff", "\x91\xcd\xff\xff" + 4, &tuple) !=
		0)
		return -1;
	if (tuple == NULL && box_index_id_by_name(SPACE, "nobody", 6) == BOX_ID_NIL &&
		box_space_id_by_name("nobody", 6) == BOX_ID_NIL)
		return return_str(ctx, "nothing");
	return return_str(ctx, "something");
}
