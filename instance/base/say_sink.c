#include "instance/base/say_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include "instance/base/diag.h"

static const char *const facilities[] = {"kern", "user", "mail", "daemon", "auth",
	"intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp", "ntp", "audit",
	"alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5",
	"local6", "local7"};

static int set_option(struct say_sink *s, char *option)
{
	char *value = strchr(option, '=');
	char **text = NULL;
	if (value != NULL) {
		*value++ = '\0';
		if (strcmp(option, "identity") == 0)
			text = &s->identity;
		else if (strcmp(option, "server") == 0)
			text = &s->path;
	}
	if (text != NULL) {
		if (*text != NULL) {
			diag_set(illegal_params, "duplicate option '%s'", option);
			return -1;
		}
		*text = strdup(value);
		return 0;
	}
	if (value == NULL || strcmp(option, "facility") != 0) {
		diag_set(illegal_params, "bad option '%s%s%s'", option,
			value != NULL ? "=" : "", value != NULL ? value : "");
		return -1;
	}
	if (s->facility >= 0) {
		diag_set(illegal_params, "duplicate option '%s'", option);
		return -1;
	}
	for (size_t i = 0; i < lengthof(facilities); i++)
		if (strcmp(facilities[i], value) == 0)
			s->facility = (int)i;
	if (s->facility < 0) {
		diag_set(illegal_params, "bad syslog facility option '%s'", value);
		return -1;
	}
	return 0;
}

static int parse_syslog(struct say_sink *s, const char *options)
{
	_cleanup_(freep) char *copy = strdup(options);
	char *state = NULL;
	s->facility = -1;
	for (char *o = strtok_r(copy, ",", &state); o != NULL;
		o = strtok_r(NULL, ",", &state))
		if (set_option(s, o) != 0)
			return -1;
	if (s->facility < 0)
		s->facility = LOG_LOCAL7 >> 3;
	if (s->identity == NULL)
		s->identity = strdup("tarantool");
	return 0;
}

/** The path does not change its meaning with a later chdir(). */
static char *absolute(const char *path)
{
	char cwd[PATH_MAX];
	char *out;
	if (path[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
		return strdup(path);
	return asprintf(&out, "%s/%s", cwd, path) < 0 ? NULL : out;
}

static const char *skip(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

int say_sink_parse(struct say_sink *s, const char *spec)
{
	*s = (struct say_sink){.type = SAY_STDERR, .fd = -1};
	const char *rest;
	if (spec == NULL || *spec == '\0')
		return 0;
	if ((rest = skip(spec, "|")) != NULL || (rest = skip(spec, "pipe:")) != NULL) {
		s->type = SAY_PIPE;
		s->path = strdup(rest);
	} else if ((rest = skip(spec, "syslog:")) != NULL) {
		s->type = SAY_SYSLOG;
		if (parse_syslog(s, rest) != 0) {
			say_sink_close(s);
			return -1;
		}
	} else if ((rest = skip(spec, "file:")) != NULL || strchr(spec, ':') == NULL) {
		s->type = SAY_FILE;
		s->path = absolute(rest != NULL ? rest : spec);
	} else {
		diag_set(illegal_params,
			"expecting a file name or a prefix, such as '|', "
			"'pipe:', 'syslog:'");
		return -1;
	}
	return 0;
}

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		diag_set_errno("can't open log file: %s: %s", path, strerror(errno));
	return fd;
}

/** In the child: become the command, with the log on its stdin. */
static _Noreturn void run_command(int fd, const char *command)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* Ctrl-C ends the instance, which closes the pipe. */
	signal(SIGINT, SIG_IGN);
	dup2(fd, STDIN_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int open_pipe(struct say_sink *s)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0) {
		diag_set_errno("failed to create pipe: %s", strerror(errno));
		return -1;
	}
	fflush(NULL);
	s->pid = fork();
	if (s->pid == 0)
		run_command(fds[0], s->path);
	close(fds[0]);
	if (s->pid < 0) {
		close(fds[1]);
		diag_set_errno("failed to create process: %s", strerror(errno));
		return -1;
	}
	return fds[1];
}

static int connect_unix(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		int saved_errno = errno;
		close(fd);
		errno = saved_errno;
		return -1;
	}
	return fd;
}

