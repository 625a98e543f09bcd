/*
 * __complete: words that may stand next, one a line with a TAB and what it is; a line
 * that begins with ':' is for the shell: ":files", ":commands", ":nospace". Never says
 * anything else, and never takes long.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/columns.h"
#include "svcctl/complete.h"
#include "svcctl/deadline.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/members.h"
#include "svcctl/target.h"

#define DEADLINE_MS 150 /* for the registry, all calls together */
#define NAMES_MAX 1000

struct asking {
	struct ctl *c;
	const struct place *at;
	struct deadline deadline;
};

static bool begins(const char *word, const char *prefix)
{
	return strncmp(word, prefix, strlen(prefix)) == 0;
}

/* The word as it stands in the line, and what it is. */
static void offer(const struct place *at, const char *word, const char *what)
{
	const char *whole = at->prefix - at->skipped;

	if (!begins(word, at->prefix))
		return;
	printf("%.*s%s", (int)at->skipped, whole, word);
	if (what != NULL)
		printf("\t%s", what);
	putchar('\n');
}

/* ---- from the table ---------------------------------------------------- */

static void offer_commands(const struct place *at)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		if (!command->hidden && strchr(command->name, ' ') == NULL)
			offer(at, command->name, command->help);
	for (const struct family *f = command_families; f->name != NULL; f++)
		offer(at, f->name, f->help);
}

static void offer_family(const struct place *at, const struct family *family)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		const char *word = command_word_in(command, family->name);

		if (word != NULL)
			offer(at, word, command->help);
	}
}

static void offer_options(const struct place *at)
{
	const struct param *p;

	for (size_t i = 0; (p = command_option_at(at->command, i)) != NULL; i++) {
		char *word = mem_format("--%s", p->name);

		offer(at, word, p->help);
		free(word);
	}
}

static void offer_choices(const struct place *at, const char *choices)
{
	char *copy = mem_copy(choices), *save = NULL;

	for (char *w = strtok_r(copy, "|", &save); w != NULL;
		w = strtok_r(NULL, "|", &save))
		offer(at, w, NULL);
	free(copy);
}

/* ---- from the registry ------------------------------------------------- */

static struct svcd_value *ask(
	struct asking *k, const char *method, struct svcd_value *params)
{
	struct svcd_value *result = NULL;
	struct svcd_fault fault;
	uint64_t left_ms = deadline_left_ms(&k->deadline);

	if (left_ms == 0) {
		svcd_value_free(params);
		return NULL;
	}
	k->c->timeout_ms = (uint32_t)left_ms;
	ctl_call(k->c, method, params, &result, &fault);
	return result;
}

static void offer_instances(struct asking *k, const char *prefix)
{
	struct target t = {mem_copy_part(prefix, strcspn(prefix, "/")), NULL};
	struct svcd_value *result = ask(k, "get", target_params(k->c, &t));
	const struct svcd_value *instances = svcd_value_get(result, "instances");

	for (size_t i = 0; i < svcd_value_count(instances); i++) {
		const struct svcd_value *one = svcd_value_at(instances, i);
		char *word = mem_format("%s/%s", t.service,
			svcd_value_str(svcd_value_get(one, "id"), ""));

		offer(k->at, word, svcd_value_str(svcd_value_get(one, "state"), NULL));
		free(word);
	}
	svcd_value_free(result);
	target_fini(&t);
}

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

static void offer_service(
	const struct asking *k, const struct svcd_value *service, const char *tail)
{
	char *word = mem_format(
		"%s%s", svcd_value_str(svcd_value_get(service, "service"), ""), tail);
	char *what = mem_format("%llu of %llu up",
		(unsigned long long)(number_of(service, "up") +
			number_of(service, "warm")),
		(unsigned long long)number_of(service, "count"));

	offer(k->at, word, *tail != '\0' ? "its instances" : what);
	free(word);
	free(what);
}

