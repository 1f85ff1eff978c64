/* The C API: the last error. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "instance/base/diag.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

enum { MESSAGE_MAX = 512 }; /* with the closing zero, as in Tarantool */

const char *box_error_type(const box_error_t *error)
{
	return error != NULL ? error->type->name : "";
}

uint32_t box_error_code(const box_error_t *error)
{
	return error != NULL ? error_iproto_code(error) : ER_UNKNOWN;
}

const char *box_error_message(const box_error_t *error)
{
	return error != NULL ? error->message : "";
}

box_error_t *box_error_last(void)
{
	return diag_last();
}

void box_error_clear(void)
{
	diag_clear();
}

int box_error_set(const char *file, unsigned line, uint32_t code, const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;
	va_start(ap, format);
	if (format == NULL || vsnprintf(text, sizeof(text), format, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	struct error *e =
		error_new(&error_type_client, file != NULL ? file : "", line, "%s", text);
	if (e->type == &error_type_client) { /* else out of memory, a static object */
		e->code = code;
		/* The whole path, as in Tarantool. */
		snprintf(e->file, sizeof(e->file), "%s", file != NULL ? file : "");
		diag_client_error_count++;
	}
	diag_set_error(e);
	return -1;
}
