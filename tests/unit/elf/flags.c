/* Linked with -z nodelete; its thread-local variable wants room in the static block. */
static __thread int count __attribute__((tls_model("initial-exec")));

int elf_count(void);

int elf_count(void)
{
	return ++count;
}
