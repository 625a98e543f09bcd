#include "client/query.h"

#include "wire/pack.h"

#define COUNT_MAX 1000

bool query_is_sound(const struct svcd_query *q)
{
	if (q->service == NULL || *q->service == '\0')
		return false;
	if (q->n_tags > COUNT_MAX || (q->n_tags > 0 && q->tags == NULL))
		return false;
	if (q->n_meta > COUNT_MAX || (q->n_meta > 0 && q->meta == NULL))
		return false;
	for (size_t i = 0; i < q->n_tags; i++)
		if (q->tags[i] == NULL)
			return false;
	for (size_t i = 0; i < q->n_meta; i++)
		if (q->meta[i].key == NULL || q->meta[i].value == NULL)
			return false;
	return true;
}

static uint32_t put_text(struct buf *b, const char *key, const char *text)
{
	if (text == NULL)
		return 0;
	pack_kv_cstr(b, key, text);
	return 1;
}

static uint32_t put_states(struct buf *b, bool all)
{
	static const char *const names[] = {"up", "warm", "pending", "drain", "down"};
	uint32_t n = sizeof(names) / sizeof(names[0]);

	if (!all)
		return 0;
	pack_cstr(b, "states");
	pack_array(b, n);
	for (uint32_t i = 0; i < n; i++)
		pack_cstr(b, names[i]);
	return 1;
}

static uint32_t put_tags(struct buf *b, const struct svcd_query *q)
{
	if (q->n_tags == 0)
		return 0;
	pack_cstr(b, "tags");
	pack_array(b, (uint32_t)q->n_tags);
	for (size_t i = 0; i < q->n_tags; i++)
		pack_cstr(b, q->tags[i]);
	return 1;
}

static uint32_t put_meta(struct buf *b, const struct svcd_query *q)
{
	if (q->n_meta == 0)
		return 0;
	pack_cstr(b, "meta");
	pack_map(b, (uint32_t)q->n_meta);
	for (size_t i = 0; i < q->n_meta; i++)
		pack_kv_cstr(b, q->meta[i].key, q->meta[i].value);
	return 1;
}

uint32_t query_pack(struct buf *b, const struct svcd_query *q)
{
	uint32_t n = 0;

	n += put_text(b, "ns", q->ns != NULL ? q->ns : QUERY_DEFAULT_NS);
	n += put_text(b, "service", q->service);
	n += put_states(b, q->all_states);
	n += put_tags(b, q);
	n += put_text(b, "version", q->version);
	n += put_text(b, "zone", q->zone);
	n += put_meta(b, q);
	if (q->limit != 0) {
		pack_kv_u64(b, "limit", q->limit);
		n++;
	}
	return n;
}
