/*
 * The module that the tests of reload-module replace. VERSION is what it answers.
 * Macros leave functions out, or add what a bad file does.
 */
#include <stdio.h>
#include <stdlib.h>

#include <tarantool/module.h>
#include <unistd.h>

static int reply(box_function_ctx_t *ctx, unsigned char value)
{
	char data[1] = {(char)value};
	return box_return_mp(ctx, data, data + 1);
}

/* Wait until the file that an environment variable names is there. */
static void wait_for_file(const char *variable)
{
	const char *path = getenv(variable);
	while (path != NULL && access(path, F_OK) != 0)
		fiber_sleep(0.002);
}

#define PROC(name)                                                                 \
	int name(box_function_ctx_t *ctx, const char *args, const char *args_end); \
	int name(box_function_ctx_t *ctx, const char *args, const char *args_end)
#define UNUSED (void)ctx, (void)args, (void)args_end

PROC(version)
{
	UNUSED;
	return reply(ctx, VERSION);
}

/* Tell the test that a call has begun: one more byte in a file. */
static void tell(void)
{
	FILE *f = fopen(getenv("TEST_BEGUN"), "a");
	if (f != NULL) {
		fputc('.', f);
		fclose(f);
	}
}

PROC(slow)
{
	UNUSED;
	tell();
	wait_for_file("TEST_GATE");
	return reply(ctx, VERSION);
}

#ifndef NO_OTHER
PROC(other)
{
	UNUSED;
	return reply(ctx, VERSION + 100);
}
#endif

#ifdef OTHER_IS_DATA
#undef other
int other = 5;
#endif

PROC(raises)
{
	UNUSED;
	return box_error_set(__FILE__, __LINE__, ER_PROC_C, "raised by %d", VERSION);
}

PROC(fails)
{
	UNUSED;
	return -1;
}

PROC(garbage)
{
	UNUSED;
	static const char bad[] = "\x92\x01";
	return box_return_mp(ctx, bad, bad + 2);
}

PROC(nothing)
{
	UNUSED;
	return 0;
}

#ifdef BACKGROUND
static int background_f(va_list ap)
{
	(void)ap;
	wait_for_file("TEST_BACKGROUND_GATE");
	return 0;
}

PROC(background)
{
	UNUSED;
	struct fiber *fiber = fiber_new("left behind", background_f);
	if (fiber == NULL)
		return -1;
	fiber_start(fiber);
	return reply(ctx, VERSION);
}

#endif

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void constructor(void)
{
	CONSTRUCTOR;
}
#endif

#ifdef NEEDS
int missing_function(void);

PROC(needs)
{
	UNUSED;
	return missing_function();
}
#endif
