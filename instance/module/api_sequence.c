/*
 * The C API: sequences. There are none yet (box/alter.c refuses their rows), so
 * none is found.
 */
#include <stdio.h>

#include "instance/module/api.h"
#include "instance/module/api_util.h"

static int no_such_sequence(uint32_t seq_id)
{
	char id[16];
	snprintf(id, sizeof(id), "%u", seq_id);
	diag_set_client(ER_NO_SUCH_SEQUENCE, id);
	return api_result(-1, NULL, NULL);
}

int box_sequence_next(uint32_t seq_id, int64_t *result)
{
	(void)result;
	return no_such_sequence(seq_id);
}

int box_sequence_current(uint32_t seq_id, int64_t *result)
{
	(void)result;
	return no_such_sequence(seq_id);
}

int box_sequence_set(uint32_t seq_id, int64_t value)
{
	(void)value;
	return no_such_sequence(seq_id);
}

int box_sequence_reset(uint32_t seq_id)
{
	return no_such_sequence(seq_id);
}
