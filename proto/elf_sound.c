/*
 * Would the dynamic linker come through this file? It believes what stands in the
 * tables: one wrong offset among the relocations, and it writes over what it finds
 * there. So what it reads is gone through first, and only what common linkers write
 * is taken for sound: no thread-local storage, no versions of its own, no functions
 * chosen at load time. Whoever asks must do something with files that are not: they
 * may be good all the same.
 */
#include <elf.h>
#include <string.h>

#include "proto/elf.h"

enum {
	ALIGN_MIN = 4096,
	ALIGN_MAX = 2 * 1024 * 1024,
	VERSIONS_MAX = 256,  /* of symbols in other libraries */
	DYNAMIC_MAX = 256,   /* entries */
	CHAIN_MAX = 1024,    /* entries of a list in the file */
	PLTGOT_SIZE = 3 * 8, /* the linker's own words there */
};

/* The tables of one file, by what its dynamic section says. */
struct tables {
	const struct elf *elf;
	uint64_t dynamic; /* its address */
	bool is_version[VERSIONS_MAX];
};

static bool has(const struct tables *t, int64_t tag, uint64_t *ret)
{
	return elf_get_dynamic(t->elf, tag, ret);
}

/** The value, 0 when there is none. */
static uint64_t value_of(const struct tables *t, int64_t tag)
{
	uint64_t value = 0;
	has(t, tag, &value);
	return value;
}

static bool is_mapped(
	const struct elf *elf, uint64_t addr, uint64_t size, bool is_written)
{
	for (unsigned i = 0; i < elf->load_count; i++) {
		const struct elf_segment *s = &elf->loads[i];
		if (addr >= s->vaddr && addr - s->vaddr <= s->memsz &&
			size <= s->memsz - (addr - s->vaddr) &&
			(s->is_writable || !is_written))
			return true;
	}
	return false;
}

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* ---- Program headers ---- */

/* One after another, on pages of their own. */
static bool is_load_sound(const Elf64_Phdr *ph, uint64_t *end)
{
	uint64_t align = ph->p_align;
	if (align < ALIGN_MIN || align > ALIGN_MAX || (align & (align - 1)) != 0 ||
		((ph->p_vaddr - ph->p_offset) & (align - 1)) != 0 ||
		!(ph->p_flags & PF_R) || ph->p_memsz == 0 ||
		(ph->p_vaddr & ~(uint64_t)(ALIGN_MIN - 1)) < *end)
		return false;
	*end = (ph->p_vaddr + ph->p_memsz + ALIGN_MIN - 1) & ~(uint64_t)(ALIGN_MIN - 1);
	return *end >= ph->p_vaddr && *end <= UINT32_MAX;
}

static bool are_notes_sound(const char *data, uint64_t size, uint64_t align)
{
	uint64_t mask = align == 8 ? 7 : 3, pos = 0;
	while (pos < size) {
		Elf64_Nhdr note;
		if (size - pos < sizeof(note))
			return false;
		memcpy(&note, data + pos, sizeof(note));
		pos = (pos + sizeof(note) + note.n_namesz + mask) & ~mask;
		if (pos + note.n_descsz > size)
			return false;
		pos = (pos + note.n_descsz + mask) & ~mask;
	}
	return true;
}

static bool is_segment_sound(struct tables *t, const Elf64_Phdr *ph, uint64_t *end)
{
	const struct elf *elf = t->elf;
	const char *data = elf_at(elf, ph->p_vaddr, ph->p_filesz);
	switch (ph->p_type) {
	case PT_LOAD:
		return is_load_sound(ph, end);
	case PT_DYNAMIC:
		t->dynamic = ph->p_vaddr;
		return data == elf->dynamic.data && ph->p_filesz == elf->dynamic.size &&
		       is_mapped(elf, ph->p_vaddr, ph->p_memsz, true);
	case PT_NOTE:
	case PT_GNU_PROPERTY:
		return data == elf->file.data + ph->p_offset &&
		       ph->p_filesz == ph->p_memsz &&
		       (ph->p_align == 4 || ph->p_align == 8) &&
		       are_notes_sound(data, ph->p_filesz, ph->p_align);
	case PT_PHDR:
	case PT_GNU_EH_FRAME:
		return data == elf->file.data + ph->p_offset;
	case PT_GNU_RELRO:
		return is_mapped(elf, ph->p_vaddr, ph->p_memsz, true);
	case PT_GNU_STACK:
		return !(ph->p_flags & PF_X);
	default:
		return false;
	}
}

