/*
 * Does a shared object run code when it is loaded or unloaded? A plain C module has
 * nothing but the compiler's own code, which we know by its first bytes. Anything else
 * (constructors, destructors, C++ statics, functions chosen at load time, libraries
 * that are not loaded yet) is worth a trial, and so is a file whose tables are odd: a
 * damaged one can be the end of the dynamic linker.
 */
#include <dlfcn.h>
#include <elf.h>
#include <string.h>

#include "instance/base/util.h"
#include "instance/module/trial.h"
#include "proto/elf.h"

static bool starts_with(
	const struct elf *elf, uint64_t addr, const char *code, size_t len)
{
	static const char endbr64[] = {'\xf3', '\x0f', '\x1e', '\xfa'};
	const char *p = elf_at(elf, addr, sizeof(endbr64));
	if (p != NULL && memcmp(p, endbr64, sizeof(endbr64)) == 0)
		addr += sizeof(endbr64);
	p = elf_at(elf, addr, len);
	return p != NULL && memcmp(p, code, len) == 0;
}

/* crti's _init: asks whether there is a profiler, does nothing else. */
static bool is_plain_init(const struct elf *elf, uint64_t addr)
{
	static const char code[] = {
		'\x48', '\x83', '\xec', '\x08', '\x48', '\x8b', '\x05'};
	return starts_with(elf, addr, code, sizeof(code));
}

/* crtbegin's frame_dummy: a jump to register_tm_clones, which loads an address first. */
static bool is_plain_constructor(const struct elf *elf, uint64_t addr)
{
	enum { JUMP_SIZE = 5, ENDBR_SIZE = 4 };
	if (!starts_with(elf, addr, "\xe9", 1))
		return false;
	const char *p = elf_at(elf, addr, 1);
	uint64_t jump = *p == '\xe9' ? addr : addr + ENDBR_SIZE;
	int32_t distance;
	p = elf_at(elf, jump, JUMP_SIZE);
	if (p == NULL)
		return false;
	memcpy(&distance, p + 1, sizeof(distance));
	return starts_with(elf, jump + JUMP_SIZE + (uint64_t)distance, "\x48\x8d\x3d", 3);
}

/* What the linker writes at this address: R_X86_64_RELATIVE. Any odd relocation of
 * load-time code (IRELATIVE) makes *ret_is_odd true. */
static bool find_relative(
	const struct elf *elf, uint64_t addr, uint64_t *ret, bool *ret_is_odd)
{
	static const int64_t tables[][2] = {
		{DT_RELA, DT_RELASZ}, {DT_JMPREL, DT_PLTRELSZ}};
	bool is_found = false;
	for (size_t i = 0; i < lengthof(tables); i++) {
		uint64_t table, size;
		if (!elf_get_dynamic(elf, tables[i][0], &table) ||
			!elf_get_dynamic(elf, tables[i][1], &size))
			continue;
		const char *p = elf_at(elf, table, size);
		if (p == NULL) {
			*ret_is_odd = true;
			return false;
		}
		for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= size;
			at += sizeof(Elf64_Rela)) {
			Elf64_Rela rela;
			memcpy(&rela, p + at, sizeof(rela));
			uint64_t type = ELF64_R_TYPE(rela.r_info);
			if (type == R_X86_64_IRELATIVE)
				*ret_is_odd = true;
			if (type == R_X86_64_RELATIVE && rela.r_offset == addr) {
				*ret = (uint64_t)rela.r_addend;
				is_found = true;
			}
		}
	}
	return is_found;
}

/* crti's _fini does nothing at all. */
static bool is_plain_fini(const struct elf *elf, uint64_t addr)
{
	static const char code[] = "\x48\x83\xec\x08\x48\x83\xc4\x08\xc3";
	return starts_with(elf, addr, code, sizeof(code) - 1);
}

/* crtbegin's __do_global_dtors_aux looks first whether it ran before. */
static bool is_plain_destructor(const struct elf *elf, uint64_t addr)
{
	return starts_with(elf, addr, "\x80\x3d", 2);
}

/* What the dynamic section says of one direction. */
struct hooks {
	int64_t function, array, array_size;
	bool (*is_plain_function)(const struct elf *elf, uint64_t addr);
	bool (*is_plain_item)(const struct elf *elf, uint64_t addr);
};

static bool has_own_code(const struct elf *elf, const struct hooks *hooks)
{
	uint64_t addr = 0, size = 0, item = 0;
	bool is_odd = false;
	if (elf_get_dynamic(elf, hooks->function, &addr) &&
		!hooks->is_plain_function(elf, addr))
		return true;
	if (elf_get_dynamic(elf, hooks->array_size, &size) && size > sizeof(item))
		return true;
	if (!elf_get_dynamic(elf, hooks->array, &addr))
		size = 0;
	bool is_found = find_relative(elf, addr, &item, &is_odd);
	return is_odd || (size > 0 && !(is_found && hooks->is_plain_item(elf, item)));
}

/* Functions that are chosen when the file is loaded, by code of it. */
static bool has_ifuncs(const struct elf *elf)
{
	for (uint64_t i = 0; i < elf->symbol_count; i++) {
		Elf64_Sym sym;
		if ((i + 1) * sizeof(sym) > elf->symbols.size)
			break;
		memcpy(&sym, elf->symbols.data + i * sizeof(sym), sizeof(sym));
		if (ELF64_ST_TYPE(sym.st_info) == STT_GNU_IFUNC &&
			sym.st_shndx != SHN_UNDEF)
			return true;
	}
	return false;
}

static bool needs_new_library(const struct elf *elf)
{
	const char *library;
	for (uint64_t i = 0; (library = elf_get_needed(elf, i)) != NULL; i++) {
		void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
		if (handle == NULL)
			return true;
		dlclose(handle);
	}
	return false;
}

bool trial_is_needed(const struct elf *elf)
{
	static const struct hooks load = {DT_INIT, DT_INIT_ARRAY, DT_INIT_ARRAYSZ,
		is_plain_init, is_plain_constructor};
	static const struct hooks unload = {DT_FINI, DT_FINI_ARRAY, DT_FINI_ARRAYSZ,
		is_plain_fini, is_plain_destructor};
	return !elf_is_sound(elf) || has_own_code(elf, &load) ||
	       has_own_code(elf, &unload) || has_ifuncs(elf) || needs_new_library(elf);
}
