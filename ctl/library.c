/*
 * Happy path: ask the instance what the module is there (op library_find), then
 *   tarantella   library_reload does everything inside;
 *   stock        we read the file that the server would load, check it against every
 *                function in use, and let it load a copy of those very bytes;
 *   Lua C module the same, for the functions that open and close it.
 * Failure modes: whatever is wrong with the file is found before the server is asked
 * to load it. Stock 2.6 dies when a new file lacks a function; and when a fiber still
 * runs in the old one, so an old version that could have started one is kept mapped.
 */
#include "ctl/library.h"

#include <stdio.h>
#include <string.h>

#include "ctl/mpfield.h"
#include "ctl/pidfile.h"
#include "ctl/target.h"

/* An instance that we talk to. */
struct session {
	const struct library_request *rq;
	struct library_result *result;
	struct target target;
	struct conn conn;
	struct remote_call find; /* its answer: what the module is */
	char kind[16];
};

#define SET(result, ...) text_set((result)->message, LIBRARY_ERROR_SIZE, __VA_ARGS__)

/** Run a call. @return an exit code; the message is set */
static int ask(struct session *s, struct remote_call *call)
{
	struct library_result *result = s->result;
	enum conn_status rc = remote_run(&s->conn, call);
	uint32_t len;
	switch (rc) {
	case CONN_OK:
		break;
	case CONN_INTERRUPTED:
		SET(result, "interrupted: the instance goes on with it");
		return CTL_INTERRUPTED;
	case CONN_TIMEOUT:
		SET(result, "%s does not answer", s->rq->inst->name);
		return CTL_UNREACHABLE;
	default:
		SET(result, "the connection is lost: %s", s->conn.error);
		return CTL_UNREACHABLE;
	}
	if (call->is_ok)
		return CTL_OK;
	const char *message = remote_next_str(call, &len);
	SET(result, "%.*s", len > 4096 ? 4096 : (int)len, message);
	if (strcmp(call->status, "rolled-back") == 0)
		return CTL_ROLLED_BACK;
	return strcmp(call->status, "broken") == 0 ? CTL_REMOTE : CTL_FAILED;
}

static int session_open(struct session *s)
{
	target_of_instance(&s->target, s->rq->inst);
	enum conn_status rc = target_open(&s->target, &s->conn, s->rq->deadline);
	if (rc != CONN_OK) {
		s->result->is_told = true;
		return target_explain(&s->target, &s->conn, rc);
	}
	remote_init(&s->find, "library_find", s->rq->deadline);
	remote_add_cstr(&s->find, s->rq->name);
	int code = ask(s, &s->find);
	if (code == CTL_OK)
		mpfield_str(&s->find.values, "kind", s->kind, sizeof(s->kind));
	return code;
}

static void session_close(struct session *s)
{
	remote_fini(&s->find);
	conn_fini(&s->conn);
}

/** The process, as we see it: what it says itself may be of another pid namespace. */
static pid_t session_pid(const struct session *s)
{
	struct pidfile pf;
	pidfile_read(s->rq->inst->pid_path, &pf);
	pid_t pid = pf.state == PIDFILE_RUNNING
			    ? pf.pid
			    : (pid_t)mpfield_int(&s->find.values, "pid", 0);
	pidfile_fini(&pf);
	return pid;
}

static int read_file(struct session *s, struct library_file *file)
{
	struct library_result *result = s->result;
	char cwd[PATH_MAX];
	mpfield_str(&s->find.values, "path", result->path, sizeof(result->path));
	mpfield_str(&s->find.values, "cwd", cwd, sizeof(cwd));
	if (result->path[0] == '\0') {
		SET(result, "its file is not found by package.cpath");
		return CTL_FAILED;
	}
	if (library_file_read(file, session_pid(s), cwd, result->path, result->message) !=
		0)
		return CTL_FAILED;
	text_set(
		result->new_build_id, sizeof(result->new_build_id), "%s", file->build_id);
	return CTL_OK;
}

static int copy_file(struct session *s, struct library_file *file)
{
	char tmpdir[PATH_MAX];
	mpfield_str(&s->find.values, "tmpdir", tmpdir, sizeof(tmpdir));
	return library_file_copy(file, session_pid(s), tmpdir, s->result->message) == 0
		       ? CTL_OK
		       : CTL_FAILED;
}

static void check_symbol(
	const struct library_file *file, const char *symbol, struct buf *missing)
{
	static const char *const why[] = {
		[ELF_MISSING] = "",
		[ELF_IMPORTED] = " (it is used there, not defined)",
		[ELF_NO_FUNCTION] = " (it is no function there)",
	};
	enum elf_find found = elf_find_function(&file->elf, symbol);
	if (found != ELF_FOUND)
		buf_printf(missing, "%s%s%s", missing->len > 0 ? ", " : "", symbol,
			why[found]);
}

static int say_missing(struct session *s, const struct buf *missing)
{
	if (missing->len == 0)
		return CTL_OK;
	SET(s->result, "%s lacks %.*s", s->result->path,
		missing->len > 1024 ? 1024 : (int)missing->len, missing->data);
	return CTL_FAILED;
}

