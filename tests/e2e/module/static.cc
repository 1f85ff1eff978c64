/* A static of an inline function: the linker makes it unique in the process. */
#include <tarantool/module.h>

struct counter {
	static inline int &get()
	{
		static int value = 0;
		return value;
	}
};

extern "C" int version(box_function_ctx_t *ctx, const char *, const char *)
{
	counter::get()++;
	char data[1] = {VERSION};
	return box_return_mp(ctx, data, data + 1);
}
