/* What is said to svcd: sessions, registrations, lookups; and its clusters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcbench/sides.h"

static struct message request;
static unsigned char answer[1 << 20];

void svcd_hello(struct link *l)
{
	mp_hello(&request);
	link_put(l, request.data, request.len);
}

size_t svcd_message(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	unsigned kind;

	(void)l;
	return mp_message(p, n, &kind, failed);
}

/* Answers of one kind have one length in a closed loop; every 64th is walked in full to
 * be sure. */
static size_t alike(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	if (l->usual > 0 && l->user % 64 != 0 && n >= l->usual && p[3] == 0xc0 &&
		(n == l->usual || (p[l->usual] == 0x94 && p[l->usual + 1] == 0x01)))
		return l->usual;
	return svcd_message(l, p, n, failed);
}

/* ---- registration ------------------------------------------------------ */

static void put_in_session(struct link *l, uint64_t i)
{
	mp_request(&request, (unsigned)(l->user % 128), "register");
	mp_map(&request, 3);
	mp_str(&request, "session");
	mp_uint(&request, 1000 + (uint64_t)l->index);
	mp_str(&request, "seq");
	mp_uint(&request, l->user);
	mp_str(&request, "instances");
	mp_array(&request, 1);
	mp_instance(&request, i / 10, i);
	link_put(l, request.data, request.len);
}

const struct load svcd_registers = {.start = peer_start_svcd,
	.greet = svcd_hello,
	.answer = alike,
	.put = put_in_session};

static void put_registers(struct link *l, uint64_t first, uint32_t n)
{
	mp_request(&request, 1, "register");
	mp_map(&request, 1);
	mp_str(&request, "instances");
	mp_array(&request, n);
	for (uint64_t i = first; i < first + n; i++)
		mp_instance(&request, i / 10, i);
	link_put(l, request.data, request.len);
}

static void put_register(struct link *l, uint64_t i)
{
	put_registers(l, i, 1);
}

static const struct load writes = {
	.greet = svcd_hello, .answer = svcd_message, .put = put_register};

/* ---- filling ----------------------------------------------------------- */

struct fill {
	uint64_t next, goal, done;
};

static void fill_one(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct fill *f = l->engine->arg;

	(void)p, (void)n;
	if (failed)
		give_up("filling: an answer is an error");
	if (l->user++ > 0)
		f->done += FILL_BATCH;
	if (f->next >= f->goal)
		return;
	put_registers(l, f->next, FILL_BATCH);
	f->next += FILL_BATCH;
	link_sent(l);
}

void svcd_fill(const struct peer *p, uint64_t n)
{
	struct fill f = {.goal = n};
	struct engine e;

	engine_init(&e);
	e.arg = &f;
	e.answer = svcd_message;
	e.on_open = svcd_hello;
	e.on_answer = fill_one;
	for (int i = 0; i < 4; i++)
		engine_dial(&e, p->host, p->port);
	if (!engine_until(&e, &f.done, n, 600))
		give_up("filling did not end");
	engine_fini(&e);
}

/* ---- lookup ------------------------------------------------------------ */

size_t svcd_ask(
	const struct peer *p, const struct message *m, unsigned char *out, size_t cap)
{
	return ask(p, &writes, m, 1, out, cap);
}

static void resolve(struct message *m, unsigned id, uint64_t service)
{
	char name[32];

	mp_request(m, id, "resolve");
	mp_map(m, 1);
	mp_str(m, "service");
	snprintf(name, sizeof name, "svc-%06llu", (unsigned long long)service);
	mp_str(m, name);
}

static void put_resolve(struct link *l, uint64_t i)
{
	(void)i;
	resolve(&request, (unsigned)(l->user % 128), random_service());
	link_put(l, request.data, request.len);
}

/* A request outlives the hello that goes before it. */
static size_t ask_resolve(
	const struct peer *p, uint64_t service, unsigned char *out, size_t cap)
{
	static struct message m;

	resolve(&m, 1, service);
	return svcd_ask(p, &m, out, cap);
}

static void fill_services(const struct peer *p)
{
	svcd_fill(p, LOOKUP_SERVICES * 10);
	lookup_sample_len = ask_resolve(p, 7, lookup_sample, sizeof lookup_sample);
	if (lookup_sample_len == 0)
		give_up("a lookup was refused");
}

const struct load svcd_resolves = {.start = peer_start_svcd,
	.fill = fill_services,
	.greet = svcd_hello,
	.answer = alike,
	.put = put_resolve};

/* ---- the cluster ------------------------------------------------------- */

static size_t ask_member(const struct peer *p, const char *method)
{
	static struct message m;

	mp_request(&m, 1, method);
	mp_map(&m, 0);
	return svcd_ask(p, &m, answer, sizeof answer);
}

static unsigned count_of(size_t n, const char *what, size_t len)
{
	const unsigned char *at = answer, *end = answer + n;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(end - at), what, len)) != NULL) {
		at += len;
		found++;
	}
	return found;
}

uint64_t svcd_rev(const struct peer *p)
{
	return mp_find_uint(answer, ask_member(p, "status"), "\xa3rev", 0);
}

static enum role role(const struct peer *p)
{
	size_t n;

	if (count_of(ask_member(p, "members"), "\xa5voter\xc3", 7) < MEMBERS)
		return ROLE_NONE;
	n = ask_member(p, "status");
	if (count_of(n, "\xa4role\xa6leader", 12) > 0)
		return ROLE_LEADER;
	return count_of(n,
		       "\xa4role\xa8"
		       "follower",
		       14) > 0
		? ROLE_FOLLOWER
		: ROLE_NONE;
}

static void start_member(struct trio *t, int i)
{
	peer_start_member(&t->m[i], &t->o, i, i > 0 ? &t->m[0] : NULL);
}

#define CATCH_UP_SECONDS 30

static void catch_up(const struct peer *p, uint64_t goal)
{
	uint64_t end = now_ns() + CATCH_UP_SECONDS * UINT64_C(1000000000);

	while (svcd_rev(p) < goal)
		if (now_ns() > end)
			give_up("a member does not catch up");
}

static uint64_t lost(const struct trio *t, int i, const unsigned char *known, uint64_t n)
{
	uint64_t missing = 0;
	size_t len = 0;

	catch_up(&t->m[i], svcd_rev(&t->m[trio_await_leader(t)]));
	for (uint64_t k = 0; k < n; k++) {
		char name[32];

		if (k % 10 == 0)
			len = ask_resolve(&t->m[i], k / 10, answer, sizeof answer);
		snprintf(name, sizeof name, "inst-%08llu", (unsigned long long)k);
		missing += known[k] && memmem(answer, len, name, strlen(name)) == NULL;
	}
	return missing;
}

const struct cluster svcd_cluster = {.settings = "default settings",
	.registers = &svcd_registers,
	.writes = &writes,
	.start = start_member,
	.run = peer_run_svcd,
	.role = role,
	.lost = lost};
