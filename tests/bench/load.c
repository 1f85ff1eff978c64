/*
 * A load generator for IPROTO, for Tarantool and tarantella alike.
 *
 *	load [-c CONNECTIONS] [-d DEPTH] [-t SECONDS] [-p PID] [-j] [-s] WHAT URI
 *
 *	WHAT   ping | eval EXPR [STRING...] | call FUNCTION [STRING...]
 *	URI    with `user:password@` each connection logs in first
 *	-d     requests in flight on each connection
 *	-p     also report the CPU time that this process (the server) used
 *	-j     one JSON object instead of text
 *	-s     answers are version numbers: see answers.h for what is checked
 *
 * Each connection sends DEPTH requests, then one for each reply. SIGINT and SIGTERM
 * end it early. "Longest silence" is the longest time in which no reply came.
 * SIGUSR1 prints the report so far and begins a new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "answers.h"
#include "proto/chap.h"
#include "proto/greeting.h"
#include "proto/iproto.h"
#include "proto/uri.h"

enum {
	CONNECTIONS_MAX = 4096,
	DEPTH_MAX = 4096,
	READ_SIZE = 256 << 10,
	REPLY_MAX = 64 << 20
};

struct options {
	int connections, depth;
	double seconds;
	int pid;
	bool is_json, is_checked;
	const char *what, *arg, *uri;
	char **strings; /* arguments of the call */
	int string_count;
};

struct client {
	int fd;
	struct buf in, out;
	int due; /* requests without a reply */
	uint64_t sync;
	struct sent {
		double at;
		int64_t newest; /* version that had answered then */
	} * sent;               /* by sync % depth */
};

struct result {
	uint64_t requests, failed;
	double began, last_reply, seconds, silence, latency_max, latency_sum;
	double cpu;      /* of the server, at the beginning */
	char error[200]; /* the first one */
	struct answers answers;
};

static volatile sig_atomic_t is_stopped, is_lap;
static struct options opt = {.connections = 1, .depth = 1, .seconds = 3};
static struct result result;
static struct client *clients;
static struct buf request; /* one request, its sync patched before it is sent */

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("load: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	exit(1);
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* User and system time of a process, seconds. */
static double cpu_of(int pid)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);
	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	char *p = strrchr(text, ')');
	unsigned long user = 0, sys = 0;
	if (p == NULL ||
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &sys) != 2)
		fail("no process %d", pid);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(addr.sun_path))
		fail("%s: the path is too long", path);
	strcpy(addr.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

static int connect_tcp(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	int rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0)
		fail("%s:%s: %s", host, port, gai_strerror(rc));
	int fd = -1;
	for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	if (fd < 0)
		fail("%s:%s: %s", host, port, strerror(errno));
	freeaddrinfo(list);
	return fd;
}

static struct uri uri; /* opt.uri, parsed */

static void parse_uri(void)
{
	const char *error;
	if (uri_parse(opt.uri, strlen(opt.uri), &uri, &error) != 0 ||
		uri_check_address(&uri, &error) != 0)
		fail("%s: %s", opt.uri, error);
}

static int connect_uri(void)
{
	char host[256], service[256];
	snprintf(host, sizeof(host), "%.*s", (int)uri.host.len,
		uri.host.data != NULL ? uri.host.data : "");
	snprintf(
		service, sizeof(service), "%.*s", (int)uri.service.len, uri.service.data);
	return uri.host_kind == URI_HOST_UNIX
		       ? connect_unix(service)
		       : connect_tcp(host[0] != '\0' ? host : "127.0.0.1", service);
}

