#include "fake_replica.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
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
	bool quorum, follows, hold_reads;
	bool asked_by_other;
	int read_code, change_code;
	struct list reads;
	struct replica_change *last_change;
	struct replica_member members[REPLICA_MEMBERS_MAX];
	size_t n_members;
	int (*leader)(
		void *arg, uint32_t kind, struct bytes question, struct buf *answer);
	void *leader_arg;
	struct mailbox *question_box;
	void (*on_question)(void *arg, struct replica_question *q);
	void *question_arg;
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
static void publish(struct replica *r, struct changes *changes, uint64_t rev, bool reset)
{
	struct publication *p = calloc(1, sizeof(*p));

	assert(p != NULL);
	*p = (struct publication){.rev = rev,
		.index = r->index,
		.reset = reset,
		.changes = changes,
		.refs = 1};
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
		publish(r, changes, rev, false);
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
		refuse = r->role != ROLE_LEADER && !r->follows ? SVCD_ENOLEADER
							       : r->refuse;
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
	out->quorum = r->quorum;
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

void fake_replica_quorum(struct replica *r, bool quorum)
{
	pthread_mutex_lock(&r->lock);
	r->quorum = quorum;
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_leader(struct replica *r, const char *client_address)
{
	pthread_mutex_lock(&r->lock);
	snprintf(r->status.leader_client, sizeof(r->status.leader_client), "%s",
		client_address);
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_diverged(struct replica *r, bool diverged)
{
	pthread_mutex_lock(&r->lock);
	r->status.diverged = diverged;
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_age(struct replica *r, uint64_t age_ms)
{
	pthread_mutex_lock(&r->lock);
	r->status.age_ms = age_ms;
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_term(struct replica *r, uint64_t term)
{
	pthread_mutex_lock(&r->lock);
	r->status.term = term;
	pthread_mutex_unlock(&r->lock);
}

void fake_replica_joining(struct replica *r, bool joining)
{
	pthread_mutex_lock(&r->lock);
	r->status.joining = joining;
	pthread_mutex_unlock(&r->lock);
}

/* ---- reads that are current --------------------------------------------- */

static void read_deliver(struct mail *m)
{
	struct replica_read *x = (struct replica_read *)m;

	x->done(x);
}

static void read_end(struct replica_read *x, int code)
{
	x->code = code;
	x->mail.deliver = read_deliver;
	mailbox_post(x->reply, &x->mail);
}

void replica_read_current(struct replica *r, struct replica_read *x)
{
	bool hold;

	pthread_mutex_lock(&r->lock);
	hold = r->hold_reads;
	if (hold)
		list_push(&r->reads, &x->mail.node);
	pthread_mutex_unlock(&r->lock);
	if (!hold)
		read_end(x, r->read_code);
}

void fake_replica_hold_reads(struct replica *r, bool hold, int code)
{
	struct list *n;

	pthread_mutex_lock(&r->lock);
	r->hold_reads = hold;
	r->read_code = code;
	while (!hold && (n = list_pop(&r->reads)) != NULL)
		read_end((struct replica_read *)container_of(n, struct mail, node), code);
	pthread_mutex_unlock(&r->lock);
}

/* ---- questions ----------------------------------------------------------- */

void fake_replica_asked_by_other(struct replica *r, bool other)
{
	pthread_mutex_lock(&r->lock);
	r->asked_by_other = other;
	pthread_mutex_unlock(&r->lock);
}

struct fake_question {
	struct replica_question q; /* first */
	struct replica *replica;
	struct replica_ask *ask;
};

static void ask_deliver(struct mail *m)
{
	struct replica_ask *x = (struct replica_ask *)m;

	x->done(x);
}

static void ask_end(struct replica_ask *x, int code)
{
	x->code = code;
	x->mail.deliver = ask_deliver;
	mailbox_post(x->reply, &x->mail);
}

static void question_deliver(struct mail *m)
{
	struct fake_question *q = (struct fake_question *)m;

	q->replica->on_question(q->replica->question_arg, &q->q);
}

void replica_ask_leader(struct replica *r, struct replica_ask *x)
{
	struct fake_question *q;
	bool leads, other;

	pthread_mutex_lock(&r->lock);
	leads = r->role == ROLE_LEADER && r->question_box != NULL;
	other = r->asked_by_other;
	pthread_mutex_unlock(&r->lock);
	if (!leads) {
		ask_end(x,
			r->leader == NULL ? SVCD_ENOLEADER
					  : r->leader(r->leader_arg, x->kind,
						    buf_bytes(&x->question), &x->answer));
		return;
	}
	q = calloc(1, sizeof(*q));
	*q = (struct fake_question){
		.q = {.mail.deliver = question_deliver,
			.kind = x->kind,
			.from = other ? 0xa2 : 0xa1,
			.question = buf_bytes(&x->question)},
		.replica = r,
		.ask = x,
	};
	mailbox_post(r->question_box, &q->q.mail);
}

void replica_on_ask(struct replica *r, struct mailbox *box,
	void (*fn)(void *arg, struct replica_question *q), void *arg)
{
	pthread_mutex_lock(&r->lock);
	r->question_box = box;
	r->on_question = fn;
	r->question_arg = arg;
	pthread_mutex_unlock(&r->lock);
}

void replica_off_ask(struct replica *r)
{
	pthread_mutex_lock(&r->lock);
	r->question_box = NULL;
	pthread_mutex_unlock(&r->lock);
}

void replica_answer(
	struct replica *r, struct replica_question *q, int code, struct bytes answer)
{
	struct fake_question *f = (struct fake_question *)q;

	(void)r;
	buf_put_bytes(&f->ask->answer, answer);
	ask_end(f->ask, code);
	free(f);
}

void fake_replica_follow(struct replica *r,
	int (*fn)(void *arg, uint32_t kind, struct bytes question, struct buf *answer),
	void *arg)
{
	r->leader = fn;
	r->leader_arg = arg;
	pthread_mutex_lock(&r->lock);
	r->follows = true;
	pthread_mutex_unlock(&r->lock);
	fake_replica_role(r, ROLE_FOLLOWER);
}

/* ---- members ------------------------------------------------------------- */

size_t replica_members(struct replica *r, struct replica_member *out, size_t max)
{
	size_t n;

	pthread_mutex_lock(&r->lock);
	n = r->n_members < max ? r->n_members : max;
	memcpy(out, r->members, n * sizeof(*out));
	pthread_mutex_unlock(&r->lock);
	return n;
}

void fake_replica_members(struct replica *r, const struct replica_member *list, size_t n)
{
	pthread_mutex_lock(&r->lock);
	memcpy(r->members, list, n * sizeof(*list));
	r->n_members = n;
	pthread_mutex_unlock(&r->lock);
}

static void change_deliver(struct mail *m)
{
	struct replica_change *x = (struct replica_change *)m;

	x->done(x);
}

void replica_change(struct replica *r, struct replica_change *x)
{
	pthread_mutex_lock(&r->lock);
	if (r->last_change != NULL)
		*r->last_change = *x;
	x->code = r->change_code;
	pthread_mutex_unlock(&r->lock);
	x->mail.deliver = change_deliver;
	mailbox_post(x->reply, &x->mail);
}

void fake_replica_changes(struct replica *r, int code, struct replica_change *last)
{
	pthread_mutex_lock(&r->lock);
	r->change_code = code;
	r->last_change = last;
	pthread_mutex_unlock(&r->lock);
}

void replica_hand_over(struct replica *r, uint32_t max_ms)
{
	(void)max_ms;
	fake_replica_role(r, ROLE_FOLLOWER);
}

int replica_note_join(struct replica *r, const char *address, struct err *e)
{
	(void)r, (void)address;
	return err_set(e, SVCD_ECONFLICT, "a replica without a log joins nobody");
}

int replica_checkpoint(struct replica *r, const char *path, struct err *e)
{
	uint64_t index, term;

	return store_checkpoint(r->store, path, &index, &term, e);
}

/* ---- the whole state ----------------------------------------------------- */

void fake_replica_replace(struct replica *r, const struct buf *commands, size_t n)
{
	struct stamp stamp = {.time_ms = clock_now_ms(), .wall_ms = clock_wall_ms()};
	struct changes *none = changes_new(), *changes = changes_new();
	struct outcome outcome = {0};
	struct err e;
	struct tables *t;
	uint64_t rev;
	int rc;

	pthread_mutex_lock(&r->lock);
	t = store_write_begin(r->store, &e);
	rc = catalog_begin(r->catalog, t, &stamp);
	for (size_t i = 0; i < n && rc == 0; i++, r->index++) {
		rc = catalog_apply(r->catalog, t, &stamp, buf_bytes(&commands[i]),
			&outcome, changes);
		assert(outcome.code == 0);
		buf_fini(&outcome.incarnations);
		outcome = (struct outcome){0};
	}
	if (rc == 0)
		rc = catalog_end(r->catalog);
	rev = catalog_rev(t);
	if (rc == 0)
		rc = store_write_commit(r->store, r->index, 1, &e);
	assert(rc == 0);
	changes_free(changes);
	rc = changes_finish(none);
	assert(rc == 0);
	publish(r, none, rev, true);
	r->status.rev = rev;
	pthread_mutex_unlock(&r->lock);
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
	r->quorum = true;
	list_init(&r->reads);
	r->status = (struct replica_status){.cluster = 0xc1,
		.node = 0xa1,
		.leader = 0xa1,
		.voter = true,
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
