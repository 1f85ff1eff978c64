/* Cleanup attributes and other small things that every layer uses. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
/* Part of the C API of modules (module/api.h): exported by the executable. */
#define _public_ __attribute__((visibility("default")))
#define _format_(a, b) __attribute__((format(printf, a, b)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/** Hand a pointer over: the variable is NULL afterwards. */
#define TAKE_PTR(ptr)                              \
	({                                         \
		__typeof__(ptr) take_ptr_ = (ptr); \
		(ptr) = NULL;                      \
		take_ptr_;                         \
	})

/** Hand a descriptor over: the variable is -1 afterwards. */
static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
