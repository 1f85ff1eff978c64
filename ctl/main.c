#include <stdio.h>

int main(int argc, char **argv)
{
	fprintf(stderr, "Unknown command '%s'\n", argc > 1 ? argv[1] : "nil");
	return 64;
}
