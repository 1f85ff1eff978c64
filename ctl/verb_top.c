/*
 * Happy path: the terminal goes to its other screen; once a second each instance is asked
 * in a process of its own, so that one that hangs delays nobody; what came is drawn.
 *
 * On close (q, Ctrl-C, SIGTERM, SIGHUP): the terminal is as it was.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/top_view.h"
#include "ctl/verb.h"

enum { TOP_PERIOD_MS = 1000, TOP_ASK_MS = 800 };

/* The program; owned by run_all(). */
struct top {
	const struct instance_list *list;
	struct top_row *rows;
	struct pollfd
		*fds; /* stdin, then a pipe from each instance's process; -1: done */
	pid_t *pids;
	int waiting; /* pipes that are open */
	struct top_view view;
	bool is_over;
};

static volatile sig_atomic_t is_ended;

static void on_end(int sig)
{
	is_ended = 1;
}

static void on_resize(int sig)
{
}

/* --- the terminal --- */

static void enter_screen(struct termios *ret_old)
{
	static const char text[] = "\033[?1049h\033[?25l\033[H\033[2J";
	tcgetattr(STDIN_FILENO, ret_old);
	struct termios raw = *ret_old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	raw.c_cc[VSUSP] =
		_POSIX_VDISABLE; /* stopped, it would leave the screen as it is */
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fd_write(STDOUT_FILENO, text, strlen(text));
}

static void leave_screen(const struct termios *old)
{
	static const char text[] = "\033[?25h\033[?1049l";
	fd_write(STDOUT_FILENO, text, strlen(text));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, old);
}

static void draw(struct top *top)
{
	_cleanup_(buf_fini) struct buf out = {0};
	struct winsize size;
	char text[16];
	time_t now = time(NULL);
	struct tm tm;
	bool has_size = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
	top->view.width = has_size ? size.ws_col : 80;
	top->view.height = has_size ? size.ws_row : 24;
	if (top->view.first >= top->list->count)
		top->view.first = top->list->count - 1;
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&now, &tm));
	top->view.time = text;
	if (buf_puts(&out, "\033[H") != 0 ||
		top_view_draw(&top->view, top->rows, top->list->count, &out) != 0 ||
		fd_write(STDOUT_FILENO, out.data, out.len) != 0)
		top->is_over = true; /* the terminal is gone */
	top->view.time = NULL;
}

static void scroll(struct top *top, int by)
{
	int to = top->view.first + by;
	if (to >= 0 && to < top->list->count)
		top->view.first = to;
	draw(top);
}

static void read_keys(struct top *top)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		top->is_over = true;
	for (ssize_t i = 0; i < n; i++) {
		bool is_arrow = i + 2 < n && keys[i] == '\033' &&
				(keys[i + 1] == '[' || keys[i + 1] == 'O');
		char key = is_arrow ? keys[i + 2] : keys[i];
		if (is_arrow)
			i += 2;
		if (!is_arrow && (key == 'q' || key == 'Q' || key == 4))
			top->is_over = true;
		else if ((is_arrow && key == 'A') || (!is_arrow && key == 'k'))
			scroll(top, -1);
		else if ((is_arrow && key == 'B') || (!is_arrow && key == 'j'))
			scroll(top, 1);
	}
}

/* --- asking --- */

static void ask_all(struct top *top)
{
	for (int i = 0; i < top->list->count; i++) {
		int fds[2];
		top->fds[i + 1].fd = -1;
		if (pipe(fds) != 0)
			continue;
		pid_t pid = fork();
		if (pid == 0) {
			struct top_sample sample;
			interrupt_stop();
			signal(SIGINT, SIG_IGN); /* the parent's to handle */
			top_sample_take(&top->list->items[i], deadline_after(TOP_ASK_MS),
				&sample);
			fd_write(fds[1], (const char *)&sample, sizeof(sample));
			_exit(0);
		}
		close(fds[1]);
		top->pids[i] = pid;
		top->fds[i + 1] = (struct pollfd){.fd = fds[0], .events = POLLIN};
		top->waiting++;
	}
}

