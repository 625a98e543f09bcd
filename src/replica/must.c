#include "replica/must.h"

#include <stdlib.h>

#include "base/log.h"

void must(int code, const char *what)
{
	if (code == 0)
		return;
	log_error("disk_failed", L_STR("what", what), L_ERR(code));
	abort();
}
