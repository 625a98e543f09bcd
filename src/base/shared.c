#include "base/bytes.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct shared *shared_new(struct bytes v)
{
	struct shared *s;

	if (v.len > SIZE_MAX - sizeof(*s))
		return NULL;
	s = malloc(sizeof(*s) + v.len);
	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	s->len = v.len;
	if (v.len > 0)
		memcpy(s->data, v.data, v.len);
	return s;
}

struct shared *shared_ref(struct shared *s)
{
	uint32_t before = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);

	assert(before > 0 && before < UINT32_MAX);
	return s;
}

void shared_unref(struct shared *s)
{
	uint32_t before;

	if (s == NULL)
		return;
	before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before == 1)
		free(s);
}
