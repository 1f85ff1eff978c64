/* What box.cfg{} calls of the box table's C part. */
#ifndef LUA_L_BOX_H
#define LUA_L_BOX_H

/** box.ctl.on_schema_init triggers. @return 0, or -1 with diag set */
int l_box_run_schema_init(void);

#endif
