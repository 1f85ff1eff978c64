/* The module `yaml`, and Lua values to YAML. */
#include "instance/lua/l_yaml.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "instance/base/decimal.h"
#include "instance/base/uuid.h"
#include "instance/box/tuple.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/serializer.h"
#include "instance/lua/utils.h"
#include "proto/base64.h"
#include "proto/buf.h"

/* One encode() call; on the C stack. */
struct dumper {
	lua_State *L;
	const struct lua_codec *codec;
	yaml_emitter_t emitter;
	struct buf out;
	int anchors;         /* stack index: [table] = true, or its anchor's number */
	unsigned anchor_max; /* number of the next anchor */
	int flow;            /* depth inside containers of the compact form */
	int level;
};

static void dumper_fini(struct dumper *d)
{
	yaml_emitter_delete(&d->emitter);
	buf_fini(&d->out);
}

static void dump_node(struct dumper *d, int idx);

static void emit(struct dumper *d, yaml_event_t *event, int is_made)
{
	if (!is_made || !yaml_emitter_emit(&d->emitter, event))
		luaL_error(d->L, "%s",
			d->emitter.problem != NULL ? d->emitter.problem
						   : "not enough memory for YAML");
}

static void emit_scalar(struct dumper *d, const char *tag, const char *s, size_t len,
	yaml_scalar_style_t style)
{
	yaml_event_t event;
	int made = yaml_scalar_event_initialize(&event, NULL, (yaml_char_t *)tag,
		(yaml_char_t *)s, (int)len, tag == NULL, tag == NULL, style);
	emit(d, &event, made);
}

static void emit_plain(struct dumper *d, const char *s)
{
	emit_scalar(d, NULL, s, strlen(s), YAML_PLAIN_SCALAR_STYLE);
}

static void emit_binary(struct dumper *d, const char *s, size_t len)
{
	size_t size = base64_encoded_size(len);
	char *text = lua_newuserdata(d->L, size + 1);
	size = base64_encode(s, len, text);
	emit_scalar(d, YAML_TAG_BINARY, text, size, YAML_PLAIN_SCALAR_STYLE);
	lua_pop(d->L, 1);
}

/*
 * The next character of valid UTF-8 (shortest form, no surrogates), -1 when it
 * is broken. Moves *pos.
 */
static int32_t next_char(const unsigned char **pos, const unsigned char *end)
{
	const unsigned char *p = *pos;
	unsigned char c = *p;
	int more = c < 0x80   ? 0
		   : c < 0xc2 ? -1
		   : c < 0xe0 ? 1
		   : c < 0xf0 ? 2
		   : c < 0xf5 ? 3
			      : -1;
	if (more < 0 || end - p <= more)
		return -1;
	int32_t v = more == 0 ? c : c & (0x3f >> more);
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		v = v << 6 | (p[i] & 0x3f);
	}
	if ((more == 2 && v < 0x800) || (more == 3 && (v < 0x10000 || v > 0x10ffff)))
		return -1;
	*pos = p + more + 1;
	return v;
}

/* Text, or bytes for !!binary? */
static bool is_text(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	while (p < end) {
		int32_t c = next_char(&p, end);
		if (c < 0 || (c >= 0x80 && c < 0xa0) || (c >= 0xd800 && c < 0xe000) ||
			c == 0xfeff || (c & 0xfffe) == 0xfffe)
			return false;
	}
	return true;
}

/* Would the plain text be read back as something else than a string? */
static bool is_ambiguous(lua_State *L, int idx, const char *s)
{
	static const char *const words[] = {"yes", "no", "true", "false", "null", "~"};
	for (size_t i = 0; i < lengthof(words); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return lua_isnumber(L, idx);
}

/*
 * Strings are quoted in the compact form, and Tarantool takes the emitter's word
 * for being in it. The emitter runs some events behind, so what waits in its
 * queue counts too; an opening that it took but has not acted on does not. Output
 * that is equal to the byte needs the same blind spot.
 */
static bool is_flow(const yaml_emitter_t *emitter)
{
	if (emitter->flow_level > 0)
		return true;
	for (const yaml_event_t *e = emitter->events.head; e != emitter->events.tail;
		e++) {
		if (e->type == YAML_SEQUENCE_START_EVENT &&
			e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE)
			return true;
		if (e->type == YAML_MAPPING_START_EVENT &&
			e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE)
			return true;
	}
	return false;
}

static void dump_string(struct dumper *d, int idx, const char *s, size_t len)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
	if (!is_text(s, len)) {
		emit_binary(d, s, len);
		return;
	}
	if (is_flow(&d->emitter))
		style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
	else if (memmem(s, len, "\n\n", 2) != NULL)
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (is_ambiguous(d->L, idx, s))
		style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
	emit_scalar(d, NULL, s, len, style);
}

static __attribute__((noinline)) void dump_number(
	struct dumper *d, const struct lua_item *item)
{
	char text[64];
	if (item->kind == LUA_KIND_UINT)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)item->u);
	else if (item->kind == LUA_KIND_INT)
		snprintf(text, sizeof(text), "%lld", (long long)item->i);
	else
		snprintf(text, sizeof(text), "%.*g", d->codec->encode_number_precision,
			item->d);
	emit_plain(d, text);
}

