#include "ctl/log_path.h"

#include <string.h>

#include "ctl/remote.h"
#include "ctl/target.h"

enum { LOG_ASK_TIMEOUT_MS = 1000 };

void log_path_find(const struct instance *inst, char *path)
{
	struct target target;
	struct conn c;
	struct remote_call call;
	deadline_ms deadline = deadline_after(LOG_ASK_TIMEOUT_MS);
	uint32_t len;

	strcpy(path, inst->log_path);
	conn_init(&c);
	target_of_instance(&target, inst);
	remote_init(&call, "log_path", deadline);
	if (target_open(&target, &c, deadline) == CONN_OK &&
		remote_run(&c, &call) == CONN_OK && call.is_ok) {
		const char *told = remote_next_str(&call, &len);
		if (len > 0 && len < PATH_MAX)
			text_set(path, PATH_MAX, "%.*s", (int)len, told);
	}
	remote_fini(&call);
	conn_fini(&c);
}
