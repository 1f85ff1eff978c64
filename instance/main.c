#include "instance/base/diag.h"

int main(void)
{
	return diag_last() == NULL ? 0 : 1;
}
