/* cluster join: the connected member gives up its own cluster for another one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "svcctl/ask.h"
#include "svcctl/columns.h"
#include "svcctl/deadline.h"
#include "svcctl/handlers.h"
#include "svcctl/joining.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/peer_address.h"
#include "svcctl/progress.h"

#define POLL_MS 100
#define ASK_MS 10000   /* the member looks for the other one first */
#define ANSWER_MS 2000 /* a member that starts again may be slow to answer */
#define SETTLE_MS 3000 /* so long a standby may still become a voter */

struct join {
	struct ctl *c;
	const char *address;
	bool discard;
	struct progress progress;
	struct joining seen;
	bool was_seen;
	struct deadline settled; /* valid while it is a standby */
};

/* ---- before ------------------------------------------------------------ */

/* It starts again: another member of a list would be taken for it meanwhile. */
static enum outcome check_servers(const struct ctl *c)
{
	if (!ctl_has_several(c))
		return OUT_OK;
	report_error("several members are named, and one is to join");
	report_hint("--server ADDRESS names the one that joins");
	return OUT_USAGE;
}

static enum outcome ask_discard(struct join *j, const struct svcd_value *status)
{
	uint64_t instances = svcd_value_uint(svcd_value_get(status, "instances"), 0);
	uint64_t services = svcd_value_uint(svcd_value_get(status, "services"), 0);
	enum outcome out;

	if (j->discard || instances + services == 0)
		return OUT_OK;
	out = ask_first("--discard does it without a question",
		"discard what this member holds (%" PRIu64 " service%s, %" PRIu64
		" instance%s)",
		services, services == 1 ? "" : "s", instances, instances == 1 ? "" : "s");
	j->discard = out == OUT_OK;
	return out;
}

static bool is_with(const struct members *m, const char *address)
{
	for (size_t i = 0; i < m->n; i++)
		if (!member_truth(m->rows[i].v, "self") &&
			strcmp(member_text(m->rows[i].v, "peer"), address) == 0)
			return true;
	return false;
}

static enum outcome fail_elsewhere(const struct members *m)
{
	report_error("this member is in a cluster with %zu others already", m->n - 1);
	report_hint("'svcctl cluster leave' takes it out; then it can join another one");
	return OUT_CONFLICT;
}

/* ---- asking ------------------------------------------------------------ */

/* The connection may end before the answer is here: it starts again at once. */
static bool is_under_way(int code)
{
	return code == 0 || code == SVCD_ECLOSED || code == SVCD_ESHUTDOWN ||
		code == SVCD_EUNKNOWN;
}

/* The member did answer us: what it cannot reach is the other one. */
static enum outcome fail_address(const char *text)
{
	report_error("no member answers there: %s", text);
	report_hint("ADDRESS is where a member listens for members (its setting "
		    "peers.listen, port %d by default), not for clients; both use "
		    "TLS, or both do not",
		PEER_PORT_DEFAULT);
	return OUT_UNREACHABLE;
}

static enum outcome send_join(struct join *j)
{
	struct svcd_value *params = mem_check(svcd_value_new_map()), *result = NULL;
	struct svcd_fault fault;
	int rv;

	params_text(params, "address", j->address);
	if (j->discard)
		params_truth(params, "discard", true);
	if (j->c->timeout_ms < ASK_MS)
		j->c->timeout_ms = ASK_MS;
	rv = ctl_call(j->c, "member_join", params, &result, &fault);
	svcd_value_free(result);
	if (rv == SVCD_EEXISTS) /* not among the members yet, but on its way */
		report_note("it is joining already");
	if (rv == SVCD_EUNREACHABLE)
		return fail_address(fault.text);
	return rv == SVCD_EEXISTS || is_under_way(rv) ? OUT_OK : ctl_fail(j->c, &fault);
}

static enum outcome begin(struct join *j)
{
	struct svcd_value *status = NULL;
	struct svcd_fault fault;
	enum outcome out;

	if (ctl_call(j->c, "status", NULL, &status, &fault) != 0)
		return ctl_fail(j->c, &fault);
	out = ask_discard(j, status);
	svcd_value_free(status);
	return out == OUT_OK ? send_join(j) : out;
}

/* ---- watching it ------------------------------------------------------- */

static void show(struct join *j, const struct joining *now)
{
	switch (now->stage) {
	case JOIN_DISCOVERING:
		progress_step(
			&j->progress, "looking for the cluster at %s ...", j->address);
		break;
	case JOIN_COPYING:
		progress_bytes(
			&j->progress, "copying the checkpoint", now->done, now->bytes);
		break;
	case JOIN_CHECKING:
		progress_step(&j->progress, "checking the checkpoint ...");
		break;
	case JOIN_CATCHING_UP:
		if (now->behind > 0)
			progress_step(&j->progress,
				"catching up: %" PRIu64 " entries behind ...",
				now->behind);
		else
			progress_step(&j->progress, "catching up ...");
		break;
	case JOIN_STANDBY:
		progress_step(&j->progress, "standby: it has everything ...");
		break;
	case JOIN_VOTER:
		progress_step(&j->progress, "voter");
		break;
	}
}

