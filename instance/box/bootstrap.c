/*
 * What a new database begins with: the rows of the system spaces, as Tarantool
 * 2.6 writes them. The tables say what is in the rows; the triggers of the system
 * spaces make the objects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"
#include "instance/box/request.h"
#include "proto/buf.h"
#include "proto/mp.h"

/* clang-format off */

/* "name:type" of each field; a ? behind the type: nullable. */

struct space_row {
	uint32_t id;
	const char *name, *engine;
	uint32_t field_count;
	const char *option; /* the one that is set: to true, group_id to 1; or NULL */
	const char *format;
};

#define FORMAT_COLLATION \
	"id:unsigned name:string owner:unsigned type:string locale:string " \
	"opts:map"

#define FORMAT_SPACE \
	"id:unsigned owner:unsigned name:string engine:string " \
	"field_count:unsigned flags:map format:array"

#define FORMAT_SEQUENCE \
	"id:unsigned owner:unsigned name:string step:integer min:integer " \
	"max:integer start:integer cache:integer cycle:boolean"

#define FORMAT_INDEX \
	"id:unsigned iid:unsigned name:string type:string opts:map parts:array"

#define FORMAT_USER \
	"id:unsigned owner:unsigned name:string type:string auth:map"

#define FORMAT_PRIV \
	"grantor:unsigned grantee:unsigned object_type:string object_id:scalar " \
	"privilege:unsigned"

static const struct space_row space_rows[] = {
	{257, "_vinyl_deferred_delete", "blackhole", 0, "group_id",
		"space_id:unsigned lsn:unsigned tuple:array"},
	{272, "_schema", "memtx", 0, NULL,
		"key:string value:any?"},
	{276, "_collation", "memtx", 0, NULL,
		FORMAT_COLLATION},
	{277, "_vcollation", "sysview", 0, NULL,
		FORMAT_COLLATION},
	{280, "_space", "memtx", 0, NULL,
		FORMAT_SPACE},
	{281, "_vspace", "sysview", 0, NULL,
		FORMAT_SPACE},
	{284, "_sequence", "memtx", 0, NULL,
		FORMAT_SEQUENCE},
	{285, "_sequence_data", "memtx", 0, NULL,
		"id:unsigned value:integer"},
	{286, "_vsequence", "sysview", 0, NULL,
		FORMAT_SEQUENCE},
	{288, "_index", "memtx", 0, NULL,
		FORMAT_INDEX},
	{289, "_vindex", "sysview", 0, NULL,
		FORMAT_INDEX},
	{296, "_func", "memtx", 0, NULL,
		"id:unsigned owner:unsigned name:string setuid:unsigned "
		"language:string body:string routine_type:string param_list:array "
		"returns:string aggregate:string sql_data_access:string "
		"is_deterministic:boolean is_sandboxed:boolean is_null_call:boolean "
		"exports:array opts:map comment:string created:string "
		"last_altered:string"},
	{297, "_vfunc", "sysview", 0, NULL,
		"id:unsigned owner:unsigned name:string setuid:unsigned"},
	{304, "_user", "memtx", 0, NULL,
		FORMAT_USER},
	{305, "_vuser", "sysview", 0, NULL,
		FORMAT_USER},
	{312, "_priv", "memtx", 0, NULL,
		FORMAT_PRIV},
	{313, "_vpriv", "sysview", 0, NULL,
		FORMAT_PRIV},
	{320, "_cluster", "memtx", 0, NULL,
		"id:unsigned uuid:string"},
	{328, "_trigger", "memtx", 0, NULL,
		"name:string space_id:unsigned opts:map"},
	{330, "_truncate", "memtx", 0, NULL,
		"id:unsigned count:unsigned"},
	{340, "_space_sequence", "memtx", 0, NULL,
		"id:unsigned sequence_id:unsigned is_generated:boolean field:unsigned "
		"path:string"},
	{356, "_fk_constraint", "memtx", 0, NULL,
		"name:string child_id:unsigned parent_id:unsigned is_deferred:boolean "
		"match:string on_delete:string on_update:string child_cols:array "
		"parent_cols:array"},
	{364, "_ck_constraint", "memtx", 0, NULL,
		"space_id:unsigned name:string is_deferred:boolean language:str "
		"code:str is_enabled:boolean"},
	{372, "_func_index", "memtx", 0, NULL,
		"space_id:unsigned index_id:unsigned func_id:unsigned"},
	{380, "_session_settings", "service", 2, "temporary",
		"name:string value:any"},
};

