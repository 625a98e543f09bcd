#include "client/lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/thread.h"

struct lookup {
	struct mail mail;
	pthread_mutex_t lock;
	struct mailbox *box; /* under lock; NULL once abandoned */
	lookup_fn *done;
	void *arg;
	char *host;
	uint16_t port;
	struct net_addr addrs[LOOKUP_MAX]; /* these three: the thread's until it posts */
	size_t n;
	const char *why;
};

static void lookup_destroy(struct lookup *lk)
{
	pthread_mutex_destroy(&lk->lock);
	free(lk->host);
	free(lk);
}

static void lookup_deliver(struct mail *m)
{
	struct lookup *lk = container_of(m, struct lookup, mail);
	struct mailbox *box;

	pthread_mutex_lock(&lk->lock); /* the thread holds it until it has posted */
	box = lk->box;
	pthread_mutex_unlock(&lk->lock);
	if (box != NULL)
		lk->done(lk->arg, lk->addrs, lk->n, lk->why);
	lookup_destroy(lk);
}

static void lookup_take(struct lookup *lk, const struct addrinfo *found)
{
	for (; found != NULL && lk->n < LOOKUP_MAX; found = found->ai_next)
		net_addr_from_sockaddr(found->ai_addr, found->ai_addrlen, &lk->addrs[lk->n++]);
}

static void lookup_ask(struct lookup *lk)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", lk->port);
	rc = getaddrinfo(lk->host, port, &hints, &found);
	if (rc != 0) {
		lk->why = gai_strerror(rc);
		return;
	}
	lookup_take(lk, found);
	freeaddrinfo(found);
	lk->why = "the name has no address";
}

static void *lookup_run(void *arg)
{
	struct lookup *lk = arg;
	bool abandoned;

	lookup_ask(lk);
	pthread_mutex_lock(&lk->lock);
	abandoned = lk->box == NULL;
	if (!abandoned)
		mailbox_post(lk->box, &lk->mail);
	pthread_mutex_unlock(&lk->lock);
	if (abandoned)
		lookup_destroy(lk);
	return NULL;
}

struct lookup *lookup_start(struct mailbox *box, const char *host, uint16_t port, lookup_fn *done,
	void *arg)
{
	struct lookup *lk = calloc(1, sizeof(*lk));
	pthread_t thread;

	if (lk == NULL)
		return NULL;
	lk->mail.deliver = lookup_deliver;
	lk->box = box;
	lk->done = done;
	lk->arg = arg;
	lk->port = port;
	lk->host = strdup(host);
	pthread_mutex_init(&lk->lock, NULL);
	if (lk->host == NULL || thread_start(&thread, lookup_run, lk) != 0) {
		lookup_destroy(lk);
		return NULL;
	}
	pthread_detach(thread);
	return lk;
}

void lookup_abandon(struct lookup *lk)
{
	if (lk == NULL)
		return;
	pthread_mutex_lock(&lk->lock);
	lk->box = NULL; /* now whoever comes last frees: the thread, or the delivery when it is posted */
	pthread_mutex_unlock(&lk->lock);
}
