#include "fake_replica.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define SUBSCRIPTIONS_MAX 80
#define BATCH_MAX 1000

struct subscription {
	struct replica *replica;
	struct mailbox *box;
	void (*on_publication)(void *arg, struct publication *p);
	void *arg;
};

struct replica {
	pthread_t thread;
	pthread_mutex_t lock; /* of all up to status */
	pthread_cond_t wake;
	struct list queue;
	bool stop, hold, space_low;
	int refuse;
	enum replica_role role;
	struct subscription *subscriptions[SUBSCRIPTIONS_MAX];
	struct mailbox *role_box;
	void (*on_role)(void *arg, enum replica_role role, uint64_t term);
	void *role_arg;
	struct replica_status status;
	_Atomic uint64_t published, applied;
	struct store *store;
	struct catalog *catalog;
	uint64_t index;
};

/* ---- publishing -------------------------------------------------------- */

struct publication *publication_ref(struct publication *p)
{
	atomic_fetch_add(&p->refs, 1);
	return p;
}

void publication_unref(struct publication *p)
{
	if (atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	changes_free(p->changes);
	free(p);
}

struct delivery {
	struct mail mail;
	struct subscription *to;
	struct publication *p;
};

static void delivery_deliver(struct mail *m)
{
	struct delivery *d = container_of(m, struct delivery, mail);

	d->to->on_publication(d->to->arg, d->p);
	publication_unref(d->p);
	free(d);
}

/* With the lock held. */
static void publish(struct replica *r, struct changes *changes, uint64_t rev)
{
	struct publication *p = calloc(1, sizeof(*p));

	assert(p != NULL);
	*p = (struct publication){
		.rev = rev, .index = r->index, .changes = changes, .refs = 1};
	for (int i = 0; i < SUBSCRIPTIONS_MAX; i++) {
		struct delivery *d = r->subscriptions[i] != NULL ? calloc(1, sizeof(*d))
								 : NULL;

		if (d == NULL)
			continue;
		*d = (struct delivery){.mail.deliver = delivery_deliver,
			.to = r->subscriptions[i],
			.p = publication_ref(p)};
		mailbox_post(d->to->box, &d->mail);
	}
	publication_unref(p);
	atomic_fetch_add(&r->published, 1);
}

struct subscription *replica_subscribe(struct replica *r, struct mailbox *box,
	void (*on_publication)(void *arg, struct publication *p), void *arg)
{
	struct subscription *s = calloc(1, sizeof(*s));
	int i = 0;

	*s = (struct subscription){r, box, on_publication, arg};
	pthread_mutex_lock(&r->lock);
	while (r->subscriptions[i] != NULL)
		i++;
	assert(i < SUBSCRIPTIONS_MAX);
	r->subscriptions[i] = s;
	pthread_mutex_unlock(&r->lock);
	return s;
}

/* Deliveries that are on their way still point here: freed with the replica. */
void replica_unsubscribe(struct subscription *s)
{
	struct replica *r = s->replica;

	pthread_mutex_lock(&r->lock);
	for (int i = 0; i < SUBSCRIPTIONS_MAX; i++)
		if (r->subscriptions[i] == s)
			r->subscriptions[i] = NULL;
	pthread_mutex_unlock(&r->lock);
	mailbox_drain(s->box);
	free(s);
}

uint64_t replica_published(const struct replica *r)
{
	return atomic_load(&r->published);
}

/* ---- applying ---------------------------------------------------------- */

static void answer_deliver(struct mail *m)
{
	struct proposal *p = (struct proposal *)m;

	p->done(p);
}

static void answer(struct proposal *p)
{
	p->mail.deliver = answer_deliver;
	mailbox_post(p->reply, &p->mail);
}

static void apply_all(struct replica *r, struct list *batch)
{
	struct stamp stamp = {.time_ms = clock_now_ms(), .wall_ms = clock_wall_ms()};
	struct changes *changes = changes_new();
	struct err e;
	struct tables *t = store_write_begin(r->store, &e);
	struct list *n;
	struct list *tmp;
	uint64_t rev;
	int rc;

	assert(t != NULL && changes != NULL);
	rc = catalog_begin(r->catalog, t, &stamp);
	list_each(batch, n, tmp) {
		struct proposal *p = container_of(
			container_of(n, struct mail, node), struct proposal, mail);

		assert(rc == 0);
		rc = catalog_apply(r->catalog, t, &stamp, buf_bytes(&p->command),
			&p->outcome, changes);
		r->index++;
		atomic_fetch_add(&r->applied, 1);
	}
	if (rc == 0)
		rc = catalog_end(r->catalog);
	rev = catalog_rev(t);
	if (rc == 0)
		rc = store_write_commit(r->store, r->index, 1, &e);
	assert(rc == 0);
	rc = changes_finish(changes);
	assert(rc == 0);
	pthread_mutex_lock(&r->lock);
	if (changes_services(changes) > 0)
		publish(r, changes, rev);
	else
		changes_free(changes);
	r->status.rev = rev;
	r->status.applied_index = r->status.commit_index = r->status.last_index =
		r->index;
	pthread_mutex_unlock(&r->lock);
}

/* With the lock held: what is there now, up to a batch. */
static void take_batch(struct replica *r, struct list *batch)
{
	struct list *n;

	for (int i = 0; i < BATCH_MAX && (n = list_pop(&r->queue)) != NULL; i++)
		list_push(batch, n);
}

static void refuse_all(struct list *batch, int code)
{
	struct list *n;
	struct list *tmp;

	list_each(batch, n, tmp) {
		struct proposal *p = container_of(
			container_of(n, struct mail, node), struct proposal, mail);

		p->outcome.code = code;
	}
}

static void answer_all(struct list *batch)
{
	struct list *n;

	while ((n = list_pop(batch)) != NULL)
		answer(container_of(
			container_of(n, struct mail, node), struct proposal, mail));
}

static void tick(struct replica *r)
{
	struct proposal p = {0};
	struct list batch;
	uint64_t due;
	struct reader *reader = store_reader_new(r->store);
	struct tables *t = store_read_begin(reader);

	due = catalog_next_due_ms(t);
	store_read_end(reader);
	store_reader_free(reader);
	if (due > clock_now_ms())
		return;
	command_tick(&p.command);
	list_init(&batch);
	list_push(&batch, &p.mail.node);
	apply_all(r, &batch);
	list_pop(&batch);
	buf_fini(&p.command);
	buf_fini(&p.outcome.incarnations);
}

static void wait_for_work(struct replica *r)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 20 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&r->wake, &r->lock, &until);
}

