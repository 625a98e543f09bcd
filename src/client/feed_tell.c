/* What a feed tells its handles and the member: sets, events, acknowledgements. */
#include "client/feed_internal.h"
#include "wire/pack.h"

void watch_tell(struct svcd_watch *w, enum svcd_watch_event event)
{
	struct feed *f = w->feed;
	struct set *old;

	pthread_mutex_lock(&w->lock);
	old = w->set;
	w->set = f->set;
	w->fault = f->fault;
	if (f->set != NULL)
		svcd_set_ref(&f->set->pub);
	pthread_mutex_unlock(&w->lock);
	svcd_set_unref(old != NULL ? &old->pub : NULL);
	if (w->on_event == NULL || !gate_enter(&w->gate))
		return;
	w->on_event(w->arg, event, f->set != NULL ? &f->set->pub : NULL);
	gate_leave(&w->gate);
}

void feed_tell(struct feed *f, enum svcd_watch_event event)
{
	struct list *it, *tmp;

	list_each(&f->handles, it, tmp)
		watch_tell(container_of(it, struct svcd_watch, node), event);
}

void feed_tell_raw(struct feed *f, const struct svcd_value *event)
{
	struct list *it, *tmp;

	list_each(&f->handles, it, tmp) {
		struct svcd_watch *w = container_of(it, struct svcd_watch, node);

		if (!gate_enter(&w->gate))
			continue;
		w->on_raw(w->arg, event);
		gate_leave(&w->gate);
	}
}

/* ---- sets -------------------------------------------------------------- */

void feed_take_set(struct feed *f, struct set *s)
{
	if (f->set != NULL)
		svcd_set_unref(&f->set->pub);
	f->set = s;
}

int feed_make_set(struct feed *f)
{
	const struct model *m = &f->model;
	const struct link *link = f->owner->calls->link;
	struct set_head head = {
		.ns = f->ns,
		.service = f->name,
		.revision = m->newest,
		.age_ms = link->head.age_ms,
		.source = link->head.source,
		.presence = m->missing ? SVCD_NO_SERVICE : set_presence(m->items, m->n),
		.now_ms = loop_now_ms(link->loop),
	};
	struct set *s = set_new(&head, m->items, m->n);

	if (s == NULL)
		return SVCD_ENOMEM;
	feed_take_set(f, s);
	return 0;
}

void feed_change_source(struct feed *f, enum svcd_source source)
{
	const struct link *link = f->owner->calls->link;
	struct set_head head;
	struct set *s;

	if (f->set == NULL)
		return;
	head = set_head_of(f->set, loop_now_ms(link->loop));
	head.source = source;
	if (source != SVCD_FROM_CACHE)
		head.age_ms = link->head.age_ms;
	s = set_new(&head, f->set->items, f->set->n_items);
	if (s != NULL)
		feed_take_set(f, s);
}

/* ---- acknowledgements -------------------------------------------------- */

void feeds_ack(struct feeds *fs, struct bytes ns, struct bytes service, uint64_t rev)
{
	struct buf *b;

	if (!link_is_ready(fs->calls->link) || rev == 0)
		return;
	b = link_out(fs->calls->link);
	pack_notification(b, "ack");
	pack_map(b, 3);
	pack_kv_str(b, "ns", ns);
	pack_kv_str(b, "service", service);
	pack_kv_u64(b, "rev", rev);
	link_flush(fs->calls->link);
}

void feed_ack(const struct feed *f, uint64_t rev)
{
	feeds_ack(f->owner, bytes_str(f->ns), bytes_str(f->name), rev);
}
