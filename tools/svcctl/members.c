#include "svcctl/members.h"

#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

#define ID_DIGITS_MIN 4

int members_ask(struct ctl *c, struct members *m, struct svcd_fault *fault)
{
	struct svcd_value *answer = NULL;
	int rv = ctl_ask(c, "members", NULL, &answer, fault);

	*m = (struct members){.n = 0};
	if (rv == 0)
		members_take(m, answer);
	return rv;
}

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return strcmp(member_name(x->v), member_name(y->v));
}

void members_take(struct members *m, struct svcd_value *answer)
{
	*m = (struct members){.n = 0};
	pages_take(&m->pages, answer, "members");
	qsort(m->pages.rows, m->pages.n, sizeof(*m->pages.rows), by_name);
	m->rows = m->pages.rows;
	m->n = m->pages.n;
	for (size_t i = 0; i < m->n; i++)
		if (member_truth(m->rows[i].v, "self"))
			m->self = m->rows[i].v;
}

enum outcome members_load(struct ctl *c, struct members *m)
{
	struct svcd_fault fault;

	return members_ask(c, m, &fault) == 0 ? OUT_OK : ctl_fail(c, &fault);
}

void members_fini(struct members *m)
{
	pages_fini(&m->pages);
	*m = (struct members){.n = 0};
}

/* ---- one member -------------------------------------------------------- */

bool member_truth(const struct svcd_value *member, const char *key)
{
	return svcd_value_bool(svcd_value_get(member, key), false);
}

uint64_t member_number(const struct svcd_value *member, const char *key)
{
	return svcd_value_uint(svcd_value_get(member, key), 0);
}

const char *member_text(const struct svcd_value *member, const char *key)
{
	return svcd_value_str(svcd_value_get(member, key), "");
}

const char *member_role(const struct svcd_value *member)
{
	if (member_truth(member, "removed"))
		return "removed";
	if (member_truth(member, "joining"))
		return "joining";
	if (member_truth(member, "leader"))
		return "leader";
	return member_truth(member, "voter") ? "voter" : "standby";
}

const char *member_name(const struct svcd_value *member)
{
	const char *name = member_text(member, "name");

	return *name != '\0' ? name : member_text(member, "node");
}

bool member_is_reachable(const struct svcd_value *member)
{
	return member_truth(member, "self") || member_truth(member, "reachable");
}

bool member_confirms(const struct svcd_value *member)
{
	return member_is_reachable(member) && !member_truth(member, "incomplete");
}

uint64_t member_behind(const struct members *m, const struct svcd_value *member)
{
	uint64_t behind = member_number(member, "behind"), newest = 0;
	uint64_t applied = member_number(member, "applied");

	/* what others said of themselves is up to a beat old: none leads by lacking */
	if (member_truth(member, "leader"))
		return 0;
	if (behind > 0 || (applied == 0 && !member_is_reachable(member)))
		return behind;
	for (size_t i = 0; i < m->n; i++)
		if (member_number(m->rows[i].v, "applied") > newest)
			newest = member_number(m->rows[i].v, "applied");
	return newest - applied;
}

/* ---- whom -------------------------------------------------------------- */

static bool is_named(const struct svcd_value *member, const char *text)
{
	return strcmp(member_text(member, "name"), text) == 0 ||
		strcmp(member_text(member, "node"), text) == 0;
}

/* The one whose id begins so; NULL: none, or several. */
static const struct svcd_value *find_by_start(const struct members *m, const char *text)
{
	const struct svcd_value *found = NULL;
	size_t len = strlen(text), n = 0;

	if (len < ID_DIGITS_MIN)
		return NULL;
	for (size_t i = 0; i < m->n; i++) {
		if (strncmp(member_text(m->rows[i].v, "node"), text, len) != 0)
			continue;
		found = m->rows[i].v;
		n++;
	}
	return n == 1 ? found : NULL;
}

static enum outcome no_such_member(const struct members *m, const char *text)
{
	struct texts names = {NULL, 0};
	const char *near;

