#include "svcctl/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };

struct report {
	const struct clinic *clinic;
	struct svcd_value *findings;
	bool failed;
};

/* member NULL: the cluster; advice NULL: nothing to do, or the finding says it. */
__attribute__((format(printf, 6, 7))) static void add(struct report *r, enum level level,
	const char *check, const struct svcd_value *member, const char *advice,
	const char *format, ...)
{
	static const char *const names[] = {"ok", "warn", "fail"};
	struct svcd_value *row = mem_check(svcd_value_new_map());
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	params_text(row, "level", names[level]);
	params_text(row, "check", check);
	params_text(row, "member", member != NULL ? member_name(member) : NULL);
	params_text(row, "finding", text);
	params_text(row, "advice", level != LEVEL_OK ? advice : NULL);
	params_child(r->findings, NULL, row);
	r->failed |= level == LEVEL_FAIL;
}

/* ---- the cluster ------------------------------------------------------- */

static void judge_quorum(struct report *r)
{
	struct quorum q = quorum_of(r->clinic->members);
	char *sentence = quorum_sentence(&q);
	bool reachable = q.reachable == q.voters;

	if (q.removed)
		add(r, LEVEL_FAIL, "quorum", NULL,
			"stop it, or let it join again with 'svcctl cluster join'", "%s",
			sentence);
	else if (q.voters == 0)
		add(r, LEVEL_FAIL, "quorum", NULL,
			"the last warning in its log says what keeps it from joining",
			"%s", sentence);
	else if (!quorum_is_there(&q))
		add(r, LEVEL_FAIL, "quorum", NULL,
			"start them again; when they are lost for good, 'svcctl cluster "
			"recover' on the one that is left",
			"%s", sentence);
	else if (!q.leader)
		add(r, LEVEL_FAIL, "quorum", NULL,
			"look again in a second; when it stays, the members cannot reach "
			"each other",
			"%s", sentence);
	else if (!reachable)
		add(r, LEVEL_WARN, "quorum", NULL,
			"start it again, or remove it and let another one join", "%s",
			sentence);
	else if (q.voters % 2 == 0)
		add(r, LEVEL_WARN, "quorum", NULL,
			"an even number of voters bears no more failures than one less: "
			"let another one join",
			"%s", sentence);
	else
		add(r, LEVEL_OK, "quorum", NULL, NULL, "%s", sentence);
	free(sentence);
}

static void judge_clocks(struct report *r)
{
	int64_t low = 0, high = 0;
	enum level level;

	for (size_t i = 0; i < r->clinic->n; i++) {
		int64_t ms = svcd_value_int(
			svcd_value_get(r->clinic->patients[i].member, "wall_diff_ms"), 0);

		if (ms < low)
			low = ms;
		if (ms > high)
			high = ms;
	}
	level = high - low > DOCTOR_CLOCK_FAIL_MS   ? LEVEL_FAIL
		: high - low > DOCTOR_CLOCK_WARN_MS ? LEVEL_WARN
						    : LEVEL_OK;
	add(r, level, "clocks", NULL,
		"let a time service run on all hosts; times in history and logs cannot be "
		"compared, nothing else depends on them",
		"the wall clocks differ by %" PRId64 " ms", high - low);
}

/* "n1 0.1.0, n2 0.2.0" of a field that should be the same everywhere; NULL: it is. */
static char *differences(const struct clinic *k, const char *key)
{
	char *text = mem_copy("");
	const char *first = NULL;
	bool differ = false;

	for (size_t i = 0; i < k->n; i++) {
		const struct svcd_value *m = k->patients[i].member;
		const char *value = member_text(m, key);
		char *longer;

		if (*value == '\0')
			continue;
		differ |= first != NULL && strcmp(first, value) != 0;
		first = first == NULL ? value : first;
		longer = mem_format("%s%s%s %s", text, *text != '\0' ? ", " : "",
			member_name(m), value);
		free(text);
		text = longer;
	}
	if (differ)
		return text;
	free(text);
	return NULL;
}

static void judge_versions(struct report *r)
{
	char *text = differences(r->clinic, "version");

	if (text != NULL)
		add(r, LEVEL_WARN, "versions", NULL,
			"fine during an upgrade, one member after the other; bring all to "
			"one version",
			"the versions differ: %s", text);
	else
		add(r, LEVEL_OK, "versions", NULL, NULL, "all members run the same");
	free(text);
}

