/*
 * The files are made by tests/unit/meson.build from tests/unit/elf; their directory
 * comes in ELF_DIR.
 */
#include "proto/elf.h"

#include <elf.h>

#include "unit.h"

/* A file in memory; owned by the test. */
struct file {
	char *data;
	size_t size;
};

static struct file file_load(const char *name)
{
	static char data[1 << 20];
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", getenv("ELF_DIR"), name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	struct file file = {NULL, fread(data, 1, sizeof(data), f)};
	fclose(f);
	file.data = malloc(file.size);
	assert_non_null(file.data);
	memcpy(file.data, data, file.size);
	return file;
}

static void file_free(struct file *file)
{
	free(file->data);
}
#define _file_ __attribute__((cleanup(file_free))) struct file

static void assert_parses(struct elf *elf, const struct file *file)
{
	char error[ELF_ERROR_SIZE] = "";
	int rc = elf_parse(elf, file->data, file->size, error);
	assert_string_equal(error, "");
	assert_int_equal(rc, 0);
}

static void assert_refused(const struct file *file, const char *why)
{
	struct elf elf;
	char error[ELF_ERROR_SIZE] = "";
	assert_int_equal(elf_parse(&elf, file->data, file->size, error), -1);
	assert_string_equal(error, why);
}

static void test_elf_find_function(void **state)
{
	(void)state;
	_file_ file = file_load("libplain.so");
	struct elf elf;
	assert_parses(&elf, &file);
	assert_int_equal(elf_find_function(&elf, "elf_function"), ELF_FOUND);
	assert_int_equal(elf_find_function(&elf, "elf_weak"), ELF_FOUND);
	assert_int_equal(elf_find_function(&elf, "elf_protected"), ELF_FOUND);
	assert_int_equal(elf_find_function(&elf, "elf_hidden"), ELF_MISSING);
	assert_int_equal(elf_find_function(&elf, "elf_functio"), ELF_MISSING);
	assert_int_equal(elf_find_function(&elf, "elf_function2"), ELF_MISSING);
	assert_int_equal(elf_find_function(&elf, ""), ELF_MISSING);
	assert_int_equal(elf_find_function(&elf, "elf_data"), ELF_NO_FUNCTION);
	assert_int_equal(elf_find_function(&elf, "elf_elsewhere"), ELF_IMPORTED);
	assert_false(elf.has_unique);
	assert_false(elf.is_nodelete);
	assert_false(elf.has_static_tls);
}

/* A table of the old kind, and no section table. */
static void test_elf_find_function_sysv(void **state)
{
	(void)state;
	_file_ file = file_load("libsysv.so");
	Elf64_Ehdr header;
	memcpy(&header, file.data, sizeof(header));
	file.size = header.e_shoff;
	header.e_shoff = header.e_shnum = header.e_shstrndx = 0;
	memcpy(file.data, &header, sizeof(header));
	struct elf elf;
	assert_parses(&elf, &file);
	assert_int_equal(elf_find_function(&elf, "elf_function"), ELF_FOUND);
	assert_int_equal(elf_find_function(&elf, "elf_elsewhere"), ELF_IMPORTED);
}

static void test_elf_build_id(void **state)
{
	(void)state;
	char text[ELF_BUILD_ID_TEXT_SIZE];
	struct elf elf;
	_file_ file = file_load("libplain.so");
	assert_parses(&elf, &file);
	elf_format_build_id(&elf, text);
	assert_string_equal(text, "0123456789abcdef");
	_file_ none = file_load("libsysv.so");
	assert_parses(&elf, &none);
	elf_format_build_id(&elf, text);
	assert_string_equal(text, "");
}

static void test_elf_flags(void **state)
{
	(void)state;
	struct elf elf;
	_file_ unique = file_load("libunique.so");
	assert_parses(&elf, &unique);
	assert_true(elf.has_unique);
	assert_false(elf.is_nodelete);
	_file_ flags = file_load("libflags.so");
	assert_parses(&elf, &flags);
	assert_false(elf.has_unique);
	assert_true(elf.is_nodelete);
	assert_true(elf.has_static_tls);
}

static void test_elf_needed(void **state)
{
	(void)state;
	struct elf elf;
	_file_ file = file_load("libsysv.so");
	assert_parses(&elf, &file);
	assert_string_equal(elf_get_needed(&elf, 0), "libm.so.6");
	assert_string_equal(elf_get_needed(&elf, 1), "libc.so.6");
	assert_null(elf_get_needed(&elf, 2));
}

static void set_u16(struct file *file, size_t at, uint16_t value)
{
	memcpy(file->data + at, &value, sizeof(value));
}

