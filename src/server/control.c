#include "server/control.h"

#include <stdlib.h>

#include "base/log.h"
#include "server/acceptor.h"
#include "server/ageing.h"
#include "server/checks.h"
#include "server/closing.h"
#include "server/http.h"
#include "server/narrator.h"
#include "wire/value.h"

#define STOP_POLL_MS 5

struct control {
	struct server *server;
	pthread_t thread;
	struct loop *loop;
	struct mailbox *box;
	struct reader *reader;
	struct arena *arena;
	struct subscription *subscription;
	struct acceptor acceptor;
	struct http http;
	struct ageing ageing;
	struct leading leading;
	struct closing closing;
	struct checks *checks;
	struct narrator narrator;
	struct timer stopping;
	uint64_t stop_by_ms;
	bool leads;
	uint64_t term; /* in which it leads */
	struct mail refuse_mail, stop_mail;
};

/* ---- what happens ------------------------------------------------------ */

/* The state was replaced as a whole, which does not happen to a leader. */
static void control_reset(struct control *c, const struct publication *p)
{
	log_info("state_replaced", L_U64("rev", p->rev), L_U64("index", p->index));
	if (!c->leads || !c->server->options.checks_enabled)
		return;
	checks_end(c->checks);
	checks_begin(c->checks, c->term);
}

static void control_on_publication(void *arg, struct publication *p)
{
	struct control *c = arg;

	if (p->reset) {
		control_reset(c, p);
		return;
	}
	checks_follow(c->checks, p->changes);
	narrator_tell(&c->narrator, p->changes, p->rev, loop_now_ms(c->loop));
}

static void control_lead(struct control *c)
{
	ageing_lead(&c->ageing, c->term);
	if (c->server->options.checks_enabled)
		checks_begin(c->checks, c->term);
}

static void control_follow(struct control *c)
{
	ageing_follow(&c->ageing);
	leading_resume(&c->leading);
	checks_end(c->checks);
}

/* Leases and checks are the leader's. Told also when only the term or the leader's name
 * changed: who leads in another term was deposed meanwhile, and begins anew. */
static void control_on_role(void *arg, enum replica_role role, uint64_t term)
{
	struct control *c = arg;
	bool leads = role == ROLE_LEADER;

	if (leads == c->leads && (!leads || term == c->term))
		return;
	if (c->leads)
		control_follow(c);
	c->leads = leads;
	c->term = term;
	log_info("role", L_STR("role", leads ? "leader" : "follower"),
		L_U64("term", term));
	if (leads)
		control_lead(c);
}

static void control_on_asked(void *arg)
{
	struct control *c = arg;

	leading_resume(&c->leading);
}

static void control_on_idle(void *arg)
{
	struct control *c = arg;

	checks_flush(c->checks);
}

/* ---- end --------------------------------------------------------------- */

static void control_on_refuse(struct mail *m)
{
	struct control *c = container_of(m, struct control, refuse_mail);

	acceptor_close(&c->acceptor);
	http_refuse(&c->http);
}

bool control_is_owed(const struct control *c)
{
	return ageing_is_owed(&c->ageing) || c->closing.in_flight > 0 ||
		checks_in_flight(c->checks) > 0;
}

/* Our proposals should come back before the mailbox goes. */
static void control_on_stopping(void *arg)
{
	struct control *c = arg;

	bool over = loop_now_ms(c->loop) >= c->stop_by_ms;

	if (over ||
		(!control_is_owed(c) && c->acceptor.parting == 0 &&
			c->http.connections == 0))
		loop_stop(c->loop);
	else
		timer_set(&c->stopping, STOP_POLL_MS);
}

static void control_on_stop(struct mail *m)
{
	struct control *c = container_of(m, struct control, stop_mail);

	acceptor_close(&c->acceptor);
	http_stop(&c->http);
	control_follow(c);
	closing_end(&c->closing);
	c->stop_by_ms = loop_now_ms(c->loop) + SERVER_PATIENCE_MS;
	timer_set(&c->stopping, 0);
}

void control_refuse(struct control *c)
{
	mailbox_post(c->box, &c->refuse_mail);
}

