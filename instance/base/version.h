/* What we are, and the Tarantool whose API level we implement. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define TARANTELLA_PACKAGE "tarantella"
#define TARANTELLA_VERSION "0.1.0"
/* Begins as the version of the Tarantool we are compatible with. */
#define TARANTOOL_VERSION "2.6.0-0-" TARANTELLA_PACKAGE "-" TARANTELLA_VERSION

#endif
