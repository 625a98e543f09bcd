#include "catalog/scratch.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)

struct scratch_chunk {
	struct scratch_chunk *next;
	size_t used, cap;
	alignas(max_align_t) uint8_t data[];
};

static void free_chunks(struct scratch_chunk *c)
{
	while (c != NULL) {
		struct scratch_chunk *next = c->next;

		free(c);
		c = next;
	}
}

void scratch_fini(struct scratch *s)
{
	free_chunks(s->first);
	*s = (struct scratch){0};
}

void scratch_reset(struct scratch *s)
{
	s->failed = false;
	if (s->first == NULL)
		return;
	free_chunks(s->first->next);
	s->first->next = NULL;
	s->first->used = 0;
	s->current = s->first;
}

static struct scratch_chunk *add_chunk(struct scratch *s, size_t n)
{
	size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;
	struct scratch_chunk *c = malloc(sizeof(*c) + cap);

	if (c == NULL) {
		s->failed = true;
		return NULL;
	}
	c->next = NULL;
	c->used = 0;
	c->cap = cap;
	if (s->current != NULL)
		s->current->next = c;
	else
		s->first = c;
	s->current = c;
	return c;
}

void *scratch_alloc(struct scratch *s, size_t n)
{
	struct scratch_chunk *c = s->current;
	size_t mask = alignof(max_align_t) - 1, size = (n + mask) & ~mask;

	if (s->failed)
		return NULL;
	if (c == NULL || c->cap - c->used < size)
		c = add_chunk(s, size);
	if (c == NULL)
		return NULL;
	c->used += size;
	return c->data + c->used - size;
}

struct bytes scratch_copy(struct scratch *s, struct bytes v)
{
	uint8_t *p = scratch_alloc(s, v.len);

	if (p == NULL)
		return BYTES_NONE;
	if (v.len > 0)
		memcpy(p, v.data, v.len);
	return bytes_of(p, v.len);
}
