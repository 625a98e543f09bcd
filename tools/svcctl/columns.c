#include "svcctl/columns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

static const char *text_of(
	const struct svcd_value *map, const char *key, const char *fallback)
{
	return svcd_value_str(svcd_value_get(map, key), fallback);
}

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

void put_clean(FILE *out, const char *text)
{
	char *copy = text_clean(mem_copy(text));

	fputs(copy, out);
	free(copy);
}

uint64_t age_of(const struct view *v, const struct svcd_value *map, const char *key)
{
	uint64_t at = number_of(map, key);

	return at != 0 && at < v->now_ms ? v->now_ms - at : 0;
}

/* ---- by key ------------------------------------------------------------ */

void cell_text(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	put_clean(out, text_of(r->v, x->column->key, ""));
}

void cell_number(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *v = svcd_value_get(r->v, x->column->key);

	if (v != NULL)
		fprintf(out, "%" PRIu64, svcd_value_uint(v, 0));
}

void cell_age(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *at = svcd_value_get(r->v, x->column->key);
	char text[TEXT_CAP];

	if (svcd_value_uint(at, 0) == 0)
		return;
	if (x->machine)
		fputs(text_time(svcd_value_uint(at, 0), text), out);
	else
		fputs(text_age(age_of(x->view, r->v, x->column->key), text), out);
}

void cell_list(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *list = svcd_value_get(r->v, x->column->key);

	for (size_t i = 0; i < svcd_value_count(list); i++) {
		if (i > 0)
			fputc(',', out);
		put_clean(out, svcd_value_str(svcd_value_at(list, i), ""));
	}
}

/* ---- of any row -------------------------------------------------------- */

void cell_ns(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	put_clean(out, row_ns(r));
}

void cell_service(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	put_clean(out, row_service(r));
}

void cell_id(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	put_clean(out, row_id(r) != NULL ? row_id(r) : "");
}

/* ---- of an instance ---------------------------------------------------- */

static void put_host(FILE *out, const char *host, bool with_port)
{
	bool brackets = with_port && strchr(host, ':') != NULL;

	fputs(brackets ? "[" : "", out);
	put_clean(out, host);
	fputs(brackets ? "]" : "", out);
}

static const struct svcd_value *find_port(
	const struct svcd_value *ports, const char *name)
{
	return name != NULL ? svcd_value_get(ports, name) : svcd_value_at(ports, 0);
}

bool put_endpoint(FILE *out, const struct svcd_value *instance, const char *port_name)
{
	const struct svcd_value *addresses = svcd_value_get(instance, "addresses");
	const char *host = svcd_value_str(svcd_value_at(addresses, 0), "");
	const struct svcd_value *port = find_port(
		svcd_value_get(instance, "ports"), port_name);

	if (port == NULL && port_name != NULL)
		return false;
	put_host(out, host, port != NULL);
	if (port != NULL)
		fprintf(out, ":%" PRIu64, number_of(port, "port"));
	return true;
}

void cell_address(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	put_endpoint(out, r->v, NULL);
}

void cell_ports(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *ports = svcd_value_get(r->v, "ports");

	(void)x;
	for (size_t i = 0; i < svcd_value_count(ports); i++) {
		const struct svcd_value *port = svcd_value_at(ports, i);
		const char *protocol = text_of(port, "protocol", "tcp");

		fputs(i > 0 ? "," : "", out);
		put_clean(out, svcd_value_key(ports, i));
		fprintf(out, "=%" PRIu64, number_of(port, "port"));
		if (strcmp(protocol, "tcp") != 0) {
			fputc('/', out);
			put_clean(out, protocol);
		}
		if (svcd_value_bool(svcd_value_get(port, "tls"), false))
			fputs("+tls", out);
	}
}

void cell_zone(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	put_clean(out, text_of(svcd_value_get(r->v, "locality"), "zone", ""));
}

void cell_meta(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *meta = svcd_value_get(r->v, "meta");

	(void)x;
	for (size_t i = 0; i < svcd_value_count(meta); i++) {
		fputs(i > 0 ? "," : "", out);
		put_clean(out, svcd_value_key(meta, i));
		fputc('=', out);
		put_clean(out, svcd_value_str(svcd_value_at(meta, i), ""));
	}
}

void cell_checks(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *checks = svcd_value_get(r->v, "checks");

	(void)x;
	for (size_t i = 0; i < svcd_value_count(checks); i++) {
		const struct svcd_value *check = svcd_value_at(checks, i);

		fputs(i > 0 ? "," : "", out);
		put_clean(out, text_of(check, "name", text_of(check, "type", "?")));
	}
}

void cell_note(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const char *reason = text_of(r->v, "reason", "");

	if (!x->machine && strcmp(text_of(r->v, "state", ""), "up") == 0)
		return;
	if (*reason == '\0' && !x->machine)
		reason = text_of(r->v, "health", "");
	put_clean(out, reason);
}

enum paint paint_of_state(const char *state)
{
	static const struct {
		const char *state;
		enum paint paint;
	} paints[] = {{"up", PAINT_GOOD}, {"warm", PAINT_GOOD}, {"pending", PAINT_WARN},
		{"degraded", PAINT_WARN}, {"drain", PAINT_DIM}, {"empty", PAINT_DIM},
		{"down", PAINT_BAD}};

	for (size_t i = 0; i < sizeof(paints) / sizeof(paints[0]); i++)
		if (strcmp(paints[i].state, state) == 0)
			return paints[i].paint;
	return PAINT_NONE;
}

enum paint paint_state(const struct row *r)
{
	return paint_of_state(text_of(r->v, "state", ""));
}

const char *service_state(const struct svcd_value *counts)
{
	uint64_t up = number_of(counts, "up") + number_of(counts, "warm");
	uint64_t count = number_of(counts, "count"), drain = number_of(counts, "drain");

	if (count == 0)
		return "empty";
	if (up + drain == count)
		return up > 0 ? "up" : "drain";
	return up + number_of(counts, "pending") > 0 ? "degraded" : "down";
}

const struct column instance_columns[] = {
	{"NAMESPACE", cell_ns, .namespaces = true},
	{"SERVICE", cell_service, .namespaces = true},
	{"INSTANCE", cell_id},
	{"ADDRESS", cell_address},
	{"STATE", cell_text, "state", .paint = paint_state},
	{"WEIGHT", cell_number, "weight", .right = true},
	{"HEALTH", cell_text, "health", .wide = true},
	{"ADMIN", cell_text, "admin", .wide = true},
	{"TIER", cell_number, "tier", .right = true, .wide = true},
	{"ZONE", cell_zone, .wide = true},
	{"VERSION", cell_text, "version", .wide = true},
	{"TAGS", cell_list, "tags", .wide = true},
	{"PORTS", cell_ports, .wide = true},
	{"CHECKS", cell_checks, .wide = true},
	{"SINCE", cell_age, "since", .right = true},
	{"NOTE", cell_note, .shorten = true},
	{NULL},
};
