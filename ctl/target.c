#include "ctl/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void target_of_instance(struct target *t, const struct instance *inst)
{
	*t = (struct target){.inst = inst};
}

enum { CTRL_C = 3 };

/** A line of the terminal, not shown; empty when there is none. Ctrl-C ends it too. */
static int ask_password(const char *user, int user_len, char *password, size_t size)
{
	struct termios plain, hidden;
	_cleanup_(closefd) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || tcgetattr(fd, &plain) != 0)
		return CTL_OK;
	hidden = plain;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG); /* no signal while it is hidden */
	hidden.c_cc[VEOL] = CTRL_C;
	dprintf(fd, "Password of %.*s: ", user_len, user);
	tcsetattr(fd, TCSAFLUSH, &hidden);
	ssize_t n = read(fd, password, size - 1);
	tcsetattr(fd, TCSAFLUSH, &plain);
	dprintf(fd, "\n");
	password[n > 0 ? n : 0] = '\0';
	password[strcspn(password, "\n")] = '\0';
	return strchr(password, CTRL_C) != NULL ? CTL_INTERRUPTED : CTL_OK;
}

/** What the URI does not say of user and password. */
static int complete_login(struct target *t)
{
	const char *user = getenv("CTL_USER"), *password = getenv("CTL_PASSWORD");
	if (t->uri.login.data == NULL && user != NULL) {
		if (text_set(t->user, sizeof(t->user), "%s", user) != 0) {
			ctl_say("CTL_USER is too long");
			return CTL_USAGE;
		}
		t->uri.login = (struct uri_part){t->user, strlen(t->user)};
	}
	if (t->uri.login.data == NULL || t->uri.password.data != NULL)
		return CTL_OK;
	if (password != NULL) {
		if (text_set(t->password, sizeof(t->password), "%s", password) != 0) {
			ctl_say("CTL_PASSWORD is too long");
			return CTL_USAGE;
		}
	} else if (isatty(STDIN_FILENO)) {
		int rc = ask_password(t->uri.login.data, (int)t->uri.login.len,
			t->password, sizeof(t->password));
		if (rc != CTL_OK)
			return rc;
	}
	if (t->password[0] != '\0')
		t->uri.password = (struct uri_part){t->password, strlen(t->password)};
	return CTL_OK;
}

int target_of_uri(struct target *t, char *text)
{
	const char *error = "it is too long";
	*t = (struct target){0};
	if (text_set(t->text, sizeof(t->text), "%s", text) == 0 &&
		uri_parse(t->text, strlen(t->text), &t->uri, &error) == 0 &&
		uri_check_address(&t->uri, &error) == 0) {
		if (t->uri.password.data != NULL)
			memset(text + (t->uri.password.data - t->text), 'x',
				t->uri.password.len);
		return complete_login(t);
	}
	ctl_say("Bad URI: %s; [user:password@]host:port or unix/:path is expected",
		error);
	return CTL_USAGE;
}

enum conn_status target_open(const struct target *t, struct conn *c, deadline_ms deadline)
{
	if (t->inst != NULL)
		return conn_open_unix(c, t->inst->sock_path, deadline);
	return conn_open_uri(c, &t->uri, deadline);
}

static int explain_instance(const struct instance *inst, const struct conn *c)
{
	switch (c->saved_errno) {
	case ENOENT:
	case ENOTDIR:
		if (access(inst->pid_path, F_OK) == 0)
			ctl_say("Pid file exists, but the control socket (%s) doesn't",
				inst->sock_path);
		else
			ctl_say("%s is not running: there is no control socket %s",
				inst->name, inst->sock_path);
		break;
	case ECONNREFUSED:
		ctl_say("Control socket exists, but Tarantool doesn't listen on it (%s)",
			inst->sock_path);
		break;
	default:
		ctl_say("Can't connect to %s", c->error);
	}
	return CTL_UNREACHABLE;
}

int target_explain(const struct target *t, const struct conn *c, enum conn_status status)
{
	if (status == CONN_INTERRUPTED)
		return CTL_INTERRUPTED;
	if (t->inst != NULL && c->saved_errno != 0)
		return explain_instance(t->inst, c);
	char name[1024];
	target_name(t, name, sizeof(name));
	ctl_say("Can't connect to %s: %s", name,
		status == CONN_TIMEOUT ? "it does not answer" : c->error);
	return CTL_UNREACHABLE;
}

void target_name(const struct target *t, char *buf, size_t size)
{
	if (t->inst != NULL) {
		text_set(buf, size, "unix/:%s", t->inst->sock_path);
		return;
	}
	_cleanup_(buf_fini) struct buf text = {0};
	struct uri shown = t->uri;
	shown.login = shown.password = (struct uri_part){0};
	if (uri_format(&shown, false, &text) == 0)
		text_set(buf, size, "%.*s", (int)text.len, text.data);
	else
		text_set(buf, size, "?");
}
