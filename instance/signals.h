/* SIGTERM and SIGINT stop, SIGHUP reopens the log, SIGUSR1 is a snapshot. */
#ifndef SIGNALS_H
#define SIGNALS_H

/** @return 0, or -1 with diag set */
int signals_init(void);

#endif
