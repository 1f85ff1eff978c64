#include "instance/box/session.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/trigger.h"
#include "instance/box/access.h"
#include "instance/fiber/fiber.h"
#include "instance/box/stat.h"
#include "proto/chap.h"

enum { STORAGE_NONE = -2 /* LUA_NOREF */, BUCKETS_MIN = 64 };

const char *session_type_name[] = {"background", "binary", "console", "repl", "unknown"};
const struct credentials session_admin_cred = {USER_ADMIN};

struct list session_on_connect = {&session_on_connect, &session_on_connect};
struct list session_on_disconnect = {&session_on_disconnect, &session_on_disconnect};
struct list session_on_auth = {&session_on_auth, &session_on_auth};

static void storage_free_nothing(int storage_ref)
{
}

void (*session_storage_free)(int storage_ref) = storage_free_nothing;

/* Sessions by id: chained, a power of two of buckets. */
static struct list *buckets;
static size_t bucket_count;
static size_t session_count;
static uint64_t last_id;

/*
 * Whose it is when a fiber has none of its own: admin's, never changed. It is in
 * no list and has no id.
 */
static struct session background = {
	.type = SESSION_BACKGROUND,
	.cred = {USER_ADMIN},
	.real_cred = {USER_ADMIN},
	.storage_ref = STORAGE_NONE,
};

static struct list *buckets_new(size_t count)
{
	struct list *b = calloc(count, sizeof(*b));
	for (size_t i = 0; b != NULL && i < count; i++)
		list_init(&b[i]);
	return b;
}

/** Twice as many buckets; when there is no memory for them chains get longer. */
static void buckets_grow(void)
{
	struct list *bigger = buckets_new(bucket_count * 2);
	if (bigger == NULL)
		return;
	for (size_t i = 0; i < bucket_count; i++) {
		list_foreach_safe(s, tmp, &buckets[i], struct session, link)
		{
			list_del(&s->link);
			list_add(&bigger[s->id & (bucket_count * 2 - 1)], &s->link);
		}
	}
	free(buckets);
	buckets = bigger;
	bucket_count *= 2;
}

int session_init(void)
{
	if (buckets != NULL)
		return 0;
	if (user_cache_init() != 0)
		return -1;
	bucket_count = BUCKETS_MIN;
	buckets = buckets_new(bucket_count);
	if (buckets == NULL) {
		diag_set(oom, "Failed to allocate the table of sessions");
		return -1;
	}
	return 0;
}

void session_fini(void)
{
	triggers_clear(&session_on_connect);
	triggers_clear(&session_on_disconnect);
	triggers_clear(&session_on_auth);
	triggers_clear(&session_on_access_denied);
	free(TAKE_PTR(buckets));
	last_id = 0;
	user_cache_fini();
}

struct session *session_new(enum session_type type, uint32_t uid)
{
	struct session *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for session",
			sizeof(*s));
		return NULL;
	}
	s->id = ++last_id;
	s->type = type;
	s->cred.uid = s->real_cred.uid = uid;
	s->storage_ref = STORAGE_NONE;
	if (++session_count > bucket_count)
		buckets_grow();
	list_add(&buckets[s->id & (bucket_count - 1)], &s->link);
	return s;
}

void session_free(struct session *s)
{
	if (s == NULL)
		return;
	if (s->storage_ref != STORAGE_NONE)
		session_storage_free(s->storage_ref);
	list_del(&s->link);
	session_count--;
	free(s);
}

struct session *session_by_id(uint64_t id)
{
	list_foreach(s, &buckets[id & (bucket_count - 1)], struct session, link)
	{
		if (s->id == id)
			return s;
	}
	return NULL;
}

struct session *session_current(void)
{
	struct session *s = fiber_current->local[FIBER_LOCAL_SESSION];
	return s != NULL ? s : &background;
}

struct session *session_set_current(struct session *s)
{
	struct session *old = fiber_current->local[FIBER_LOCAL_SESSION];
	fiber_current->local[FIBER_LOCAL_SESSION] = s;
	return old;
}