/* Log in and wait for the answer; the socket still blocks. */
static void client_log_in(struct client *c, const struct greeting *greeting)
{
	unsigned char scramble[CHAP_SIZE];
	chap_scramble(uri.password.data, uri.password.len, greeting->salt, scramble);
	char user[256];
	snprintf(user, sizeof(user), "%.*s", (int)uri.login.len, uri.login.data);
	if (iproto_encode_auth(&c->out, 0, user, scramble) != 0)
		fail("out of memory");
	char reply[4096];
	if (write(c->fd, c->out.data, c->out.len) != (ssize_t)c->out.len)
		fail("%s: %s", opt.uri, strerror(errno));
	buf_reset(&c->out);
	ssize_t n = read(c->fd, reply, sizeof(reply));
	/* ce + length, 83 00 ce + the reply's code: 0 is OK */
	if (n < 12 || memcmp(reply + 8, "\0\0\0\0", 4) != 0)
		fail("%s: not let in", opt.uri);
}

static void client_open(struct client *c)
{
	char data[GREETING_SIZE];
	struct greeting greeting;
	c->fd = connect_uri();
	for (size_t n = 0; n < sizeof(data);) {
		ssize_t got = read(c->fd, data + n, sizeof(data) - n);
		if (got <= 0)
			fail("%s: no greeting", opt.uri);
		n += (size_t)got;
	}
	if (greeting_decode(data, &greeting) != 0 || greeting.protocol != GREETING_BINARY)
		fail("%s: not an IPROTO greeting", opt.uri);
	if (uri.login.len > 0)
		client_log_in(c, &greeting);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->sent = calloc((size_t)opt.depth, sizeof(*c->sent));
	if (c->sent == NULL)
		fail("out of memory");
}

static void make_request(void)
{
	int rc;
	struct buf args = {0};
	msgpack_packer pk;
	mp_packer_init(&pk, &args);
	msgpack_pack_array(&pk, (size_t)opt.string_count);
	for (int i = 0; i < opt.string_count; i++)
		msgpack_pack_str_with_body(&pk, opt.strings[i], strlen(opt.strings[i]));
	const char *end = args.data + args.len;
	if (strcmp(opt.what, "ping") == 0)
		rc = iproto_encode_ping(&request, UINT64_MAX);
	else if (strcmp(opt.what, "eval") == 0)
		rc = iproto_encode_eval(
			&request, UINT64_MAX, opt.arg, strlen(opt.arg), args.data, end);
	else
		rc = iproto_encode_call(&request, UINT64_MAX, IPROTO_TYPE_CALL, opt.arg,
			strlen(opt.arg), args.data, end);
	if (rc != 0)
		fail("out of memory");
	buf_fini(&args);
}

/* The sync is the last of the header's values: cf and eight bytes of ff. */
static void put_request(struct client *c, double at)
{
	char *p = buf_reserve(&c->out, request.len);
	if (p == NULL)
		fail("out of memory");
	memcpy(p, request.data, request.len);
	uint64_t sync_be = htobe64(c->sync);
	char *cf = memchr(p + 5, 0xcf, request.len - 5);
	memcpy(cf + 1, &sync_be, sizeof(sync_be));
	c->sent[c->sync % (uint64_t)opt.depth] =
		(struct sent){.at = at, .newest = result.answers.newest};
	c->out.len += request.len;
	c->sync++;
	c->due++;
}