/* parts: "field:type ..." */
struct index_row {
	uint32_t space_id, iid;
	const char *name, *type;
	bool is_unique;
	const char *parts;
};

static const struct index_row index_rows[] = {
	{272, 0, "primary", "tree", true, "0:string"},
	{276, 0, "primary", "tree", true, "0:unsigned"},
	{276, 1, "name", "tree", true, "1:string"},
	{277, 0, "primary", "tree", true, "0:unsigned"},
	{277, 1, "name", "tree", true, "1:string"},
	{280, 0, "primary", "tree", true, "0:unsigned"},
	{280, 1, "owner", "tree", false, "1:unsigned"},
	{280, 2, "name", "tree", true, "2:string"},
	{281, 0, "primary", "tree", true, "0:unsigned"},
	{281, 1, "owner", "tree", false, "1:unsigned"},
	{281, 2, "name", "tree", true, "2:string"},
	{284, 0, "primary", "tree", true, "0:unsigned"},
	{284, 1, "owner", "tree", false, "1:unsigned"},
	{284, 2, "name", "tree", true, "2:string"},
	{285, 0, "primary", "hash", true, "0:unsigned"},
	{286, 0, "primary", "tree", true, "0:unsigned"},
	{286, 1, "owner", "tree", false, "1:unsigned"},
	{286, 2, "name", "tree", true, "2:string"},
	{288, 0, "primary", "tree", true, "0:unsigned 1:unsigned"},
	{288, 2, "name", "tree", true, "0:unsigned 2:string"},
	{289, 0, "primary", "tree", true, "0:unsigned 1:unsigned"},
	{289, 2, "name", "tree", true, "0:unsigned 2:string"},
	{296, 0, "primary", "tree", true, "0:unsigned"},
	{296, 1, "owner", "tree", false, "1:unsigned"},
	{296, 2, "name", "tree", true, "2:string"},
	{297, 0, "primary", "tree", true, "0:unsigned"},
	{297, 1, "owner", "tree", false, "1:unsigned"},
	{297, 2, "name", "tree", true, "2:string"},
	{304, 0, "primary", "tree", true, "0:unsigned"},
	{304, 1, "owner", "tree", false, "1:unsigned"},
	{304, 2, "name", "tree", true, "2:string"},
	{305, 0, "primary", "tree", true, "0:unsigned"},
	{305, 1, "owner", "tree", false, "1:unsigned"},
	{305, 2, "name", "tree", true, "2:string"},
	{312, 0, "primary", "tree", true, "1:unsigned 2:string 3:scalar"},
	{312, 1, "owner", "tree", false, "0:unsigned"},
	{312, 2, "object", "tree", false, "2:string 3:scalar"},
	{313, 0, "primary", "tree", true, "1:unsigned 2:string 3:scalar"},
	{313, 1, "owner", "tree", false, "0:unsigned"},
	{313, 2, "object", "tree", false, "2:string 3:scalar"},
	{320, 0, "primary", "tree", true, "0:unsigned"},
	{320, 1, "uuid", "tree", true, "1:string"},
	{328, 0, "primary", "tree", true, "0:string"},
	{328, 1, "space_id", "tree", false, "1:unsigned"},
	{330, 0, "primary", "tree", true, "0:unsigned"},
	{340, 0, "primary", "tree", true, "0:unsigned"},
	{340, 1, "sequence", "tree", false, "1:unsigned"},
	{356, 0, "primary", "tree", true, "0:string 1:unsigned"},
	{356, 1, "child_id", "tree", false, "1:unsigned"},
	{364, 0, "primary", "tree", true, "0:unsigned 1:string"},
	{372, 0, "primary", "tree", true, "0:unsigned 1:unsigned"},
	{372, 1, "fid", "tree", false, "2:unsigned"},
	{380, 0, "primary", "tree", true, "0:string"},
};

