#include "proto/elf.h"

#include "fuzz.h"

/* Whatever the file says, what is handed out lies in it and ends with NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf elf;
	char error[ELF_ERROR_SIZE], text[ELF_BUILD_ID_TEXT_SIZE];
	if (elf_parse(&elf, (const char *)data, size, error) != 0) {
		fuzz_check(error[0] != '\0' && strlen(error) < sizeof(error) - 1);
		return 0;
	}
	struct elf_symbol sym;
	for (uint64_t i = 0; i < elf.symbol_count; i++)
		if (elf_get_symbol(&elf, i, &sym) == 0) {
			fuzz_touch(sym.name, strlen(sym.name) + 1);
			if (i > 0 && i < 64)
				fuzz_check((elf_find_function(&elf, sym.name) ==
						   ELF_FOUND) >= sym.is_function);
		}
	fuzz_check(elf_get_symbol(&elf, elf.symbol_count, &sym) != 0);
	const char *needed;
	for (uint64_t i = 0; (needed = elf_get_needed(&elf, i)) != NULL; i++)
		fuzz_touch(needed, strlen(needed) + 1);
	fuzz_touch_range(elf.dynamic.data, elf.dynamic.data + elf.dynamic.size);
	elf_is_sound(&elf);
	elf_format_build_id(&elf, text);
	fuzz_check(strlen(text) == 2 * elf.build_id_len);
	return 0;
}
