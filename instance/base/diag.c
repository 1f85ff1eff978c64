#include "instance/base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct error_type error_type_client = {"ClientError", NULL};
const struct error_type error_type_access_denied = {
	"AccessDeniedError", &error_type_client};
const struct error_type error_type_custom = {"CustomError", &error_type_client};
const struct error_type error_type_xlog = {"XlogError", NULL};
const struct error_type error_type_luajit = {"LuajitError", NULL};
const struct error_type error_type_system = {"SystemError", NULL};
const struct error_type error_type_socket = {"SocketError", &error_type_system};
const struct error_type error_type_timed_out = {"TimedOut", &error_type_system};
const struct error_type error_type_oom = {"OutOfMemory", &error_type_system};
const struct error_type error_type_illegal_params = {"IllegalParams", NULL};
const struct error_type error_type_cancelled = {"FiberIsCancelled", NULL};
const struct error_type error_type_channel_closed = {"ChannelIsClosed", NULL};

uint64_t diag_client_error_count;
_Thread_local struct diag diag_of_thread;
_Thread_local struct diag *diag_current;

/* What error_new() gives when there is no memory for more. Never freed. */
static struct error oom = {
	.refs = 1, .type = &error_type_oom, .message = (char *)"out of memory"};

static struct error *error_alloc(
	const struct error_type *type, const char *file, unsigned line, unsigned code)
{
	struct error *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	const char *base = strrchr(file, '/');
	e->refs = 1;
	e->type = type;
	e->code = code;
	e->line = line;
	snprintf(e->file, sizeof(e->file), "%s", base != NULL ? base + 1 : file);
	return e;
}

static struct error *error_vnew(const struct error_type *type, const char *file,
	unsigned line, unsigned code, const char *fmt, va_list ap)
{
	int saved_errno = errno;
	struct error *e = error_alloc(type, file, line, code);
	if (e != NULL && vasprintf(&e->message, fmt, ap) < 0)
		e->message = NULL;
	if (e == NULL || e->message == NULL) {
		free(e);
		error_ref(&oom);
		return &oom;
	}
	if (error_is_a(e, &error_type_system))
		e->saved_errno = saved_errno;
	return e;
}

struct error *error_new(const struct error_type *type, const char *file, unsigned line,
	const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct error *e = error_vnew(type, file, line, 0, fmt, ap);
	va_end(ap);
	return e;
}

struct error *error_new_client(const char *file, unsigned line, unsigned code, ...)
{
	va_list ap;
	diag_client_error_count++;
	va_start(ap, code);
	struct error *e =
		error_vnew(&error_type_client, file, line, code, errcode_text(code), ap);
	va_end(ap);
	return e;
}

void error_ref(struct error *e)
{
	e->refs++;
}

void error_unref(struct error *e)
{
	/* A loop, not recursion: a chain of causes may be long. */
	while (e != NULL && --e->refs == 0 && e != &oom) {
		struct error *cause = e->cause;
		free(e->message);
		free(e->custom_type);
		free(e->object_type);
		free(e->object_name);
		free(e->access_type);
		free(e);
		e = cause;
	}
}

int error_set_cause(struct error *e, struct error *cause)
{
	for (const struct error *c = cause; c != NULL; c = c->cause)
		if (c == e)
			return -1;
	if (cause != NULL)
		error_ref(cause);
	error_unref(e->cause);
	e->cause = cause;
	return 0;
}

bool error_is_a(const struct error *e, const struct error_type *type)
{
	for (const struct error_type *t = e->type; t != NULL; t = t->parent)
		if (t == type)
			return true;
	return false;
}

unsigned error_iproto_code(const struct error *e)
{
	static const struct {
		const struct error_type *type;
		unsigned code;
	} codes[] = {
		{&error_type_oom, ER_MEMORY_ISSUE},
		{&error_type_timed_out, ER_TIMEOUT},
		{&error_type_system, ER_SYSTEM},
		{&error_type_cancelled, ER_PROC_LUA},
		{&error_type_luajit, ER_PROC_LUA},
		{&error_type_illegal_params, ER_ILLEGAL_PARAMS},
	};
	if (error_is_a(e, &error_type_client))
		return e->code;
	for (size_t i = 0; i < lengthof(codes); i++)
		if (error_is_a(e, codes[i].type))
			return codes[i].code;
	return ER_UNKNOWN;
}

void diag_set_error(struct error *e)
{
	struct diag *diag = diag_get();
	struct error *before = diag->last;
	diag->last = e;
	diag->set_count++;
	error_unref(before);
}

void diag_clear(void)
{
	struct diag *diag = diag_get();
	error_unref(diag->last);
	diag->last = NULL;
}

void diag_move(struct diag *from, struct diag *to)
{
	if (from == to)
		return;
	error_unref(to->last);
	to->last = from->last;
	to->set_count++;
	from->last = NULL;
}
