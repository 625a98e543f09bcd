#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define END_WAIT_MS 1000  /* for the answers to deregister */
#define END_LINGER_MS 200 /* for the last bytes to leave */

bool client_on_thread(const struct svcd_client *c)
{
	return !c->has_thread || pthread_equal(pthread_self(), c->thread) != 0;
}

bool client_can_wait(const struct svcd_client *c)
{
	return !client_on_thread(c);
}

void client_post(struct svcd_client *c, struct mail *m)
{
	mailbox_post(c->box, m);
}

/* ---- what the link tells ----------------------------------------------- */

static void client_note(struct svcd_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_ready = link_is_ready(&c->link);
	c->rounds_failed = c->link.rounds_failed;
	if (c->is_ready)
		c->rounds_told = c->rounds_failed;
	c->trouble = c->link.trouble;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* Leases first: theirs is the only hurry. */
static void client_on_up(void *arg, bool other_cluster)
{
	struct svcd_client *c = arg;

	client_note(c);
	registrations_link_up(&c->registrations);
	feeds_link_up(&c->feeds, other_cluster);
	calls_link_up(&c->calls);
}

static void client_on_down(void *arg)
{
	struct svcd_client *c = arg;

	client_note(c);
	calls_link_down(&c->calls);
	registrations_link_down(&c->registrations);
	feeds_link_down(&c->feeds);
}

static void client_close(struct svcd_client *c, uint32_t linger_ms);

static void client_on_round_failed(void *arg)
{
	struct svcd_client *c = arg;
	const struct svcd_fault *trouble = &c->link.trouble;

	client_note(c);
	if (trouble->code == SVCD_EDENIED || trouble->code == SVCD_EVERSION)
		calls_refuse(&c->calls, trouble);
	feeds_link_lost(&c->feeds);
	lookups_link_lost(&c->lookups);
	if (c->is_ending)
		client_close(c, 0);
}

static void client_on_response(void *arg, uint32_t id, const struct svcd_fault *fault,
	const struct value *result)
{
	struct svcd_client *c = arg;

	calls_answer(&c->calls, id, fault, result);
}

static int client_on_event(void *arg, struct value map, struct bytes raw)
{
	struct svcd_client *c = arg;

	return feeds_take(&c->feeds, map, raw);
}

static void client_on_room(void *arg)
{
	struct svcd_client *c = arg;

	calls_room(&c->calls);
}

static void client_on_closed(void *arg)
{
	struct svcd_client *c = arg;

	if (c->has_thread)
		loop_stop(c->loop);
}

const struct link_events client_link_events = {
	.on_up = client_on_up,
	.on_down = client_on_down,
	.on_round_failed = client_on_round_failed,
	.on_response = client_on_response,
	.on_event = client_on_event,
	.on_room = client_on_room,
	.on_closed = client_on_closed,
};

void client_on_idle(void *arg)
{
	struct svcd_client *c = arg;

	feeds_idle(&c->feeds);
}

/* ---- the end ----------------------------------------------------------- */

static void client_close(struct svcd_client *c, uint32_t linger_ms)
{
	if (c->is_closing)
		return;
	c->is_closing = true;
	timer_cancel(&c->end_timer);
	calls_end(&c->calls);
	registrations_free_all(&c->registrations);
	link_close(&c->link, linger_ms);
}

void client_on_left(void *arg)
{
	struct svcd_client *c = arg;

	/* Not from within: who tells this may be walking through the calls. */
	if (c->is_ending && !c->is_closing && c->registrations.n == 0)
		timer_set(&c->end_timer, 0);
}

void client_on_end_timer(void *arg)
{
	client_close(arg, END_LINGER_MS);
}

/* The loop's thread of a client that has its own. */
void client_end(struct mail *m)
{
	struct svcd_client *c = container_of(m, struct svcd_client, end_mail);
	bool nobody_listens = c->feeds.link_lost;

	c->is_ending = true;
	timer_set(&c->end_timer, END_WAIT_MS);
	registrations_leave_all(&c->registrations, END_WAIT_MS);
	if (c->registrations.n == 0 || nobody_listens)
		client_close(c, END_LINGER_MS);
}

/* On a borrowed base nothing can be waited for: what fits into the socket is sent. */
static void client_end_at_once(struct svcd_client *c)
{
	struct buf last = {0};

	if (link_is_ready(&c->link))
		registrations_pack_last(&c->registrations, &last);
	if (last.error == 0 && last.len > 0)
		link_send_now(&c->link, buf_bytes(&last));
	buf_fini(&last);
	mailbox_drain(c->box);
	client_close(c, 0);
}

/* Also half-made. Nothing runs any more. */
void client_destroy(struct svcd_client *c)
{
	mailbox_free(c->box);
	feeds_fini(&c->feeds);
	registrations_fini(&c->registrations);
	lookups_fini(&c->lookups);
	calls_fini(&c->calls);
	link_fini(&c->link);
	timer_fini(&c->end_timer);
	loop_free(c->loop); /* tells the link that its connection is closed */
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	free(c->name);
	free(c->token);
	free(c);
}

void svcd_client_free(struct svcd_client *c)
{
	if (c == NULL || (c->has_thread && client_on_thread(c)))
		return;
	if (c->has_thread) {
		client_post(c, &c->end_mail);
		pthread_join(c->thread, NULL);
	} else {
		client_end_at_once(c);
	}
	client_destroy(c);
}

/* ---- how it is --------------------------------------------------------- */

int svcd_client_wait(struct svcd_client *c, uint32_t timeout_ms)
{
	struct timespec until = waiter_deadline(timeout_ms);
	bool timed_out = false;
	int rv;

	if (!client_can_wait(c))
		return SVCD_EINVAL;
	pthread_mutex_lock(&c->lock);
	while (!c->is_ready && c->rounds_failed == c->rounds_told && !timed_out)
		timed_out = pthread_cond_timedwait(&c->changed, &c->lock, &until) ==
			ETIMEDOUT;
	if (c->is_ready)
		rv = 0;
	else
		rv = c->rounds_failed != c->rounds_told ? c->trouble.code : SVCD_ETIMEOUT;
	c->rounds_told = c->rounds_failed;
	pthread_mutex_unlock(&c->lock);
	return rv;
}

void client_explain(struct svcd_client *c, struct svcd_fault *f)
{
	pthread_mutex_lock(&c->lock);
	if (c->trouble.code != 0)
		fault_set(f, f->code, "%s", c->trouble.text);
	pthread_mutex_unlock(&c->lock);
}

void svcd_client_trouble(struct svcd_client *c, char *out, size_t cap)
{
	if (cap == 0)
		return;
	pthread_mutex_lock(&c->lock);
	strncpy(out, c->trouble.text, cap - 1);
	out[cap - 1] = '\0';
	pthread_mutex_unlock(&c->lock);
}
