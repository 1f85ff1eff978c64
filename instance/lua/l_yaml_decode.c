/* YAML to Lua values. */
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "instance/lua/l_yaml.h"
#include "instance/lua/serializer.h"
#include "instance/lua/utils.h"
#include "proto/base64.h"

/* One decode() call; on the C stack. */
struct loader {
	lua_State *L;
	const struct lua_codec *codec;
	yaml_parser_t parser;
	yaml_event_t event; /* the last one; deleted when the next is taken */
	bool has_event;
	int anchors; /* stack index: [name] = value */
	int documents;
	int level;
};

static void loader_fini(struct loader *ld)
{
	if (ld->has_event)
		yaml_event_delete(&ld->event);
	yaml_parser_delete(&ld->parser);
}

static void load_node(struct loader *ld);

static void raise_parser_error(struct loader *ld)
{
	lua_State *L = ld->L;
	const yaml_parser_t *p = &ld->parser;
	luaL_Buffer b;
	char text[256];
	luaL_buffinit(L, &b);
	luaL_addstring(&b, p->problem != NULL ? p->problem : "A problem");
	snprintf(text, sizeof(text), " at document: %d", ld->documents);
	luaL_addstring(&b, text);
	if (p->problem_mark.line != 0 || p->problem_mark.column != 0) {
		snprintf(text, sizeof(text), ", line: %zu, column: %zu\n",
			p->problem_mark.line + 1, p->problem_mark.column + 1);
		luaL_addstring(&b, text);
	} else {
		luaL_addstring(&b, "\n");
	}
	if (p->context != NULL) {
		snprintf(text, sizeof(text), "%s at line: %zu, column: %zu\n", p->context,
			p->context_mark.line + 1, p->context_mark.column + 1);
		luaL_addstring(&b, text);
	}
	luaL_pushresult(&b);
	lua_error(L);
}

static yaml_event_type_t next_event(struct loader *ld)
{
	if (ld->has_event) {
		yaml_event_delete(&ld->event);
		ld->has_event = false;
	}
	if (!yaml_parser_parse(&ld->parser, &ld->event))
		raise_parser_error(ld);
	ld->has_event = true;
	return ld->event.type;
}

/* Remember the value on the top under the anchor's name. */
static void save_anchor(struct loader *ld, const yaml_char_t *anchor)
{
	if (anchor == NULL)
		return;
	lua_pushstring(ld->L, (const char *)anchor);
	lua_pushvalue(ld->L, -2);
	lua_rawset(ld->L, ld->anchors);
}

static void load_alias(struct loader *ld)
{
	const char *name = (const char *)ld->event.data.alias.anchor;
	lua_pushstring(ld->L, name);
	lua_rawget(ld->L, ld->anchors);
	if (lua_isnil(ld->L, -1))
		luaL_error(ld->L, "invalid reference: %s", name);
}

static bool is_true_word(const char *s)
{
	return strcmp(s, "true") == 0 || strcmp(s, "yes") == 0;
}

/* Push the plain text as a number; false when it is none. */
static bool push_number(struct loader *ld, const char *s, size_t len)
{
	char *end;
	if (strchr("0123456789+-.iInN", s[0]) == NULL || strlen(s) != len)
		return false;
	errno = 0;
	long long integer = strtoll(s, &end, 10);
	if (*end == '\0' && (errno == 0 || s[0] == '-')) {
		luaT_push_int64(ld->L, integer);
		return true;
	}
	if (*end == '\0') {
		luaT_push_uint64(ld->L, strtoull(s, NULL, 10));
		return true;
	}
	double number = strtod(s, &end);
	if (*end != '\0')
		return false;
	if (!isfinite(number) && !ld->codec->decode_invalid_numbers)
		luaL_error(ld->L, "number must not be NaN or Inf");
	lua_pushnumber(ld->L, number);
	return true;
}

static void push_plain(struct loader *ld, const char *s, size_t len)
{
	lua_State *L = ld->L;
	if (len == 0)
		lua_pushliteral(L, "");
	else if (strcmp(s, "~") == 0 || strcmp(s, "null") == 0)
		luaT_push_null(L);
	else if (is_true_word(s))
		lua_pushboolean(L, true);
	else if (strcmp(s, "false") == 0 || strcmp(s, "no") == 0)
		lua_pushboolean(L, false);
	else if (!push_number(ld, s, len))
		lua_pushlstring(L, s, len);
}

static void push_binary(lua_State *L, const char *s, size_t len)
{
	char *bytes = lua_newuserdata(L, base64_decoded_size_max(len) + 1);
	ssize_t size = base64_decode(s, len, bytes);
	if (size < 0)
		luaL_error(L, "invalid base64 in a YAML document");
	lua_pushlstring(L, bytes, (size_t)size);
	lua_remove(L, -2);
}

/* Push a scalar by its tag; false when the tag says nothing. */
static bool push_tagged(lua_State *L, const char *tag, const char *s, size_t len)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	if (tag == NULL || strncmp(tag, prefix, sizeof(prefix) - 1) != 0)
		return false;
	tag += sizeof(prefix) - 1;
	if (strcmp(tag, "str") == 0)
		lua_pushlstring(L, s, len);
	else if (strcmp(tag, "int") == 0)
		lua_pushinteger(L, strtol(s, NULL, 10));
	else if (strcmp(tag, "float") == 0)
		lua_pushnumber(L, strtod(s, NULL));
	else if (strcmp(tag, "bool") == 0)
		lua_pushboolean(L, is_true_word(s));
	else if (strcmp(tag, "binary") == 0)
		push_binary(L, s, len);
	else
		return false;
	return true;
}