static int connect_udp(const char *server)
{
	char host[NI_MAXHOST];
	snprintf(host, sizeof(host), "%s", server);
	char *port = strrchr(host, ':');
	if (port != NULL)
		*port++ = '\0';
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
	errno = EIO;
	if (getaddrinfo(host, port != NULL ? port : "514", &hints, &list) != 0)
		return -1;
	int fd = -1;
	for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, a->ai_protocol);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd;
}

static int connect_syslog(const char *server)
{
	const char *path;
	if (server == NULL) {
		int fd = connect_unix("/dev/log");
		return fd >= 0 ? fd : connect_unix("/var/run/syslog");
	}
	path = skip(server, "unix:");
	return path != NULL ? connect_unix(path) : connect_udp(server);
}

int say_sink_open(struct say_sink *s, bool nonblock)
{
	switch (s->type) {
	case SAY_STDERR:
		s->fd = STDERR_FILENO;
		break;
	case SAY_FILE:
		s->fd = open_file(s->path);
		break;
	case SAY_PIPE:
		s->fd = open_pipe(s);
		break;
	case SAY_SYSLOG:
		s->fd = connect_syslog(s->path);
		if (s->fd < 0)
			diag_set_errno("syslog logger: %s", strerror(errno));
		break;
	}
	/* Only on what is ours alone: the flag belongs to the open file. */
	if (nonblock && s->fd >= 0 && (s->type == SAY_PIPE || s->type == SAY_SYSLOG))
		fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
	return s->fd >= 0 ? 0 : -1;
}

int say_sink_reopen(struct say_sink *s)
{
	_cleanup_(closep) int fd = open_file(s->path);
	if (fd < 0)
		return -1;
	/* In place, so that a copy (a daemon's stderr) is all that is left behind. */
	if (dup3(fd, s->fd, O_CLOEXEC) < 0) {
		diag_set_errno("can't open log file: %s: %s", s->path, strerror(errno));
		return -1;
	}
	return 0;
}

/** syslogd was restarted, or its socket is gone: connect again, once. */
static int reconnect(struct say_sink *s)
{
	int flags = fcntl(s->fd, F_GETFL);
	int fd = connect_syslog(s->path);
	if (fd < 0)
		return -1;
	dup3(fd, s->fd, O_CLOEXEC);
	close(fd);
	return fcntl(s->fd, F_SETFL, flags);
}

int say_sink_write(struct say_sink *s, const char *line, size_t len)
{
	if (s->type == SAY_SYSLOG) {
		int flags = MSG_NOSIGNAL;
		if (send(s->fd, line, len, flags) >= 0)
			return 0;
		if (errno == EAGAIN || errno == EMSGSIZE || reconnect(s) != 0)
			return -1;
		return send(s->fd, line, len, flags) >= 0 ? 0 : -1;
	}
	while (len > 0) {
		ssize_t n = write(s->fd, line, len);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

void say_sink_close(struct say_sink *s)
{
	if (s->fd >= 0 && s->type != SAY_STDERR)
		close(s->fd);
	if (s->pid > 0)
		waitpid(s->pid, NULL, WNOHANG);
	free(s->path);
	free(s->identity);
	s->fd = -1;
	s->path = s->identity = NULL;
}

void say_sink_syslog_header(const struct say_sink *s, int level, struct buf *out)
{
	/* As Tarantool maps them. */
	static const int priorities[] = {LOG_ERR, LOG_ERR, LOG_ERR, LOG_ERR, LOG_WARNING,
		LOG_INFO, LOG_INFO, LOG_DEBUG};
	time_t now = time(NULL);
	struct tm tm;
	char text[32];
	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "%h %e %T", &tm);
	buf_printf(out, "<%d>%s %s[%d]: ", (s->facility << 3) | priorities[level], text,
		s->identity, (int)getpid());
}
