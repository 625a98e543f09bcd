/*
 * While a member to be runs and is not taken in: whom else it can ask. When the member
 * that it asks is gone, or reaches no leader, a thread tries the addresses that are
 * known, each time beginning with the next one, until somebody of the same cluster
 * answers.
 *
 * All but the thread's search is the replica's thread's.
 */
#include "replica/replica_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define SEARCH_MS 2000
#define PATIENCE_MS 1000 /* with whom is asked now */
#define ADDRESSES_MAX (SEEKING_TOLD_MAX + REPLICA_MEMBERS_MAX)

struct seeking {
	struct replica *replica;
	struct tls *tls;
	bool plain_anywhere;
	char told[SEEKING_TOLD_MAX][120]; /* by settings and by the file */
	size_t n_told;
	size_t turn;         /* searches up to now */
	uint64_t useless_ms; /* since then whom we ask is of no use; 0: he is */
	bool failed;         /* he said so */

	/* the search */
	pthread_t thread;
	bool running, joinable;
	_Atomic bool stop;
	char addresses[ADDRESSES_MAX][120];
	size_t n;
	struct peer_found found;
	int rc;
	struct mail mail;
};

struct seeking *seeking_new(struct replica *r, struct tls *tls, bool plain_anywhere,
	const char *const *told, size_t n)
{
	struct seeking *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->replica = r;
	s->tls = tls;
	s->plain_anywhere = plain_anywhere;
	for (; s->n_told < n && s->n_told < SEEKING_TOLD_MAX; s->n_told++)
		snprintf(s->told[s->n_told], sizeof(s->told[0]), "%s", told[s->n_told]);
	return s;
}

void seeking_stop(struct seeking *s)
{
	if (!s)
		return;
	s->stop = true;
	if (s->joinable)
		pthread_join(s->thread, NULL);
	s->joinable = false;
}

/* ---- a search ---------------------------------------------------------- */

static void on_over(struct mail *m)
{
	struct seeking *s = container_of(m, struct seeking, mail);
	struct replica *r = s->replica;

	s->running = s->failed = false;
	s->useless_ms = 0;
	if (s->rc != 0 || !r->peers || !r->joining ||
		s->found.cluster != r->dir.cluster || s->found.node == r->dir.node ||
		s->found.node == r->contact)
		return;
	r->contact = s->found.node;
	r->announce_ms = 0;
	(void)peers_set_address(r->peers, s->found.node, s->found.address);
	log_info("asking_another_member", L_STR("member", s->found.name),
		L_STR("address", s->found.address));
}

static void *search(void *arg)
{
	struct seeking *s = arg;
	const char *list[ADDRESSES_MAX];

	pthread_setname_np(pthread_self(), "seek");
	for (size_t i = 0; i < s->n; i++)
		list[i] = s->addresses[(i + s->turn) % s->n];
	s->rc = peers_discover(list, s->n, s->tls, s->plain_anywhere, SEARCH_MS, &s->stop,
		&s->found, NULL);
	mailbox_post(s->replica->box, &s->mail);
	return NULL;
}

static void add(struct seeking *s, const char *address)
{
	if (address[0] != '\0' && s->n < ADDRESSES_MAX)
		snprintf(s->addresses[s->n++], sizeof(s->addresses[0]), "%s", address);
}

/* Members are known when a log or a checkpoint has come already. */
static void collect(struct seeking *s)
{
	const struct roster *all = &s->replica->roster;

	s->n = 0;
	for (size_t i = 0; i < s->n_told; i++)
		add(s, s->told[i]);
	for (size_t i = 0; i < all->n; i++)
		if (all->views[i].node != s->replica->dir.node)
			add(s, all->views[i].peer);
}

static void start(struct seeking *s)
{
	collect(s);
	if (s->n == 0)
		return;
	s->turn++;
	s->mail.deliver = on_over;
	if (s->joinable)
		pthread_join(s->thread, NULL);
	s->joinable = s->running = pthread_create(&s->thread, NULL, search, s) == 0;
}

/* ---- when -------------------------------------------------------------- */

void seeking_failed(struct seeking *s)
{
	if (s)
		s->failed = true;
}

void seeking_round(struct seeking *s)
{
	struct replica *r;
	uint64_t now;

	if (!s || s->running)
		return;
	r = s->replica;
	now = replica_now_ms(r);
	if (!s->failed && peers_connected(r->peers, r->contact, PEER_FORWARD))
		s->useless_ms = 0;
	else if (s->useless_ms == 0)
		s->useless_ms = now;
	else if (now - s->useless_ms >= PATIENCE_MS)
		start(s);
}
