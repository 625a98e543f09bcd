/*
 * What became visible, to those who asked to be told. A publication is shared; each
 * subscriber gets a small notice with a reference to it.
 */
#include "replica/replica_internal.h"

#include <assert.h>
#include <stdlib.h>

struct notice {
	struct mail mail;
	struct subscription *to;
	struct publication *publication;
};

struct publication *publication_ref(struct publication *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void publication_unref(struct publication *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	changes_free(p->changes);
	free(p);
}

static void subscription_unref(struct subscription *s)
{
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		free(s);
}

static void deliver_notice(struct mail *m)
{
	struct notice *n = container_of(m, struct notice, mail);
	struct subscription *s = n->to;

	if (!atomic_load_explicit(&s->ended, memory_order_acquire))
		s->fn(s->arg, n->publication);
	publication_unref(n->publication);
	free(n);
	subscription_unref(s);
}

/* A subscriber that cannot be told has a gap that it would not see: there is no going on
 * without memory. */
static void post_notice(struct subscription *s, struct publication *p)
{
	struct notice *n = malloc(sizeof(*n));

	replica_fatal(n ? 0 : SVCD_ENOMEM, "publish");
	n->mail.deliver = deliver_notice;
	n->to = s;
	n->publication = publication_ref(p);
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	mailbox_post(s->box, &n->mail);
}

static struct publication *publication_new(struct replica *r, uint64_t index)
{
	struct publication *p = malloc(sizeof(*p));
	struct changes *next = changes_new();

	replica_fatal(p && next ? 0 : SVCD_ENOMEM, "publish");
	p->rev = r->rev;
	p->index = index;
	p->reset = false;
	p->changes = r->changes;
	atomic_init(&p->refs, 1);
	r->changes = next;
	return p;
}

static void publish(struct replica *r, uint64_t index, bool reset)
{
	struct publication *p;
	struct list *it, *tmp;

	pthread_mutex_lock(&r->watchers_lock);
	if (!list_empty(&r->subscriptions)) {
		p = publication_new(r, index);
		p->reset = reset;
		list_each(&r->subscriptions, it, tmp)
			post_notice(container_of(it, struct subscription, node), p);
		publication_unref(p);
	}
	pthread_mutex_unlock(&r->watchers_lock);
	atomic_fetch_add_explicit(&r->published, 1, memory_order_release);
}

void publish_changes(struct replica *r, uint64_t index)
{
	if (changes_services(r->changes) > 0)
		publish(r, index, false);
}

void publish_reset(struct replica *r, uint64_t index)
{
	changes_clear(r->changes);
	replica_fatal(changes_finish(r->changes), "publish");
	publish(r, index, true);
}

uint64_t replica_published(const struct replica *r)
{
	return atomic_load_explicit(&r->published, memory_order_acquire);
}

struct subscription *replica_subscribe(struct replica *r, struct mailbox *box,
	void (*on_publication)(void *arg, struct publication *p), void *arg)
{
	struct subscription *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->replica = r;
	s->box = box;
	s->fn = on_publication;
	s->arg = arg;
	atomic_init(&s->refs, 1);
	pthread_mutex_lock(&r->watchers_lock);
	list_push(&r->subscriptions, &s->node);
	pthread_mutex_unlock(&r->watchers_lock);
	return s;
}

void replica_unsubscribe(struct subscription *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->replica->watchers_lock);
	list_remove(&s->node);
	pthread_mutex_unlock(&s->replica->watchers_lock);
	atomic_store_explicit(&s->ended, true, memory_order_release);
	subscription_unref(s);
}

/* ---- role -------------------------------------------------------------- */

struct role_notice {
	struct mail mail;
	void (*fn)(void *arg, enum replica_role role, uint64_t term);
	void *arg;
	enum replica_role role;
	uint64_t term;
};

static void deliver_role(struct mail *m)
{
	struct role_notice *n = container_of(m, struct role_notice, mail);

	n->fn(n->arg, n->role, n->term);
	free(n);
}

static void post_role(struct replica *r, const struct role_watch *w)
{
	struct role_notice *n = malloc(sizeof(*n));

	replica_fatal(n ? 0 : SVCD_ENOMEM, "publish");
	*n = (struct role_notice){.mail.deliver = deliver_role,
		.fn = w->fn,
		.arg = w->arg,
		.role = r->role,
		.term = r->role_term};
	mailbox_post(w->box, &n->mail);
}

/* A leader that has not applied all of earlier terms yet is still a candidate to
 * everybody else. */
static enum replica_role role_of(const struct driver_status *s)
{
	if (s->role == DRIVER_LEADER)
		return s->ready ? ROLE_LEADER : ROLE_CANDIDATE;
	return s->role == DRIVER_CANDIDATE ? ROLE_CANDIDATE : ROLE_FOLLOWER;
}

void publish_role(struct replica *r)
{
	struct driver_status s;
	struct list *it, *tmp;

	driver_status(r->driver, &s);
	if (r->role == role_of(&s) && r->role_term == s.term &&
		r->role_leader == s.leader)
		return;
	pthread_mutex_lock(&r->watchers_lock);
	r->role = role_of(&s);
	r->role_term = s.term;
	r->role_leader = s.leader;
	list_each(&r->role_watches, it, tmp)
		post_role(r, container_of(it, struct role_watch, node));
	pthread_mutex_unlock(&r->watchers_lock);
}

void replica_on_role(struct replica *r, struct mailbox *box,
	void (*fn)(void *arg, enum replica_role role, uint64_t term), void *arg)
{
	struct role_watch *w = calloc(1, sizeof(*w));

	replica_fatal(w ? 0 : SVCD_ENOMEM, "publish");
	w->box = box;
	w->fn = fn;
	w->arg = arg;
	pthread_mutex_lock(&r->watchers_lock);
	list_push(&r->role_watches, &w->node);
	post_role(r, w);
	pthread_mutex_unlock(&r->watchers_lock);
}

void replica_off_role(struct replica *r, struct mailbox *box)
{
	struct list *it, *tmp;

	pthread_mutex_lock(&r->watchers_lock);
	list_each(&r->role_watches, it, tmp) {
		struct role_watch *w = container_of(it, struct role_watch, node);

		if (w->box != box)
			continue;
		list_remove(&w->node);
		free(w);
	}
	pthread_mutex_unlock(&r->watchers_lock);
}