/* When only one service is left, its instances can be gone on with. */
static void offer_services(struct asking *k, bool with_instances)
{
	struct svcd_value *params = params_new(k->c), *result;
	const struct svcd_value *services;
	size_t n;

	params_text(params, "prefix", k->at->prefix);
	params_number(params, "limit", NAMES_MAX);
	result = ask(k, "list", params);
	services = svcd_value_get(result, "services");
	n = svcd_value_count(services);
	for (size_t i = 0; i < n; i++)
		offer_service(k, svcd_value_at(services, i), "");
	if (with_instances && n == 1) {
		offer_service(k, svcd_value_at(services, 0), "/");
		puts(":nospace");
	}
	svcd_value_free(result);
}

static void offer_namespaces(struct asking *k)
{
	struct svcd_value *params = mem_check(svcd_value_new_map()), *result;
	const struct svcd_value *services;
	const char *last = "";

	params_number(params, "limit", NAMES_MAX);
	result = ask(k, "list", params);
	services = svcd_value_get(result, "services"); /* in order of their namespaces */
	for (size_t i = 0; i < svcd_value_count(services); i++) {
		const char *ns = svcd_value_str(
			svcd_value_get(svcd_value_at(services, i), "ns"), "");

		if (strcmp(ns, last) != 0)
			offer(k->at, ns, NULL);
		last = ns;
	}
	svcd_value_free(result);
}

static void offer_members(struct asking *k)
{
	struct svcd_value *result = ask(k, "members", NULL);
	const struct svcd_value *members = svcd_value_get(result, "members");

	for (size_t i = 0; i < svcd_value_count(members); i++) {
		const struct svcd_value *m = svcd_value_at(members, i);

		offer(k->at, svcd_value_str(svcd_value_get(m, "name"), ""),
			member_role(m));
	}
	svcd_value_free(result);
}

/* ---- all --------------------------------------------------------------- */

static void offer_value(struct asking *k)
{
	const struct place *at = k->at;
	const struct param *p = at->param;

	switch (p->kind) {
	case KIND_CHOICE:
		offer_choices(at, p->value != NULL ? p->value : p->name);
		break;
	case KIND_CONDITION:
		offer_choices(at, "healthy|unhealthy|gone|count>=");
		break;
	case KIND_CHECK:
		offer_choices(at, "http=/|tcp");
		break;
	case KIND_FILE:
		puts(":files");
		break;
	case KIND_COMMAND:
		offer_commands(at);
		break;
	case KIND_SUBCOMMAND:
		if (at->first != NULL && family_find(at->first) != NULL)
			offer_family(at, family_find(at->first));
		break;
	case KIND_MEMBER:
		offer_members(k);
		break;
	case KIND_NAMESPACE:
		offer_namespaces(k);
		break;
	case KIND_SERVICE:
		offer_services(k, false);
		break;
	case KIND_TARGET:
		if (strchr(at->prefix, '/') != NULL)
			offer_instances(k, at->prefix);
		else
			offer_services(k, true);
		break;
	default:
		break;
	}
}

static void offer_all(struct asking *k)
{
	switch (k->at->want) {
	case WANT_COMMANDS:
		if (k->at->family != NULL)
			offer_family(k->at, k->at->family);
		else
			offer_commands(k->at);
		break;
	case WANT_OPTIONS:
		offer_options(k->at);
		break;
	case WANT_VALUE:
		offer_value(k);
		break;
	case WANT_PROGRAM:
		puts(":commands");
		break;
	case WANT_FILES:
		puts(":files");
		break;
	case WANT_NOTHING:
		break;
	}
}

enum outcome cmd_complete(struct ctl *c, const struct args *a)
{
	size_t n = 0;
	struct place at;

	while (a->child != NULL && a->child[n] != NULL)
		n++;
	at = complete_place(a->child, n);
	if (at.server != NULL)
		c->servers = at.server;
	if (at.ns != NULL)
		c->ns = at.ns;
	c->verbose = false;
	if (freopen("/dev/null", "w", stderr) == NULL)
		return OUT_OK;
	offer_all(&(struct asking){c, &at, deadline_in(DEADLINE_MS)});
	return OUT_OK;
}
