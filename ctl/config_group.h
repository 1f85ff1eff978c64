/* groups = {NAME = {'instance', 'pattern*'}} of the defaults file. */
#ifndef CTL_CONFIG_GROUP_H
#define CTL_CONFIG_GROUP_H

#include "ctl/config.h"

struct lua_State;

/**
 * Read the value on the top of the stack.
 * @return 0, or -1: it has another form, or the memory is full
 */
int config_groups_read(struct lua_State *L, struct config *cfg);
void config_groups_free(struct config *cfg);

#endif
