/* get: all that is known of a service or an instance. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/describe.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/screens.h"
#include "svcctl/target.h"
#include "svcctl/text.h"

static const char *text_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_str(svcd_value_get(map, key), "");
}

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

/* ---- an instance ------------------------------------------------------- */

static void put_cell(FILE *out, const struct view *v, const char *label, cell_fn *cell,
	const char *key, const struct row *r)
{
	char *text = cell_as_text(cell, key, v, r);

	put_line(out, v, label, text);
	free(text);
}

static void put_states(FILE *out, const struct view *v, const struct row *r)
{
	put_label(out, v, "state");
	put_state(out, v, text_of(r->v, "state"));
	put_for(out, v, r->v, "since");
	fprintf(out, " (admin %s, health %s)\n", text_of(r->v, "admin"),
		text_of(r->v, "health"));
	put_line(out, v, "reason", text_of(r->v, "reason"));
	put_label(out, v, "last change");
	put_cause(out, r->v);
	fprintf(out, ", revision %" PRIu64 "\n", number_of(r->v, "rev"));
}

static void put_locality(
	FILE *out, const struct view *v, const struct svcd_value *locality)
{
	if (svcd_value_count(locality) == 0)
		return;
	put_label(out, v, "locality");
	for (size_t i = 0; i < svcd_value_count(locality); i++) {
		fprintf(out, "%s%s ", i > 0 ? ", " : "", svcd_value_key(locality, i));
		put_clean(out, svcd_value_str(svcd_value_at(locality, i), ""));
	}
	fputc('\n', out);
}

static void put_life(FILE *out, const struct view *v, const struct svcd_value *instance)
{
	uint64_t lease = number_of(instance, "lease");

	put_label(out, v, "registered");
	if (number_of(instance, "registered") > 0) {
		char age[TEXT_CAP];

		text_age(age_of(v, instance, "registered"), age);
		fprintf(out, strcmp(age, "now") == 0 ? "just %s, " : "%s ago, ", age);
	}
	fprintf(out, "incarnation %" PRIu64 ", ", number_of(instance, "incarnation"));
	if (lease > 0)
		fprintf(out, "on lease %" PRIu64 "\n", lease);
	else
		fputs("permanent\n", out);
}

static void put_checks(FILE *out, const struct view *v, const struct svcd_value *checks)
{
	for (size_t i = 0; i < svcd_value_count(checks); i++) {
		const struct svcd_value *check = svcd_value_at(checks, i);
		put_label(out, v, i == 0 ? "checks" : "");
		put_check_words(out, check);
		fputc('\n', out);
		if (svcd_value_get(check, "evidence") != NULL) {
			put_label(out, v, "");
			fputs("  ", out);
			put_evidence(out, check);
			fputc('\n', out);
		}
	}
}

static void screen_instance(FILE *out, const struct view *v, const void *arg)
{
	const struct row *r = arg;

	fprintf(out, "%s%s/", view_paint(v, PAINT_BOLD), row_service(r));
	put_clean(out, row_id(r));
	fprintf(out, "%s\n", view_plain(v, PAINT_BOLD));
	put_states(out, v, r);
	put_cell(out, v, "addresses", cell_list, "addresses", r);
	put_cell(out, v, "ports", cell_ports, NULL, r);
	put_label(out, v, "weight");
	fprintf(out, "%" PRIu64 ", tier %" PRIu64 "\n", number_of(r->v, "weight"),
		number_of(r->v, "tier"));
	put_locality(out, v, svcd_value_get(r->v, "locality"));
	put_line(out, v, "version", text_of(r->v, "version"));
	put_cell(out, v, "tags", cell_list, "tags", r);
	put_cell(out, v, "meta", cell_meta, NULL, r);
	put_life(out, v, r->v);
	put_checks(out, v, svcd_value_get(r->v, "checks"));
}

static void print_instance(const struct ctl *c, const struct row *r)
{
	json_t *document = json_new_document(), *fields = row_json(r);
	char *name = mem_format("%s/%s", row_service(r), row_id(r));

	json_object_update(document, fields);
	json_decref(fields);
	print_object(&c->view, document, name, screen_instance, r);
	free(name);
}

/* ---- a service --------------------------------------------------------- */

static void put_counts(FILE *out, const struct view *v, const struct svcd_value *service)
{
	static const char *const states[] = {"up", "warm", "pending", "drain", "down"};
	const char *between = ": ";

	put_label(out, v, "instances");
	fprintf(out, "%" PRIu64, number_of(service, "count"));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		uint64_t n = number_of(service, states[i]);

		if (n == 0)
			continue;
		fprintf(out, "%s%" PRIu64 " ", between, n);
		put_state(out, v, states[i]);
		between = ", ";
	}
	fputc('\n', out);
}

static void put_floor(FILE *out, const struct view *v, const struct svcd_value *service)
{
	uint64_t floor = number_of(service, "floor"),
		 percent = number_of(service, "floor_percent");

	if (floor == 0 && percent == 0)
		return;
	put_label(out, v, "floor");
	if (floor > 0)
		fprintf(out, "%" PRIu64 " instances%s", floor,
			percent > 0 ? " and " : "");
	if (percent > 0)
		fprintf(out, "%" PRIu64 " %% of them", percent);
	fputs(" stay usable whatever the checks say\n", out);
}

static void put_settings(
	FILE *out, const struct view *v, const struct svcd_value *service)
{
	char text[TEXT_CAP];

	put_floor(out, v, service);
	if (number_of(service, "slow_start_ms") > 0)
		put_line(out, v, "slow start",
			text_duration(number_of(service, "slow_start_ms"), text));
	if (number_of(service, "dns_ttl_s") > 0)
		put_line(out, v, "DNS TTL",
			text_duration(number_of(service, "dns_ttl_s") * 1000, text));
	put_line(out, v, "policy", text_of(service, "policy"));
	put_line(out, v, "owner", text_of(service, "owner"));
}

static void screen_service(FILE *out, const struct view *v, const void *arg)
{
	const struct pages *p = arg;
	const struct svcd_value *service = pages_head(p);

	fprintf(out, "%s%s%s\n", view_paint(v, PAINT_BOLD), text_of(service, "service"),
		view_plain(v, PAINT_BOLD));
	put_label(out, v, "state");
	put_state(out, v, service_state(service));
	fputc('\n', out);
	put_counts(out, v, service);
	put_settings(out, v, service);
	put_label(out, v, "revision");
	fprintf(out, "%" PRIu64 "\n", number_of(service, "service_rev"));
	if (p->n > 0) {
		fputc('\n', out);
		print_listing(v,
			&(struct listing){
				.columns = instance_columns, .rows = p->rows, .n = p->n});
	}
}

void print_service(const struct ctl *c, const struct pages *p)
{
	const struct svcd_value *service = pages_head(p);
	json_t *document = json_new_document(), *instances = mem_check(json_array());

	json_take_fields(document, service, "instances");
	json_object_del(document, "next");
	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(instances, json_of(p->rows[i].v, ""));
	json_put(document, "instances", instances);
	print_object(&c->view, document, text_of(service, "service"), screen_service, p);
}

enum outcome cmd_get(struct ctl *c, const struct args *a)
{
	struct target t;
	struct pages p = {NULL};
	enum outcome out = target_parse(a->words[0], &t);

	if (out != OUT_OK)
		return out;
	out = target_get(c, &t, &p);
	if (out == OUT_OK && t.id == NULL)
		print_service(c, &p);
	else if (out == OUT_OK && p.n > 0)
		print_instance(c, &p.rows[0]);
	pages_fini(&p);
	target_fini(&t);
	return out;
}
