#include "catalog/answer.h"

#include "wire/pack.h"

void answer_u64(struct answer *a, const char *key, uint64_t v)
{
	pack_kv_u64(a->out, key, v);
	a->n++;
}

void answer_text(struct answer *a, const char *key, const char *v)
{
	pack_kv_cstr(a->out, key, v);
	a->n++;
}

void answer_str(struct answer *a, const char *key, struct bytes v)
{
	pack_kv_str(a->out, key, v);
	a->n++;
}

void answer_str_if(struct answer *a, const char *key, struct bytes v)
{
	if (v.len > 0)
		answer_str(a, key, v);
}

void answer_u64_if(struct answer *a, const char *key, uint64_t v)
{
	if (v != 0)
		answer_u64(a, key, v);
}

#define LONG_ARRAY 0xdd

void page_begin(struct page *p, struct answer *a, const char *key, uint32_t limit)
{
	pack_cstr(a->out, key);
	buf_put_u8(a->out, LONG_ARRAY);
	*p = (struct page){
		.a = a, .head = a->out->len, .from = a->out->len, .limit = limit};
	buf_put_be32(a->out, 0);
	a->n++;
}

bool page_full(const struct page *p)
{
	return (p->limit != 0 && p->n >= p->limit) || p->items >= ANSWER_ITEMS_MAX ||
		p->a->out->len - p->from >= ANSWER_BYTES_MAX || p->a->out->error != 0;
}

void page_added(struct page *p, uint32_t items)
{
	p->n++;
	p->items += items + 1;
}

void page_end(struct page *p)
{
	struct buf *out = p->a->out;

	if (out->error != 0)
		return;
	for (int i = 0; i < 4; i++)
		out->data[p->head + (size_t)i] = (uint8_t)(p->n >> (24 - 8 * i));
}

void answer_service_key(struct answer *a, const struct service_key *k)
{
	answer_str(a, "ns", k->ns);
	answer_str(a, "service", k->service);
}

uint32_t service_usable(const struct service *s)
{
	return s->by_effective[EFFECTIVE_UP] + s->by_effective[EFFECTIVE_WARM] +
		s->by_effective[EFFECTIVE_PENDING];
}

uint32_t seen_items(const struct instance *i)
{
	return 2 * SEEN_OWN + spec_items(i->spec);
}

int answer_no_service(const struct service_key *k, struct err *e)
{
	return err_set(e, SVCD_ENOSERVICE, "no service '%.*s' in namespace '%.*s'",
		(int)k->service.len, (const char *)k->service.data, (int)k->ns.len,
		(const char *)k->ns.data);
}
