/* For modules that are built against this source tree: -I instance/module/include. */
#include "../api.h"