static void *replica_main(void *arg)
{
	struct replica *r = arg;
	struct list batch;
	int refuse;

	list_init(&batch);
	pthread_mutex_lock(&r->lock);
	while (!r->stop || !list_empty(&r->queue)) {
		if (list_empty(&r->queue) || (r->hold && !r->stop))
			wait_for_work(r);
		if (!r->hold || r->stop)
			take_batch(r, &batch);
		refuse = r->role != ROLE_LEADER ? SVCD_ENOLEADER : r->refuse;
		pthread_mutex_unlock(&r->lock);
		if (refuse != 0)
			refuse_all(&batch, refuse);
		else if (!list_empty(&batch))
			apply_all(r, &batch);
		answer_all(&batch);
		tick(r);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

void replica_propose(struct replica *r, struct proposal *p)
{
	pthread_mutex_lock(&r->lock);
	list_push(&r->queue, &p->mail.node);
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

/* ---- state ------------------------------------------------------------- */

void replica_status(const struct replica *r, struct replica_status *out)
{
	struct replica *w = (struct replica *)(uintptr_t)r;

	pthread_mutex_lock(&w->lock);
	*out = r->status;
	out->role = r->role;
	out->space_low = r->space_low;
	pthread_mutex_unlock(&w->lock);
	out->time_ms = clock_now_ms();
}

struct role_mail {
	struct mail mail;
	struct replica *r;
	enum replica_role role;
};

static void role_deliver(struct mail *m)
{
	struct role_mail *x = container_of(m, struct role_mail, mail);

	x->r->on_role(x->r->role_arg, x->role, 1);
	free(x);
}

/* With the lock held. */
static void role_post(struct replica *r)
{
	struct role_mail *x = calloc(1, sizeof(*x));

	*x = (struct role_mail){.mail.deliver = role_deliver, .r = r, .role = r->role};
	mailbox_post(r->role_box, &x->mail);
}

void replica_on_role(struct replica *r, struct mailbox *box,
	void (*fn)(void *arg, enum replica_role role, uint64_t term), void *arg)
{
	pthread_mutex_lock(&r->lock);
	r->role_box = box;
	r->on_role = fn;
	r->role_arg = arg;
	role_post(r);
	pthread_mutex_unlock(&r->lock);
}

void replica_off_role(struct replica *r, struct mailbox *box)
{
	bool was;

	pthread_mutex_lock(&r->lock);
	was = r->role_box == box;
	if (was)
		r->role_box = NULL;
	pthread_mutex_unlock(&r->lock);
	if (was)
		mailbox_drain(box);
}

void fake_replica_role(struct replica *r, enum replica_role role)
{
	pthread_mutex_lock(&r->lock);
	r->role = role;
	if (r->role_box != NULL)
		role_post(r);
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_refuse(struct replica *r, int code)
{
	pthread_mutex_lock(&r->lock);
	r->refuse = code;
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_hold(struct replica *r, bool hold)
{
	pthread_mutex_lock(&r->lock);
	r->hold = hold;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_space_low(struct replica *r, bool low)
{
	pthread_mutex_lock(&r->lock);
	r->space_low = low;
	pthread_mutex_unlock(&r->lock);
}

uint64_t fake_replica_applied(const struct replica *r)
{
	return atomic_load(&r->applied);
}

/* ---- life -------------------------------------------------------------- */

struct store *replica_store(struct replica *r)
{
	return r->store;
}

static uint64_t state_rev(struct replica *r)
{
	struct reader *reader = store_reader_new(r->store);
	struct tables *t = store_read_begin(reader);
	uint64_t rev = catalog_rev(t);

	r->index = store_index(t);
	store_read_end(reader);
	store_reader_free(reader);
	return rev;
}

int replica_start(const struct replica_options *o, struct replica **out, struct err *e)
{
	struct replica *r = calloc(1, sizeof(*r));
	struct store_options so = {.dir = o->data_dir, .map_bytes = (uint64_t)1 << 30};
	int rc = store_open(&so, &r->store, e);

	if (rc != 0) {
		free(r);
		return rc;
	}
	r->catalog = catalog_new(&o->catalog);
	r->role = ROLE_LEADER;
	r->status = (struct replica_status){.cluster = 0xc1,
		.node = 0xa1,
		.leader = 0xa1,
		.term = 1,
		.first_index = 1};
	r->status.rev = state_rev(r);
	list_init(&r->queue);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	rc = pthread_create(&r->thread, NULL, replica_main, r);
	assert(rc == 0);
	*out = r;
	return 0;
}

void replica_stop(struct replica *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	catalog_free(r->catalog);
	store_close(r->store);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->wake);
	free(r);
}
