#include "instance/box/read_only.h"

#include "instance/base/diag.h"
#include "instance/fiber/cond.h"

static bool is_read_only;
static struct fiber_cond_queue changed = {{&changed.waiters, &changed.waiters}};

bool box_is_read_only(void)
{
	return is_read_only;
}

void box_set_read_only(bool yesno)
{
	is_read_only = yesno;
	cond_broadcast(&changed);
}

int box_check_writable(void)
{
	if (likely(!is_read_only))
		return 0;
	diag_set_client(ER_READONLY);
	return -1;
}

int box_wait_read_only(bool is_wanted, double timeout_s)
{
	double deadline = fiber_clock() + timeout_s;
	while (is_read_only != is_wanted)
		if (cond_wait(&changed, deadline - fiber_clock()) != 0)
			return -1;
	return 0;
}
