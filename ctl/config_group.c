#include "ctl/config_group.h"

#include <lua.h>
#include <stdlib.h>
#include <string.h>

/** An array of strings on the top. NULL: something else, or no memory. */
static char **read_members(lua_State *L)
{
	size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
	char **members = n > 0 ? calloc(n + 1, sizeof(*members)) : NULL;
	bool is_ok = members != NULL;
	for (size_t i = 0; is_ok && i < n; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		members[i] = lua_type(L, -1) == LUA_TSTRING ? strdup(lua_tostring(L, -1))
							    : NULL;
		is_ok = members[i] != NULL;
		lua_pop(L, 1);
	}
	if (is_ok)
		return members;
	for (size_t i = 0; members != NULL && members[i] != NULL; i++)
		free(members[i]);
	free(members);
	return NULL;
}

/** The pair on the top: name, members. */
static int add_group(lua_State *L, struct config *cfg)
{
	if (lua_type(L, -2) != LUA_TSTRING)
		return -1;
	struct config_group *groups =
		reallocarray(cfg->groups, (size_t)cfg->group_count + 1, sizeof(*groups));
	if (groups == NULL)
		return -1;
	cfg->groups = groups;
	struct config_group *group = &groups[cfg->group_count];
	group->members = read_members(L);
	group->name = group->members != NULL ? strdup(lua_tostring(L, -2)) : NULL;
	if (group->members == NULL)
		return -1;
	cfg->group_count++;
	return group->name != NULL ? 0 : -1;
}

int config_groups_read(lua_State *L, struct config *cfg)
{
	if (lua_isnil(L, -1))
		return 0;
	if (!lua_istable(L, -1))
		return -1;
	int rc = 0;
	lua_pushnil(L);
	while (rc == 0 && lua_next(L, -2) != 0) {
		rc = add_group(L, cfg);
		lua_pop(L, 1);
	}
	return rc;
}

void config_groups_free(struct config *cfg)
{
	for (int i = 0; i < cfg->group_count; i++) {
		struct config_group *group = &cfg->groups[i];
		for (int k = 0; group->members[k] != NULL; k++)
			free(group->members[k]);
		free(group->members);
		free(group->name);
	}
	free(cfg->groups);
}

char *const *config_group_of(const struct config *cfg, const char *name)
{
	for (int i = 0; i < cfg->group_count; i++) {
		if (strcmp(cfg->groups[i].name, name) == 0)
			return cfg->groups[i].members;
	}
	return NULL;
}
