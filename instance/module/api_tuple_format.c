/* The C API: formats of tuples that belong to no space. */
#include "instance/box/key_def.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

/* A format has a slot for each field up to its last one. */
enum { FORMAT_FIELD_MAX = 1 << 24 };

box_tuple_format_t *box_tuple_format_default(void)
{
	return tuple_format_init() == 0 ? tuple_format_runtime : NULL;
}

box_tuple_format_t *box_tuple_format_new(struct key_def **keys, uint16_t key_count)
{
	for (uint16_t i = 0; i < key_count; i++) {
		if (keys == NULL || keys[i] == NULL) {
			api_wrong_argument("box_tuple_format_new", "keys");
			return NULL;
		}
		if (keys[i]->field_count > FORMAT_FIELD_MAX) {
			diag_set(oom, "Failed to allocate a format of %u fields",
				keys[i]->field_count);
			return NULL;
		}
	}
	struct tuple_format *format = tuple_format_new(
		NULL, 0, 0, (const struct key_def *const *)keys, key_count, NULL);
	if (format != NULL)
		format->is_runtime = true;
	return format;
}

void box_tuple_format_ref(box_tuple_format_t *format)
{
	if (format != NULL)
		tuple_format_ref(format);
}

void box_tuple_format_unref(box_tuple_format_t *format)
{
	tuple_format_unref(format);
}
