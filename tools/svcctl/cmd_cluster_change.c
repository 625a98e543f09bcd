/* cluster leave, remove, promote, demote, transfer: one change of the members each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "svcctl/ask.h"
#include "svcctl/columns.h"
#include "svcctl/deadline.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/members.h"

#define SETTLE_MS 3000 /* an election, and the word of it, are over by then */
#define LOOK_NS 50000000

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
	after = quorum_without(before, member_confirms(member));
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

/* Most often nothing is decided because the others are down. */
static void tell_missing(struct ctl *c)
{
	struct members m;
	struct svcd_fault fault;
	struct quorum q;
	char *sentence;

	if (members_ask(c, &m, &fault) != 0)
		return;
	q = quorum_of(&m);
	sentence = quorum_sentence(&q);
	if (!quorum_is_there(&q) || !q.leader)
		report_hint("%s", sentence);
	free(sentence);
	members_fini(&m);
}

/* There is no need to say what is in the error already; only what to do about it. */
static enum outcome fail_change(struct ctl *c, const struct svcd_fault *fault)
{
	enum outcome out = ctl_fail(c, fault);

	if (fault->code == SVCD_ENOTFOUND)
		report_hint("'svcctl cluster status' shows the members");
	if (fault->code == SVCD_EUNKNOWN || fault->code == SVCD_ETIMEOUT)
		tell_missing(c);
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

static enum outcome refuse_standby(const struct svcd_value *member)
{
	report_error("%s is a standby, only a voter can lead", member_name(member));
	report_hint("'svcctl cluster promote %s' makes it one", member_name(member));
	return OUT_CONFLICT;
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
	if (out == OUT_OK && change == &change_transfer && !member_truth(member, "voter"))
		out = refuse_standby(member);
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
		report_note("stop it, or let it join again: what it has grows old now");
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

/* Who leads now: the member that answers may hear of it a moment later. OUT_FALSE: not
 * yet. */
static enum outcome look_for_leader(struct ctl *c, const char *old)
{
	const struct svcd_value *leader;
	struct members m;
	enum outcome out = members_load(c, &m);

	if (out != OUT_OK)
		return out;
	leader = leader_of(&m);
	if (leader == NULL || strcmp(member_text(leader, "node"), old) == 0)
		out = OUT_FALSE;
	else
		print_change(c, leader, &change_transfer);
	members_fini(&m);
	return out;
}

static enum outcome tell_leader(struct ctl *c, const char *old)
{
	struct deadline d = deadline_in(SETTLE_MS);
	enum outcome out;

	while ((out = look_for_leader(c, old)) == OUT_FALSE && deadline_left_ms(&d) > 0)
		nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
	if (out != OUT_FALSE)
		return out;
	report_error("nobody else took over");
	report_hint("'svcctl cluster status' shows who leads; another voter has to be "
		    "reachable and up to date");
	return OUT_CONFLICT;
}

static enum outcome transfer_to_any(struct ctl *c)
{
	struct members m;
	char *old;
	enum outcome out = members_load(c, &m);

	if (out != OUT_OK)
		return out;
	old = mem_copy(leader_of(&m) != NULL ? member_text(leader_of(&m), "node") : "");
	members_fini(&m);
	out = send_change(c, NULL, &change_transfer);
	if (out == OUT_OK)
		out = tell_leader(c, old);
	free(old);
	return out;
}

enum outcome cmd_cluster_transfer(struct ctl *c, const struct args *a)
{
	if (a->n_words > 0)
		return change_named(c, a, &change_transfer, false);
	return transfer_to_any(c);
}
