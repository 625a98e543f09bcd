/* doctor: asks all members, and says what is wrong and what to do about it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svcctl/columns.h"
#include "svcctl/doctor.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"

#define MEMBER_MS 2000 /* for the answers of one member */

static bool is_path(const char *address)
{
	return strncmp(address, "unix:", 5) == 0;
}

/* Another one may answer at that address: wrongly advertised, or a path of another host.
 */
static void take_status(struct patient *p, struct svcd_value *status, const char *address)
{
	if (strcmp(member_text(status, "node"), member_text(p->member, "node")) == 0) {
		p->status = status;
		return;
	}
	svcd_value_free(status);
	if (!is_path(address))
		snprintf(p->trouble, sizeof(p->trouble), "another member answers at %s",
			address);
}

/* A connection of its own to one member, which others would hide. */
static void ask_member(const struct ctl *c, struct patient *p)
{
	struct ctl other = *c;
	struct svcd_value *status = NULL;
	struct svcd_fault fault;

	other.client = NULL;
	other.servers = member_text(p->member, "client");
	other.timeout_ms = c->timeout_ms < MEMBER_MS ? c->timeout_ms : MEMBER_MS;
	if (ctl_call(&other, "status", NULL, &status, &fault) == 0) {
		take_status(p, status, other.servers);
		if (p->status != NULL)
			members_ask(&other, &p->view, &fault);
	} else {
		snprintf(p->trouble, sizeof(p->trouble), "%s",
			fault.text[0] != '\0' ? fault.text : svcd_strerror(fault.code));
	}
	svcd_client_free(other.client);
}

/* The connected member is asked on the connection that is there. */
static void ask_here(struct ctl *c, struct patient *p)
{
	struct svcd_value *status = NULL;
	struct svcd_fault fault;

	if (ctl_call(c, "status", NULL, &status, &fault) == 0)
		p->status = status;
	else
		snprintf(p->trouble, sizeof(p->trouble), "%s", fault.text);
}

/* An address that is a path is good on that host only. */
static bool may_be_asked(const struct svcd_value *member)
{
	const char *address = member_text(member, "client");

	if (*address == '\0' || !member_is_reachable(member))
		return false;
	return !is_path(address) || access(address + 5, F_OK) == 0;
}

static struct patient *ask_all(struct ctl *c, const struct members *m)
{
	struct patient *all = mem_zero(m->n, sizeof(*all));

	for (size_t i = 0; i < m->n; i++) {
		all[i].member = m->rows[i].v;
		if (member_truth(all[i].member, "self"))
			ask_here(c, &all[i]);
		else if (may_be_asked(all[i].member))
			ask_member(c, &all[i]);
	}
	return all;
}

static void free_patients(struct patient *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		svcd_value_free((struct svcd_value *)(uintptr_t)all[i].status);
		members_fini(&all[i].view);
	}
	free(all);
}

static const struct column finding_columns[] = {
	{"LEVEL", cell_text, "level"},
	{"CHECK", cell_text, "check"},
	{"MEMBER", cell_text, "member"},
	{"FINDING", cell_text, "finding"},
	{"ADVICE", cell_text, "advice"},
	{NULL},
};

static enum paint paint_of_level(const char *level)
{
	if (strcmp(level, "ok") == 0)
		return PAINT_GOOD;
	return strcmp(level, "warn") == 0 ? PAINT_WARN : PAINT_BAD;
}

/* "warn  disk of n2: a sync takes 31.00 ms; give svcd a faster one" */
static void put_finding(const struct view *v, const struct svcd_value *f)
{
	const char *level = member_text(f, "level"), *member = member_text(f, "member");
	const char *advice = member_text(f, "advice");
	enum paint paint = paint_of_level(level);

	printf("%s%-4s%s  %s", view_paint(v, paint), level, view_plain(v, paint),
		member_text(f, "check"));
	if (*member != '\0') {
		fputs(" of ", stdout);
		put_clean(stdout, member);
	}
	fputs(": ", stdout);
	put_clean(stdout, member_text(f, "finding"));
	if (*advice != '\0')
		printf("; %s", advice);
	putchar('\n');
}

static void print_findings(struct ctl *c, const struct svcd_value *findings)
{
	size_t n = svcd_value_count(findings);
	struct row *rows;

	if (view_is_screen(&c->view)) {
		for (size_t i = 0; i < n; i++)
			put_finding(&c->view, svcd_value_at(findings, i));
		return;
	}
	rows = rows_of(findings, NULL, NULL);
	print_listing(&c->view,
		&(struct listing){.columns = finding_columns,
			.name = "check",
			.rows = rows,
			.n = n});
	free(rows);
}

enum outcome cmd_doctor(struct ctl *c, const struct args *a)
{
	struct members m;
	struct clinic clinic;
	struct svcd_value *findings;
	bool failed;
	enum outcome out = members_load(c, &m);

	(void)a;
	if (out != OUT_OK)
		return out;
	clinic = (struct clinic){&m, ask_all(c, &m), m.n};
	findings = doctor_judge(&clinic, &failed);
	print_findings(c, findings);
	svcd_value_free(findings);
	free_patients(clinic.patients, m.n);
	members_fini(&m);
	return failed ? OUT_FALSE : OUT_OK;
}