/* A background session that lives as long as its fiber. */
struct own_session {
	struct fiber_hook on_stop;
	struct session *session;
};

static void own_session_stop(struct fiber_hook *hook)
{
	struct own_session *own = container_of(hook, struct own_session, on_stop);
	list_del(&hook->link);
	if (fiber_current->local[FIBER_LOCAL_SESSION] == own->session)
		fiber_current->local[FIBER_LOCAL_SESSION] = NULL;
	session_free(own->session);
	free(own);
}

struct session *session_own(void)
{
	struct session *s = fiber_current->local[FIBER_LOCAL_SESSION];
	if (s != NULL)
		return s;
	_cleanup_(freep) struct own_session *own = calloc(1, sizeof(*own));
	if (own == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for session",
			sizeof(*own));
		return NULL;
	}
	s = own->session = session_new(SESSION_BACKGROUND, USER_ADMIN);
	if (s == NULL)
		return NULL;
	own->on_stop.run = own_session_stop;
	list_add_tail(&fiber_current->on_stop, &own->on_stop.link);
	own = NULL;
	fiber_current->local[FIBER_LOCAL_SESSION] = s;
	return s;
}

uint32_t session_effective_uid(void)
{
	const struct credentials *cred = fiber_current->local[FIBER_LOCAL_CRED];
	return cred != NULL ? cred->uid : session_current()->cred.uid;
}

const struct credentials *session_set_effective(const struct credentials *cred)
{
	const struct credentials *old = fiber_current->local[FIBER_LOCAL_CRED];
	fiber_current->local[FIBER_LOCAL_CRED] = (void *)cred;
	return old;
}

/** Triggers run with the session in place and admin's rights. */
static int run_triggers(struct list *triggers, struct session_event *event)
{
	if (list_is_empty(triggers))
		return 0;
	struct session *old = session_set_current(event->session);
	const struct credentials *cred = session_set_effective(&session_admin_cred);
	int rc = triggers_run(triggers, event);
	session_set_effective(cred);
	session_set_current(old);
	return rc;
}

int session_run_on_connect(struct session *s)
{
	struct session_event event = {.session = s};
	return run_triggers(&session_on_connect, &event);
}

void session_run_on_disconnect(struct session *s)
{
	struct session_event event = {.session = s};
	s->peer[0] = '\0'; /* nobody is there any more */
	if (run_triggers(&session_on_disconnect, &event) != 0)
		diag_clear();
}

/** Without a scramble only guest logs in, as long as his password is the empty one. */
static bool password_is_right(const struct user *u, const char *salt,
	const char *scramble, uint32_t scramble_len)
{
	unsigned char empty[CHAP_SIZE];
	if (!u->has_password)
		return false;
	if (scramble != NULL)
		return scramble_len == CHAP_SIZE && chap_check(scramble, salt, u->hash2);
	chap_hash2("", 0, empty);
	return u->id == USER_GUEST && memcmp(empty, u->hash2, sizeof(empty)) == 0;
}

int session_auth(struct session *s, const char *user, uint32_t user_len, const char *salt,
	const char *scramble, uint32_t scramble_len)
{
	box_stat_count(BOX_STAT_AUTH);
	const struct user *u = user_find_by_name(user, user_len);
	if (u == NULL || access_check_session(u->id) != 0)
		return -1;
	bool is_right = password_is_right(u, salt, scramble, scramble_len);
	struct credentials cred = {u->id};
	_cleanup_(freep) char *name = strdup(u->name);
	if (name == NULL) {
		diag_set(oom, "Failed to allocate memory for a user name");
		return -1;
	}
	struct session_event event = {s, name, is_right};
	struct session *before = session_set_current(s);
	/* A trigger may yield: u is not used after it. */
	int rc = triggers_run(&session_on_auth, &event);
	session_set_current(before);
	if (rc != 0)
		return -1;
	if (!is_right) {
		diag_set_client(ER_PASSWORD_MISMATCH, name);
		return -1;
	}
	s->cred = s->real_cred = cred;
	return 0;
}
