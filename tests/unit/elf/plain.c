/* What test_elf reads: functions, data, a symbol of somebody else. */
extern int elf_elsewhere(void);

int elf_data = 1;
static int hidden_count;

int elf_function(void)
{
	return ++hidden_count + elf_data;
}

__attribute__((weak)) int elf_weak(void)
{
	return 2;
}

__attribute__((visibility("hidden"))) int elf_hidden(void)
{
	return elf_elsewhere();
}

__attribute__((visibility("protected"))) int elf_protected(void)
{
	return elf_hidden();
}
