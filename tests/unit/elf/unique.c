/* What a C++ compiler makes of a static variable of an inline function. */
__asm__(".data\n"
	".globl elf_unique\n"
	".type elf_unique, @gnu_unique_object\n"
	".size elf_unique, 4\n"
	"elf_unique: .long 7\n"
	".text\n");

extern int elf_unique;
int elf_get_unique(void);

int elf_get_unique(void)
{
	return elf_unique;
}
