/*
 * Reading shared objects before anybody loads them: is the file whole, is it for
 * this machine, which functions does it export, which build is it, can it be
 * unloaded again.
 *
 * The file is in memory, all of it; no offset in it is used before it was compared
 * with its size. What is read is what the dynamic linker reads (program headers and
 * the dynamic section), so a file whose section table was stripped is fine.
 */
#ifndef PROTO_ELF_H
#define PROTO_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ELF_BUILD_ID_MAX = 64,
	ELF_BUILD_ID_TEXT_SIZE = 2 * ELF_BUILD_ID_MAX + 1,
	ELF_SEGMENTS_MAX = 64, /* program headers that we accept; files have about ten */
	ELF_ERROR_SIZE = 160,
};

/* A part of the file that is mapped when it is loaded. */
struct elf_segment {
	uint64_t vaddr, offset, filesz, memsz;
	bool is_executable, is_writable;
};

/* A piece of the file, within its bounds. */
struct elf_part {
	const char *data;
	uint64_t size;
};

/* Points into the memory that was parsed. */
struct elf {
	struct elf_part file;
	struct elf_segment loads[ELF_SEGMENTS_MAX];
	unsigned load_count;
	struct elf_part dynamic; /* the dynamic section: whole entries, up to its end */
	struct elf_part symbols; /* whole entries */
	struct elf_part strings;
	uint64_t symbol_count;
	unsigned char build_id[ELF_BUILD_ID_MAX];
	size_t build_id_len; /* 0: the file has none */
	/* What keeps a file mapped after dlclose(). */
	bool has_unique;  /* exports symbols with STB_GNU_UNIQUE (C++ statics) */
	bool is_nodelete; /* linked with -z nodelete */
	/* Thread-local storage in the static block: dlopen() may have no room for it. */
	bool has_static_tls;
};

/* An entry of the table of exported and imported symbols. */
struct elf_symbol {
	const char *name; /* ends with NUL */
	bool is_defined;  /* this file exports it */
	bool is_function; /* and it stands in a part that can be executed */
};

/**
 * Parse a file.
 * @param data must stay while *ret is used
 * @param[out] error why it is refused: what the file is instead ("is not an ELF
 *             file"), so that "FILE " goes before it
 * @return 0, or -1
 */
int elf_parse(struct elf *ret, const char *data, size_t size, char error[ELF_ERROR_SIZE]);

/** One symbol, by number below symbol_count. @return 0, or -1 when it is damaged */
int elf_get_symbol(const struct elf *elf, uint64_t number, struct elf_symbol *ret);

enum elf_find {
	ELF_FOUND,
	ELF_MISSING,
	ELF_IMPORTED,    /* used by the file, not defined in it */
	ELF_NO_FUNCTION, /* exported, but data */
};

/** Does the file export a function of this name? */
enum elf_find elf_find_function(const struct elf *elf, const char *name);

/**
 * A library that the file needs, by number from 0.
 * @return its name as it stands in the file, NULL behind the last one
 */
const char *elf_get_needed(const struct elf *elf, uint64_t number);

/** The value of an entry of the dynamic section (DT_...). @return false: there is none */
bool elf_get_dynamic(const struct elf *elf, int64_t tag, uint64_t *ret);

/**
 * What stands at an address of the loaded image.
 * @return NULL when the file does not hold `size` bytes there
 */
const char *elf_at(const struct elf *elf, uint64_t vaddr, uint64_t size);

/**
 * Would the dynamic linker write outside of the file's own memory? Nobody would see that
 * by trying it. elf_parse() refuses such files.
 * @return what is wrong ("is damaged: ..."), or NULL
 */
const char *elf_find_stray(const struct elf *elf);

/**
 * Are the tables that the dynamic linker reads such that it can load the file without
 * coming to harm? False for damaged ones, and for what is less common.
 */
bool elf_is_sound(const struct elf *elf);

/** The build-id in hex; "" when there is none. */
void elf_format_build_id(const struct elf *elf, char text[ELF_BUILD_ID_TEXT_SIZE]);

#endif
