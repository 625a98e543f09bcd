#include "svcctl/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *mem_check(void *p)
{
	if (p != NULL)
		return p;
	fputs("svcctl: error: out of memory\n", stderr);
	exit(1);
}

void *mem_zero(size_t n, size_t size)
{
	return mem_check(calloc(n > 0 ? n : 1, size));
}

void *mem_resize(void *p, size_t n, size_t size)
{
	return mem_check(reallocarray(p, n, size));
}

char *mem_copy(const char *text)
{
	return mem_check(strdup(text));
}

char *mem_copy_part(const char *text, size_t len)
{
	return mem_check(strndup(text, len));
}

char *mem_format(const char *format, ...)
{
	char *out = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&out, format, ap);
	va_end(ap);
	return mem_check(n < 0 ? NULL : out);
}

void texts_add(struct texts *t, char *text)
{
	t->items = mem_resize(t->items, t->n + 2, sizeof(*t->items));
	t->items[t->n++] = text;
	t->items[t->n] = NULL;
}

void texts_fini(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->items[i]);
	free(t->items);
	*t = (struct texts){NULL, 0};
}