/* All are setuid functions of admin. Their ids count from 1. */
static const char *const func_names[] = {
	"box.schema.user.info", "TRIM", "TYPEOF", "PRINTF", "UNICODE", "CHAR", "HEX",
	"VERSION", "QUOTE", "REPLACE", "SUBSTR", "GROUP_CONCAT", "JULIANDAY", "DATE",
	"TIME", "DATETIME", "STRFTIME", "CURRENT_TIME", "CURRENT_TIMESTAMP",
	"CURRENT_DATE", "LENGTH", "POSITION", "ROUND", "UPPER", "LOWER", "IFNULL",
	"RANDOM", "CEIL", "CEILING", "CHARACTER_LENGTH", "CHAR_LENGTH", "FLOOR", "MOD",
	"OCTET_LENGTH", "ROW_COUNT", "COUNT", "LIKE", "ABS", "EXP", "LN", "POWER", "SQRT",
	"SUM", "TOTAL", "AVG", "RANDOMBLOB", "NULLIF", "ZEROBLOB", "MIN", "MAX",
	"COALESCE", "EVERY", "EXISTS", "EXTRACT", "SOME", "GREATER", "LESSER", "SOUNDEX",
	"LIKELIHOOD", "LIKELY", "UNLIKELY", "_sql_stat_get", "_sql_stat_push",
	"_sql_stat_init", "LUA", "GREATEST", "LEAST",
};

struct user_row {
	uint32_t id;
	const char *name, *type;
	const char *chap_sha1; /* NULL: no password */
};

static const struct user_row user_rows[] = {
	{0, "guest", "user", "vhvewKp0tNyweZQ+cFKAlsyphfg="},
	{1, "admin", "user", NULL},
	{2, "public", "role", NULL},
	{3, "replication", "role", NULL},
	{31, "super", "role", NULL},
};

/* Besides: public may execute each function of the list above. */
struct priv_row {
	uint32_t grantee;
	const char *object_type;
	uint32_t object_id, access;
};

static const struct priv_row priv_rows[] = {
	{0, "role", 2, 4},
	{0, "universe", 0, 24},
	{1, "universe", 0, UINT32_MAX},
	{2, "space", 276, 2},
	{2, "space", 277, 1},
	{2, "space", 281, 1},
	{2, "space", 286, 1},
	{2, "space", 289, 1},
	{2, "space", 297, 1},
	{2, "space", 305, 1},
	{2, "space", 313, 1},
	{2, "space", 330, 2},
	{3, "space", 320, 2},
	{3, "universe", 0, 1},
	{31, "universe", 0, UINT32_MAX},
};

/*
 * Unicode collations of locales, each in the strengths s1, s2 and s3; ids from 4 on.
 * "name" where the locale is the same, else "name=locale".
 */
static const char *const collation_locales[] = {
	"af", "am", "ar", "as", "az", "be", "bn", "bs", "bs_Cyrl", "ca", "cs", "cy", "da",
	"de__phonebook=de_DE_u_co_phonebk", "de_AT_phonebook=de_AT_u_co_phonebk", "dsb",
	"ee", "eo", "es", "es__traditional=es_u_co_trad", "et", "fa", "fi",
	"fi__phonebook=fi_u_co_phonebk", "fil", "fo", "fr_CA", "gu", "ha", "haw", "he",
	"hi", "hr", "hu", "hy", "ig", "is", "ja", "kk", "kl", "kn", "ko", "kok", "ky",
	"lkt", "ln", "lt", "lv", "mk", "ml", "mr", "mt", "nb", "nn", "nso", "om", "or",
	"pa", "pl", "ro", "sa", "se", "si", "si__dictionary=si_u_co_dict", "sk", "sl",
	"sq", "sr", "sr_Latn", "sv", "sv__reformed=sv_u_co_reformed", "ta", "te", "th",
	"tn", "to", "tr", "ug_Cyrl=ug", "uk", "ur", "vi", "vo", "wae", "wo", "yo", "zh",
	"zh__big5han=zh_u_co_big5han", "zh__gb2312han=zh_u_co_gb2312",
	"zh__pinyin=zh_u_co_pinyin", "zh__stroke=zh_u_co_stroke",
	"zh__zhuyin=zh_u_co_zhuyin",
};