static void take_answer(struct top *top, int i)
{
	struct top_sample sample;
	/* It is written as a whole. */
	ssize_t n = read(top->fds[i + 1].fd, &sample, sizeof(sample));
	if (n < 0 && errno == EINTR)
		return;
	if (n == sizeof(sample))
		top_row_add(&top->rows[i], &sample);
	close(top->fds[i + 1].fd);
	top->fds[i + 1].fd = -1;
	waitpid(top->pids[i], NULL, 0);
	top->waiting--;
}

/** Wait until the deadline, taking answers and keys. */
static void wait_events(struct top *top, deadline_ms deadline)
{
	while (!top->is_over && !is_ended && deadline_left(deadline) > 0) {
		int n = interrupt_poll(top->fds, (unsigned)top->list->count + 1,
			deadline_left(deadline));
		if (n < 0) {
			if (errno != EINTR || interrupt_take())
				is_ended = SIGINT;
			else
				draw(top); /* the window has another size */
			continue;
		}
		bool was_waiting = top->waiting > 0;
		for (int i = 0; i < top->list->count; i++) {
			if (top->fds[i + 1].fd >= 0 && top->fds[i + 1].revents != 0)
				take_answer(top, i);
		}
		if (was_waiting && top->waiting == 0)
			draw(top);
		if (top->fds[0].revents != 0)
			read_keys(top);
	}
}

/** The processes that still ask end by their own deadline. */
static void drain(struct top *top)
{
	for (int i = 0; i < top->list->count; i++) {
		if (top->fds[i + 1].fd >= 0) {
			kill(top->pids[i], SIGKILL);
			take_answer(top, i);
		}
	}
}

static int show(struct top *top)
{
	struct termios old;
	interrupt_start();
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_end}, NULL);
	sigaction(SIGHUP, &(struct sigaction){.sa_handler = on_end}, NULL);
	sigaction(SIGWINCH, &(struct sigaction){.sa_handler = on_resize}, NULL);
	enter_screen(&old);
	while (!top->is_over && !is_ended) {
		deadline_ms next = deadline_after(TOP_PERIOD_MS);
		if (top->waiting == 0)
			ask_all(top);
		wait_events(top, next);
	}
	drain(top);
	leave_screen(&old);
	interrupt_stop();
	return is_ended ? CTL_INTERRUPTED : CTL_OK;
}

static int run_all(const struct request *rq, const struct instance_list *list)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	if (list->count == 0)
		return CTL_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || term == NULL ||
		strcmp(term, "dumb") == 0) {
		ctl_say("'top' needs a terminal; 'ctl status --watch' and 'ctl status "
			"--json' do not");
		return CTL_FAILED;
	}
	size_t count = (size_t)list->count;
	setlocale(LC_CTYPE, "");
	struct top top = {.list = list,
		.rows = calloc(count, sizeof(struct top_row)),
		.fds = calloc(count + 1, sizeof(struct pollfd)),
		.pids = calloc(count, sizeof(pid_t)),
		.view = {.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
			.is_plain = no_color != NULL && no_color[0] != '\0'}};
	int rc = CTL_FAILED;
	if (top.rows == NULL || top.fds == NULL || top.pids == NULL) {
		ctl_say("Out of memory");
	} else {
		top.fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
		for (size_t i = 0; i < count; i++) {
			top.rows[i].name = list->items[i].name;
			top.rows[i].rate = -1;
			top.fds[i + 1].fd = -1;
		}
		rc = show(&top);
	}
	free(top.rows);
	free(top.fds);
	free(top.pids);
	return rc;
}

const struct verb verb_row_top = {
	.name = "top",
	.args = "INSTANCE...",
	.summary = "Watch instances in the terminal",
	.help = "Once a second: requests a second, with what they were before beside "
		"them; how long\nthe event loop takes to answer a ping; resident memory; "
		"fibers; generation of the code.\nq quits, arrows scroll.",
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run_all = run_all,
};