/* Each member hashes the settings that have to agree; text or a number. */
static void judge_settings(struct report *r)
{
	char *text = differences(r->clinic, "config_hash");
	uint64_t first = 0;
	bool differ = text != NULL;

	for (size_t i = 0; i < r->clinic->n; i++) {
		uint64_t hash = member_number(
			r->clinic->patients[i].member, "config_hash");

		differ |= first != 0 && hash != 0 && hash != first;
		first = first == 0 ? hash : first;
	}
	if (differ)
		add(r, LEVEL_WARN, "settings", NULL,
			"compare 'svcd --print-config' of the members, the section cluster "
			"above all",
			"settings that have to agree differ");
	else
		add(r, LEVEL_OK, "settings", NULL, NULL,
			"those that have to agree are the same everywhere");
	free(text);
}

/* ---- each member ------------------------------------------------------- */

/* Somebody was there and said, or showed, what is wrong. */
static bool explains_itself(const struct svcd_value *member)
{
	static const char *const nobody[] = {
		"", "unreachable", "closed", "timeout", "io"};
	const char *code = member_text(member, "trouble_code");

	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++)
		if (strcmp(code, nobody[i]) == 0)
			return false;
	return true;
}

static void judge_reachable(struct report *r, const struct patient *p)
{
	const struct svcd_value *m = p->member;
	const char *trouble = member_text(m, "trouble"); /* begins with the address */

	if (!member_is_reachable(m))
		add(r, LEVEL_FAIL, "reachable", m,
			explains_itself(m) ? NULL
					   : "is svcd running there, and does a firewall "
					     "let its peer port through?",
			"cannot be reached: %s",
			*trouble != '\0' ? trouble : member_text(m, "peer"));
	else if (p->trouble[0] != '\0')
		add(r, LEVEL_WARN, "reachable", m,
			"set 'advertise' to an address at which clients reach it",
			"the members reach it, clients do not: %s", p->trouble);
	else
		add(r, LEVEL_OK, "reachable", m, NULL, "answers");
}

/* A link that works one way only makes elections hard. */
static void judge_links(struct report *r, const struct patient *p)
{
	for (size_t i = 0; i < p->view.n; i++) {
		const struct svcd_value *other = p->view.rows[i].v;

		if (member_is_reachable(other))
			continue;
		for (size_t j = 0; j < r->clinic->n; j++) {
			const struct svcd_value *m = r->clinic->patients[j].member;

			if (member_is_reachable(m) &&
				strcmp(member_text(m, "node"),
					member_text(other, "node")) == 0)
				add(r, LEVEL_WARN, "links", p->member,
					"look at the network between the two",
					"does not reach %s, which others do",
					member_name(m));
		}
	}
}

static void judge_divergence(struct report *r, const struct patient *p)
{
	if (member_truth(p->member, "diverged"))
		add(r, LEVEL_FAIL, "divergence", p->member,
			"remove it, delete its data directory, let it join again; keep a "
			"copy of the directory: this is a defect of disk, memory or svcd",
			"its state differs from the others, it serves nothing");
	else if (member_truth(p->member, "disputed"))
		add(r, LEVEL_FAIL, "divergence", p->member,
			"keep copies of both data directories; with one more voter the "
			"majority tells which is wrong: remove that one",
			"its state differs from that of the member that answers, and no "
			"majority tells which is wrong");
}

static void judge_completeness(struct report *r, const struct patient *p)
{
	if (member_truth(p->member, "incomplete"))
		add(r, LEVEL_FAIL, "log", p->member,
			"remove it, delete its data directory, let it join again; never give "
			"a member an older copy of its directory",
			"it lacks entries that it had confirmed, and gets nothing new: an "
			"older copy of its data, or a bad disk");
}

static enum level level_of(uint64_t value, uint64_t warn, uint64_t fail)
{
	return value > fail ? LEVEL_FAIL : value > warn ? LEVEL_WARN : LEVEL_OK;
}

static void judge_disk(struct report *r, const struct patient *p)
{
	uint64_t us = member_number(p->member, "sync_us");

	if (us > 0 && member_is_reachable(p->member))
		add(r, level_of(us, DOCTOR_SYNC_WARN_US, DOCTOR_SYNC_FAIL_US), "disk",
			p->member,
			"writes wait for the disks of a majority: give svcd a faster one, "
			"or one that it need not share",
			"a sync takes %.2f ms", (double)us / 1000);
}

