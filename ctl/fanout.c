#include "ctl/fanout.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/buf.h"

enum { FANOUT_MAX = 64 /* processes at a time */ };

/* One instance's process. */
struct branch {
	pid_t pid;
	int out_fd, err_fd; /* files in memory; -1: none */
};

/* What Ctrl-C ends: the branches of the running fanout_run(). */
static struct branch *branches;
static volatile sig_atomic_t branch_count, is_interrupted;
static struct sigaction before; /* what SIGINT does to ctl else */

/**
 * Each branch takes Ctrl-C in its own way, and what it says then is printed. The terminal
 * sends it to all of them, who else sends it to this process alone.
 */
static void on_interrupt(int sig, siginfo_t *info, void *context)
{
	(void)context;
	int saved = errno;
	is_interrupted = 1;
	for (int i = 0; info->si_code <= 0 && i < branch_count; i++) {
		if (branches[i].pid > 0)
			kill(branches[i].pid, sig);
	}
	errno = saved;
}

static void branch_child(
	const struct request *rq, const struct instance *inst, const struct branch *br)
{
	struct request one = *rq;
	one.instance = inst;
	one.is_one_of_many = true;
	dup2(br->out_fd, STDOUT_FILENO);
	dup2(br->err_fd, STDERR_FILENO);
	clearerr(stdout);
	int rc = rq->verb->run(&one);
	int flushed = ctl_flush();
	_exit(rc != CTL_OK ? rc : flushed);
}

static int branch_start(
	const struct request *rq, const struct instance *inst, struct branch *br)
{
	br->out_fd = memfd_create("stdout", MFD_CLOEXEC);
	br->err_fd = memfd_create("stderr", MFD_CLOEXEC);
	br->pid = br->out_fd >= 0 && br->err_fd >= 0 ? fork() : -1;
	if (br->pid == 0) {
		sigaction(SIGINT, &before, NULL);
		branch_child(rq, inst, br);
	}
	if (br->pid < 0)
		ctl_say("%s: can't run: %s", inst->name, strerror(errno));
	return br->pid < 0 ? -1 : 0;
}

/** Print what a branch wrote. */
static void branch_print(const struct branch *br, const struct instance *inst)
{
	_cleanup_(buf_fini) struct buf text = {0};
	lseek(br->err_fd, 0, SEEK_SET);
	fd_read(br->err_fd, &text);
	for (char *line = text.data, *end = line + text.len;
		line != NULL && line < end;) {
		char *eol = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((eol != NULL ? eol : end) - line);
		ctl_say("%s: %.*s", inst->name, (int)len, line);
		line += len + 1;
	}
	buf_reset(&text);
	lseek(br->out_fd, 0, SEEK_SET);
	fd_read(br->out_fd, &text);
	if (text.len > 0)
		fwrite(text.data, 1, text.len, stdout);
	ctl_flush();
}

static int branch_finish(struct branch *br, const struct instance *inst)
{
	int status = 0, rc = CTL_FAILED;
	if (br->pid > 0) {
		while (waitpid(br->pid, &status, 0) < 0 && errno == EINTR)
			;
		br->pid = 0;
		rc = WIFEXITED(status) ? WEXITSTATUS(status) : CTL_INTERRUPTED;
		branch_print(br, inst);
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGINT)
			ctl_say("%s: ended by signal %d", inst->name, WTERMSIG(status));
	}
	closefd(&br->out_fd);
	closefd(&br->err_fd);
	return rc;
}

int fanout_run(const struct request *rq, const struct instance_list *list)
{
	if (list->count == 0)
		return CTL_OK;
	if (list->count == 1) {
		struct request one = *rq;
		one.instance = &list->items[0];
		return rq->verb->run(&one);
	}
	branches = calloc((size_t)list->count, sizeof(*branches));
	if (branches == NULL) {
		ctl_say("Out of memory");
		return CTL_FAILED;
	}
	if (ctl_flush() != CTL_OK) {
		free(branches);
		return CTL_FAILED;
	}
	struct sigaction sa = {.sa_sigaction = on_interrupt, .sa_flags = SA_SIGINFO};
	is_interrupted = 0;
	sigaction(SIGINT, &sa, &before);
	int result = CTL_OK, started = 0;
	for (int i = 0; i < list->count; i++) {
		while (started < list->count && started < i + FANOUT_MAX &&
			!is_interrupted) {
			branch_start(rq, &list->items[started], &branches[started]);
			branch_count = ++started;
		}
		int rc = i < started ? branch_finish(&branches[i], &list->items[i])
				     : CTL_INTERRUPTED;
		result = exit_code_merge(result, rc);
	}
	sigaction(SIGINT, &before, NULL);
	branch_count = 0;
	free(branches);
	return result;
}
