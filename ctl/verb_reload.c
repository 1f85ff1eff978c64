#include "ctl/reload_op.h"
#include "ctl/reload_watch.h"

static int run(const struct request *rq)
{
	bool is_trial = request_option(rq, "check") != NULL ||
			request_option(rq, "dry-run") != NULL;
	if (request_option(rq, "watch") == NULL)
		return reload_op_run(rq, "reload", RELOAD_ROW);
	if (is_trial || rq->is_one_of_many) {
		ctl_say(is_trial ? "--watch reloads: not with --check or --dry-run"
				 : "--watch works on one instance");
		return CTL_USAGE;
	}
	return reload_watch(rq);
}

static const struct verb_option options[] = {
	{"check", 'c', NULL, "read, compile, load, check; change nothing"},
	{"dry-run", 'n', NULL, "only tell what would be reloaded and why"},
	{"watch", 'w', NULL, "reload whenever a source file is saved, until Ctrl-C"},
	{"modules", 'm', "LIST", "these too, changed or not (a,b,c)"},
	{"all-modules", '\0', NULL, "every module of the application"},
	{"order", '\0', "overlap|stop-first",
		"start the new beside the old, or stop the old first"},
	{"drain", '\0', "TIME", "how long old calls and fibers may take (5s)"},
	{"at-drain", '\0', "wait|cancel|kill",
		"what happens to old background fibers (cancel)"},
	{"probation", '\0', "TIME", "watch the new version so long, else roll back"},
	{"health", '\0', "EXPR", "Lua that must stay true during the probation"},
	{"supersede", '\0', NULL, "also while an older generation drains"},
	{"app", '\0', "NAME", "the module with start and stop"},
	{"start-args", '\0', "EXPR", "what its start is called with, as Lua"},
	{"no-lifecycle", '\0', NULL, "call no start and no stop"},
	{"kind-change", '\0', NULL, "a module may return another kind of value"},
	{"strict", '\0', NULL, "refuse removed functions that are still used"},
	{"now", '\0', NULL, "do not wait until the files rest"},
	{"repoint", '\0', NULL, "move triggers that the old version left behind"},
	{"hook-timeout", '\0', "TIME", "how long check, prepare, start, stop may take"},
	{"wait", '\0', "TIME", "wait for a reload that runs"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_reload = {
	.name = "reload",
	.args = "INSTANCE...",
	.summary = "Replace the code of a running application",
	.help = "The new version starts beside the old one, then takes over in one step; "
		"whatever\nfails before that leaves the old one as it was. See "
		"tarantella-reload(7).\n"
		"Exit code: 0 done; 1 refused or failed, nothing changed; 4 switched, "
		"then "
		"rolled back;\n5 switched, but something still runs the old code (it is "
		"listed).",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.check_args = reload_op_check_args,
	.run = run,
};