/** Every function of the module in _func must be in the file. */
static int check_functions(struct session *s, const struct library_file *file)
{
	_cleanup_(buf_fini) struct buf missing = {0};
	struct mp_cursor list;
	char symbol[1024];
	if (!mpfield_find(&s->find.values, "functions", &list) ||
		mp_peek(&list) != MP_ARRAY)
		return CTL_OK;
	uint32_t count = mp_read_array(&list), len;
	for (uint32_t i = 0; i < count; i++) {
		const char *name = mp_read_str(&list, &len);
		if (list.error != NULL)
			break;
		const char *dot = memrchr(name, '.', len);
		size_t skip = dot != NULL ? (size_t)(dot + 1 - name) : 0;
		/* What does not fit is in no file: its beginning will be missing too. */
		text_set(symbol, sizeof(symbol), "%.*s", (int)(len - skip), name + skip);
		check_symbol(file, symbol, &missing);
	}
	s->result->functions = count;
	return say_missing(s, &missing);
}

static void read_report(struct session *s, struct remote_call *call)
{
	struct library_result *r = s->result;
	const struct mp_cursor *map = &call->values;
	char text[ELF_BUILD_ID_TEXT_SIZE], why[200];
	r->functions = mpfield_int(map, "functions", r->functions);
	r->calls = mpfield_int(map, "calls", 0);
	r->fibers = mpfield_int(map, "fibers", 0);
	r->seconds = mpfield_double(map, "time");
	mpfield_str(map, "old_build_id", text, sizeof(text));
	if (text[0] != '\0')
		text_set(r->old_build_id, sizeof(r->old_build_id), "%s", text);
	mpfield_str(map, "new_build_id", text, sizeof(text));
	if (text[0] != '\0')
		text_set(r->new_build_id, sizeof(r->new_build_id), "%s", text);
	mpfield_str(map, "stuck", why, sizeof(why));
	if (why[0] != '\0')
		text_set(r->note, sizeof(r->note),
			"the old version cannot be unloaded and stays mapped: %s", why);
}

static int reload_native(struct session *s)
{
	struct remote_call call;
	remote_init(&call, "library_reload", s->rq->deadline);
	remote_add_cstr(&call, s->rq->name);
	remote_add_bool(&call, s->rq->is_check);
	int rc = ask(s, &call);
	if (rc == CTL_OK)
		read_report(s, &call);
	remote_fini(&call);
	return rc;
}

/** Let the server open and close the copy: are its libraries there? */
static int try_copy(struct session *s, const struct library_file *file)
{
	struct remote_call call;
	remote_init(&call, "library_try", s->rq->deadline);
	remote_add_cstr(&call, file->copy);
	remote_add_cstr(&call, file->path);
	int rc = ask(s, &call);
	remote_fini(&call);
	return rc;
}

static int reload_copy(struct session *s, const struct library_file *file)
{
	struct remote_call call;
	struct mp_cursor functions, end;
	if (!mpfield_find(&s->find.values, "functions", &functions))
		return CTL_FAILED;
	end = functions;
	mp_skip(&end);
	remote_init(&call, "library_reload_stock", s->rq->deadline);
	remote_add_cstr(&call, s->rq->name);
	remote_add_cstr(&call, file->copy);
	remote_add_raw(&call, functions.pos, (size_t)(end.pos - functions.pos));
	remote_add_cstr(&call, file->copy_inode);
	int rc = ask(s, &call);
	if (rc == CTL_OK)
		read_report(s, &call);
	remote_fini(&call);
	return rc;
}

static int reload_stock(struct session *s)
{
	struct library_file file = {0};
	int rc = read_file(s, &file);
	if (rc == CTL_OK)
		rc = check_functions(s, &file);
	if (rc == CTL_OK)
		rc = copy_file(s, &file);
	bool stays = file.elf.has_unique || file.elf.is_nodelete;
	if (rc == CTL_OK && !s->rq->is_check)
		rc = reload_copy(s, &file);
	else if (rc == CTL_OK && !stays)
		rc = try_copy(s, &file);
	if (stays)
		text_set(s->result->note, sizeof(s->result->note),
			"%s cannot be unloaded later: %s", s->result->path,
			file.elf.has_unique ? "it has symbols that are unique in the "
					      "process (C++ statics)"
					    : "it is linked with -z nodelete");
	library_file_fini(&file);
	return rc;
}