/* clang-format on */
static const char func_time[] = "2019-12-29 17:52:51";

enum { FUNC_USER_INFO = 1, FUNC_LUA = 65 };

/* One row on its way into a space. Owns the buffer. */
struct row {
	struct buf buf;
	msgpack_packer pk;
};

static void put_str_len(struct row *row, const char *s, size_t len)
{
	msgpack_pack_str(&row->pk, len);
	msgpack_pack_str_body(&row->pk, s, len);
}

static void put_str(struct row *row, const char *s)
{
	put_str_len(row, s, strlen(s));
}

static void put_uint(struct row *row, uint64_t v)
{
	msgpack_pack_uint64(&row->pk, v);
}

static void put_bool(struct row *row, bool v)
{
	if (v)
		msgpack_pack_true(&row->pk);
	else
		msgpack_pack_false(&row->pk);
}

static void row_begin(struct row *row, uint32_t field_count)
{
	buf_reset(&row->buf);
	mp_packer_init(&row->pk, &row->buf);
	msgpack_pack_array(&row->pk, field_count);
}

static int row_insert(struct row *row, uint32_t space_id)
{
	struct request request = {.type = REQUEST_INSERT,
		.space_id = space_id,
		.tuple = buf_head(&row->buf),
		.tuple_end = buf_head(&row->buf) + buf_used(&row->buf)};
	return request_execute_system(&request, NULL);
}

static uint32_t count_words(const char *s)
{
	uint32_t count = *s != '\0';
	while ((s = strchr(s, ' ')) != NULL) {
		count++;
		s++;
	}
	return count;
}

/** "name:type?" -> {name: ..., type: ..., is_nullable: true} */
static void put_field(struct row *row, const char *s, size_t len)
{
	bool is_nullable = s[len - 1] == '?';
	const char *type = (const char *)memchr(s, ':', len) + 1;
	size_t type_len = len - (size_t)(type - s) - is_nullable;
	msgpack_pack_map(&row->pk, is_nullable ? 3 : 2);
	put_str(row, "name");
	put_str_len(row, s, (size_t)(type - s) - 1);
	put_str(row, "type");
	put_str_len(row, type, type_len);
	if (is_nullable) {
		put_str(row, "is_nullable");
		put_bool(row, true);
	}
}

/** "0:unsigned" -> [0, unsigned] */
static void put_part(struct row *row, const char *s, size_t len)
{
	const char *type = (const char *)memchr(s, ':', len) + 1;
	msgpack_pack_array(&row->pk, 2);
	put_uint(row, (uint64_t)strtoul(s, NULL, 10));
	put_str_len(row, type, len - (size_t)(type - s));
}

/** An array of what the words of s say. */
static void put_words(struct row *row, const char *s,
	void (*put_word)(struct row *row, const char *word, size_t len))
{
	msgpack_pack_array(&row->pk, count_words(s));
	while (*s != '\0') {
		size_t len = strcspn(s, " ");
		put_word(row, s, len);
		s += len + (s[len] == ' ');
	}
}

static int insert_space(struct row *row, const struct space_row *s)
{
	row_begin(row, 7);
	put_uint(row, s->id);
	put_uint(row, USER_ADMIN);
	put_str(row, s->name);
	put_str(row, s->engine);
	put_uint(row, s->field_count);
	msgpack_pack_map(&row->pk, s->option != NULL);
	if (s->option != NULL) {
		put_str(row, s->option);
		if (strcmp(s->option, "group_id") == 0)
			put_uint(row, 1);
		else
			put_bool(row, true);
	}
	put_words(row, s->format, put_field);
	return row_insert(row, SPACE_SPACE);
}

