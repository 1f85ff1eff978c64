/*
 * Happy path: header, program headers, dynamic section, symbol and string table,
 * how many symbols, notes. Failure modes: whatever lies outside of the file makes
 * it "cut short" (a half-written or truncated file), a table that contradicts
 * itself makes it "damaged".
 */
#include "proto/elf.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define ELF_HOST EM_X86_64
#elif defined(__aarch64__)
#define ELF_HOST EM_AARCH64
#elif defined(__riscv)
#define ELF_HOST EM_RISCV
#else
#define ELF_HOST EM_NONE
#endif

/* Values of elf.h's DF_1_PIE, which older systems lack. */
#define ELF_DF_1_PIE 0x08000000

#define TEXT_CUT_SHORT "is cut short"

static int fail(char *error, const char *text)
{
	snprintf(error, ELF_ERROR_SIZE, "%s", text);
	return -1;
}

/** n bytes at an offset; NULL when they are not all there. */
static const char *part_at(const struct elf_part *part, uint64_t offset, uint64_t n)
{
	if (offset > part->size || n > part->size - offset)
		return NULL;
	return part->data + offset;
}

/** Copy a structure out: nothing in a file is aligned. */
static bool part_read(
	const struct elf_part *part, uint64_t offset, void *out, size_t size)
{
	const char *p = part_at(part, offset, size);
	if (p != NULL)
		memcpy(out, p, size);
	return p != NULL;
}

/** What stands in the file for an address of the loaded image, up to its segment's end.
 */
static struct elf_part part_of_address(const struct elf *elf, uint64_t vaddr)
{
	for (unsigned i = 0; i < elf->load_count; i++) {
		const struct elf_segment *s = &elf->loads[i];
		if (vaddr < s->vaddr || vaddr - s->vaddr >= s->filesz)
			continue;
		uint64_t skip = vaddr - s->vaddr;
		return (struct elf_part){
			elf->file.data + s->offset + skip, s->filesz - skip};
	}
	return (struct elf_part){NULL, 0};
}

static bool is_executable_address(const struct elf *elf, uint64_t vaddr)
{
	for (unsigned i = 0; i < elf->load_count; i++) {
		const struct elf_segment *s = &elf->loads[i];
		if (s->is_executable && vaddr >= s->vaddr && vaddr - s->vaddr < s->filesz)
			return true;
	}
	return false;
}

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_386:
		return "i386";
	case EM_X86_64:
		return "x86-64";
	case EM_ARM:
		return "ARM";
	case EM_AARCH64:
		return "aarch64";
	case EM_PPC64:
		return "ppc64";
	case EM_RISCV:
		return "RISC-V";
	case EM_S390:
		return "s390";
	default:
		return "another machine";
	}
}

static int check_ident(const unsigned char *ident, char *error)
{
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return fail(error, "is not an ELF file");
	if (ident[EI_CLASS] != ELFCLASS64)
		return fail(error, "is not made for this machine: it is no 64-bit file");
	if (ident[EI_DATA] != ELFDATA2LSB)
		return fail(error, "is not made for this machine: it is big-endian");
	if (ident[EI_VERSION] != EV_CURRENT)
		return fail(error, "is of an unknown version of ELF");
	if (ident[EI_OSABI] != ELFOSABI_NONE && ident[EI_OSABI] != ELFOSABI_GNU)
		return fail(error, "is not made for Linux");
	return 0;
}

static int check_type(const Elf64_Ehdr *header, char *error)
{
	if (header->e_machine != ELF_HOST) {
		snprintf(error, ELF_ERROR_SIZE,
			"is not made for this machine: it is for %s, this is %s",
			machine_name(header->e_machine), machine_name(ELF_HOST));
		return -1;
	}
	switch (header->e_type) {
	case ET_DYN:
		return 0;
	case ET_REL:
		return fail(error, "is an object file: link it with -shared");
	case ET_EXEC:
		return fail(error, "is a program, not a shared library");
	default:
		return fail(error, "is not a shared library");
	}
}

static int read_header(const struct elf *elf, Elf64_Ehdr *header, char *error)
{
	if (elf->file.size == 0)
		return fail(error, "is empty");
	size_t n = elf->file.size < SELFMAG ? elf->file.size : SELFMAG;
	if (memcmp(elf->file.data, ELFMAG, n) != 0)
		return fail(error, "is not an ELF file");
	if (!part_read(&elf->file, 0, header, sizeof(*header)))
		return fail(error, TEXT_CUT_SHORT);
	if (check_ident(header->e_ident, error) != 0)
		return -1;
	return check_type(header, error);
}

