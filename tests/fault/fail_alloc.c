#include "fail_alloc.h"

#include <errno.h>
#include <stddef.h>

static _Thread_local bool armed;
static _Thread_local bool fired;
static _Thread_local unsigned before;

void fail_alloc_arm(unsigned n)
{
	before = n;
	fired = false;
	armed = true;
}

bool fail_alloc_disarm(void)
{
	armed = false;
	return fired;
}

static bool must_fail(void)
{
	if (!armed || fired)
		return false;
	if (before > 0) {
		before--;
		return false;
	}
	fired = true;
	errno = ENOMEM;
	return true;
}

#ifdef SVCD_SANITIZED /* the sanitizer owns the real names: the linker redirects ours */
#define NAME(f) __wrap_##f
#define REAL(f) __real_##f
#else
#define NAME(f) f
#define REAL(f) __libc_##f
#endif

/* Visible, or shared libraries would go on calling libc's. */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *NAME(malloc)(size_t size);
EXPORTED void *NAME(calloc)(size_t n, size_t size);
EXPORTED void *NAME(realloc)(void *p, size_t size);
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *p, size_t size);

void *NAME(malloc)(size_t size)
{
	return must_fail() ? NULL : REAL(malloc)(size);
}

void *NAME(calloc)(size_t n, size_t size)
{
	return must_fail() ? NULL : REAL(calloc)(n, size);
}

void *NAME(realloc)(void *p, size_t size)
{
	return must_fail() ? NULL : REAL(realloc)(p, size);
}