static bool are_segments_sound(struct tables *t)
{
	const struct elf *elf = t->elf;
	Elf64_Ehdr header;
	uint64_t end = 0;
	unsigned dynamic_count = 0;
	memcpy(&header, elf->file.data, sizeof(header)); /* elf_parse() has seen it */
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr ph;
		memcpy(&ph, elf->file.data + header.e_phoff + i * sizeof(ph), sizeof(ph));
		if (!is_segment_sound(t, &ph, &end))
			return false;
		dynamic_count += ph.p_type == PT_DYNAMIC;
	}
	return dynamic_count == 1;
}

/* ---- The dynamic section ---- */

static bool is_entry_sound(const struct tables *t, const Elf64_Dyn *dyn)
{
	uint64_t value = dyn->d_un.d_val;
	switch (dyn->d_tag) {
	case DT_NEEDED:
	case DT_SONAME:
	case DT_RPATH:
	case DT_RUNPATH:
		return value < t->elf->strings.size;
	case DT_INIT_ARRAY:
		return is_mapped(t->elf, value, value_of(t, DT_INIT_ARRAYSZ), false);
	case DT_FINI_ARRAY:
		return is_mapped(t->elf, value, value_of(t, DT_FINI_ARRAYSZ), false);
	case DT_PLTGOT:
		return is_mapped(t->elf, value, PLTGOT_SIZE, true);
	case DT_FLAGS:
		return (value & ~(uint64_t)(DF_SYMBOLIC | DF_BIND_NOW)) == 0;
	case DT_FLAGS_1:
		return (value & ~(uint64_t)(DF_1_NOW | DF_1_NODELETE)) == 0;
	case DT_PLTREL:
		return value == DT_RELA;
	case DT_RELAENT:
		return value == sizeof(Elf64_Rela);
	case DT_INIT:
	case DT_FINI:
	case DT_INIT_ARRAYSZ:
	case DT_FINI_ARRAYSZ:
	case DT_HASH:
	case DT_GNU_HASH:
	case DT_STRTAB:
	case DT_SYMTAB:
	case DT_STRSZ:
	case DT_SYMENT:
	case DT_PLTRELSZ:
	case DT_JMPREL:
	case DT_RELA:
	case DT_RELASZ:
	case DT_RELACOUNT:
	case DT_BIND_NOW:
	case DT_SYMBOLIC:
	case DT_VERSYM:
	case DT_VERNEED:
	case DT_VERNEEDNUM:
		return true;
	default:
		return false;
	}
}

static bool is_dynamic_sound(const struct tables *t)
{
	const struct elf_part *part = &t->elf->dynamic;
	Elf64_Dyn dyn;
	for (uint64_t i = 0; i < DYNAMIC_MAX && i < part->size / sizeof(dyn); i++) {
		memcpy(&dyn, part->data + i * sizeof(dyn), sizeof(dyn));
		if (dyn.d_tag == DT_NULL)
			return true;
		uint64_t first;
		if (!is_entry_sound(t, &dyn) ||
			(dyn.d_tag != DT_NEEDED && has(t, dyn.d_tag, &first) &&
				first != dyn.d_un.d_val))
			return false;
	}
	return false; /* it has no end */
}

/* ---- Symbols ---- */

static bool are_symbols_sound(const struct tables *t)
{
	for (uint64_t i = 0; i < t->elf->symbol_count; i++) {
		struct elf_symbol symbol;
		if (elf_get_symbol(t->elf, i, &symbol) != 0)
			return false;
	}
	return true;
}

