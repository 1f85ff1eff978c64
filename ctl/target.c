#include "ctl/target.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void target_of_instance(struct target *t, const struct instance *inst)
{
	*t = (struct target){.inst = inst};
}

int target_of_uri(struct target *t, const char *text)
{
	const char *error;
	*t = (struct target){0};
	if (uri_parse(text, strlen(text), &t->uri, &error) == 0 &&
		uri_check_address(&t->uri, &error) == 0)
		return 0;
	ctl_say("Bad URI: %s; [user:password@]host:port or unix/:path is expected",
		error);
	return -1;
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