/* @return false: the connection is lost */
static bool client_send(struct client *c)
{
	while (buf_used(&c->out) > 0) {
		ssize_t n =
			send(c->fd, buf_head(&c->out), buf_used(&c->out), MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return false;
		c->out.rpos += (size_t)n;
	}
	buf_reset(&c->out);
	return true;
}

static void note_error(struct mp_cursor *cur, uint32_t type)
{
	struct iproto_error_view error;
	result.failed++;
	if (result.error[0] != '\0')
		return;
	if (iproto_decode_error(cur, &error) == 0)
		snprintf(result.error, sizeof(result.error), "%.*s",
			(int)error.message_len, error.message);
	else
		snprintf(result.error, sizeof(result.error), "error %#x", type);
}

static void take_reply(struct client *c, const struct iproto_frame *frame, double at)
{
	struct mp_cursor cur;
	struct iproto_header header;
	mp_cursor_init(&cur, frame->data, frame->end);
	if (iproto_decode_header(&cur, &header) != 0)
		fail("a reply cannot be decoded");
	if (header.type == IPROTO_CHUNK)
		return;
	struct sent *sent = &c->sent[header.sync % (uint64_t)opt.depth];
	if (header.type != IPROTO_OK)
		note_error(&cur, header.type);
	else if (opt.is_checked)
		answers_check(&result.answers, &cur, sent->newest);
	double latency = at - sent->at;
	result.latency_sum += latency;
	if (latency > result.latency_max)
		result.latency_max = latency;
	result.requests++;
	c->due--;
}

/* @return replies; -1: the connection is lost */
static int client_receive(struct client *c)
{
	char *p = buf_reserve(&c->in, READ_SIZE);
	if (p == NULL)
		fail("out of memory");
	ssize_t n = read(c->fd, p, READ_SIZE);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	c->in.len += (size_t)n;
	double at = now();
	int replies = 0;
	struct iproto_frame frame;
	while (iproto_split_frame(buf_head(&c->in), c->in.data + c->in.len, REPLY_MAX,
		       &frame) == IPROTO_FRAME) {
		take_reply(c, &frame, at);
		c->in.rpos = (size_t)(frame.end - c->in.data);
		replies++;
	}
	buf_compact(&c->in);
	return replies;
}

/* All that was on its way is lost; go on with a new connection. */
static void client_reopen(struct client *c, int epoll)
{
	result.failed += (uint64_t)c->due;
	if (result.error[0] == '\0')
		snprintf(result.error, sizeof(result.error), "the connection was lost");
	close(c->fd);
	buf_reset(&c->in);
	buf_reset(&c->out);
	free(c->sent);
	c->due = 0;
	client_open(c);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void refill(struct client *c, int epoll)
{
	double at = now();
	while (c->due < opt.depth)
		put_request(c, at);
	if (!client_send(c))
		client_reopen(c, epoll);
}

static void begin(void)
{
	result = (struct result){.began = now(), .last_reply = now()};
	result.cpu = opt.pid != 0 ? cpu_of(opt.pid) : 0;
	answers_reset(&result.answers);
	for (int i = 0; i < opt.connections; i++) {
		for (int k = 0; k < opt.depth; k++)
			clients[i].sent[k].newest = INT64_MIN;
	}
}

static void note_replies(double at)
{
	if (at - result.last_reply > result.silence)
		result.silence = at - result.last_reply;
	result.last_reply = at;
}

static void print_answers(const struct answers *a)
{
	if (opt.is_json)
		printf(", \"mixed\": %llu, \"stale\": %llu, \"low\": %lld, \"high\": "
		       "%lld, "
		       "\"first\": \"%s\"",
			(unsigned long long)a->mixed, (unsigned long long)a->stale,
			(long long)a->low, (long long)a->high, a->first);
	else
		printf("versions %lld to %lld, %llu mixed, %llu stale %s\n",
			(long long)a->low, (long long)a->high,
			(unsigned long long)a->mixed, (unsigned long long)a->stale,
			a->first);
}

static void print_json(double n, double cpu)
{
	printf("{\"requests\": %llu, \"seconds\": %.3f, \"failed\": %llu, "
	       "\"silence_ms\": %.3f, \"latency_ms\": %.4f, \"latency_max_ms\": %.3f",
		(unsigned long long)result.requests, result.seconds,
		(unsigned long long)result.failed, result.silence * 1e3,
		result.latency_sum / n * 1e3, result.latency_max * 1e3);
	if (opt.is_checked)
		print_answers(&result.answers);
	if (opt.pid != 0)
		printf(", \"cpu_us\": %.4f", cpu / n * 1e6);
	printf(", \"error\": \"");
	for (const char *p = result.error; *p != '\0'; p++)
		putchar(*p == '"' || *p == '\\' || (unsigned char)*p < ' ' ? '\'' : *p);
	printf("\"}\n");
}

static void print_text(double n, double cpu)
{
	printf("%llu requests in %.2f s: %.0f/s, %llu failed\n",
		(unsigned long long)result.requests, result.seconds, n / result.seconds,
		(unsigned long long)result.failed);
	printf("latency %.3f ms, longest %.2f ms; longest silence %.2f ms\n",
		result.latency_sum / n * 1e3, result.latency_max * 1e3,
		result.silence * 1e3);
	if (opt.is_checked)
		print_answers(&result.answers);
	if (opt.pid != 0)
		printf("server CPU %.3f us a request\n", cpu / n * 1e6);
	if (result.error[0] != '\0')
		printf("first failure: %s\n", result.error);
}

static void report(void)
{
	double at = now();
	note_replies(at);
	result.seconds = at - result.began;
	double n = result.requests > 0 ? (double)result.requests : 1;
	double cpu = opt.pid != 0 ? cpu_of(opt.pid) - result.cpu : 0;
	if (opt.is_json)
		print_json(n, cpu);
	else
		print_text(n, cpu);
	fflush(stdout);
}

static void run(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	double end = now() + opt.seconds;
	for (int i = 0; i < opt.connections; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
		epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
		refill(&clients[i], epoll);
	}
	while (!is_stopped && now() < end) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll, events, 64, 100);
		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;
			int replies = client_receive(c);
			if (replies < 0)
				client_reopen(c, epoll);
			else if (replies > 0)
				note_replies(now());
			refill(c, epoll);
		}
		if (is_lap) {
			is_lap = 0;
			report();
			begin();
		}
	}
	close(epoll);
}

