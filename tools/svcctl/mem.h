/*
 * Memory for a short-lived program: whoever runs out of it says so and exits with 1.
 */
#ifndef SVCCTL_MEM_H
#define SVCCTL_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *mem_zero(size_t n, size_t size);             /* calloc */
void *mem_resize(void *p, size_t n, size_t size);  /* reallocarray */
char *mem_copy(const char *text);                  /* strdup */
char *mem_copy_part(const char *text, size_t len); /* strndup */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* For what comes back as NULL only when memory ran out: hands p on. */
void *mem_check(void *p);

/* A list of texts that grows; zero-initialised is valid. items ends with NULL once it is
 * not empty. */
struct texts {
	char **items;
	size_t n;
};

void texts_add(struct texts *t, char *text); /* takes it */
void texts_fini(struct texts *t);

#endif
