/* Configuration file: any bytes end in settings within their ranges or in problems, never
 * in a crash. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *sink;
	struct settings s, again;
	struct problems p;
	struct bytes text = bytes_of(data, size);

	if (sink == NULL)
		sink = fopen("/dev/null", "w");
	settings_init(&s);
	problems_init(&p, "fuzz");
	config_parse(text, &s, NULL, &p);
	problems_print(&p, text, sink);
	if (p.n > 0)
		return 0;
	/* what was accepted can be printed and set again */
	again = s;
	for (size_t i = 0; i < setting_count; i++) {
		char value[SETTING_TEXT_MAX];

		setting_clear(&again, &setting_rows[i]);
		for (uint32_t n = 0;
			setting_print(&s, &setting_rows[i], n, value, sizeof value); n++)
			if (setting_set(&again, &setting_rows[i], value, NULL) != 0)
				abort();
	}
	return 0;
}
