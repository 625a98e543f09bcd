#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/thread.h"

#define CONNECT_TIMEOUT_MS 1000
#define REQUEST_TIMEOUT_MS 5000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define SETTLED_MS 10000
#define PING_MS 10000
#define PING_WAIT_MS 5000
#define NO_LEADER_MS 2000
#define END_WAIT_MS 1000  /* for the answers to deregister */
#define END_LINGER_MS 200 /* for the last bytes to leave */
#define NAME_MAX_BYTES 64 /* of the application; the server takes no more */

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
	return given != 0 ? given : otherwise;
}

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

static const struct link_events client_link_events = {
	.on_up = client_on_up,
	.on_down = client_on_down,
	.on_round_failed = client_on_round_failed,
	.on_response = client_on_response,
	.on_event = client_on_event,
	.on_room = client_on_room,
	.on_closed = client_on_closed,
};

static void client_on_idle(void *arg)
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

static void client_on_left(void *arg)
{
	struct svcd_client *c = arg;

	/* Not from within: who tells this may be walking through the calls. */
	if (c->is_ending && !c->is_closing && c->registrations.n == 0)
		timer_set(&c->end_timer, 0);
}

static void client_on_end_timer(void *arg)
{
	client_close(arg, END_LINGER_MS);
}

/* The loop's thread of a client that has its own. */
static void client_end(struct mail *m)
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
static void client_destroy(struct svcd_client *c)
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

/* ---- the beginning ----------------------------------------------------- */

static void client_begin(struct mail *m)
{
	struct svcd_client *c = container_of(m, struct svcd_client, begin_mail);

	link_start(&c->link);
}

static void *client_run(void *arg)
{
	struct svcd_client *c = arg;

	pthread_setname_np(pthread_self(), "libsvcd");
	loop_run(c->loop);
	return NULL;
}

/* The name that the server shows; the program's when there is none, or none that can be
 * shown. */
static char *client_make_name(const char *given)
{
	const char *name = given != NULL && *given != '\0'
		? given
		: program_invocation_short_name;
	struct bytes text = bytes_str(name);

	if (!bytes_is_text(text) || text.len == 0)
		return strdup("client");
	if (text.len <= NAME_MAX_BYTES)
		return strdup(name);
	text.len = NAME_MAX_BYTES;
	while (text.len > 0 && !bytes_is_text(text))
		text.len--;
	return strndup(name, text.len);
}

static int client_copy_options(struct svcd_client *c, const struct svcd_options *o)
{
	c->request_timeout_ms = or_default(o->request_timeout_ms, REQUEST_TIMEOUT_MS);
	c->name = client_make_name(o->name);
	c->token = o->token != NULL ? strdup(o->token) : NULL;
	if (c->name == NULL || (o->token != NULL && c->token == NULL))
		return SVCD_ENOMEM;
	return servers_parse(o->servers, &c->servers, NULL);
}

static void client_seed(struct svcd_client *c, uint64_t seed)
{
	if (seed == 0)
		rng_secure(&seed, sizeof(seed));
	rng_seed(&c->rng, seed);
	c->id_number_base = (uint32_t)rng_below(&c->rng, 1000000);
}

static int client_make_parts(struct svcd_client *c, const struct svcd_options *o,
	const struct client_tuning *t)
{
	struct link_options link = {
		.name = c->name,
		.token = c->token,
		.connect_timeout_ms = or_default(
			o->connect_timeout_ms, CONNECT_TIMEOUT_MS),
		.backoff.min_ms = or_default(t->backoff_min_ms, BACKOFF_MIN_MS),
		.backoff.max_ms = or_default(t->backoff_max_ms, BACKOFF_MAX_MS),
		.settled_ms = or_default(t->settled_ms, SETTLED_MS),
		.ping_ms = or_default(t->ping_ms, PING_MS),
		.ping_wait_ms = or_default(t->ping_wait_ms, PING_WAIT_MS),
	};
	int rv;

	c->loop = o->event_base != NULL ? loop_new_on(o->event_base) : loop_new();
	c->box = c->loop != NULL ? mailbox_new(c->loop) : NULL;
	if (c->box == NULL)
		return SVCD_ENOMEM;
	rv = link_init(
		&c->link, c->loop, &c->rng, &c->servers, &link, &client_link_events, c);
	if (rv == 0)
		rv = calls_init(&c->calls, &c->link, &c->rng,
			or_default(t->no_leader_ms, NO_LEADER_MS));
	if (rv == 0)
		rv = feeds_init(&c->feeds, &c->calls);
	if (rv == 0)
		rv = registrations_init(&c->registrations, &c->calls, client_on_left, c);
	if (rv == 0)
		rv = timer_init(&c->end_timer, c->loop, client_on_end_timer, c);
	if (rv != 0)
		return rv;
	lookups_init(&c->lookups, &c->calls, &c->feeds);
	loop_on_idle(c->loop, client_on_idle, c);
	return 0;
}

static int client_start(struct svcd_client *c, bool own_thread)
{
	c->begin_mail.deliver = client_begin;
	c->end_mail.deliver = client_end;
	c->has_thread = own_thread;
	if (own_thread && thread_start(&c->thread, client_run, c) != 0) {
		c->has_thread = false;
		return SVCD_ENOMEM;
	}
	client_post(c, &c->begin_mail);
	return 0;
}

int client_new(const struct svcd_options *options, const struct client_tuning *tuning,
	struct svcd_client **client)
{
	static const struct svcd_options no_options;
	static const struct client_tuning no_tuning;
	const struct svcd_options *o = options != NULL ? options : &no_options;
	const struct client_tuning *t = tuning != NULL ? tuning : &no_tuning;
	struct svcd_client *c = calloc(1, sizeof(*c));
	int rv;

	if (c == NULL)
		return SVCD_ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	waiter_init_cond(&c->changed);
	client_seed(c, t->seed);
	rv = client_copy_options(c, o);
	if (rv == 0)
		rv = client_make_parts(c, o, t);
	if (rv == 0)
		rv = client_start(c, o->event_base == NULL);
	if (rv != 0) {
		client_destroy(c);
		return rv == SVCD_ERANGE ? SVCD_EINVAL : rv;
	}
	*client = c;
	return 0;
}

int svcd_client_new(const struct svcd_options *options, struct svcd_client **client)
{
	if (client == NULL)
		return SVCD_EINVAL;
	return client_new(options, NULL, client);
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
