/* Names of states and causes as on the wire. */
#include "catalog/types.h"

static const char *const admin_names[ADMIN_COUNT] = {
	"enabled", "draining", "maintenance"};
static const char *const health_names[HEALTH_COUNT] = {
	"starting", "passing", "degraded", "failing", "unknown", "damped"};
static const char *const lifecycle_names[LIFE_COUNT] = {"registered", "expired", "gone"};
static const char *const effective_names[EFFECTIVE_COUNT] = {
	"up", "warm", "pending", "drain", "down"};
static const char *const cause_names[CAUSE_COUNT] = {"registered", "updated", "admin",
	"check", "deregistered", "lease_expired", "lease_closed", "lease_revoked",
	"taken_over", "floor", "warmed", "timer", "service", "member"};

static const char *name_of(const char *const *names, size_t count, size_t i)
{
	return i < count ? names[i] : "unknown";
}

static int index_of(const char *const *names, int count, struct bytes name)
{
	for (int i = 0; i < count; i++) {
		if (bytes_eq_str(name, names[i]))
			return i;
	}
	return -1;
}

const char *admin_name(enum admin_state s)
{
	return name_of(admin_names, ADMIN_COUNT, s);
}

const char *health_name(enum health_state s)
{
	return name_of(health_names, HEALTH_COUNT, s);
}

const char *lifecycle_name(enum lifecycle s)
{
	return name_of(lifecycle_names, LIFE_COUNT, s);
}

const char *effective_name(enum effective_state s)
{
	return name_of(effective_names, EFFECTIVE_COUNT, s);
}

const char *cause_name(enum cause_kind k)
{
	return name_of(cause_names, CAUSE_COUNT, k);
}

int admin_from_name(struct bytes name)
{
	return index_of(admin_names, ADMIN_COUNT, name);
}

int health_from_name(struct bytes name)
{
	return index_of(health_names, HEALTH_COUNT, name);
}

int effective_from_name(struct bytes name)
{
	return index_of(effective_names, EFFECTIVE_COUNT, name);
}
