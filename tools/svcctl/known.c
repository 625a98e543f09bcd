#include "svcctl/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/columns.h"
#include "svcctl/mem.h"

/* One call of known_apply. */
struct step {
	struct known *known;
	happening_fn *on_happening;
	void *arg;
};

static const char *text_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_str(svcd_value_get(map, key), "");
}

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

const char *happening_name(enum happening_kind kind)
{
	static const char *const names[] = {"present", "registered", "changed", "removed",
		"service_deleted", "synced", "lost"};

	return names[kind];
}

static void tell(const struct step *step, const struct happening *h)
{
	if (step->on_happening != NULL)
		step->on_happening(step->arg, h);
}

/* ---- instances --------------------------------------------------------- */

static char *address_of(const struct svcd_value *instance)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = mem_check(open_memstream(&text, &len));

	put_endpoint(out, instance, NULL);
	fclose(out);
	return mem_check(text);
}

static struct known_instance instance_of(const struct svcd_value *v)
{
	return (struct known_instance){
		.id = mem_copy(text_of(v, "id")),
		.state = mem_copy(text_of(v, "state")),
		.health = mem_copy(text_of(v, "health")),
		.admin = mem_copy(text_of(v, "admin")),
		.address = address_of(v),
		.weight = number_of(v, "weight"),
		.tier = number_of(v, "tier"),
		.incarnation = number_of(v, "incarnation"),
		.rev = number_of(v, "rev"),
	};
}

static void instance_fini(struct known_instance *i)
{
	free(i->id);
	free(i->state);
	free(i->health);
	free(i->admin);
	free(i->address);
}

/* Where the id is, or where it belongs. Snapshots come in order, so the end is tried
 * first. */