void control_stop(struct control *c)
{
	if (c->thread == 0)
		return;
	mailbox_post(c->box, &c->stop_mail);
	pthread_join(c->thread, NULL);
	c->thread = 0;
	replica_off_ask(c->server->replica);
	replica_off_role(c->server->replica, c->box);
	replica_unsubscribe(c->subscription);
	c->subscription = NULL;
	mailbox_drain(c->box);
}

void control_leave(struct control *c)
{
	store_reader_free(c->reader);
	c->reader = NULL;
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	control_stop(c);
	acceptor_close(&c->acceptor);
	http_close(&c->http);
	mailbox_free(c->box);
	timer_fini(&c->stopping);
	ageing_fini(&c->ageing);
	closing_fini(&c->closing);
	checks_free(c->checks);
	arena_free(c->arena);
	store_reader_free(c->reader);
	loop_free(c->loop);
	free(c);
}

/* ---- start ------------------------------------------------------------- */

static bool control_make(struct control *c)
{
	c->loop = loop_new();
	if (c->loop == NULL)
		return false;
	c->box = mailbox_new(c->loop);
	c->reader = store_reader_new(c->server->store);
	c->arena = arena_new();
	if (c->box == NULL || c->reader == NULL || c->arena == NULL)
		return false;
	c->checks = checks_new(c->server, c->loop, c->box, c->reader);
	narrator_init(&c->narrator, c->arena);
	leading_init(&c->leading, c->server, c->reader, &c->ageing);
	return c->checks != NULL &&
		ageing_init(&c->ageing, c->server, c->loop, c->box, c->reader) == 0 &&
		closing_init(&c->closing, c->server, c->loop, c->box, &c->leading) == 0 &&
		timer_init(&c->stopping, c->loop, control_on_stopping, c) == 0;
}

int control_new(struct server *s, const struct server_options *o, struct control **out,
	struct err *e)
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	c->server = s;
	c->refuse_mail.deliver = control_on_refuse;
	c->stop_mail.deliver = control_on_stop;
	if (!control_make(c)) {
		control_free(c);
		return err_set(e, SVCD_ENOMEM, "out of memory or descriptors");
	}
	rc = acceptor_open(&c->acceptor, s, c->loop, o, e);
	if (rc == 0)
		rc = http_open(&c->http, s, c->loop, c->reader, o, e);
	if (rc != 0) {
		control_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

static void *control_main(void *arg)
{
	struct control *c = arg;

	loop_run(c->loop);
	return NULL;
}

int control_run(struct control *c)
{
	c->subscription = replica_subscribe(
		c->server->replica, c->box, control_on_publication, c);
	if (c->subscription == NULL)
		return SVCD_ENOMEM;
	loop_on_idle(c->loop, control_on_idle, c);
	ageing_on_asked(&c->ageing, control_on_asked, c);
	replica_on_role(c->server->replica, c->box, control_on_role, c);
	replica_on_ask(c->server->replica, c->box, leading_on_question, &c->leading);
	if (pthread_create(&c->thread, NULL, control_main, c) == 0)
		return 0;
	c->thread = 0;
	replica_off_ask(c->server->replica);
	replica_off_role(c->server->replica, c->box);
	replica_unsubscribe(c->subscription);
	c->subscription = NULL;
	return SVCD_ENOMEM;
}

/* ---- asked by others --------------------------------------------------- */

void control_leases_wait(struct control *c)
{
	closing_poke(&c->closing);
}

struct mailbox *control_box(struct control *c)
{
	return c->box;
}

struct checks *control_checks(struct control *c)
{
	return c->checks;
}

void control_addr(const struct control *c, uint32_t i, struct net_addr *out)
{
	listeners_addr(&c->acceptor.listeners, i, out);
}

void control_http_addr(const struct control *c, uint32_t i, struct net_addr *out)
{
	listeners_addr(&c->http.listeners, i, out);
}

void control_stat(const struct control *c, struct server_stat *out)
{
	out->leases = leases_count(c->server->leases);
	out->expired = counted(&c->ageing.ended);
	checks_stat(c->checks, out);
}
