/* A client is made: options and defaults, its parts, its thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/thread.h"

#define CONNECT_TIMEOUT_MS 1000
#define REQUEST_TIMEOUT_MS 5000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define SETTLED_MS 10000
#define PING_MS 10000
#define PING_WAIT_MS 5000
#define NO_LEADER_MS 2000
#define NAME_MAX_BYTES 64 /* of the application; the server takes no more */

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
	return given != 0 ? given : otherwise;
}

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