	for (size_t i = 0; i < m->n; i++)
		texts_add(&names, mem_copy(member_name(m->rows[i].v)));
	near = names.n > 0 ? text_suggest(text, (const char *const *)names.items) : NULL;
	report_error("no member named '%s'", text);
	if (near != NULL)
		report_hint("did you mean '%s'?", near);
	else
		report_hint("'svcctl cluster status' shows the members");
	texts_fini(&names);
	return OUT_NOT_FOUND;
}

enum outcome members_find(
	const struct members *m, const char *text, const struct svcd_value **out)
{
	const struct svcd_value *found = NULL;

	for (size_t i = 0; i < m->n && found == NULL; i++)
		if (is_named(m->rows[i].v, text))
			found = m->rows[i].v;
	if (found == NULL)
		found = find_by_start(m, text);
	if (found == NULL)
		return no_such_member(m, text);
	*out = found;
	return OUT_OK;
}

/* ---- quorum ------------------------------------------------------------ */

struct quorum quorum_of(const struct members *m)
{
	struct quorum q = {0};

	for (size_t i = 0; i < m->n; i++) {
		const struct svcd_value *one = m->rows[i].v;
		bool reachable = member_confirms(one);

		if (!member_truth(one, "voter")) {
			q.standbys++;
			continue;
		}
		q.voters++;
		q.reachable += reachable;
		q.incomplete |= member_truth(one, "incomplete");
		q.leader |= reachable && member_truth(one, "leader");
	}
	q.removed = m->self != NULL && member_truth(m->self, "removed");
	return q;
}

size_t quorum_needed(const struct quorum *q)
{
	return q->voters / 2 + 1;
}

bool quorum_is_there(const struct quorum *q)
{
	return q->voters > 0 && q->reachable >= quorum_needed(q) && !q->removed;
}

size_t quorum_may_fail(const struct quorum *q)
{
	return quorum_is_there(q) ? q->reachable - quorum_needed(q) : 0;
}

struct quorum quorum_without(struct quorum q, bool reachable)
{
	q.voters--;
	q.reachable -= reachable;
	return q;
}

static const char *what_of_missing(const struct quorum *q)
{
	return q->incomplete ? "cannot be reached or lack entries" : "cannot be reached";
}

static char *sentence_lost(const struct quorum *q)
{
	size_t missing = quorum_needed(q) - q->reachable;

	return mem_format("%zu of %zu voters %s: no writes until %zu more %s here",
		q->voters - q->reachable, q->voters, what_of_missing(q), missing,
		missing == 1 ? "is" : "are");
}

static char *sentence_degraded(const struct quorum *q)
{
	size_t may_fail = quorum_may_fail(q);

	if (may_fail == 0)
		return mem_format("%zu of %zu voters %s: none of the others may fail",
			q->voters - q->reachable, q->voters, what_of_missing(q));
	return mem_format("%zu of %zu voters %s: %zu more may fail",
		q->voters - q->reachable, q->voters, what_of_missing(q), may_fail);
}

static char *sentence_whole(const struct quorum *q)
{
	if (q->voters == 1)
		return mem_copy("1 voter: nobody takes over when it fails");
	if (quorum_may_fail(q) == 0)
		return mem_format("%zu voters, none may fail", q->voters);
	return mem_format("%zu voters, %zu may fail", q->voters, quorum_may_fail(q));
}

char *quorum_sentence(const struct quorum *q)
{
	char *text, *longer;

	if (q->removed)
		return mem_copy(
			"this member was removed from its cluster, and what it has "
			"grows old");
	if (q->voters == 0)
		return mem_copy("this member is not part of a cluster yet");
	if (!quorum_is_there(q))
		return sentence_lost(q);
	text = q->reachable < q->voters ? sentence_degraded(q) : sentence_whole(q);
	if (q->leader)
		return text;
	longer = mem_format("%s; no leader yet: no writes until one is elected", text);
	free(text);
	return longer;
}