static int reload_lua(struct session *s)
{
	struct library_file file = {0};
	_cleanup_(buf_fini) struct buf missing = {0};
	char open_symbol[1024], close_symbol[1024];
	const struct mp_cursor *map = &s->find.values;
	mpfield_str(map, "open_symbol", open_symbol, sizeof(open_symbol));
	mpfield_str(map, "close_symbol", close_symbol, sizeof(close_symbol));
	mpfield_str(map, "path", s->result->path, sizeof(s->result->path));
	if (!mpfield_bool(map, "has_close")) {
		SET(s->result,
			"it is a Lua C module (loaded by require from %s) and does not "
			"export %s, which would let go of what it holds: only a restart "
			"loads it anew",
			s->result->path, close_symbol);
		return CTL_FAILED;
	}
	int rc = read_file(s, &file);
	if (rc == CTL_OK) {
		check_symbol(&file, open_symbol, &missing);
		check_symbol(&file, close_symbol, &missing);
		rc = say_missing(s, &missing);
	}
	if (rc == CTL_OK)
		rc = copy_file(s, &file);
	if (rc == CTL_OK) {
		struct remote_call call;
		remote_init(&call, "library_reload_lua", s->rq->deadline);
		remote_add_cstr(&call, s->rq->name);
		remote_add_cstr(&call, file.copy);
		remote_add_cstr(&call, file.path);
		remote_add_cstr(&call, file.build_id);
		remote_add_bool(&call, s->rq->is_check);
		rc = ask(s, &call);
		if (rc == CTL_OK)
			read_report(s, &call);
		remote_fini(&call);
		text_set(s->result->note, sizeof(s->result->note),
			"a Lua C module: functions and objects that others took out of "
			"its table keep running the old code, which stays mapped");
	}
	library_file_fini(&file);
	return rc;
}

static int refuse_unloaded(struct session *s)
{
	if (mpfield_bool(&s->find.values, "has_lib"))
		SET(s->result,
			"it is loaded by box.lib only: box.lib.load() after the last "
			"unload() opens the new file");
	else
		SET(s->result,
			"it is not loaded: the first call of a function loads the file");
	return CTL_FAILED;
}

static int refuse(struct session *s)
{
	char hint[512];
	mpfield_str(&s->find.values, "hint", hint, sizeof(hint));
	if (strcmp(s->kind, "lua") == 0)
		SET(s->result, "it is a Lua module, not a C module");
	else if (hint[0] != '\0')
		SET(s->result, "it is a function; its module is '%s'", hint);
	else if (mpfield_bool(&s->find.values, "has_lib"))
		return refuse_unloaded(s);
	else
		SET(s->result,
			"there is no such module: no function in C of "
			"box.schema.func is in it, and none was loaded by require");
	return CTL_FAILED;
}

/** Wait until the old version is gone; what is left goes to the result. */
static int wait_drained(struct session *s)
{
	struct remote_call call;
	struct library_result *result = s->result;
	deadline_ms limit = deadline_after(s->rq->wait_ms + 5000);
	remote_init(&call, "library_wait", limit);
	remote_add_cstr(&call, s->rq->name);
	remote_add_double(&call, (double)s->rq->wait_ms / 1000);
	int rc = ask(s, &call);
	struct mp_cursor list = call.values, end = list;
	mp_skip(&end);
	if (rc == CTL_OK && mp_peek(&list) == MP_ARRAY && mp_read_array(&list) > 0 &&
		end.error == NULL) {
		buf_append(&result->left, call.values.pos,
			(size_t)(end.pos - call.values.pos));
		rc = CTL_NOT_DRAINED;
	}
	result->is_waited = true;
	remote_fini(&call);
	return rc;
}

int library_reload(const struct library_request *rq, struct library_result *result)
{
	struct session s = {.rq = rq, .result = result};
	conn_init(&s.conn);
	memset(result, 0, sizeof(*result));
	int rc = session_open(&s);
	if (rc == CTL_OK) {
		mpfield_str(&s.find.values, "old_build_id", result->old_build_id,
			sizeof(result->old_build_id));
		bool is_loaded = mpfield_bool(&s.find.values, "is_loaded");
		bool is_c = strcmp(s.kind, "native") == 0 || strcmp(s.kind, "c") == 0;
		if (is_c && !is_loaded)
			rc = refuse_unloaded(&s);
		else if (strcmp(s.kind, "native") == 0)
			rc = reload_native(&s);
		else if (strcmp(s.kind, "c") == 0)
			rc = reload_stock(&s);
		else if (strcmp(s.kind, "lua-c") == 0)
			rc = reload_lua(&s);
		else
			rc = refuse(&s);
	}
	if (rc == CTL_OK && rq->wait_ms >= 0 && !rq->is_check)
		rc = wait_drained(&s);
	session_close(&s);
	return rc;
}

int library_is_loaded(
	const struct instance *inst, const char *name, deadline_ms deadline, bool *ret)
{
	struct library_result result = {0};
	struct library_request rq = {.inst = inst, .name = name, .deadline = deadline};
	struct session s = {.rq = &rq, .result = &result};
	conn_init(&s.conn);
	int rc = session_open(&s);
	*ret = rc == CTL_OK && mpfield_bool(&s.find.values, "is_loaded");
	if (rc != CTL_OK && result.message[0] != '\0')
		ctl_say("%s: %s", inst->name, result.message);
	session_close(&s);
	return rc;
}

void library_result_fini(struct library_result *result)
{
	buf_fini(&result->left);
}