/*
 * The anchor of the table at idx when it occurs more than once. The second time
 * an alias is emitted.
 * @return false when the alias stands for the table
 */
static bool take_anchor(struct dumper *d, int idx, char *ret_anchor, size_t size)
{
	lua_State *L = d->L;
	yaml_event_t event;
	ret_anchor[0] = '\0';
	lua_pushvalue(L, idx);
	lua_rawget(L, d->anchors);
	if (lua_type(L, -1) == LUA_TNUMBER) {
		snprintf(ret_anchor, size, "%u", (unsigned)lua_tonumber(L, -1));
		lua_pop(L, 1);
		emit(d, &event,
			yaml_alias_event_initialize(&event, (yaml_char_t *)ret_anchor));
		return false;
	}
	if (lua_toboolean(L, -1)) {
		snprintf(ret_anchor, size, "%u", d->anchor_max);
		lua_pushvalue(L, idx);
		lua_pushnumber(L, d->anchor_max++);
		lua_rawset(L, d->anchors);
	}
	lua_pop(L, 1);
	return true;
}

static yaml_char_t *anchor_or_null(char *anchor)
{
	return anchor[0] != '\0' ? (yaml_char_t *)anchor : NULL;
}

/*
 * Begin a container, unless an alias stands for it. Not inlined: events are large,
 * and the recursion's frame must not hold one.
 */
static __attribute__((noinline)) bool begin(
	struct dumper *d, int idx, const struct lua_item *item)
{
	yaml_event_t event;
	char anchor[16];
	int made;
	if (!take_anchor(d, idx, anchor, sizeof(anchor)))
		return false;
	if (++d->level > YAML_DEPTH_MAX)
		luaL_error(d->L, "Too high nest level");
	luaL_checkstack(d->L, LUA_MINSTACK, "yaml.encode");
	if (item->kind == LUA_KIND_MAP)
		made = yaml_mapping_start_event_initialize(&event, anchor_or_null(anchor),
			NULL, 1,
			item->is_flow ? YAML_FLOW_MAPPING_STYLE
				      : YAML_BLOCK_MAPPING_STYLE);
	else
		made = yaml_sequence_start_event_initialize(&event,
			anchor_or_null(anchor), NULL, 1,
			item->is_flow ? YAML_FLOW_SEQUENCE_STYLE
				      : YAML_BLOCK_SEQUENCE_STYLE);
	emit(d, &event, made);
	return true;
}

static __attribute__((noinline)) void end(struct dumper *d, const struct lua_item *item)
{
	yaml_event_t event;
	if (item->kind == LUA_KIND_MAP)
		emit(d, &event, yaml_mapping_end_event_initialize(&event));
	else
		emit(d, &event, yaml_sequence_end_event_initialize(&event));
	d->level--;
}

static void dump_array(struct dumper *d, int idx, const struct lua_item *item)
{
	if (!begin(d, idx, item))
		return;
	for (uint32_t i = 1; i <= item->size; i++) {
		lua_rawgeti(d->L, idx, (int)i);
		dump_node(d, lua_gettop(d->L));
		lua_pop(d->L, 1);
	}
	end(d, item);
}

static void dump_map(struct dumper *d, int idx, const struct lua_item *item)
{
	lua_State *L = d->L;
	if (!begin(d, idx, item))
		return;
	for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
		lua_pushvalue(L, -2);
		dump_node(d, lua_gettop(L));
		lua_pop(L, 1);
		dump_node(d, lua_gettop(L));
	}
	end(d, item);
}

/* A tuple is written as the array that it holds. */
static __attribute__((noinline)) void dump_tuple(
	struct dumper *d, int idx, struct lua_item *item)
{
	struct mp_cursor cur;
	uint32_t size;
	const char *data = tuple_data(item->tuple, &size);
	mp_cursor_init(&cur, data, data + size);
	msgpack_to_lua(d->L, &lua_codec_msgpack, &cur);
	item->size = (uint32_t)lua_objlen(d->L, -1);
	lua_replace(d->L, idx);
	dump_array(d, idx, item);
}

/* Of their own, so that the recursion's frame has no buffer in it. */
static __attribute__((noinline)) void dump_decimal(
	struct dumper *d, const struct decimal *dec)
{
	char text[DECIMAL_STR_MAX];
	decimal_to_string(dec, text);
	emit_plain(d, text);
}

static __attribute__((noinline)) void dump_uuid(
	struct dumper *d, const struct tt_uuid *uuid)
{
	char text[UUID_STR_LEN + 1];
	uuid_to_string(uuid, text);
	emit_plain(d, text);
}