/** Everything that the section table names must be there too: it stands last in a file.
 */
static int check_sections(const struct elf *elf, const Elf64_Ehdr *header, char *error)
{
	if (header->e_shoff == 0)
		return 0;
	Elf64_Shdr section;
	if (header->e_shentsize != sizeof(section))
		return fail(error, "is damaged: entries of its section table are odd");
	uint64_t count = header->e_shnum;
	if (!part_read(&elf->file, header->e_shoff, &section, sizeof(section)))
		return fail(error, TEXT_CUT_SHORT);
	if (count == 0)
		count = section.sh_size;
	if (count > elf->file.size / sizeof(section) ||
		part_at(&elf->file, header->e_shoff, count * sizeof(section)) == NULL)
		return fail(error, TEXT_CUT_SHORT);
	for (uint64_t i = 1; i < count; i++) {
		part_read(&elf->file, header->e_shoff + i * sizeof(section), &section,
			sizeof(section));
		if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
			part_at(&elf->file, section.sh_offset, section.sh_size) == NULL)
			return fail(error, TEXT_CUT_SHORT);
	}
	return 0;
}

static int add_load(struct elf *elf, const Elf64_Phdr *ph, char *error)
{
	if (ph->p_memsz < ph->p_filesz || ph->p_vaddr + ph->p_memsz < ph->p_vaddr)
		return fail(error, "is damaged: a segment is larger than its memory");
	elf->loads[elf->load_count++] = (struct elf_segment){
		.vaddr = ph->p_vaddr,
		.offset = ph->p_offset,
		.filesz = ph->p_filesz,
		.memsz = ph->p_memsz,
		.is_executable = (ph->p_flags & PF_X) != 0,
		.is_writable = (ph->p_flags & PF_W) != 0,
	};
	return 0;
}

