/*
 * peers_discover: one address after the other, on a loop of its own that lives as long as
 * the call.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "replica/peers_internal.h"

#define LOOK_AT_STOP_MS 50
#define SHARE_MIN_MS 500 /* of the time, for each address */

struct discovery {
	struct loop *loop;
	struct tls *tls;
	struct timer look;
	const _Atomic bool *stop;
	uint64_t until_ms; /* of the address that is being asked */
	struct peer_link *link;
	struct resolver *resolver;
	struct resolve *question;
	struct err trouble;
	struct peer_found found; /* node 0: not yet */
	bool done;               /* with this address */
	bool plain_anywhere;
};

static void discovery_done(struct discovery *d)
{
	d->done = true;
	loop_stop(d->loop);
}

/* ---- asking */

static int asked_greeted(struct peer_link *l, void *arg, struct err *why)
{
	struct discovery *d = arg;
	const struct peer_welcome *w = &l->welcome;

	if (w->node == 0 || w->cluster == 0)
		return err_set(
			why, SVCD_ENOTREADY, "%s has no cluster itself yet", l->address);
	d->found.cluster = w->cluster;
	d->found.node = w->node;
	memcpy(d->found.name, w->name, sizeof(w->name));
	memcpy(d->found.address, w->address, sizeof(w->address));
	return 0;
}

static void asked_open(struct peer_link *l, void *arg)
{
	(void)arg;
	peer_link_part(l);
}

static void asked_frame(struct peer_link *l, const struct peer_frame *f, void *arg)
{
	(void)l;
	(void)f;
	(void)arg;
}

static void asked_drained(struct peer_link *l, void *arg)
{
	(void)l;
	(void)arg;
}

static void asked_closed(struct peer_link *l, const struct err *why, void *arg)
{
	struct discovery *d = arg;

	(void)l;
	d->link = NULL;
	d->trouble = *why;
	discovery_done(d);
}

static const struct peer_link_events asked_events = {
	.greeted = asked_greeted,
	.open = asked_open,
	.frame = asked_frame,
	.drained = asked_drained,
	.closed = asked_closed,
};

static void ask(struct discovery *d, const struct net_addr *at)
{
	struct peer_link_options o = {
		.loop = d->loop,
		.tls = d->tls,
		.ev = &asked_events,
		.arg = d,
		.handshake_ms = HANDSHAKE_MS,
	};
	struct peer_hello hello = {.channel = PEER_FORWARD};

	if (peer_where_allowed(at, d->tls != NULL, d->plain_anywhere, &d->trouble) == 0)
		d->link = peer_link_dial(&o, at, &hello, &d->trouble);
	if (d->link == NULL)
		discovery_done(d);
}

static void ask_resolved(void *arg, int rc, const struct net_addr *to, const char *words)
{
	struct discovery *d = arg;

	d->question = NULL;
	if (rc == 0) {
		ask(d, to);
		return;
	}
	err_set(&d->trouble, rc, "%s", words != NULL ? words : err_text(rc));
	discovery_done(d);
}

static void ask_address(struct discovery *d, const char *address)
{
	struct peer_where where;

	if (peer_where_parse(address, &where, &d->trouble) != 0) {
		discovery_done(d);
	} else if (where.numeric) {
		ask(d, &where.at);
	} else {
		d->question = resolve_start(
			d->resolver, where.host, where.port, ask_resolved, d);
		if (d->question != NULL)
			return;
		err_set(&d->trouble, SVCD_ENOMEM, "no memory to look up a name");
		discovery_done(d);
	}
}

/* ---- time */

static bool discovery_stopped(const struct discovery *d)
{
	return d->stop != NULL && *d->stop;
}

static void discovery_on_look(void *arg)
{
	struct discovery *d = arg;

	timer_set(&d->look, LOOK_AT_STOP_MS);
	if (!discovery_stopped(d) && loop_now_ms(d->loop) < d->until_ms)
		return;
	err_set(&d->trouble, SVCD_ETIMEOUT, "there was no answer in time%s",
		d->tls == NULL
			? ": when its cluster uses TLS, peers.tls is needed here, too"
			: "");
	discovery_done(d);
}

/* What is still going on with this address. */
static void discovery_drop(struct discovery *d)
{
	if (d->question != NULL)
		resolve_cancel(d->question);
	d->question = NULL;
	peer_link_drop(d->link);
	d->link = NULL;
}

/* ---- all of them */

static int discovery_open(struct discovery *d)
{
	d->loop = loop_new();
	if (d->loop == NULL || timer_init(&d->look, d->loop, discovery_on_look, d) != 0)
		return SVCD_ENOMEM;
	d->resolver = resolver_new(d->loop);
	return d->resolver == NULL ? SVCD_ENOMEM : 0;
}

static void discovery_close(struct discovery *d)
{
	discovery_drop(d);
	resolver_free(d->resolver);
	timer_fini(&d->look);
	loop_free(d->loop);
}

static void discover_one(struct discovery *d, const char *address, uint64_t share_ms)
{
	d->done = false;
	d->trouble = (struct err){0};
	d->until_ms = clock_now_ms() + share_ms;
	timer_set(&d->look, LOOK_AT_STOP_MS);
	ask_address(d, address);
	while (!d->done)
		loop_run(d->loop);
	discovery_drop(d);
}

/* "first why; second why" */
static void tell_trouble(struct err *e, const char *address, const struct err *trouble)
{
	size_t len = strlen(e->text);

	if (e->code == 0 || e->code == SVCD_EUNREACHABLE)
		e->code = trouble->code;
	snprintf(e->text + len, sizeof(e->text) - len, "%s%s%s%s", len > 0 ? "; " : "",
		strstr(trouble->text, address) == NULL ? address : "",
		strstr(trouble->text, address) == NULL ? ": " : "", trouble->text);
}

static uint64_t share_of(uint64_t left_ms, size_t addresses)
{
	uint64_t share = left_ms / addresses;

	if (share < SHARE_MIN_MS)
		share = SHARE_MIN_MS;
	return share < left_ms ? share : left_ms;
}

static int discover_all(struct discovery *d, const char *const *addresses, size_t n,
	uint32_t timeout_ms, struct err *e)
{
	uint64_t end_ms = clock_now_ms() + timeout_ms;

	*e = (struct err){0};
	for (size_t i = 0; i < n; i++) {
		uint64_t now = clock_now_ms();

		if (discovery_stopped(d))
			return err_set(e, SVCD_ECANCELLED, "the search was ended");
		discover_one(d, addresses[i],
			share_of(end_ms > now ? end_ms - now : 0, n - i));
		if (d->found.node != 0)
			return 0;
		tell_trouble(e, addresses[i], &d->trouble);
	}
	if (e->code == SVCD_ETIMEOUT || e->code == 0)
		e->code = SVCD_EUNREACHABLE;
	return e->code;
}

int peers_discover(const char *const *addresses, size_t n, struct tls *tls,
	bool plain_anywhere, uint32_t timeout_ms, const _Atomic bool *stop,
	struct peer_found *out, struct err *e)
{
	struct discovery d = {.tls = tls, .plain_anywhere = plain_anywhere, .stop = stop};
	struct err dropped;
	int rc = discovery_open(&d);

	if (e == NULL)
		e = &dropped;
	if (rc != 0)
		err_set(e, rc, "no memory to look for the cluster");
	else if (n == 0)
		rc = err_set(e, SVCD_EINVAL, "there is no address to ask");
	else
		rc = discover_all(&d, addresses, n, timeout_ms, e);
	discovery_close(&d);
	if (rc == 0)
		*out = d.found;
	return rc;
}