static size_t place_of(const struct known_service *s, const char *id, bool *found)
{
	size_t low = 0, high = s->n;

	*found = false;
	if (high > 0 && strcmp(s->instances[high - 1].id, id) < 0)
		return high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(s->instances[mid].id, id);

		*found |= order == 0;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void insert(struct known_service *s, size_t at, struct known_instance new)
{
	if ((s->n & (s->n - 1)) == 0) /* grows at powers of two */
		s->instances = mem_resize(
			s->instances, s->n > 0 ? 2 * s->n : 1, sizeof(*s->instances));
	memmove(&s->instances[at + 1], &s->instances[at],
		(s->n - at) * sizeof(*s->instances));
	s->instances[at] = new;
	s->n++;
}

static void drop(struct known_service *s, size_t at)
{
	instance_fini(&s->instances[at]);
	s->n--;
	memmove(&s->instances[at], &s->instances[at + 1],
		(s->n - at) * sizeof(*s->instances));
}

static void take_new(const struct step *step, struct known_service *s, size_t at,
	const struct svcd_value *v, bool was_there)
{
	insert(s, at, instance_of(v));
	tell(step,
		&(struct happening){
			.kind = was_there ? HAPPENING_PRESENT : HAPPENING_REGISTERED,
			.ns = s->ns,
			.service = s->service,
			.id = s->instances[at].id,
			.rev = number_of(v, "rev"),
			.after = &s->instances[at],
			.instance = v,
			.text = "",
		});
}

static void take_old(const struct step *step, struct known_service *s, size_t at,
	const struct svcd_value *v)
{
	struct known_instance before = s->instances[at];

	s->instances[at].stale = false;
	if (before.rev == number_of(v, "rev"))
		return;
	s->instances[at] = instance_of(v);
	tell(step,
		&(struct happening){
			.kind = before.incarnation == s->instances[at].incarnation
				? HAPPENING_CHANGED
				: HAPPENING_REGISTERED,
			.ns = s->ns,
			.service = s->service,
			.id = s->instances[at].id,
			.rev = s->instances[at].rev,
			.before = &before,
			.after = &s->instances[at],
			.instance = v,
			.text = "",
		});
	instance_fini(&before);
}

static void take_instance(const struct step *step, struct known_service *s,
	const struct svcd_value *v, bool was_there)
{
	bool found;
	size_t at = place_of(s, text_of(v, "id"), &found);

	if (found)
		take_old(step, s, at, v);
	else
		take_new(step, s, at, v, was_there);
}

static void take_removal(const struct step *step, struct known_service *s, size_t at,
	uint64_t rev, const char *cause)
{
	tell(step,
		&(struct happening){
			.kind = HAPPENING_REMOVED,
			.ns = s->ns,
			.service = s->service,
			.id = s->instances[at].id,
			.rev = rev,
			.before = &s->instances[at],
			.text = cause,
		});
	drop(s, at);
}

/* ---- services ---------------------------------------------------------- */

static int compare_service(
	const struct known_service *s, const char *ns, const char *service)
{
	int order = strcmp(s->ns, ns);

	return order != 0 ? order : strcmp(s->service, service);
}

static size_t service_place(
	const struct known *k, const char *ns, const char *service, bool *found)
{
	size_t low = 0, high = k->n;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = compare_service(&k->services[mid], ns, service);

		*found |= order == 0;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct known_service *service_get(
	struct known *k, const char *ns, const char *service, bool *is_new)
{
	bool found;
	size_t at = service_place(k, ns, service, &found);

	*is_new = !found;
	if (found)
		return &k->services[at];
	k->services = mem_resize(k->services, k->n + 1, sizeof(*k->services));
	memmove(&k->services[at + 1], &k->services[at],
		(k->n - at) * sizeof(*k->services));
	k->n++;
	k->services[at] = (struct known_service){
		.ns = mem_copy(ns), .service = mem_copy(service)};
	return &k->services[at];
}

static void service_fini(struct known_service *s)
{
	for (size_t i = 0; i < s->n; i++)
		instance_fini(&s->instances[i]);
	free(s->instances);
	free(s->ns);
	free(s->service);
}

/* With all that is left in it. */
static void take_deletion(const struct step *step, size_t at, uint64_t rev)
{
	struct known *k = step->known;
	struct known_service gone = k->services[at];

	k->n--;
	memmove(&k->services[at], &k->services[at + 1],
		(k->n - at) * sizeof(*k->services));
	while (gone.n > 0)
		take_removal(step, &gone, gone.n - 1, rev, "service_deleted");
	tell(step,
		&(struct happening){
			.kind = HAPPENING_SERVICE_DELETED,
			.ns = gone.ns,
			.service = gone.service,
			.rev = rev,
			.text = "",
		});
	service_fini(&gone);
}

/* ---- events ------------------------------------------------------------ */

static void take_snapshot(const struct step *step, const struct svcd_value *event)
{
	const struct svcd_value *list = svcd_value_get(event, "instances");
	uint64_t rev = number_of(event, "rev");
	bool is_new;
	struct known_service *s = service_get(
		step->known, text_of(event, "ns"), text_of(event, "service"), &is_new);

	s->stale = false;
	for (size_t i = 0; i < s->n; i++)
		s->instances[i].stale = true;
	for (size_t i = 0; i < svcd_value_count(list); i++)
		take_instance(step, s, svcd_value_at(list, i), !step->known->synced);
	for (size_t i = s->n; i-- > 0;)
		if (s->instances[i].stale)
			take_removal(step, s, i, rev, "");
}

static void take_delta(const struct step *step, const struct svcd_value *event)
{
	const struct svcd_value *list = svcd_value_get(event, "changes");
	bool is_new, found;
	struct known_service *s = service_get(
		step->known, text_of(event, "ns"), text_of(event, "service"), &is_new);

	for (size_t i = 0; i < svcd_value_count(list); i++) {
		const struct svcd_value *change = svcd_value_at(list, i);
		size_t at;

		if (!svcd_value_bool(svcd_value_get(change, "gone"), false)) {
			take_instance(step, s, change, false);
			continue;
		}
		at = place_of(s, text_of(change, "id"), &found);
		if (found)
			take_removal(step, s, at, number_of(event, "rev"),
				text_of(change, "cause"));
	}
}

static void take_no_service(const struct step *step, const struct svcd_value *event)
{
	bool found;
	size_t at = service_place(
		step->known, text_of(event, "ns"), text_of(event, "service"), &found);

	if (found)
		take_deletion(step, at, number_of(event, "rev"));
}

/* What was not told again after a loss is gone. */
static void take_synced(const struct step *step, const struct svcd_value *event)
{
	struct known *k = step->known;

	for (size_t i = k->n; i-- > 0;)
		if (k->services[i].stale)
			take_deletion(step, i, number_of(event, "rev"));
	k->synced = true;
	tell(step, &(struct happening){.kind = HAPPENING_SYNCED, .text = ""});
}

static void take_lost(const struct step *step, const struct svcd_value *event)
{
	struct known *k = step->known;

	for (size_t i = 0; i < k->n; i++)
		k->services[i].stale = true;
	tell(step,
		&(struct happening){
			.kind = HAPPENING_LOST, .text = text_of(event, "text")});
}

void known_apply(struct known *k, const struct svcd_value *event,
	happening_fn *on_happening, void *arg)
{
	static const struct {
		const char *kind;
		void (*take)(const struct step *step, const struct svcd_value *event);
	} kinds[] = {
		{"snapshot", take_snapshot},
		{"delta", take_delta},
		{"no_service", take_no_service},
		{"synced", take_synced},
		{"lost", take_lost},
	};
	struct step step = {k, on_happening, arg};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, text_of(event, "kind")) == 0)
			kinds[i].take(&step, event);
}

const struct known_service *known_find(
	const struct known *k, const char *ns, const char *service)
{
	bool found;
	size_t at = service_place(k, ns, service, &found);

	return found ? &k->services[at] : NULL;
}

const struct known_instance *known_find_instance(
	const struct known_service *s, const char *id)
{
	bool found;
	size_t at = place_of(s, id, &found);

	return found ? &s->instances[at] : NULL;
}

void known_fini(struct known *k)
{
	for (size_t i = 0; i < k->n; i++)
		service_fini(&k->services[i]);
	free(k->services);
	*k = (struct known){NULL};
}