/* That the last chain ends was seen when the symbols were counted. */
static bool is_hash_sound(const struct tables *t)
{
	const struct elf *elf = t->elf;
	uint64_t addr;
	uint32_t head[4], bucket; /* buckets, first, bloom size, shift */
	const char *p =
		has(t, DT_GNU_HASH, &addr) ? elf_at(elf, addr, sizeof(head)) : NULL;
	if (p == NULL)
		return false;
	memcpy(head, p, sizeof(head));
	uint64_t skip = sizeof(head) + (uint64_t)head[2] * sizeof(uint64_t);
	p = elf_at(elf, addr, skip + (uint64_t)head[0] * sizeof(bucket));
	if (p == NULL || head[0] == 0 || head[2] == 0 || (head[2] & (head[2] - 1)) != 0 ||
		head[1] > elf->symbol_count || head[3] >= 64)
		return false;
	for (uint32_t i = 0; i < head[0]; i++) {
		memcpy(&bucket, p + skip + i * sizeof(bucket), sizeof(bucket));
		if (bucket != 0 && (bucket < head[1] || bucket >= elf->symbol_count))
			return false;
	}
	return true;
}

static bool is_needed(const struct elf *elf, const char *file)
{
	const char *name;
	for (uint64_t i = 0; (name = elf_get_needed(elf, i)) != NULL; i++)
		if (strcmp(name, file) == 0)
			return true;
	return false;
}

/* Which versions are asked of one library. */
static bool read_version_needs(struct tables *t, uint64_t addr, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		Elf64_Vernaux aux;
		const char *p = elf_at(t->elf, addr, sizeof(aux));
		if (p == NULL || i == CHAIN_MAX)
			return false;
		memcpy(&aux, p, sizeof(aux));
		unsigned number = aux.vna_other & 0x7fff;
		if (aux.vna_name >= t->elf->strings.size || number >= VERSIONS_MAX ||
			(aux.vna_next == 0) != (i + 1 == count))
			return false;
		t->is_version[number] = true;
		addr += aux.vna_next;
	}
	return count > 0;
}

static bool are_libraries_sound(struct tables *t, uint64_t addr)
{
	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		Elf64_Verneed need;
		const char *p = elf_at(t->elf, addr, sizeof(need));
		if (p == NULL)
			return false;
		memcpy(&need, p, sizeof(need));
		if (need.vn_version != VER_NEED_CURRENT ||
			need.vn_file >= t->elf->strings.size ||
			!is_needed(t->elf, t->elf->strings.data + need.vn_file) ||
			!read_version_needs(t, addr + need.vn_aux, need.vn_cnt))
			return false;
		if (need.vn_next == 0)
			return true;
		addr += need.vn_next;
	}
	return false;
}

static bool are_versions_sound(struct tables *t)
{
	uint64_t numbers, needs;
	bool has_numbers = has(t, DT_VERSYM, &numbers),
	     has_needs = has(t, DT_VERNEED, &needs);
	if (!has_numbers || !has_needs)
		return has_numbers == has_needs;
	t->is_version[VER_NDX_LOCAL] = t->is_version[VER_NDX_GLOBAL] = true;
	uint16_t number;
	const char *p = elf_at(t->elf, numbers, t->elf->symbol_count * sizeof(number));
	if (p == NULL || !are_libraries_sound(t, needs))
		return false;
	for (uint64_t i = 0; i < t->elf->symbol_count; i++) {
		memcpy(&number, p + i * sizeof(number), sizeof(number));
		number &= 0x7fff;
		if (number >= VERSIONS_MAX || !t->is_version[number])
			return false;
	}
	return true;
}

/* ---- Relocations ---- */

