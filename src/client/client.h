/*
 * A client: its loop, its link and what lives on them. Everything below the line is the
 * loop's thread's alone; other threads post mail, or use what the lock guards.
 */
#ifndef SVCD_CLIENT_CLIENT_H
#define SVCD_CLIENT_CLIENT_H

#include <pthread.h>

#include "client/feed.h"
#include "client/lookup.h"
#include "client/register.h"

/* What a test may want otherwise; zero means the default. */
struct client_tuning {
	uint32_t backoff_min_ms; /* 50 */
	uint32_t backoff_max_ms; /* 5000 */
	uint32_t settled_ms;     /* 10000 */
	uint32_t ping_ms;        /* 10000 */
	uint32_t ping_wait_ms;   /* 5000 */
	uint32_t no_leader_ms;   /* 2000 */
	uint64_t seed;           /* from the kernel */
};

struct svcd_client {
	struct loop *loop;
	struct mailbox *box;
	bool has_thread;
	pthread_t thread;
	uint32_t request_timeout_ms;
	char *name;
	char *token;
	struct servers servers;
	_Atomic uint32_t last_id_number; /* of registrations without an id */
	uint32_t id_number_base;

	pthread_mutex_t lock; /* guards these five */
	pthread_cond_t changed;
	bool is_ready;
	uint64_t rounds_failed;
	uint64_t rounds_told; /* by svcd_client_wait */
	struct svcd_fault trouble;

	/* ---- */
	struct rng rng;
	struct link link;
	struct calls calls;
	struct feeds feeds;
	struct registrations registrations;
	struct lookups lookups;
	struct mail begin_mail;
	struct mail end_mail;
	struct timer end_timer; /* how long the end waits for answers */
	bool is_ending;
	bool is_closing; /* the link is */
};

int client_new(const struct svcd_options *options, const struct client_tuning *tuning,
	struct svcd_client **client);

bool client_on_thread(const struct svcd_client *client); /* the caller runs the loop */
bool client_can_wait(const struct svcd_client *client);  /* it does not */

void client_post(struct svcd_client *client, struct mail *m);

/* The text of f becomes what is wrong with the connection, if something is. */
void client_explain(struct svcd_client *client, struct svcd_fault *f);

/* ---- client.c and client_new.c only ---- */

extern const struct link_events client_link_events;
void client_on_idle(void *client);
void client_on_left(void *client);
void client_on_end_timer(void *client);
void client_end(struct mail *m);
void client_destroy(struct svcd_client *client); /* also half-made; nothing runs */

#endif
