#include "instance/lua/interrupt.h"

#include <lauxlib.h>
#include <luajit.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "instance/lua/utils.h"

enum {
	INTERRUPT_REQUEST_MAX = 1024,
	INTERRUPT_READ_MS = 1000,
	INTERRUPT_TEXT_MAX = 256,
	/* Code that caught the error and spins on gets the next one so much later. */
	INTERRUPT_AGAIN_NS = 250 * 1000 * 1000,
};
#define INTERRUPT_SIGNAL (SIGRTMIN + 3)

/* A request in work. */
struct interrupt_request {
	char token[INTERRUPT_TOKEN_MAX];
	uint64_t fiber_id; /* 0: the slot is free */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct interrupt_request requests[INTERRUPT_REQUEST_MAX];
static char socket_path[4096]; /* "": off */
static pthread_t lua_thread;
static pid_t thread_pid; /* of the process that has the thread: it is lost by a fork */
static bool is_profiling;
static volatile uint64_t asked_fiber_id;

/* The fiber that has a deadline, 0: none; see interrupt_watch(). */
static volatile uint64_t watched_fiber_id;
static volatile bool is_late;
static char late_text[INTERRUPT_TEXT_MAX];
static timer_t late_timer;
static pid_t timer_pid; /* of the process that has the timer: it is lost by a fork */

/* On the Lua thread, from the interpreter. */
static void on_hook(lua_State *L, lua_Debug *ar)
{
	uint64_t id = fiber_current->id;
	lua_sethook(L, NULL, 0, 0);
	if (is_late && id == watched_fiber_id) {
		is_late = false;
		luaL_error(L, "%s", late_text);
	}
	if (id != asked_fiber_id)
		return;
	asked_fiber_id = 0;
	luaT_may_yield(L);
	diag_set(cancelled, "fiber is cancelled");
	luaT_error(L);
}

/* On the Lua thread, wherever it is. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	struct fiber *f = fiber_current;
	bool is_timer = info->si_code == SI_TIMER;
	uint64_t wanted = is_timer ? watched_fiber_id : asked_fiber_id;
	if (f->id != wanted || f->lua_now == NULL)
		return; /* it yielded meanwhile: then a cancel reaches it */
	if (is_timer)
		is_late = true;
	else
		f->flags |= FIBER_IS_CANCELLED;
	lua_sethook(lua_main, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
	if (is_profiling)
		raise(SIGPROF);
}

static void install_handler(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_SIGINFO};
	sigaction(INTERRUPT_SIGNAL, &sa, NULL);
}

static void on_profile(void *data, lua_State *L, int samples, int vmstate)
{
}

/* --- the thread --- */

static bool is_allowed(int fd)
{
	struct ucred peer;
	struct stat st;
	socklen_t len = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	/* Whoever may write to the control socket's file. */
	return stat(socket_path, &st) == 0 && (st.st_mode & S_IWGRP) &&
	       peer.gid == st.st_gid;
}

static bool interrupt_request(const char *token)
{
	uint64_t id = 0;
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < lengthof(requests); i++) {
		if (requests[i].fiber_id != 0 && strcmp(requests[i].token, token) == 0)
			id = requests[i].fiber_id;
	}
	if (id != 0) {
		asked_fiber_id = id;
		pthread_kill(lua_thread, INTERRUPT_SIGNAL);
	}
	pthread_mutex_unlock(&mutex);
	return id != 0;
}

static void serve(int fd)
{
	char token[INTERRUPT_TOKEN_MAX];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (!is_allowed(fd) || poll(&p, 1, INTERRUPT_READ_MS) != 1)
		return;
	ssize_t n = recv(fd, token, sizeof(token) - 1, MSG_DONTWAIT);
	if (n <= 0)
		return;
	token[n] = '\0';
	token[strcspn(token, "\n")] = '\0';
	const char *answer = interrupt_request(token) ? "ok\n" : "none\n";
	if (send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static void *thread_main(void *arg)
{
	int listen_fd = (int)(intptr_t)arg;
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		serve(fd);
		close(fd);
	}
	return NULL;
}

/** A listening socket with the name that clients work out from the file. */
static int open_socket(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	if (stat(socket_path, &st) != 0)
		return -1;
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1,
		"tarantella-interrupt/%lx/%lx", (unsigned long)st.st_dev,
		(unsigned long)st.st_ino);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	if (fd >= 0 &&
		(bind(fd, (struct sockaddr *)&addr, size) != 0 || listen(fd, 8) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void start_thread(void)
{
	sigset_t all, before;
	pthread_t thread;
	thread_pid = getpid();
	int fd = open_socket();
	if (fd < 0)
		return;
	install_handler();
	lua_thread = pthread_self();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, thread_main, (void *)(intptr_t)fd) == 0)
		pthread_detach(thread);
	else
		close(fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- the Lua thread --- */

void interrupt_set_socket(const char *path)
{
	snprintf(socket_path, sizeof(socket_path), "%s", path != NULL ? path : "");
}

/** Makes compiled code look for hooks. */
static void start_profiling(lua_State *L)
{
	if (is_profiling)
		return;
	/* By lines, and a timer of 11 days of CPU time. */
	luaJIT_profile_start(L, "li1000000000", on_profile, NULL);
	is_profiling = true;
}

void interrupt_begin(lua_State *L, const char *token)
{
	if (socket_path[0] == '\0')
		return;
	if (thread_pid != getpid())
		start_thread();
	start_profiling(L);
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < lengthof(requests); i++) {
		if (requests[i].fiber_id != 0)
			continue;
		snprintf(requests[i].token, INTERRUPT_TOKEN_MAX, "%s", token);
		requests[i].fiber_id = fiber_current->id;
		break;
	}
	pthread_mutex_unlock(&mutex);
}

void interrupt_end(const char *token)
{
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < lengthof(requests); i++) {
		if (strcmp(requests[i].token, token) == 0)
			requests[i].fiber_id = 0;
	}
	pthread_mutex_unlock(&mutex);
}

static int make_timer(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = INTERRUPT_SIGNAL};
	event._sigev_un._tid = gettid();
	if (timer_pid == getpid())
		return 0;
	if (timer_create(CLOCK_MONOTONIC, &event, &late_timer) != 0)
		return -1;
	install_handler();
	timer_pid = getpid();
	return 0;
}

void interrupt_watch(lua_State *L, const char *text, double seconds)
{
	if (make_timer() != 0)
		return; /* the caller's own deadline is what is left */
	if (socket_path[0] != '\0')
		start_profiling(L);
	snprintf(late_text, sizeof(late_text), "%s", text);
	is_late = false;
	watched_fiber_id = fiber_current->id;
	if (seconds < 1e-3)
		seconds = 1e-3; /* 0 would be never */
	struct timespec first = {
		(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
	struct itimerspec when = {
		.it_value = first, .it_interval = {.tv_nsec = INTERRUPT_AGAIN_NS}};
	timer_settime(late_timer, 0, &when, NULL);
}

void interrupt_unwatch(void)
{
	if (watched_fiber_id != fiber_current->id)
		return;
	watched_fiber_id = 0;
	timer_settime(late_timer, 0, &(struct itimerspec){{0}}, NULL);
}
