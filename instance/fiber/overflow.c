/*
 * A fiber that overflows its stack faults in the guard below it. The handler
 * runs on a stack of its own, says which fiber it was and lets the process die
 * as it would have. Faults elsewhere go to whoever handled them before.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "instance/fiber/fiber.h"
#include "instance/fiber/stack.h"

enum { ALT_STACK_SIZE = 64 * 1024 };

static struct sigaction before;
static stack_t alt;
static pthread_t fiber_thread; /* stays right in a forked child, unlike a thread id */

static size_t append(char *buf, size_t at, size_t size, const char *text)
{
	while (*text != '\0' && at + 1 < size)
		buf[at++] = *text++;
	return at;
}

/* Async-signal-safe: no stdio. */
static void report(const struct fiber *f)
{
	char text[FIBER_NAME_MAX + 96], digits[24];
	size_t at = append(text, 0, sizeof(text), "stack overflow in fiber ");
	at = append(text, at, sizeof(text), f->name);
	at = append(text, at, sizeof(text), " (id ");
	char *d = digits + sizeof(digits) - 1;
	*d = '\0';
	uint64_t id = f->id;
	do
		*--d = '0' + id % 10;
	while ((id /= 10) != 0);
	at = append(text, at, sizeof(text), d);
	at = append(text, at, sizeof(text), ")\n");
	(void)!write(STDERR_FILENO, text, at);
}

void stack_overflown(void)
{
	report(fiber_current);
	abort();
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	if (pthread_equal(pthread_self(), fiber_thread) &&
		fiber_current->stack.base != NULL &&
		stack_is_guard(&fiber_current->stack, info->si_addr)) {
		report(fiber_current);
		signal(signo, SIG_DFL);
	} else {
		sigaction(signo, &before, NULL);
	}
	/* The instruction faults again when we return, handled as just set. */
}

int stack_watch_overflow(void)
{
	alt.ss_size = ALT_STACK_SIZE;
	alt.ss_sp = mmap(NULL, alt.ss_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (alt.ss_sp == MAP_FAILED) {
		diag_set_errno("can't map the signal stack: %s", strerror(errno));
		return -1;
	}
	fiber_thread = pthread_self();
	struct sigaction sa = {
		.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	sigemptyset(&sa.sa_mask);
	if (sigaltstack(&alt, NULL) != 0 || sigaction(SIGSEGV, &sa, &before) != 0) {
		diag_set_errno("can't watch for stack overflows: %s", strerror(errno));
		munmap(alt.ss_sp, alt.ss_size);
		alt.ss_sp = NULL;
		return -1;
	}
	return 0;
}

void stack_unwatch_overflow(void)
{
	if (alt.ss_sp == NULL)
		return;
	sigaction(SIGSEGV, &before, NULL);
	stack_t off = {.ss_flags = SS_DISABLE};
	sigaltstack(&off, NULL);
	munmap(alt.ss_sp, alt.ss_size);
	alt.ss_sp = NULL;
}
