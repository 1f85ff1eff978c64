#include "ctl/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/config.h"
#include "ctl/ctl.h"

/** Fill the paths of the instance `name`. */
static int set_paths(const struct config *cfg, const char *name, const char *file,
	struct instance *inst)
{
	*inst = (struct instance){0};
	int rc = text_set(inst->name, sizeof(inst->name), "%s", name);
	if (file != NULL)
		rc |= text_set(inst->file, PATH_MAX, "%s", file);
	else
		rc |= text_set(
			inst->file, PATH_MAX, "%s/%s.lua", cfg->instance_dir, name);
	rc |= text_set(inst->pid_path, PATH_MAX, "%s/%s.pid", cfg->run_dir, name);
	rc |= text_set(inst->sock_path, PATH_MAX, "%s/%s.control", cfg->run_dir, name);
	rc |= text_set(inst->log_path, PATH_MAX, "%s/%s.log", cfg->log_dir, name);
	rc |= text_set(inst->wal_dir, PATH_MAX, "%s/%s", cfg->wal_dir, name);
	rc |= text_set(inst->memtx_dir, PATH_MAX, "%s/%s", cfg->memtx_dir, name);
	rc |= text_set(inst->vinyl_dir, PATH_MAX, "%s/%s", cfg->vinyl_dir, name);
	if (rc != 0) {
		ctl_say("Instance name or path is too long: %s", name);
		return CTL_FAILED;
	}
	inst->has_file = access(inst->file, F_OK) == 0;
	return CTL_OK;
}

/** Append, unless an instance of that name is in the list already. */
static int list_add(struct instance_list *list, const struct instance *inst)
{
	for (int i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].name, inst->name) == 0)
			return CTL_OK;
	}
	struct instance *items =
		realloc(list->items, sizeof(*items) * ((size_t)list->count + 1));
	if (items == NULL) {
		ctl_say("Out of memory");
		return CTL_FAILED;
	}
	list->items = items;
	items[list->count++] = *inst;
	return CTL_OK;
}

static int is_lua_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return entry->d_name[0] != '.' && len > 4 &&
	       strcmp(entry->d_name + len - 4, ".lua") == 0;
}

/** Append what is in instance_dir and matches (NULL: everything). */
static int add_matching(
	const struct config *cfg, const char *pattern, struct instance_list *list)
{
	struct dirent **entries;
	int n = scandir(cfg->instance_dir, &entries, is_lua_file, alphasort);
	if (n < 0) {
		ctl_say("Can't read instance directory %s: %s", cfg->instance_dir,
			strerror(errno));
		return CTL_UNREACHABLE;
	}
	int rc = CTL_OK;
	bool is_found = false;
	for (int i = 0; i < n; i++) {
		char *name = entries[i]->d_name;
		name[strlen(name) - 4] = '\0';
		struct instance inst;
		if (rc == CTL_OK && (pattern == NULL || fnmatch(pattern, name, 0) == 0)) {
			is_found = true;
			rc = set_paths(cfg, name, NULL, &inst);
			if (rc == CTL_OK)
				rc = list_add(list, &inst);
		}
		free(entries[i]);
	}
	free(entries);
	if (rc == CTL_OK && !is_found && pattern != NULL) {
		ctl_say("No instance matches '%s' in %s", pattern, cfg->instance_dir);
		rc = CTL_FAILED;
	}
	return rc;
}

/** @GROUP: its members, one after another. */
static int resolve_group(const struct config *cfg, const char *name, bool must_have_file,
	struct instance_list *list)
{
	char *const *members = config_group_of(cfg, name);
	if (members == NULL) {
		ctl_say("No group '%s' in %s", name, cfg->path);
		return CTL_FAILED;
	}
	int rc = CTL_OK;
	for (; *members != NULL; members++) {
		/* A group in a group could be itself. */
		int one = (*members)[0] == '@'
				  ? CTL_FAILED
				  : instance_resolve(cfg, *members, must_have_file, list);
		if ((*members)[0] == '@')
			ctl_say("Group '%s' holds a group: %s", name, *members);
		rc = exit_code_merge(rc, one);
	}
	return rc;
}

int instance_resolve(const struct config *cfg, const char *arg, bool must_have_file,
	struct instance_list *list)
{
	if (arg[0] == '@')
		return resolve_group(cfg, arg + 1, must_have_file, list);
	bool has_slash = strchr(arg, '/') != NULL;
	if (!has_slash && strpbrk(arg, "*?[") != NULL)
		return add_matching(cfg, arg, list);

	const char *base = has_slash ? strrchr(arg, '/') + 1 : arg;
	size_t len = strlen(base);
	if (len > 4 && strcmp(base + len - 4, ".lua") == 0)
		len -= 4;
	char name[INSTANCE_NAME_MAX];
	if (len == 0 || len >= sizeof(name) || base[0] == '.') {
		ctl_say("Bad instance name '%s'", arg);
		return CTL_FAILED;
	}
	memcpy(name, base, len);
	name[len] = '\0';

	char real[PATH_MAX];
	const char *file = has_slash && realpath(arg, real) != NULL ? real : NULL;
	struct instance inst;
	int rc = set_paths(cfg, name, file, &inst);
	if (rc != CTL_OK)
		return rc;
	if (!inst.has_file && errno == EACCES && must_have_file) {
		ctl_say("Can't access instance file %s: %s", inst.file, strerror(EACCES));
		return CTL_UNREACHABLE;
	}
	bool is_known = inst.has_file ||
			(!must_have_file && (access(inst.pid_path, F_OK) == 0 ||
						    access(inst.sock_path, F_OK) == 0 ||
						    errno == EACCES));
	if (!is_known) {
		ctl_say("Instance %s is not found in %s", name, cfg->instance_dir);
		return CTL_FAILED;
	}
	return list_add(list, &inst);
}

static const char socket_prefix[] = "unix/:";

bool instance_is_socket(const char *arg)
{
	return strncmp(arg, socket_prefix, strlen(socket_prefix)) == 0;
}

int instance_resolve_socket(const char *arg, struct instance_list *list)
{
	struct instance inst = {0};
	const char *path = arg + strlen(socket_prefix);
	size_t len = strlen(arg), max = sizeof(inst.name) - 1;
	/* Of a long path the end tells more. */
	text_set(inst.name, sizeof(inst.name), "%s", len > max ? arg + len - max : arg);
	if (path[0] == '\0' || text_set(inst.sock_path, PATH_MAX, "%s", path) != 0) {
		ctl_say("Bad control socket '%s'", arg);
		return CTL_USAGE;
	}
	return list_add(list, &inst);
}

int instance_resolve_all(const struct config *cfg, struct instance_list *list)
{
	return add_matching(cfg, NULL, list);
}

void instance_list_fini(struct instance_list *list)
{
	free(list->items);
}
