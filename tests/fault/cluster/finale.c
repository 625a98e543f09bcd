#include "finale.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pace.h"
#include "wire/pack.h"

#define PAGE 200

struct standing {
	bool known;
	uint64_t rev, applied, term;
	char role[16];
};

static struct standing standing_of(struct cluster *c, struct caller *with, int i)
{
	struct standing s = {0};
	struct value log;
	struct bytes role;

	if (member_ask(c, with, i, "status") != 0)
		return s;
	role = caller_text(with, "role");
	s.known = value_find(with->result, "log", &log);
	s.rev = caller_u64(with, "rev", 0);
	s.term = caller_u64(with, "term", 0);
	s.applied = s.known ? value_u64(log, "applied", 0) : 0;
	snprintf(s.role, sizeof s.role, "%.*s", (int)role.len, (const char *)role.data);
	return s;
}

static bool together(const struct standing *s, int n)
{
	int leaders = 0;

	for (int i = 0; i < n; i++) {
		if (!s[i].known || s[i].rev != s[0].rev || s[i].applied != s[0].applied ||
			s[i].term != s[0].term)
			return false;
		leaders += strcmp(s[i].role, "leader") == 0;
	}
	return leaders == 1;
}

uint64_t finale_caught_up(struct cluster *c, int timeout_ms)
{
	uint64_t end = clock_now_ms() + (uint64_t)timeout_ms;
	struct standing s[NET_MEMBERS_MAX];
	struct caller with;
	bool ok = false;

	caller_init(&with);
	while (!ok && clock_now_ms() < end) {
		for (int i = 0; i < c->n; i++)
			s[i] = standing_of(c, &with, i);
		ok = together(s, c->n);
		if (!ok)
			nap_ms(50);
	}
	caller_fini(&with);
	for (int i = 0; !ok && i < c->n; i++)
		fprintf(stderr,
			"cluster_run: not together: %s %s %s term %" PRIu64
			" revision %" PRIu64 " applied %" PRIu64 "\n",
			c->member[i].name, s[i].known ? "is" : "does not answer",
			s[i].role, s[i].term, s[i].rev, s[i].applied);
	return ok ? 0 : 1;
}

/* ---- equal -------------------------------------------------------------- */

struct page {
	char service[PAGE][64];
	uint32_t n;
};

static bool read_page(struct caller *with, struct page *p)
{
	struct buf *b = caller_begin(with, "list");
	struct value list;
	char after[80];

	pack_map(b, p->n > 0 ? 3 : 2);
	pack_kv_cstr(b, "ns", "default");
	pack_kv_u64(b, "limit", PAGE);
	snprintf(after, sizeof after, "default/%s", p->n > 0 ? p->service[p->n - 1] : "");
	if (p->n > 0)
		pack_kv_cstr(b, "after", after);
	p->n = 0;
	if (caller_end(with, 5000) != 0 || !value_find(with->result, "services", &list))
		return false;
	for (; p->n < list.n && p->n < PAGE; p->n++) {
		struct bytes name = value_text(value_at(list, p->n), "service");

		snprintf(p->service[p->n], sizeof p->service[0], "%.*s", (int)name.len,
			(const char *)name.data);
	}
	return true;
}

struct content {
	int code;
	uint64_t rev, digest, count;
};

static struct content content_of(
	struct cluster *c, struct caller *with, int i, const char *service)
{
	struct content out;
	struct buf *b;

	caller_to(with, c->member[i].client);
	b = caller_begin(with, "resolve");
	pack_map(b, 1);
	pack_kv_cstr(b, "service", service);
	out.code = caller_end(with, 5000);
	out.rev = caller_u64(with, "service_rev", 0);
	out.digest = caller_u64(with, "digest", 0);
	out.count = caller_u64(with, "count", 0);
	return out;
}

static uint64_t compare_service(
	struct cluster *c, struct caller *with, const char *service)
{
	struct content first = content_of(c, with, 0, service);
	uint64_t wrong = 0;

	for (int i = 1; i < c->n; i++) {
		struct content other = content_of(c, with, i, service);

		if (first.code == other.code && first.rev == other.rev &&
			first.digest == other.digest && first.count == other.count)
			continue;
		wrong++;
		fprintf(stderr,
			"cluster_run: %s: %s has revision %" PRIu64 " digest %016" PRIx64
			", %s has revision %" PRIu64 " digest %016" PRIx64 "\n",
			service, c->member[0].name, first.rev, first.digest,
			c->member[i].name, other.rev, other.digest);
	}
	return wrong;
}

uint64_t finale_equal(struct cluster *c, uint64_t *services)
{
	struct page *p = calloc(1, sizeof *p);
	uint64_t wrong = 0;
	struct caller with;

	assert(p != NULL);
	*services = 0;
	caller_init(&with);
	do {
		caller_to(&with, c->member[0].client);
		if (!read_page(&with, p)) {
			fprintf(stderr, "cluster_run: the services cannot be listed\n");
			wrong++;
			break;
		}
		for (uint32_t i = 0; i < p->n; i++)
			wrong += compare_service(c, &with, p->service[i]);
		*services += p->n;
	} while (p->n == PAGE);
	caller_fini(&with);
	free(p);
	return wrong;
}

/* ---- the end ------------------------------------------------------------ */

uint64_t finale_stop(struct cluster *c)
{
	uint64_t wrong = 0;

	for (int i = 0; i < c->n; i++) {
		int status = member_stop(c, i, 15000);

		if (status == 0)
			continue;
		wrong++;
		fprintf(stderr, "cluster_run: %s: SIGTERM ended with %d\n",
			c->member[i].name, status);
	}
	return wrong;
}

static bool complaint(const char *line)
{
	static const char *const marks[] = {"level=error", "AddressSanitizer",
		"LeakSanitizer", "runtime error:", "Assertion", "diverged"};

	if (strstr(line, "event=removed_from_cluster") != NULL)
		return false; /* FAULT_REPLACE did that */
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strstr(line, marks[i]) != NULL)
			return true;
	return false;
}

uint64_t finale_logs(struct cluster *c)
{
	uint64_t wrong = 0;
	char line[4096];

	for (int i = 0; i < c->n; i++) {
		FILE *log = fopen(c->member[i].log, "r");

		assert(log != NULL);
		while (fgets(line, sizeof line, log) != NULL)
			if (complaint(line) && wrong++ < 20)
				fprintf(stderr, "%s: %s", c->member[i].name, line);
		fclose(log);
	}
	return wrong;
}
