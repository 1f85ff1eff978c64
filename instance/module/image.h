/*
 * A module's file as it was at one moment, and a private copy of it to open.
 *
 * dlopen() maps the file it is given: who writes into that file afterwards changes
 * running code, and who opens the same file twice gets the first one again. So
 * each version is opened from a copy that has no name (in TMPDIR or in memory) through a
 * path under /proc/self/fd that no other version has.
 */
#ifndef MODULE_IMAGE_H
#define MODULE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGE_OPEN_PATH_SIZE = 128 };

/* Zeroed is empty. Owns `data` and `fd`. */
struct image {
	char *data; /* the whole file */
	size_t size;
	int fd; /* the private copy; 0: none */
	char open_path[IMAGE_OPEN_PATH_SIZE];
	/* The file it was read from. */
	uint64_t dev, ino;
	int64_t mtime_ns;
};

/**
 * Read the file; it is refused when it changes while we read.
 * @param may_yield the read may wait in a worker thread; else it blocks
 * @return 0; -1 with diag set (ER_LOAD_MODULE)
 */
int image_read(struct image *image, const char *name, const char *path, bool may_yield);
/** Make the private copy. @return 0; -1 with diag set */
int image_store(struct image *image, const char *name, const char *path);
void image_fini(struct image *image);

/** ER_LOAD_MODULE: Failed to dynamically load module 'NAME': ... @return -1 */
__attribute__((format(printf, 2, 3))) int module_load_error(
	const char *name, const char *fmt, ...);

#endif