/* The value at idx; it may be replaced. */
static void dump_node(struct dumper *d, int idx)
{
	struct lua_item item;
	lua_classify(d->L, d->codec, idx, &item);
	switch (item.kind) {
	case LUA_KIND_NIL:
		emit_plain(d, "null");
		break;
	case LUA_KIND_BOOL:
		emit_plain(d, item.b ? "true" : "false");
		break;
	case LUA_KIND_UINT:
	case LUA_KIND_INT:
	case LUA_KIND_DOUBLE:
	case LUA_KIND_FLOAT:
		dump_number(d, &item);
		break;
	case LUA_KIND_STR:
		dump_string(d, idx, item.s, item.size);
		break;
	case LUA_KIND_ARRAY:
		dump_array(d, idx, &item);
		break;
	case LUA_KIND_MAP:
		dump_map(d, idx, &item);
		break;
	case LUA_KIND_DECIMAL:
		dump_decimal(d, item.payload);
		break;
	case LUA_KIND_UUID:
		dump_uuid(d, item.payload);
		break;
	case LUA_KIND_TUPLE:
		dump_tuple(d, idx, &item);
		break;
	}
}

/* Mark the tables that are met more than once below the value at idx. */
static void find_repeated(struct dumper *d, int idx, int level)
{
	lua_State *L = d->L;
	if (!lua_istable(L, idx) || level > YAML_DEPTH_MAX)
		return;
	luaL_checkstack(L, LUA_MINSTACK, "yaml.encode");
	lua_pushvalue(L, idx);
	lua_rawget(L, d->anchors);
	bool is_first = lua_isnil(L, -1);
	lua_pop(L, 1);
	lua_pushvalue(L, idx);
	lua_pushboolean(L, !is_first);
	lua_rawset(L, d->anchors);
	if (!is_first)
		return;
	for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
		find_repeated(d, lua_gettop(L), level + 1);
		find_repeated(d, lua_gettop(L) - 1, level + 1);
	}
}

static int append_output(void *arg, unsigned char *data, size_t size)
{
	return buf_append(&((struct dumper *)arg)->out, data, size) == 0;
}

static void emit_document(struct dumper *d, int idx, yaml_tag_directive_t *tag)
{
	yaml_event_t event;
	emit(d, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(d, &event,
		yaml_document_start_event_initialize(
			&event, NULL, tag, tag != NULL ? tag + 1 : NULL, 0));
	dump_node(d, idx);
	emit(d, &event, yaml_document_end_event_initialize(&event, 0));
	emit(d, &event, yaml_stream_end_event_initialize(&event));
}

static int encode_usage(lua_State *L)
{
	return luaL_error(L, "Usage: encode(object, {tag_prefix = <string>, "
			     "tag_handle = <string>})");
}

/* The tag directive that the second argument names. @return is there one? */
static bool read_tag(lua_State *L, yaml_tag_directive_t *ret_tag)
{
	if (lua_isnoneornil(L, 2))
		return false;
	if (!lua_istable(L, 2))
		encode_usage(L);
	lua_getfield(L, 2, "tag_prefix");
	lua_getfield(L, 2, "tag_handle");
	bool has_prefix = !lua_isnil(L, -2), has_handle = !lua_isnil(L, -1);
	if (!has_prefix && !has_handle)
		return false;
	if (!lua_isstring(L, -2) || !lua_isstring(L, -1))
		encode_usage(L);
	ret_tag->prefix = (yaml_char_t *)lua_tostring(L, -2);
	ret_tag->handle = (yaml_char_t *)lua_tostring(L, -1);
	return true;
}

/* libyaml's rules for a handle: `!`, `!!` or `!word!`. */
static const char *check_handle(const char *handle)
{
	size_t len = strlen(handle);
	if (len == 0)
		return "tag handle must not be empty";
	if (handle[0] != '!')
		return "tag handle must start with '!'";
	if (handle[len - 1] != '!')
		return "tag handle must end with '!'";
	return NULL;
}

int l_yaml_encode(lua_State *L)
{
	yaml_tag_directive_t tag;
	if (lua_gettop(L) == 0)
		return encode_usage(L);
	bool has_tag = read_tag(L, &tag);
	const char *problem = has_tag ? check_handle((const char *)tag.handle) : NULL;
	if (problem != NULL) {
		lua_pushnil(L);
		lua_pushstring(L, problem);
		return 2;
	}
	_cleanup_(dumper_fini) struct dumper d = {.L = L, .codec = lua_codec_of(L)};
	if (!yaml_emitter_initialize(&d.emitter))
		return luaL_error(L, "not enough memory for YAML");
	yaml_emitter_set_output(&d.emitter, append_output, &d);
	yaml_emitter_set_unicode(&d.emitter, 1);
	lua_newtable(L);
	d.anchors = lua_gettop(L);
	lua_pushvalue(L, 1);
	find_repeated(&d, lua_gettop(L), 0);
	emit_document(&d, lua_gettop(L), has_tag ? &tag : NULL);
	lua_pushlstring(L, d.out.data, d.out.len);
	return 1;
}

int luaopen_yaml(lua_State *L);
int luaopen_yaml(lua_State *L)
{
	static struct lua_codec codec = LUA_CODEC_DEFAULT;
	static const luaL_Reg functions[] = {
		{"encode", l_yaml_encode},
		{"decode", l_yaml_decode},
		{NULL, NULL},
	};
	lua_codec_open(L, &codec, functions);
	return 1;
}
