/* What the verbs of the reload engine share: options in, answer out. */
#ifndef CTL_RELOAD_OP_H
#define CTL_RELOAD_OP_H

#include "ctl/reload_call.h"
#include "ctl/verb.h"

/**
 * The JSON object of the op's options: those of the verb that were given, by their
 * names with '_' for '-' (a TIME in seconds, LIST an array, a flag true), without
 * those of ctl itself (json, watch, unit); who asks; the instance file. Open: the
 * caller may add more and ends it with '}'.
 * @return an exit code
 */
int reload_op_options(const struct request *rq, struct buf *args);
/** One more of the options: a string of any bytes. @return 0, or not: no memory */
int reload_op_add(struct buf *args, const char *name, const char *text, size_t len);
/** --json, else text; of_many is how one of several instances is shown. */
enum reload_format reload_op_format(const struct request *rq, enum reload_format of_many);
/** Run an op that needs nothing else, and print the outcome. @return an exit code */
int reload_op_run(const struct request *rq, const char *op, enum reload_format of_many);
/** Run a call whose arguments are ready, and print the outcome. */
int reload_op_finish(const struct request *rq, struct reload_call *rc);
/**
 * A file among the instances (`ctl reload A FILE`)?
 * @return CTL_OK, or CTL_USAGE after saying what was meant
 */
int reload_op_check_args(const struct config *cfg, int argc, char **argv);

#endif
