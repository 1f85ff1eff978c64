/*
 * The main function of a fuzz target in a plain build: runs it over every file of
 * its corpus, over each file's prefixes, and with single bytes broken.
 */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

enum { PREFIXES_MAX = 2048 };

/* Run over an exact copy, so that a read beyond the end is seen. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_variants(uint8_t *data, size_t size)
{
	static const uint8_t values[] = {0x00, 0x7f, 0x80, 0xc1, 0xdf, 0xff};
	run(data, size);
	for (size_t n = 0; n < size && n < PREFIXES_MAX; n++) {
		run(data, n);
		for (size_t i = 0; i < sizeof(values); i++) {
			uint8_t saved = data[n];
			data[n] = values[i];
			run(data, size);
			data[n] = saved;
		}
	}
}

static int run_file(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		perror(path);
		return -1;
	}
	size_t size = fread(data, 1, sizeof(data), f);
	fclose(f);
	run_variants(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	int files = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (dir == NULL) {
		fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
		return 64;
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (e->d_name[0] == '.')
			continue;
		if (run_file(argv[1], e->d_name) != 0)
			return 1;
		files++;
	}
	closedir(dir);
	printf("%d files\n", files);
	return files > 0 ? 0 : 1;
}