static void judge_network(struct report *r, const struct patient *p)
{
	uint64_t us = member_number(p->member, "rtt_us");

	if (us > 0 && member_truth(p->member, "reachable") &&
		!member_truth(p->member, "self"))
		add(r, level_of(us, DOCTOR_RTT_WARN_US, DOCTOR_RTT_FAIL_US), "network",
			p->member,
			"cluster.election has to be a good deal longer than a round trip",
			"a round trip takes %.2f ms", (double)us / 1000);
}

static void judge_behind(struct report *r, const struct patient *p)
{
	uint64_t behind = member_behind(r->clinic->members, p->member);

	if (member_is_reachable(p->member) && behind > DOCTOR_BEHIND_WARN)
		add(r, LEVEL_WARN, "behind", p->member,
			"look again: when it grows, its disk or network is too slow",
			"lacks %" PRIu64 " entries of the log", behind);
}

static void judge_space(struct report *r, const struct patient *p)
{
	uint64_t free_bytes = member_number(p->status, "disk_free");
	uint64_t state = member_number(p->status, "state_bytes");
	char text[TEXT_CAP];

	if (p->status == NULL)
		return;
	text_bytes(free_bytes, text);
	if (member_truth(p->status, "space_low"))
		add(r, LEVEL_FAIL, "space", p->member,
			"make room on the disk of the data directory: it refuses writes",
			"the disk is nearly full: %s free", text);
	else if (free_bytes < DOCTOR_FREE_WARN_BYTES || free_bytes < 4 * state)
		add(r, LEVEL_WARN, "space", p->member,
			"checkpoints and a state that is taken over need room for copies: "
			"make some",
			"%s free on the disk of the data directory", text);
	else
		add(r, LEVEL_OK, "space", p->member, NULL,
			"%s free on the disk of the data directory", text);
}

static void judge_checkpoint(struct report *r, const struct patient *p)
{
	const struct svcd_value *checkpoint = svcd_value_get(p->status, "checkpoint");
	uint64_t log = member_number(svcd_value_get(p->status, "log"), "bytes");
	char size[TEXT_CAP], age[TEXT_CAP];

	if (p->status == NULL)
		return;
	text_bytes(log, size);
	text_age(member_number(checkpoint, "age_ms"), age);
	if (log > DOCTOR_LOG_WARN_BYTES)
		add(r, LEVEL_WARN, "checkpoint", p->member,
			"its log should have been cut: look for checkpoint_failed in its "
			"log lines",
			"the log is %s long", size);
	else if (checkpoint == NULL)
		add(r, LEVEL_OK, "checkpoint", p->member, NULL,
			"none yet, the log has everything: %s", size);
	else
		add(r, LEVEL_OK, "checkpoint", p->member, NULL, "%s old, log of %s since",
			age, size);
}

static void judge_certificate(struct report *r, const struct patient *p)
{
	const struct svcd_value *left = svcd_value_get(p->status, "cert_left_ms");
	uint64_t ms = svcd_value_uint(left, 0);
	char age[TEXT_CAP];

	if (left == NULL)
		return;
	text_age(ms, age);
	if (ms == 0)
		add(r, LEVEL_FAIL, "certificate", p->member,
			"put a new one in its place and send SIGHUP to svcd",
			"its certificate has expired");
	else
		add(r, ms < DOCTOR_CERT_WARN_MS ? LEVEL_WARN : LEVEL_OK, "certificate",
			p->member, "put a new one in its place and send SIGHUP to svcd",
			"its certificate is good for %s", age);
}

struct svcd_value *doctor_judge(const struct clinic *k, bool *failed)
{
	static void (*const each[])(struct report * r, const struct patient *p) = {
		judge_reachable, judge_links, judge_divergence, judge_completeness,
		judge_network, judge_disk, judge_behind, judge_space, judge_checkpoint,
		judge_certificate};
	struct report r = {.clinic = k, .findings = mem_check(svcd_value_new_array())};

	judge_quorum(&r);
	judge_clocks(&r);
	judge_versions(&r);
	judge_settings(&r);
	for (size_t i = 0; i < k->n; i++)
		for (size_t j = 0; j < sizeof(each) / sizeof(each[0]); j++)
			each[j](&r, &k->patients[i]);
	*failed = r.failed;
	return r.findings;
}
