/* box.error, and errors as msgpack extension. */
#ifndef LUA_L_ERROR_H
#define LUA_L_ERROR_H

#include <stdint.h>

#include "instance/base/diag.h"

/**
 * The error (and its causes) in an extension of type MP_EXT_ERROR.
 * @return an error with one reference, NULL when the data is no error
 */
struct error *l_error_unpack(const char *data, uint32_t len);

#endif
