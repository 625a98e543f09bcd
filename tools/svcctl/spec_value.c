/* An instance as the map that the method register takes. */
#include "svcctl/spec.h"

#include "svcctl/ctl.h"
#include "svcctl/mem.h"

/* Takes the child; leaves it out when it is empty. */
static void put_child(struct svcd_value *map, const char *key, struct svcd_value *child)
{
	if (svcd_value_count(child) > 0)
		params_child(map, key, child);
	else
		svcd_value_free(child);
}

static void put_texts(
	struct svcd_value *map, const char *key, const char *const *texts, size_t n)
{
	struct svcd_value *array = mem_check(svcd_value_new_array());

	for (size_t i = 0; i < n; i++)
		params_text(array, NULL, texts[i]);
	put_child(map, key, array);
}

static void put_ports(struct svcd_value *map, const struct svcd_instance *i)
{
	struct svcd_value *ports = mem_check(svcd_value_new_map());

	for (size_t p = 0; p < i->n_ports; p++) {
		struct svcd_value *port = mem_check(svcd_value_new_map());

		params_number(port, "port", i->ports[p].number);
		params_text(port, "protocol", i->ports[p].protocol);
		if (i->ports[p].tls)
			params_truth(port, "tls", true);
		params_child(ports, i->ports[p].name, port);
	}
	put_child(map, "ports", ports);
}

static void put_locality(struct svcd_value *map, const struct svcd_instance *i)
{
	struct svcd_value *locality = mem_check(svcd_value_new_map());

	params_text(locality, "region", i->region);
	params_text(locality, "zone", i->zone);
	params_text(locality, "rack", i->rack);
	params_text(locality, "host", i->host);
	put_child(map, "locality", locality);
}

static void put_meta(struct svcd_value *map, const struct svcd_instance *i)
{
	struct svcd_value *meta = mem_check(svcd_value_new_map());

	for (size_t m = 0; m < i->n_meta; m++)
		params_text(meta, i->meta[m].key, i->meta[m].value);
	put_child(map, "meta", meta);
}

static void put_number(struct svcd_value *map, const char *key, uint64_t number)
{
	if (number > 0)
		params_number(map, key, number);
}

static struct svcd_value *check_value(const struct svcd_check *check)
{
	struct svcd_value *map = mem_check(svcd_value_new_map());

	params_text(map, "name", check->name);
	params_text(map, "type", check->type);
	params_text(map, "port", check->port);
	params_text(map, "path", check->path);
	params_text(map, "host", check->host_header);
	put_number(map, "status_min", check->status_min);
	put_number(map, "status_max", check->status_max);
	put_number(map, "interval_ms", check->interval_ms);
	put_number(map, "fast_interval_ms", check->fast_interval_ms);
	put_number(map, "slow_interval_ms", check->slow_interval_ms);
	put_number(map, "timeout_ms", check->timeout_ms);
	put_number(map, "rise", check->rise);
	put_number(map, "fall", check->fall);
	return map;
}

static void put_checks(struct svcd_value *map, const struct svcd_instance *i)
{
	struct svcd_value *checks = mem_check(svcd_value_new_array());

	for (size_t k = 0; k < i->n_checks; k++)
		params_child(checks, NULL, check_value(&i->checks[k]));
	put_child(map, "checks", checks);
}

struct svcd_value *spec_value(const struct svcd_instance *i)
{
	struct svcd_value *map = mem_check(svcd_value_new_map());

	params_text(map, "ns", i->ns);
	params_text(map, "service", i->service);
	params_text(map, "id", i->id);
	put_texts(map, "addresses", i->addresses, i->n_addresses);
	put_ports(map, i);
	params_number(map, "weight", i->weight);
	params_number(map, "tier", i->tier);
	put_locality(map, i);
	params_text(map, "version", i->version);
	put_texts(map, "tags", i->tags, i->n_tags);
	put_meta(map, i);
	put_checks(map, i);
	return map;
}
