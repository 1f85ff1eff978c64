/* The C API: what blocks, in a worker thread. */
#include <errno.h>

#include "instance/module/api.h"
#include "instance/module/module.h"

/* On the stack of coio_call(), which waits for its end. */
struct call {
	ssize_t (*func)(va_list ap);
	va_list args;
};

static ssize_t run(void *arg)
{
	struct call *call = arg;
	return call->func(call->args);
}

static void unpin(struct module_version **version)
{
	int saved_errno = errno;
	module_unpin(*version, MODULE_PIN_TASK);
	errno = saved_errno;
}

ssize_t coio_call(ssize_t (*func)(va_list), ...)
{
	_cleanup_(unpin) struct module_version *version =
		module_of_function((const void *)func);
	module_pin(version, MODULE_PIN_TASK);
	struct call call = {.func = func};
	va_start(call.args, func);
	errno = ENOMEM; /* what it is when no thread can be had */
	ssize_t result = coio_run(run, &call);
	va_end(call.args);
	return result;
}

int coio_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
	struct addrinfo **res, double timeout)
{
	return coio_resolve(host, port, hints, res, timeout);
}
