#include "trust.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim.h"

#define EC_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
#define WEEKS_S (30 * 86400L)

__attribute__((format(printf, 1, 2))) static bool run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	return system(command) == 0;
}

/* openssl believes that it is earlier: clocks are set back in a run. */
static bool make_past(const char *dir)
{
	struct shim past = {.wall_step_s = -WEEKS_S};
	char path[400];
	FILE *f;
	bool ok;

	snprintf(path, sizeof path, "%s/openssl.shim", dir);
	f = fopen(path, "w");
	if (f == NULL)
		return false;
	ok = fwrite(&past, sizeof past, 1, f) == 1;
	return fclose(f) == 0 && ok;
}

bool trust_make(const char *dir, int n, const char *shim)
{
	char as[900];

	if (!make_past(dir))
		return false;
	snprintf(as, sizeof as,
		"cd %s && SVCD_FAULT_SHIM=openssl.shim LD_PRELOAD=%s "
		"openssl >openssl.log 2>&1",
		dir, shim);
	if (!run("%s req -x509 " EC_KEY " -days 3000 -subj /CN=authority -keyout ca.key "
		 "-out ca.pem",
		    as))
		return false;
	for (int i = 0; i < n; i++)
		if (!run("%s req " EC_KEY " -subj /CN=m%d -keyout m%d.key -out m%d.csr",
			    as, i, i, i) ||
			!run("%s x509 -req -in m%d.csr -CA ca.pem -CAkey ca.key "
			     "-CAcreateserial -days 3000 -out m%d.pem",
				as, i, i))
			return false;
	return true;
}