static int insert_index(struct row *row, const struct index_row *i)
{
	row_begin(row, 6);
	put_uint(row, i->space_id);
	put_uint(row, i->iid);
	put_str(row, i->name);
	put_str(row, i->type);
	msgpack_pack_map(&row->pk, 1);
	put_str(row, "unique");
	put_bool(row, i->is_unique);
	put_words(row, i->parts, put_part);
	return row_insert(row, SPACE_INDEX);
}

static int insert_user(struct row *row, const struct user_row *u)
{
	row_begin(row, 5);
	put_uint(row, u->id);
	put_uint(row, USER_ADMIN);
	put_str(row, u->name);
	put_str(row, u->type);
	msgpack_pack_map(&row->pk, u->chap_sha1 != NULL);
	if (u->chap_sha1 != NULL) {
		put_str(row, "chap-sha1");
		put_str(row, u->chap_sha1);
	}
	return row_insert(row, SPACE_USER);
}

static int insert_priv(struct row *row, const struct priv_row *p)
{
	row_begin(row, 5);
	put_uint(row, USER_ADMIN);
	put_uint(row, p->grantee);
	put_str(row, p->object_type);
	put_uint(row, p->object_id);
	put_uint(row, p->access);
	return row_insert(row, SPACE_PRIV);
}

/** exports: the languages that may call it. */
static void put_func_exports(struct row *row, uint32_t id)
{
	uint32_t count = id == FUNC_LUA ? 2 : id == FUNC_USER_INFO;
	msgpack_pack_array(&row->pk, count);
	if (count > 0)
		put_str(row, "LUA");
	if (count > 1)
		put_str(row, "SQL");
}

static int insert_func(struct row *row, uint32_t id, const char *name)
{
	bool is_lua = id == FUNC_USER_INFO || id == FUNC_LUA;
	row_begin(row, 19);
	put_uint(row, id);
	put_uint(row, USER_ADMIN);
	put_str(row, name);
	put_uint(row, 1);
	put_str(row, is_lua ? "LUA" : "SQL_BUILTIN");
	put_str(row, id == FUNC_LUA
			     ? "function(code) return assert(loadstring(code))() end"
			     : "");
	put_str(row, "function");
	msgpack_pack_array(&row->pk, id == FUNC_LUA);
	if (id == FUNC_LUA)
		put_str(row, "string");
	put_str(row, "any");  /* returns */
	put_str(row, "none"); /* aggregate */
	put_str(row, "none"); /* sql_data_access */
	put_bool(row, false); /* is_deterministic */
	put_bool(row, false); /* is_sandboxed */
	put_bool(row, true);  /* is_null_call */
	put_func_exports(row, id);
	msgpack_pack_map(&row->pk, 0); /* opts */
	put_str(row, "");              /* comment */
	put_str(row, func_time);
	put_str(row, func_time);
	return row_insert(row, SPACE_FUNC);
}

/** @param strength NULL: none (a binary collation) */
static int insert_collation(struct row *row, uint32_t id, const char *name,
	const char *locale, size_t locale_len, const char *strength)
{
	row_begin(row, 6);
	put_uint(row, id);
	put_str(row, name);
	put_uint(row, USER_ADMIN);
	put_str(row, strength != NULL ? "ICU" : "BINARY");
	put_str_len(row, locale, locale_len);
	msgpack_pack_map(&row->pk, strength != NULL);
	if (strength != NULL) {
		put_str(row, "strength");
		put_str(row, strength);
	}
	return row_insert(row, SPACE_COLLATION);
}

static int insert_collations(struct row *row)
{
	static const char *const strengths[] = {"primary", "secondary", "tertiary"};
	if (insert_collation(row, 0, "none", "", 0, NULL) != 0 ||
		insert_collation(row, 1, "unicode", "", 0, "tertiary") != 0 ||
		insert_collation(row, 2, "unicode_ci", "", 0, "primary") != 0 ||
		insert_collation(row, 3, "binary", "", 0, NULL) != 0)
		return -1;
	uint32_t id = 4;
	for (size_t i = 0; i < lengthof(collation_locales); i++) {
		const char *tag = collation_locales[i], *eq = strchr(tag, '=');
		const char *locale = eq != NULL ? eq + 1 : tag;
		size_t tag_len = eq != NULL ? (size_t)(eq - tag) : strlen(tag);
		for (size_t s = 0; s < lengthof(strengths); s++, id++) {
			char name[64];
			snprintf(name, sizeof(name), "unicode_%.*s_s%zu", (int)tag_len,
				tag, s + 1);
			if (insert_collation(row, id, name, locale, strlen(locale),
				    strengths[s]) != 0)
				return -1;
		}
	}
	return 0;
}