/** The build-id among the notes of a PT_NOTE segment. */
static void read_notes(struct elf *elf, const struct elf_part *notes, uint64_t align)
{
	uint64_t mask = align == 8 ? 7 : 3, pos = 0;
	Elf64_Nhdr note;
	while (elf->build_id_len == 0 && part_read(notes, pos, &note, sizeof(note))) {
		uint64_t name = pos + sizeof(note);
		uint64_t desc = (name + note.n_namesz + mask) & ~mask;
		const char *owner = part_at(notes, name, note.n_namesz);
		const char *id = part_at(notes, desc, note.n_descsz);
		if (owner == NULL || id == NULL)
			return;
		if (note.n_type == NT_GNU_BUILD_ID &&
			note.n_namesz == sizeof(ELF_NOTE_GNU) &&
			memcmp(owner, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 &&
			note.n_descsz <= ELF_BUILD_ID_MAX) {
			memcpy(elf->build_id, id, note.n_descsz);
			elf->build_id_len = note.n_descsz;
		}
		pos = (desc + note.n_descsz + mask) & ~mask;
	}
}

static int read_segments(struct elf *elf, const Elf64_Ehdr *header, char *error)
{
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
		return fail(error, "is not a shared library: it has nothing to load");
	if (header->e_phnum > ELF_SEGMENTS_MAX)
		return fail(error, "is damaged: it has too many segments");
	for (unsigned i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr ph;
		if (!part_read(&elf->file, header->e_phoff + i * sizeof(ph), &ph,
			    sizeof(ph)))
			return fail(error, TEXT_CUT_SHORT);
		if (ph.p_type == PT_NULL || ph.p_type == PT_GNU_STACK)
			continue;
		const char *data = part_at(&elf->file, ph.p_offset, ph.p_filesz);
		if (data == NULL)
			return fail(error, TEXT_CUT_SHORT);
		struct elf_part part = {data, ph.p_filesz};
		if (ph.p_type == PT_LOAD && add_load(elf, &ph, error) != 0)
			return -1;
		if (ph.p_type == PT_NOTE)
			read_notes(elf, &part, ph.p_align);
		if (ph.p_type == PT_DYNAMIC)
			elf->dynamic = part;
	}
	if (elf->dynamic.data == NULL || elf->load_count == 0)
		return fail(error, "is not a shared library: it has no dynamic section");
	return 0;
}

/** Entry of the dynamic section; false behind the last one. */
static bool get_entry(const struct elf *elf, uint64_t number, Elf64_Dyn *ret)
{
	return number < elf->dynamic.size / sizeof(*ret) &&
	       part_read(&elf->dynamic, number * sizeof(*ret), ret, sizeof(*ret)) &&
	       ret->d_tag != DT_NULL;
}

/* What the dynamic section says. */
struct dynamic {
	uint64_t symtab, strtab, strsz, syment, hash, gnu_hash, flags, flags_1;
};

static void read_dynamic(const struct elf *elf, struct dynamic *ret)
{
	Elf64_Dyn d;
	for (uint64_t i = 0; get_entry(elf, i, &d); i++) {
		if (d.d_tag == DT_SYMTAB)
			ret->symtab = d.d_un.d_ptr;
		else if (d.d_tag == DT_STRTAB)
			ret->strtab = d.d_un.d_ptr;
		else if (d.d_tag == DT_STRSZ)
			ret->strsz = d.d_un.d_val;
		else if (d.d_tag == DT_SYMENT)
			ret->syment = d.d_un.d_val;
		else if (d.d_tag == DT_HASH)
			ret->hash = d.d_un.d_ptr;
		else if (d.d_tag == DT_GNU_HASH)
			ret->gnu_hash = d.d_un.d_ptr;
		else if (d.d_tag == DT_FLAGS)
			ret->flags = d.d_un.d_val;
		else if (d.d_tag == DT_FLAGS_1)
			ret->flags_1 = d.d_un.d_val;
	}
}

/**
 * The GNU hash table does not say how many symbols there are: it is the end of the
 * last chain.
 * @return false when it is damaged
 */
static bool count_gnu_hash(const struct elf_part *table, uint64_t *ret_count)
{
	uint32_t head[4], last = 0, bucket = 0, link; /* buckets, first, bloom size */
	if (!part_read(table, 0, head, sizeof(head)))
		return false;
	uint64_t buckets = sizeof(head) + (uint64_t)head[2] * sizeof(uint64_t);
	uint64_t chains = buckets + (uint64_t)head[0] * sizeof(bucket);
	if (part_at(table, chains, 0) == NULL)
		return false;
	for (uint64_t i = 0; i < head[0]; i++) {
		part_read(table, buckets + i * sizeof(bucket), &bucket, sizeof(bucket));
		if (bucket > last)
			last = bucket;
	}
	*ret_count = head[1];
	if (last < head[1])
		return last == 0; /* no bucket is used: nothing is exported */
	for (uint64_t i = last;; i++) {
		if (!part_read(table, chains + (i - head[1]) * sizeof(link), &link,
			    sizeof(link)))
			return false;
		*ret_count = i + 1;
		if (link & 1)
			return true;
	}
}

static bool count_symbols(const struct elf *elf, const struct dynamic *dyn, uint64_t *ret)
{
	struct elf_part table = part_of_address(elf, dyn->gnu_hash);
	if (dyn->gnu_hash != 0)
		return count_gnu_hash(&table, ret);
	uint32_t head[2]; /* buckets, symbols */
	table = part_of_address(elf, dyn->hash);
	if (dyn->hash == 0 || !part_read(&table, 0, head, sizeof(head)))
		return false;
	*ret = head[1];
	return true;
}

static int read_tables(struct elf *elf, const struct dynamic *dyn, char *error)
{
	static const char odd[] = "is damaged: its symbol table makes no sense";
	if (dyn->syment != sizeof(Elf64_Sym))
		return fail(error, odd);
	elf->symbols = part_of_address(elf, dyn->symtab);
	elf->strings = part_of_address(elf, dyn->strtab);
	if (elf->symbols.data == NULL || elf->strings.data == NULL ||
		elf->strings.size < dyn->strsz || dyn->strsz == 0)
		return fail(error, odd);
	elf->strings.size = dyn->strsz;
	if (elf->strings.data[dyn->strsz - 1] != '\0')
		return fail(error, odd);
	if (!count_symbols(elf, dyn, &elf->symbol_count) ||
		elf->symbol_count > elf->symbols.size / sizeof(Elf64_Sym))
		return fail(error, odd);
	elf->symbols.size = elf->symbol_count * sizeof(Elf64_Sym);
	return 0;
}

static bool has_unique_symbol(const struct elf *elf)
{
	for (uint64_t i = 1; i < elf->symbol_count; i++) {
		Elf64_Sym sym;
		if (part_read(&elf->symbols, i * sizeof(sym), &sym, sizeof(sym)) &&
			ELF64_ST_BIND(sym.st_info) == STB_GNU_UNIQUE &&
			sym.st_shndx != SHN_UNDEF)
			return true;
	}
	return false;
}

int elf_parse(struct elf *ret, const char *data, size_t size, char error[ELF_ERROR_SIZE])
{
	Elf64_Ehdr header;
	struct dynamic dyn = {0};
	memset(ret, 0, sizeof(*ret));
	ret->file = (struct elf_part){data, size};
	if (read_header(ret, &header, error) != 0 ||
		read_segments(ret, &header, error) != 0 ||
		check_sections(ret, &header, error) != 0)
		return -1;
	read_dynamic(ret, &dyn);
	if (dyn.flags_1 & ELF_DF_1_PIE)
		return fail(error, "is a program, not a shared library");
	if (read_tables(ret, &dyn, error) != 0)
		return -1;
	const char *stray = elf_find_stray(ret);
	if (stray != NULL)
		return fail(error, stray);
	ret->is_nodelete = (dyn.flags_1 & DF_1_NODELETE) != 0;
	ret->has_static_tls = (dyn.flags & DF_STATIC_TLS) != 0;
	ret->has_unique = has_unique_symbol(ret);
	return 0;
}

static const char *get_string(const struct elf *elf, uint64_t offset)
{
	/* The table ends with a NUL. */
	return offset < elf->strings.size ? elf->strings.data + offset : NULL;
}

int elf_get_symbol(const struct elf *elf, uint64_t number, struct elf_symbol *ret)
{
	Elf64_Sym sym;
	if (number >= elf->symbol_count ||
		!part_read(&elf->symbols, number * sizeof(sym), &sym, sizeof(sym)))
		return -1;
	ret->name = get_string(elf, sym.st_name);
	if (ret->name == NULL)
		return -1;
	unsigned bind = ELF64_ST_BIND(sym.st_info), type = ELF64_ST_TYPE(sym.st_info);
	unsigned visibility = ELF64_ST_VISIBILITY(sym.st_other);
	ret->is_defined =
		sym.st_shndx != SHN_UNDEF &&
		(bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
		(visibility == STV_DEFAULT || visibility == STV_PROTECTED);
	ret->is_function =
		ret->is_defined &&
		(type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
		is_executable_address(elf, sym.st_value);
	return 0;
}

enum elf_find elf_find_function(const struct elf *elf, const char *name)
{
	enum elf_find found = ELF_MISSING;
	for (uint64_t i = 1; i < elf->symbol_count; i++) {
		struct elf_symbol sym;
		if (elf_get_symbol(elf, i, &sym) != 0 || strcmp(sym.name, name) != 0)
			continue;
		if (sym.is_function)
			return ELF_FOUND;
		found = sym.is_defined ? ELF_NO_FUNCTION : ELF_IMPORTED;
	}
	return found;
}

const char *elf_get_needed(const struct elf *elf, uint64_t number)
{
	Elf64_Dyn d;
	for (uint64_t i = 0; get_entry(elf, i, &d); i++)
		if (d.d_tag == DT_NEEDED && number-- == 0)
			return get_string(elf, d.d_un.d_val);
	return NULL;
}

bool elf_get_dynamic(const struct elf *elf, int64_t tag, uint64_t *ret)
{
	Elf64_Dyn d;
	for (uint64_t i = 0; get_entry(elf, i, &d); i++) {
		if (d.d_tag != tag)
			continue;
		*ret = d.d_un.d_val;
		return true;
	}
	return false;
}

const char *elf_at(const struct elf *elf, uint64_t vaddr, uint64_t size)
{
	struct elf_part part = part_of_address(elf, vaddr);
	return part.data != NULL ? part_at(&part, 0, size) : NULL;
}

void elf_format_build_id(const struct elf *elf, char text[ELF_BUILD_ID_TEXT_SIZE])
{
	for (size_t i = 0; i < elf->build_id_len; i++)
		snprintf(text + 2 * i, 3, "%02x", elf->build_id[i]);
	text[2 * elf->build_id_len] = '\0';
}
