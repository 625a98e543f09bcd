/*
 * Kill -9 in a loop under load: no acknowledged registration is ever missing, no
 *acknowledged removal ever comes back. A real svcd on loopback; a model of what it
 *acknowledged is compared after each restart.
 *
 *	kill9 SVCD [ROUNDS]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcbench/engine.h"
#include "svcbench/message.h"
#include "svcbench/peer.h"

#define LINKS 16
#define IDS_MAX 4096 /* of one connection in one round */

enum fate { UNKNOWN, THERE, REMOVED };

/* One connection in one round has a service of its own: "kill-ROUND-LINK". */
struct service {
	unsigned n; /* ids 0 .. n-1 were asked for */
	unsigned char fate[IDS_MAX];
	unsigned asked; /* id of the request on its way */
	bool removing;
};

static struct service (*model)[LINKS]; /* one row per round */
static int round_now;
static uint64_t acknowledged, removed, checked, wrong;
static struct message request;

static void name_service(char out[32], int round, int link)
{
	snprintf(out, 32, "kill-%d-%d", round, link);
}

static void ask(struct link *l, const char *method, unsigned id)
{
	char text[32];

	mp_request(&request, 1, method);
	mp_map(&request, 1);
	mp_str(&request, "instances");
	mp_array(&request, 1);
	mp_map(&request, 3);
	mp_str(&request, "service");
	name_service(text, round_now, l->index);
	mp_str(&request, text);
	mp_str(&request, "id");
	snprintf(text, sizeof text, "i-%u", id);
	mp_str(&request, text);
	mp_str(&request, "addresses");
	mp_array(&request, 1);
	mp_str(&request, "127.0.0.1");
	link_put(l, request.data, request.len);
}

static size_t answer(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	unsigned kind;

	(void)l;
	return mp_message(p, n, &kind, failed);
}

/* Takes the last answer into the model, then asks for the next thing: every fifth is a
 * removal. */
static void load_step(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct service *s = &model[round_now][l->index];

	if (failed) {
		fprintf(stderr, "kill9: a write was refused: %.*s\n", (int)n,
			(const char *)p);
		exit(1);
	}
	if (l->user++ > 0) {
		s->fate[s->asked] = s->removing ? REMOVED : THERE;
		*(s->removing ? &removed : &acknowledged) += 1;
	}
	if (s->n == IDS_MAX)
		return;
	s->removing = l->user % 5 == 0 && s->fate[s->n / 2] == THERE;
	s->asked = s->removing ? s->n / 2 : s->n++;
	s->fate[s->asked] = UNKNOWN;
	ask(l, s->removing ? "deregister" : "register", s->asked);
}

static void say_hello(struct link *l)
{
	mp_hello(&request);
	link_put(l, request.data, request.len);
}

static void load(const struct peer *p, double seconds)
{
	struct engine e;

	engine_init(&e);
	e.answer = answer;
	e.on_open = say_hello;
	e.on_answer = load_step;
	for (int i = 0; i < LINKS; i++)
		engine_dial(&e, "127.0.0.1", p->port);
	engine_for(&e, seconds);
	kill(p->pid, SIGKILL); /* with requests on their way */
	engine_for(&e, 0.02);  /* answers that were sent before count */
	engine_fini(&e);
}

/* ---- verification ------------------------------------------------------ */

struct verify {
	int round, link; /* what is asked now */
	char after[32];  /* paging */
	unsigned char there[IDS_MAX];
	uint64_t done;
};

static void resolve(struct link *l, struct verify *v)
{
	char text[32];

	mp_request(&request, 1, "resolve");
	mp_map(&request, v->after[0] ? 3 : 2);
	mp_str(&request, "service");
	name_service(text, v->round, v->link);
	mp_str(&request, text);
	mp_str(&request, "limit");
	mp_uint(&request, 500);
	if (v->after[0]) {
		mp_str(&request, "after");
		mp_str(&request, v->after);
	}
	link_put(l, request.data, request.len);
}

