/* The C API: messages to the client of the current session. */
#include <stdio.h>

#include "instance/box/session.h"
#include "instance/fiber/fiber.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

int box_session_push(const char *data, const char *data_end)
{
	if (api_check_value(data, data_end, "push") != 0)
		return -1;
	fiber_find_lua(); /* a console's push is Lua */
	struct session *s = session_current();
	const struct session_vtab *vtab = s->vtab;
	if (vtab == NULL || vtab->push_mp == NULL) {
		char text[64];
		snprintf(text, sizeof(text), "Session '%s'", session_type_name[s->type]);
		diag_set_client(ER_UNSUPPORTED, text, "push()");
		return -1;
	}
	return vtab->push_mp(s, vtab->sync != NULL ? vtab->sync(s) : 0, data, data_end);
}
