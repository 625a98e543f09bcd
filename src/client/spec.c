#include "client/spec.h"

#include <stdlib.h>
#include <string.h>

#include "wire/pack.h"

#define SPEC_BYTES_MAX ((size_t)64 << 10) /* the registry's own limit is lower */
#define COUNT_MAX 1000                    /* of anything in a list; likewise */
#define DEFAULT_NS "default"

/* ---- is it possible to send it? ---------------------------------------- */

static bool has_text(const char *text)
{
	return text != NULL && *text != '\0';
}

static bool lists_are_there(const struct svcd_instance *in)
{
	const struct {
		const void *list;
		size_t n;
	} lists[] = {
		{in->addresses, in->n_addresses},
		{in->ports, in->n_ports},
		{in->tags, in->n_tags},
		{in->meta, in->n_meta},
		{in->checks, in->n_checks},
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].n > COUNT_MAX || (lists[i].n > 0 && lists[i].list == NULL))
			return false;
	return true;
}

static bool elements_are_there(const struct svcd_instance *in)
{
	for (size_t i = 0; i < in->n_addresses; i++)
		if (in->addresses[i] == NULL)
			return false;
	for (size_t i = 0; i < in->n_tags; i++)
		if (in->tags[i] == NULL)
			return false;
	for (size_t i = 0; i < in->n_meta; i++)
		if (in->meta[i].key == NULL || in->meta[i].value == NULL)
			return false;
	for (size_t i = 0; i < in->n_checks; i++)
		if (in->checks[i].type == NULL)
			return false;
	return true;
}

/* ---- packing: each function returns how many entries it made ----------- */

static uint32_t put_text(struct buf *b, const char *key, const char *text)
{
	if (text == NULL)
		return 0;
	pack_kv_cstr(b, key, text);
	return 1;
}

static uint32_t put_number(struct buf *b, const char *key, uint64_t number)
{
	if (number == 0)
		return 0;
	pack_kv_u64(b, key, number);
	return 1;
}

static uint32_t put_list(
	struct buf *b, const char *key, const char *const *list, size_t n)
{
	if (n == 0)
		return 0;
	pack_cstr(b, key);
	pack_array(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		pack_cstr(b, list[i]);
	return 1;
}

static uint32_t put_pairs(
	struct buf *b, const char *key, const struct svcd_pair *pairs, size_t n)
{
	if (n == 0)
		return 0;
	pack_cstr(b, key);
	pack_map(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		pack_kv_cstr(b, pairs[i].key, pairs[i].value);
	return 1;
}

static uint32_t put_ports(struct buf *b, const struct svcd_port *ports, size_t n)
{
	if (n == 0)
		return 0;
	pack_cstr(b, "ports");
	pack_map(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		const struct svcd_port *p = &ports[i];

		pack_cstr(b, has_text(p->name) ? p->name : "default");
		pack_map(b, 1u + (p->protocol != NULL) + p->tls);
		pack_kv_u64(b, "port", p->number);
		put_text(b, "protocol", p->protocol);
		if (p->tls)
			pack_kv_bool(b, "tls", true);
	}
	return 1;
}

static uint32_t put_locality(struct buf *b, const struct svcd_instance *in)
{
	uint32_t n = 0;
	size_t mark;

	if (in->region == NULL && in->zone == NULL && in->rack == NULL &&
		in->host == NULL)
		return 0;
	pack_cstr(b, "locality");
	mark = pack_map_begin(b);
	n += put_text(b, "region", in->region);
	n += put_text(b, "zone", in->zone);
	n += put_text(b, "rack", in->rack);
	n += put_text(b, "host", in->host);
	pack_map_end(b, mark, n);
	return 1;
}

static void put_check(struct buf *b, const struct svcd_check *c)
{
	size_t mark = pack_map_begin(b);
	uint32_t n = 0;

	n += put_text(b, "name", c->name);
	n += put_text(b, "type", c->type);
	n += put_text(b, "port", c->port);
	n += put_text(b, "path", c->path);
	n += put_text(b, "host", c->host_header);
	n += put_number(b, "status_min", c->status_min);
	n += put_number(b, "status_max", c->status_max);
	n += put_number(b, "interval_ms", c->interval_ms);
	n += put_number(b, "fast_interval_ms", c->fast_interval_ms);
	n += put_number(b, "slow_interval_ms", c->slow_interval_ms);
	n += put_number(b, "timeout_ms", c->timeout_ms);
	n += put_number(b, "rise", c->rise);
	n += put_number(b, "fall", c->fall);
	pack_map_end(b, mark, n);
}

static uint32_t put_checks(struct buf *b, const struct svcd_check *checks, size_t n)
{
	if (n == 0)
		return 0;
	pack_cstr(b, "checks");
	pack_array(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_check(b, &checks[i]);
	return 1;
}

static uint32_t put_instance(
	struct buf *b, const struct spec *s, const struct svcd_instance *in)
{
	uint32_t n = 0;

	n += put_text(b, "ns", s->ns);
	n += put_text(b, "service", s->service);
	n += put_text(b, "id", s->id);
	n += put_list(b, "addresses", in->addresses, in->n_addresses);
	n += put_ports(b, in->ports, in->n_ports);
	pack_kv_u64(b, "weight", in->weight);
	n++;
	n += put_number(b, "tier", in->tier);
	n += put_locality(b, in);
	n += put_text(b, "version", in->version);
	n += put_list(b, "tags", in->tags, in->n_tags);
	n += put_pairs(b, "meta", in->meta, in->n_meta);
	n += put_checks(b, in->checks, in->n_checks);
	return n;
}

int spec_new(const struct svcd_instance *in, const char *id, struct spec **out)
{
	struct spec *s;
	int rv;

	if (in->id != NULL)
		id = in->id;
	if (!has_text(in->service) || !has_text(id) || !lists_are_there(in) ||
		!elements_are_there(in))
		return SVCD_EINVAL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return SVCD_ENOMEM;
	s->refs = 1;
	buf_init(&s->pairs, SPEC_BYTES_MAX);
	s->ns = strdup(in->ns != NULL ? in->ns : DEFAULT_NS);
	s->service = strdup(in->service);
	s->id = strdup(id);
	rv = s->ns != NULL && s->service != NULL && s->id != NULL ? 0 : SVCD_ENOMEM;
	if (rv == 0) {
		s->n = put_instance(&s->pairs, s, in);
		rv = s->pairs.error;
	}
	if (rv != 0) {
		spec_unref(s);
		return rv == SVCD_ETOOBIG ? SVCD_EINVAL : rv;
	}
	*out = s;
	return 0;
}

struct spec *spec_ref(struct spec *s)
{
	s->refs++;
	return s;
}

void spec_unref(struct spec *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	free(s->ns);
	free(s->service);
	free(s->id);
	buf_fini(&s->pairs);
	free(s);
}

bool spec_same_key(const struct spec *a, const struct spec *b)
{
	return strcmp(a->ns, b->ns) == 0 && strcmp(a->service, b->service) == 0 &&
		strcmp(a->id, b->id) == 0;
}