/** One value under a key of _schema. */
static int insert_schema(
	struct row *row, const char *key, const char *text, uint32_t number)
{
	row_begin(row, 2);
	put_str(row, key);
	if (text != NULL)
		put_str(row, text);
	else
		put_uint(row, number);
	return row_insert(row, SPACE_SCHEMA);
}

/** The version of the schema: that of Tarantool 2.6. */
static int insert_version(struct row *row)
{
	row_begin(row, 4);
	put_str(row, "version");
	put_uint(row, 2);
	put_uint(row, 3);
	put_uint(row, 1);
	return row_insert(row, SPACE_SCHEMA);
}

static int insert_instance(struct row *row)
{
	row_begin(row, 2);
	put_uint(row, 1);
	put_str(row, box_instance_uuid);
	return row_insert(row, SPACE_CLUSTER);
}

/* What box.session.settings shows; false where no value is named. */
static int insert_settings(struct row *row)
{
	static const char *const names[] = {"error_marshaling_enabled",
		"sql_default_engine", "sql_defer_foreign_keys", "sql_full_column_names",
		"sql_full_metadata", "sql_parser_debug", "sql_recursive_triggers",
		"sql_reverse_unordered_selects", "sql_select_debug", "sql_vdbe_debug"};
	for (size_t i = 0; i < lengthof(names); i++) {
		row_begin(row, 2);
		put_str(row, names[i]);
		if (strcmp(names[i], "sql_default_engine") == 0)
			put_str(row, "memtx");
		else
			put_bool(row, strcmp(names[i], "sql_recursive_triggers") == 0);
		if (row_insert(row, SPACE_SESSION_SETTINGS) != 0)
			return -1;
	}
	return 0;
}

/** Spaces with their indexes: the primary key's row must come right after. */
static int insert_spaces(struct row *row)
{
	for (size_t i = 0; i < lengthof(space_rows); i++) {
		if (insert_space(row, &space_rows[i]) != 0)
			return -1;
	}
	for (size_t i = 0; i < lengthof(index_rows); i++) {
		if (insert_index(row, &index_rows[i]) != 0)
			return -1;
	}
	return 0;
}

static int insert_users(struct row *row)
{
	for (size_t i = 0; i < lengthof(user_rows); i++) {
		if (insert_user(row, &user_rows[i]) != 0)
			return -1;
	}
	for (uint32_t i = 0; i < lengthof(func_names); i++) {
		struct priv_row priv = {ROLE_PUBLIC, "function", i + 1, PRIV_X};
		if (insert_func(row, i + 1, func_names[i]) != 0 ||
			insert_priv(row, &priv) != 0)
			return -1;
	}
	for (size_t i = 0; i < lengthof(priv_rows); i++) {
		if (insert_priv(row, &priv_rows[i]) != 0)
			return -1;
	}
	return 0;
}

static void row_fini(struct row *row)
{
	buf_fini(&row->buf);
}

int bootstrap(const char *cluster_uuid)
{
	_cleanup_(row_fini) struct row row = {0};
	if (insert_spaces(&row) != 0 || insert_users(&row) != 0 ||
		insert_collations(&row) != 0 ||
		insert_schema(&row, "cluster", cluster_uuid, 0) != 0 ||
		insert_schema(&row, "max_id", NULL, SPACE_ID_SYSTEM_MAX) != 0 ||
		insert_version(&row) != 0 || insert_instance(&row) != 0 ||
		insert_settings(&row) != 0)
		return -1;
	return 0;
}
