#include "instance/box/box.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "instance/base/diag.h"
#include "instance/box/access.h"
#include "instance/box/func.h"
#include "instance/box/schema.h"
#include "instance/box/space.h"
#include "instance/box/tuple.h"

char box_instance_uuid[37], box_cluster_uuid[37];
static bool is_configured;

/** A random (version 4) UUID as text; what is there already stays. */
static int uuid_fill(char *text)
{
	unsigned char b[16];
	if (text[0] != '\0')
		return 0;
	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b)) {
		diag_set_errno("getrandom failed");
		return -1;
	}
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof(b); i++) {
		bool dash = i == 4 || i == 6 || i == 8 || i == 10;
		text += sprintf(text, dash ? "-%02x" : "%02x", b[i]);
	}
	return 0;
}

static int check_space_access(struct space *space, unsigned priv)
{
	return access_check_space(
		space_id(space), space->def->uid, space_name(space), priv);
}

int box_init(void)
{
	if (is_configured)
		return 0;
	if (session_init() != 0 || tuple_format_init() != 0 || space_cache_init() != 0 ||
		func_cache_init() != 0)
		return -1;
	space_access_check = check_space_access;
	if (uuid_fill(box_instance_uuid) != 0 || uuid_fill(box_cluster_uuid) != 0 ||
		schema_init() != 0 || bootstrap(box_cluster_uuid) != 0)
		return -1;
	is_configured = true;
	return 0;
}

void box_fini(void)
{
	if (!is_configured)
		return;
	is_configured = false;
	space_cache_fini();
	func_cache_fini();
	tuple_format_fini();
}

bool box_is_configured(void)
{
	return is_configured;
}