static void test_elf_parse_refuses(void **state)
{
	(void)state;
	char text[] = "#!/bin/sh\necho it is a script\n";
	assert_refused(&(struct file){text, strlen(text)}, "is not an ELF file");
	assert_refused(&(struct file){text, 1}, "is not an ELF file");
	assert_refused(&(struct file){text, 0}, "is empty");
	_file_ file = file_load("libplain.so");
	set_u16(&file, offsetof(Elf64_Ehdr, e_machine), EM_S390);
	assert_refused(
		&file, "is not made for this machine: it is for s390, this is x86-64");
	set_u16(&file, offsetof(Elf64_Ehdr, e_machine), EM_X86_64);
	set_u16(&file, offsetof(Elf64_Ehdr, e_type), ET_EXEC);
	assert_refused(&file, "is a program, not a shared library");
	set_u16(&file, offsetof(Elf64_Ehdr, e_type), ET_REL);
	assert_refused(&file, "is an object file: link it with -shared");
	set_u16(&file, offsetof(Elf64_Ehdr, e_type), ET_DYN);
	file.data[EI_CLASS] = ELFCLASS32;
	assert_refused(&file, "is not made for this machine: it is no 64-bit file");
	file.data[EI_CLASS] = ELFCLASS64;
	file.data[EI_DATA] = ELFDATA2MSB;
	assert_refused(&file, "is not made for this machine: it is big-endian");
	file.data[EI_DATA] = ELFDATA2LSB;
	file.data[EI_OSABI] = ELFOSABI_FREEBSD;
	assert_refused(&file, "is not made for Linux");
	file.data[EI_OSABI] = ELFOSABI_NONE;
	struct elf elf;
	assert_parses(&elf, &file);
}

/* What the linker makes read-only must be the file's own: else it is somebody else's. */
static void test_elf_parse_refuses_stray_relro(void **state)
{
	(void)state;
	_file_ file = file_load("libplain.so");
	Elf64_Ehdr header;
	Elf64_Phdr ph = {0};
	memcpy(&header, file.data, sizeof(header));
	size_t at = header.e_phoff;
	for (unsigned i = 0; i < header.e_phnum && ph.p_type != PT_GNU_RELRO; i++) {
		at = header.e_phoff + i * sizeof(ph);
		memcpy(&ph, file.data + at, sizeof(ph));
	}
	assert_int_equal(ph.p_type, PT_GNU_RELRO);
	ph.p_vaddr += 1 << 24;
	memcpy(file.data + at, &ph, sizeof(ph));
	assert_refused(&file, "is damaged: what it protects is not in it");
}

/* A program is a shared object too, but dlopen() refuses it. */
static void test_elf_parse_program(void **state)
{
	(void)state;
	_file_ file = file_load("program");
	assert_refused(&file, "is a program, not a shared library");
}

/* Cut at every byte, in memory that ends there: refused, never read beyond. */
static void test_elf_parse_truncated(void **state)
{
	(void)state;
	static const char *const names[] = {"libplain.so", "libsysv.so", "libunique.so"};
	for (size_t i = 0; i < 3; i++) {
		_file_ file = file_load(names[i]);
		for (size_t n = 1; n < file.size; n++) {
			struct elf elf;
			char error[ELF_ERROR_SIZE] = "";
			char *part = malloc(n);
			assert_non_null(part);
			memcpy(part, file.data, n);
			assert_int_equal(elf_parse(&elf, part, n, error), -1);
			free(part);
			assert_string_equal(error, "is cut short");
		}
	}
}

static void read_all(const struct file *file)
{
	struct elf elf;
	struct elf_symbol sym;
	char error[ELF_ERROR_SIZE] = "", text[ELF_BUILD_ID_TEXT_SIZE];
	size_t sum = 0;
	if (elf_parse(&elf, file->data, file->size, error) != 0) {
		assert_string_not_equal(error, "");
		return;
	}
	for (uint64_t i = 0; i < elf.symbol_count; i++)
		if (elf_get_symbol(&elf, i, &sym) == 0)
			sum += strlen(sym.name);
	const char *needed;
	for (uint64_t i = 0; (needed = elf_get_needed(&elf, i)) != NULL; i++)
		sum += strlen(needed);
	elf_format_build_id(&elf, text);
	assert_true(sum + strlen(text) < SIZE_MAX);
}

/* Some bytes overwritten, as of a file that is written while it is read. */
static void test_elf_parse_random(void **state)
{
	(void)state;
	uint64_t seed = 88172645463325252u;
	_file_ file = file_load("libplain.so");
	_file_ copy = {malloc(file.size), file.size};
	assert_non_null(copy.data);
	for (int round = 0; round < 20000 * unit_times(); round++) {
		memcpy(copy.data, file.data, file.size);
		size_t range = round % 2 == 0 ? file.size : 1024;
		for (int n = (int)(unit_random(&seed) % 8); n >= 0; n--)
			copy.data[unit_random(&seed) % range] = (char)unit_random(&seed);
		read_all(&copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_find_function),
		cmocka_unit_test(test_elf_find_function_sysv),
		cmocka_unit_test(test_elf_build_id),
		cmocka_unit_test(test_elf_flags),
		cmocka_unit_test(test_elf_needed),
		cmocka_unit_test(test_elf_parse_refuses),
		cmocka_unit_test(test_elf_parse_refuses_stray_relro),
		cmocka_unit_test(test_elf_parse_program),
		cmocka_unit_test(test_elf_parse_truncated),
		cmocka_unit_test(test_elf_parse_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
