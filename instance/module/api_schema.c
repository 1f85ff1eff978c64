/* The C API: ids by names. */
#include "instance/box/dml.h"
#include "instance/box/schema.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

/* The id in the row that the key of names finds, as far as the user may see it. */
static uint32_t id_by_key(
	uint32_t view, const char *key, const char *end, uint32_t id_fieldno)
{
	struct tuple *found = NULL;
	uint32_t id = BOX_ID_NIL;
	int rc = dml_get(view, 2, key, end, &found);
	_cleanup_(tuple_unrefp) struct tuple *row = found;
	if (api_result(rc, NULL, NULL) == 0 && row != NULL)
		tuple_field_u32(row, id_fieldno, &id);
	return id;
}

uint32_t box_space_id_by_name(const char *name, uint32_t len)
{
	if (name == NULL || len > IDENTIFIER_MAX)
		return BOX_ID_NIL;
	char key[16 + IDENTIFIER_MAX];
	char *end = mp_raw_put_str(mp_raw_put_array(key, 1), name, len);
	return id_by_key(SPACE_VSPACE, key, end, 0);
}

uint32_t box_index_id_by_name(uint32_t space_id, const char *name, uint32_t len)
{
	if (name == NULL || len > IDENTIFIER_MAX)
		return BOX_ID_NIL;
	char key[24 + IDENTIFIER_MAX];
	char *end = mp_raw_put_uint(mp_raw_put_array(key, 2), space_id);
	end = mp_raw_put_str(end, name, len);
	return id_by_key(SPACE_VINDEX, key, end, 1);
}