static void compare(struct verify *v)
{
	struct service *s = &model[v->round][v->link];

	for (unsigned id = 0; id < s->n; id++) {
		bool must = s->fate[id] == THERE, must_not = s->fate[id] == REMOVED;

		checked += must || must_not;
		if ((must && !v->there[id]) || (must_not && v->there[id])) {
			if (wrong++ < 10)
				fprintf(stderr,
					"kill9: kill-%d-%d/i-%u: acknowledged as "
					"%s, but it is %s\n",
					v->round, v->link, id,
					must ? "registered" : "removed",
					v->there[id] ? "there" : "missing");
		}
		/* what was on its way is decided now, and must stay so */
		if (s->fate[id] == UNKNOWN)
			s->fate[id] = v->there[id] ? THERE : REMOVED;
	}
}

/* Marks the ids "i-N" of the answer; the last one is where the next page starts. */
static unsigned mark(struct verify *v, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n, *at = p;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(end - at), "\xa2id", 3)) != NULL) {
		unsigned len = at[3] & 31;
		char text[32];

		at += 4;
		snprintf(text, sizeof text, "%.*s", (int)len, (const char *)at);
		if (strncmp(text, "i-", 2) == 0 &&
			strtoul(text + 2, NULL, 10) < IDS_MAX) {
			v->there[strtoul(text + 2, NULL, 10)] = 1;
			snprintf(v->after, sizeof v->after, "%s", text);
			found++;
		}
	}
	return found;
}

static void verify_step(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct verify *v = l->engine->arg;

	if (l->user++ > 0) {
		/* no_service is a good answer where nothing was acknowledged: compare()
		 * decides */
		if (!failed && mark(v, p, n) == 500) {
			resolve(l, v);
			return;
		}
		compare(v);
		v->after[0] = '\0';
		memset(v->there, 0, sizeof v->there);
		if (++v->link == LINKS) {
			v->link = 0;
			v->round++;
		}
	}
	if (v->round > round_now)
		v->done = 1;
	else
		resolve(l, v);
}

static void verify_all(const struct peer *p)
{
	struct verify v = {.round = 0};
	struct engine e;

	engine_init(&e);
	e.arg = &v;
	e.answer = answer;
	e.on_open = say_hello;
	e.on_answer = verify_step;
	engine_dial(&e, "127.0.0.1", p->port);
	if (!engine_until(&e, &v.done, 1, 60)) {
		fputs("kill9: error: the registry does not answer\n", stderr);
		exit(1);
	}
	engine_fini(&e);
}

int main(int argc, char **argv)
{
	struct bench_options o = {.server_cpu = -1, .client_cpu = -1};
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	struct peer p;

	if (argc < 2 || rounds < 1) {
		fputs("usage: kill9 SVCD [ROUNDS]\n", stderr);
		return 2;
	}
	o.svcd = argv[1];
	model = calloc((size_t)rounds, sizeof *model);
	srandom((unsigned)now_ns());
	peer_start_svcd(&p, &o);
	for (round_now = 0; round_now < rounds && wrong == 0; round_now++) {
		load(&p, 0.02 + (double)(random() % 130) / 1000);
		peer_kill(&p, SIGKILL);
		peer_restart_svcd(&p, &o);
		verify_all(&p);
	}
	if (wrong > 0) {
		peer_kill(&p, SIGTERM);
		fprintf(stderr, "kill9: the data directory is kept: %s\n", p.dir);
	} else {
		peer_remove(&p);
	}
	printf("%d kills, %llu registrations and %llu removals acknowledged, %llu "
	       "checks, %llu wrong\n",
		round_now, (unsigned long long)acknowledged, (unsigned long long)removed,
		(unsigned long long)checked, (unsigned long long)wrong);
	free(model);
	return wrong > 0 || acknowledged == 0;
}
