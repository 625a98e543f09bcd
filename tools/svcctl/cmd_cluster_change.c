/* cluster leave, remove, promote, demote, transfer: one change of the members each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/ask.h"
#include "svcctl/columns.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/members.h"

struct member_change {
	const char *op; /* of the method member_change */
	const char *done;
	bool takes_vote; /* there is a voter less */
};

static const struct member_change change_remove = {"remove", "removed", true};
static const struct member_change change_leave = {"remove", "has left the cluster", true};
static const struct member_change change_promote = {"promote", "is a voter", false};
static const struct member_change change_demote = {"demote", "is a standby", true};
static const struct member_change change_transfer = {"transfer", "leads", false};

/* A change that would leave the cluster without quorum is an accident, mostly. */
static enum outcome check_quorum(const struct members *m, const struct svcd_value *member,
	const struct member_change *change)
{
	struct quorum before = quorum_of(m), after;

	if (!change->takes_vote || !member_truth(member, "voter") || before.voters <= 1)
		return OUT_OK;
	after = quorum_without(before, member_is_reachable(member));
	if (quorum_is_there(&after) || !quorum_is_there(&before))
		return OUT_OK;
	report_error("without %s only %zu of %zu voters can be reached: nothing could be "
		     "written",
		member_name(member), after.reachable, after.voters);
	report_hint("remove a member that cannot be reached first; --force does it all "
		    "the same");
	return OUT_CONFLICT;
}

static void print_change(struct ctl *c, const struct svcd_value *member,
	const struct member_change *change)
{
	json_t *document;

	if (view_is_screen(&c->view)) {
		if (c->quiet)
			return;
		put_clean(stdout, member_name(member));
		printf(": %s\n", change->done);
		return;
	}
	document = json_new_document();
	json_put_text(document, "name", member_name(member));
	json_put_text(document, "node", member_text(member, "node"));
	json_put_text(document, "done", change->done);
	print_object(&c->view, document, member_name(member), NULL, NULL);
}

/* There is no need to say what is in the error already; only what to do about it. */
static enum outcome fail_change(struct ctl *c, const struct svcd_fault *fault)
{
	enum outcome out = ctl_fail(c, fault);

	if (fault->code == SVCD_ENOTFOUND)
		report_hint("'svcctl cluster status' shows the members");
	return out;
}

static enum outcome send_change(struct ctl *c, const struct svcd_value *member,
	const struct member_change *change)
{
	struct svcd_value *params = mem_check(svcd_value_new_map()), *result = NULL;
	struct svcd_fault fault;

	params_text(params, "op", change->op);
	if (member != NULL)
		params_text(params, "node", member_text(member, "node"));
	if (ctl_call(c, "member_change", params, &result, &fault) != 0)
		return fail_change(c, &fault);
	svcd_value_free(result);
	return OUT_OK;
}

static enum outcome change_member(struct ctl *c, const struct args *a,
	const struct members *m, const struct svcd_value *member,
	const struct member_change *change)
{
	bool force = command_option(a->command, "force") != NULL && args_flag(a, "force");
	enum outcome out = force ? OUT_OK : check_quorum(m, member, change);

	if (out == OUT_OK)
		out = send_change(c, member, change);
	if (out == OUT_OK)
		print_change(c, member, change);
	return out;
}

/* Of the member that is named. ask: "remove it from …" is a question first. */
static enum outcome change_named(
	struct ctl *c, const struct args *a, const struct member_change *change, bool ask)
{
	const struct svcd_value *member;
	struct members m;
	enum outcome out = members_load(c, &m);

	if (out != OUT_OK)
		return out;
	out = members_find(&m, a->words[0], &member);
	if (out == OUT_OK && ask && !args_flag(a, "yes"))
		out = ask_first("--yes does it without a question",
			"take %s out of the cluster, for good", member_name(member));
	if (out == OUT_OK)
		out = change_member(c, a, &m, member, change);
	members_fini(&m);
	return out;
}

enum outcome cmd_cluster_remove(struct ctl *c, const struct args *a)
{
	return change_named(c, a, &change_remove, true);
}

enum outcome cmd_cluster_promote(struct ctl *c, const struct args *a)
{
	return change_named(c, a, &change_promote, false);
}

enum outcome cmd_cluster_demote(struct ctl *c, const struct args *a)
{
	return change_named(c, a, &change_demote, false);
}

static enum outcome leave(struct ctl *c, const struct args *a, const struct members *m)
{
	enum outcome out = OUT_OK;

	if (m->self == NULL || m->n < 2) {
		report_error("this member is in no cluster with others");
		return OUT_CONFLICT;
	}
	if (!args_flag(a, "yes"))
		out = ask_first("--yes does it without a question",
			"take %s, which answers here, out of the cluster, for good",
			member_name(m->self));
	return out == OUT_OK ? change_member(c, a, m, m->self, &change_leave) : out;
}

enum outcome cmd_cluster_leave(struct ctl *c, const struct args *a)
{
	struct members m;
	enum outcome out;

	if (ctl_has_several(c)) {
		report_error("several members are named, and one is to leave");
		report_hint("--server ADDRESS names the one that leaves");
		return OUT_USAGE;
	}
	out = members_load(c, &m);
	if (out != OUT_OK)
		return out;
	out = leave(c, a, &m);
	if (out == OUT_OK)
		report_note(
			"stop it, and remove its data directory before it joins again");
	members_fini(&m);
	return out;
}

/* ---- transfer ---------------------------------------------------------- */

static const struct svcd_value *leader_of(const struct members *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (member_truth(m->rows[i].v, "leader"))
			return m->rows[i].v;
	return NULL;
}

/* To whoever it went. */
static enum outcome tell_leader(struct ctl *c)
{
	struct members m;
	enum outcome out = members_load(c, &m);

	if (out != OUT_OK)
		return out;
	if (leader_of(&m) != NULL)
		print_change(c, leader_of(&m), &change_transfer);
	else
		report_note("handed over; the new leader is not known here yet");
	members_fini(&m);
	return OUT_OK;
}

enum outcome cmd_cluster_transfer(struct ctl *c, const struct args *a)
{
	enum outcome out;

	if (a->n_words > 0)
		return change_named(c, a, &change_transfer, false);
	out = send_change(c, NULL, &change_transfer);
	return out == OUT_OK ? tell_leader(c) : out;
}