static void usage(void)
{
	fputs("usage: load [-c CONNECTIONS] [-d DEPTH] [-t SECONDS] [-p PID] [-j] [-s] "
	      "ping|eval EXPR|call FUNCTION [STRING...] URI\n",
		stderr);
	exit(64);
}

static int number(const char *text, int max)
{
	char *end;
	long n = strtol(text, &end, 10);
	if (*end != '\0' || n < 1 || n > max)
		usage();
	return (int)n;
}

static void parse_options(int argc, char **argv)
{
	for (int o; (o = getopt(argc, argv, "c:d:t:p:js")) != -1;) {
		switch (o) {
		case 'c':
			opt.connections = number(optarg, CONNECTIONS_MAX);
			break;
		case 'd':
			opt.depth = number(optarg, DEPTH_MAX);
			break;
		case 't':
			opt.seconds = atof(optarg);
			break;
		case 'p':
			opt.pid = number(optarg, INT32_MAX);
			break;
		case 'j':
			opt.is_json = true;
			break;
		case 's':
			opt.is_checked = true;
			break;
		default:
			usage();
		}
	}
	argv += optind;
	argc -= optind;
	opt.what = argc > 0 ? argv[0] : "";
	bool is_ping = strcmp(opt.what, "ping") == 0;
	bool is_code = strcmp(opt.what, "eval") == 0 || strcmp(opt.what, "call") == 0;
	if ((!is_ping && !is_code) || (is_ping ? argc != 2 : argc < 3))
		usage();
	opt.arg = is_code ? argv[1] : NULL;
	opt.strings = argv + 2;
	opt.string_count = is_code ? argc - 3 : 0;
	opt.uri = argv[argc - 1];
}

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		is_lap = 1;
	else
		is_stopped = 1;
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	struct sigaction on = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGUSR1, &on, NULL);
	sigset_t laps; /* whoever starts us may have kept the first ones waiting */
	sigemptyset(&laps);
	sigaddset(&laps, SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &laps, NULL);
	parse_uri();
	make_request();
	clients = calloc((size_t)opt.connections, sizeof(*clients));
	if (clients == NULL)
		fail("out of memory");
	for (int i = 0; i < opt.connections; i++)
		client_open(&clients[i]);
	begin();
	run();
	report();
	return result.requests > 0 ? 0 : 1;
}