static bool is_over(struct join *j, const struct joining *now)
{
	bool entered = !j->was_seen || j->seen.stage != JOIN_STANDBY;

	if (now->stage == JOIN_STANDBY && entered)
		j->settled = deadline_in(SETTLE_MS);
	return now->stage == JOIN_VOTER ||
		(now->stage == JOIN_STANDBY && deadline_left_ms(&j->settled) == 0);
}

/* Whether it is further than when we looked last. */
static bool has_moved(const struct join *j, const struct joining *now)
{
	return !j->was_seen || now->stage != j->seen.stage || now->done != j->seen.done ||
		now->behind < j->seen.behind;
}

static void pause_ms(uint64_t ms)
{
	struct timespec t = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static enum outcome fail_time(const struct join *j)
{
	report_error("it has not joined yet");
	report_hint(
		"it goes on trying: 'svcctl cluster status' shows how far it is; is %s "
		"the address where a member listens for members?",
		j->address);
	return OUT_TIMEOUT;
}

static void print_joined(struct join *j, const struct members *m)
{
	const char *role = member_role(m->self);
	json_t *document;

	if (view_is_screen(&j->c->view)) {
		if (j->c->quiet)
			return;
		put_clean(stdout, member_name(m->self));
		printf(": has joined as a %s, %zu members\n",
			j->seen.stage == JOIN_VOTER ? "voter" : "standby", m->n);
		return;
	}
	document = json_new_document();
	json_put_text(document, "name", member_name(m->self));
	json_put_text(document, "node", member_text(m->self, "node"));
	json_put_text(document, "role", role);
	json_put_number(document, "members", m->n);
	print_object(&j->c->view, document, member_name(m->self), NULL, NULL);
}

/* One look. OUT_FALSE: not yet. */
static enum outcome look(struct join *j, struct deadline *patience)
{
	struct members m;
	struct svcd_fault fault;
	struct joining now;
	enum outcome out = OUT_FALSE;

	if (members_ask(j->c, &m, &fault) != 0) {
		progress_step(&j->progress, "the member starts again ...");
		return fault.code == SVCD_EDENIED ? ctl_fail(j->c, &fault) : OUT_FALSE;
	}
	now = joining_of(&m);
	show(j, &now);
	if (!j->c->has_timeout && has_moved(j, &now))
		*patience = deadline_in(TIMEOUT_WAIT_MS);
	if (is_over(j, &now))
		out = OUT_OK;
	j->seen = now;
	j->was_seen = true;
	if (out == OUT_OK) {
		progress_end(&j->progress, false);
		print_joined(j, &m);
	}
	members_fini(&m);
	return out;
}

static enum outcome wait_until_joined(struct join *j)
{
	struct deadline patience = deadline_in(
		j->c->has_timeout ? j->c->timeout_ms : TIMEOUT_WAIT_MS);
	enum outcome out = OUT_FALSE;

	j->c->timeout_ms = ANSWER_MS;
	while (out == OUT_FALSE && deadline_left_ms(&patience) > 0) {
		out = look(j, &patience);
		if (out == OUT_FALSE)
			pause_ms(POLL_MS);
	}
	progress_end(&j->progress, false);
	return out == OUT_FALSE ? fail_time(j) : out;
}

/* ---- all --------------------------------------------------------------- */

static enum outcome join(struct join *j, const struct args *a)
{
	struct members m;
	enum outcome out = members_load(j->c, &m);

	if (out != OUT_OK)
		return out;
	if (m.self != NULL && member_truth(m.self, "joining"))
		report_note("it is joining already");
	else if (m.self != NULL && member_truth(m.self, "removed"))
		out = begin(j);
	else if (m.n >= 2 && is_with(&m, j->address))
		report_note("it is in that cluster already");
	else if (m.n >= 2)
		out = fail_elsewhere(&m);
	else
		out = begin(j);
	members_fini(&m);
	if (out != OUT_OK || args_flag(a, "no-wait"))
		return out;
	return wait_until_joined(j);
}

enum outcome cmd_cluster_join(struct ctl *c, const struct args *a)
{
	char *address = peer_address_of(a->words[0]);
	struct join j = {.c = c, .address = address, .discard = args_flag(a, "discard")};
	enum outcome out = check_servers(c);

	progress_init(&j.progress, c);
	if (out == OUT_OK)
		out = join(&j, a);
	free(address);
	return out;
}