/* Does it write over what the linker still reads, or calls afterwards? */
static bool is_disturbing(
	const struct tables *t, const Elf64_Rela *rela, bool is_relative)
{
	uint64_t size = sizeof(uint64_t), at = rela->r_offset;
	return overlaps(at, size, t->dynamic, t->elf->dynamic.size) ||
	       (!is_relative && (overlaps(at, size, value_of(t, DT_INIT_ARRAY),
					 value_of(t, DT_INIT_ARRAYSZ)) ||
					overlaps(at, size, value_of(t, DT_FINI_ARRAY),
						value_of(t, DT_FINI_ARRAYSZ))));
}

static bool is_relocation_sound(const struct tables *t, const Elf64_Rela *rela)
{
#if defined(__x86_64__)
	uint64_t type = ELF64_R_TYPE(rela->r_info);
	bool is_relative = type == R_X86_64_RELATIVE;
	return (is_relative || type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT ||
		       type == R_X86_64_64) &&
	       ELF64_R_SYM(rela->r_info) < t->elf->symbol_count &&
	       is_mapped(t->elf, rela->r_offset, sizeof(uint64_t), true) &&
	       (!is_relative || is_mapped(t->elf, (uint64_t)rela->r_addend, 0, false)) &&
	       !is_disturbing(t, rela, is_relative);
#else
	return false;
#endif
}

/* The first relative_count are taken for relative ones, whatever they say. */
static bool are_relocations_sound(
	const struct tables *t, int64_t tag, int64_t size_tag, uint64_t relative_count)
{
	uint64_t addr, size = value_of(t, size_tag);
	if (!has(t, tag, &addr))
		return size == 0 && relative_count == 0;
	const char *p = elf_at(t->elf, addr, size);
	Elf64_Rela rela;
	uint64_t count = size / sizeof(rela);
	if (p == NULL || size % sizeof(rela) != 0 || relative_count > count)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		memcpy(&rela, p + i * sizeof(rela), sizeof(rela));
		if (!is_relocation_sound(t, &rela))
			return false;
#if defined(__x86_64__)
		if (i < relative_count && ELF64_R_TYPE(rela.r_info) != R_X86_64_RELATIVE)
			return false;
#endif
	}
	return true;
}

/* ---- What is sure to be damaged ---- */

static const char *find_stray_relocation(
	const struct tables *t, int64_t tag, int64_t size_tag)
{
	uint64_t addr, size = value_of(t, size_tag);
	if (!has(t, tag, &addr) || size == 0)
		return NULL;
	const char *p = elf_at(t->elf, addr, size);
	if (p == NULL)
		return "is damaged: its relocations are not in it";
	for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= size; at += sizeof(Elf64_Rela)) {
		Elf64_Rela rela;
		memcpy(&rela, p + at, sizeof(rela));
		if (ELF64_R_TYPE(rela.r_info) != 0 &&
			!is_mapped(t->elf, rela.r_offset, 1, false))
			return "is damaged: a relocation leads out of it";
	}
	return NULL;
}

const char *elf_find_stray(const struct elf *elf)
{
	struct tables t = {.elf = elf};
	Elf64_Ehdr header;
	memcpy(&header, elf->file.data, sizeof(header));
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr ph;
		memcpy(&ph, elf->file.data + header.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_GNU_RELRO &&
			!is_mapped(elf, ph.p_vaddr, ph.p_memsz, false))
			return "is damaged: what it protects is not in it";
	}
	const char *why = find_stray_relocation(&t, DT_RELA, DT_RELASZ);
	return why != NULL ? why : find_stray_relocation(&t, DT_JMPREL, DT_PLTRELSZ);
}

bool elf_is_sound(const struct elf *elf)
{
	struct tables t = {.elf = elf};
	uint64_t unused;
	return are_segments_sound(&t) && is_dynamic_sound(&t) && are_symbols_sound(&t) &&
	       is_hash_sound(&t) && are_versions_sound(&t) &&
	       has(&t, DT_JMPREL, &unused) == has(&t, DT_PLTREL, &unused) &&
	       are_relocations_sound(
		       &t, DT_RELA, DT_RELASZ, value_of(&t, DT_RELACOUNT)) &&
	       are_relocations_sound(&t, DT_JMPREL, DT_PLTRELSZ, 0);
}
