/* The public side of watches: handles that any thread makes, reads and closes. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

#define DEFAULT_NS "default"

static void watch_on_open(struct mail *m)
{
	struct svcd_watch *w = container_of(m, struct svcd_watch, open_mail);

	feeds_open(&w->client->feeds, w);
}

static void watch_on_close(struct mail *m)
{
	struct svcd_watch *w = container_of(m, struct svcd_watch, close_mail);

	feeds_close(&w->client->feeds, w);
}

static struct svcd_watch *watch_new(struct svcd_client *client, bool is_raw,
	const char *ns, const char *name, void *arg)
{
	struct svcd_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->open_mail.deliver = watch_on_open;
	w->close_mail.deliver = watch_on_close;
	list_init(&w->node);
	w->client = client;
	w->is_raw = is_raw;
	w->arg = arg;
	gate_init(&w->gate);
	pthread_mutex_init(&w->lock, NULL);
	w->ns = ns != NULL ? strdup(ns) : NULL;
	w->name = strdup(name);
	if (w->name != NULL && (ns == NULL || w->ns != NULL))
		return w;
	watch_free(w);
	return NULL;
}

int svcd_watch(struct svcd_client *client, const char *ns, const char *service,
	svcd_watch_fn *on_event, void *arg, struct svcd_watch **watch)
{
	struct svcd_watch *w;

	if (service == NULL || *service == '\0' || watch == NULL)
		return SVCD_EINVAL;
	w = watch_new(client, false, ns != NULL ? ns : DEFAULT_NS, service, arg);
	if (w == NULL)
		return SVCD_ENOMEM;
	w->on_event = on_event;
	*watch = w;
	client_post(client, &w->open_mail);
	return 0;
}

int svcd_watch_raw(struct svcd_client *client, const char *ns, const char *prefix,
	svcd_event_fn *on_event, void *arg, struct svcd_watch **watch)
{
	struct svcd_watch *w;

	if (prefix == NULL || on_event == NULL || watch == NULL)
		return SVCD_EINVAL;
	w = watch_new(client, true, ns, prefix, arg);
	if (w == NULL)
		return SVCD_ENOMEM;
	w->on_raw = on_event;
	*watch = w;
	client_post(client, &w->open_mail);
	return 0;
}

const struct svcd_set *svcd_watch_get(struct svcd_watch *watch)
{
	const struct svcd_set *set;

	pthread_mutex_lock(&watch->lock);
	set = svcd_set_ref(watch->set != NULL ? &watch->set->pub : NULL);
	pthread_mutex_unlock(&watch->lock);
	return set;
}

int svcd_watch_fault(struct svcd_watch *watch, struct svcd_fault *fault)
{
	int code;

	pthread_mutex_lock(&watch->lock);
	code = watch->fault.code;
	if (code != 0)
		fault_copy(fault, &watch->fault);
	pthread_mutex_unlock(&watch->lock);
	return code;
}

void svcd_unwatch(struct svcd_watch *watch)
{
	if (watch == NULL)
		return;
	gate_shut(&watch->gate, client_on_thread(watch->client));
	client_post(watch->client, &watch->close_mail);
}