static void load_scalar(struct loader *ld)
{
	const char *s = (const char *)ld->event.data.scalar.value;
	size_t len = ld->event.data.scalar.length;
	const char *tag = (const char *)ld->event.data.scalar.tag;
	if (!push_tagged(ld->L, tag, s, len)) {
		if (ld->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
			push_plain(ld, s, len);
		else
			lua_pushlstring(ld->L, s, len);
	}
	save_anchor(ld, ld->event.data.scalar.anchor);
}

static void enter(struct loader *ld)
{
	if (++ld->level > YAML_DEPTH_MAX)
		luaL_error(ld->L, "the YAML document is nested too deeply");
	luaL_checkstack(ld->L, LUA_MINSTACK, "yaml.decode");
}

static void load_sequence(struct loader *ld)
{
	enter(ld);
	lua_newtable(ld->L);
	lua_mark_array(ld->L, ld->codec);
	save_anchor(ld, ld->event.data.sequence_start.anchor);
	int i = 1;
	while (next_event(ld) != YAML_SEQUENCE_END_EVENT) {
		load_node(ld);
		lua_rawseti(ld->L, -2, i++);
	}
	ld->level--;
}

static void load_mapping(struct loader *ld)
{
	enter(ld);
	lua_newtable(ld->L);
	lua_mark_map(ld->L, ld->codec);
	save_anchor(ld, ld->event.data.mapping_start.anchor);
	while (next_event(ld) != YAML_MAPPING_END_EVENT) {
		load_node(ld);
		next_event(ld);
		load_node(ld);
		lua_settable(ld->L, -3);
	}
	ld->level--;
}

/* Push the node that the current event begins. */
static void load_node(struct loader *ld)
{
	switch (ld->event.type) {
	case YAML_SCALAR_EVENT:
		load_scalar(ld);
		break;
	case YAML_ALIAS_EVENT:
		load_alias(ld);
		break;
	case YAML_SEQUENCE_START_EVENT:
		load_sequence(ld);
		break;
	case YAML_MAPPING_START_EVENT:
		load_mapping(ld);
		break;
	default:
		luaL_error(ld->L, "invalid event");
	}
}

/* Push the value of each document. @return how many */
static int load_documents(struct loader *ld)
{
	int base = lua_gettop(ld->L);
	for (;;) {
		switch (next_event(ld)) {
		case YAML_STREAM_END_EVENT:
			return lua_gettop(ld->L) - base;
		case YAML_DOCUMENT_START_EVENT:
			ld->documents++;
			lua_newtable(ld->L);
			lua_replace(ld->L, ld->anchors);
			luaL_checkstack(ld->L, LUA_MINSTACK, "yaml.decode");
			next_event(ld);
			load_node(ld);
			break;
		default:
			break;
		}
	}
}

/* Push handle and prefix of the first document's tag directive. */
static int load_tag(struct loader *ld)
{
	if (next_event(ld) == YAML_STREAM_START_EVENT)
		next_event(ld);
	if (ld->event.type != YAML_DOCUMENT_START_EVENT)
		return 0;
	const yaml_tag_directive_t *tag =
		ld->event.data.document_start.tag_directives.start;
	const yaml_tag_directive_t *end =
		ld->event.data.document_start.tag_directives.end;
	if (tag == end)
		return 0;
	if (end - tag > 1) {
		lua_pushnil(ld->L);
		lua_pushliteral(ld->L, "can not decode multiple tags");
		return 2;
	}
	lua_pushstring(ld->L, (const char *)tag->handle);
	lua_pushstring(ld->L, (const char *)tag->prefix);
	return 2;
}

static int decode_usage(lua_State *L)
{
	return luaL_error(L, "Usage: yaml.decode(document, [{tag_only = boolean}])");
}

static bool read_tag_only(lua_State *L)
{
	if (lua_isnoneornil(L, 2))
		return false;
	if (!lua_istable(L, 2))
		decode_usage(L);
	lua_getfield(L, 2, "tag_only");
	bool tag_only = lua_type(L, -1) == LUA_TBOOLEAN && lua_toboolean(L, -1);
	lua_pop(L, 1);
	return tag_only;
}

int l_yaml_decode(lua_State *L)
{
	if (lua_gettop(L) == 0 || !lua_isstring(L, 1))
		return decode_usage(L);
	bool tag_only = read_tag_only(L);
	_cleanup_(loader_fini) struct loader ld = {.L = L, .codec = lua_codec_of(L)};
	if (!yaml_parser_initialize(&ld.parser))
		return luaL_error(L, "cannot initialize yaml parser");
	size_t len;
	const char *text = lua_tolstring(L, 1, &len);
	yaml_parser_set_input_string(&ld.parser, (const unsigned char *)text, len);
	lua_newtable(L);
	ld.anchors = lua_gettop(L);
	return tag_only ? load_tag(&ld) : load_documents(&ld);
}
