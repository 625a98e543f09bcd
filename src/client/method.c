#include "client/method.h"

#include <string.h>

#include "client/backoff.h"
#include "svcd.h"

#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 1000
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	enum method_kind kind;
} methods[] = {
	{"hello", METHOD_OURS},
	{"watch", METHOD_OURS},
	{"unwatch", METHOD_OURS},
	{"ack", METHOD_OURS},

	{"ping", METHOD_READ},
	{"renew", METHOD_READ}, /* never enters the log; twice is as good as once */
	{"resolve", METHOD_READ},
	{"list", METHOD_READ},
	{"get", METHOD_READ},
	{"barrier", METHOD_READ},
	{"status", METHOD_READ},
	{"members", METHOD_READ},
	{"history", METHOD_READ},

	{"lease_grant", METHOD_WRITE},
	{"lease_revoke", METHOD_WRITE},
	{"register", METHOD_WRITE},
	{"deregister", METHOD_WRITE},
	{"update", METHOD_WRITE},
	{"service_set", METHOD_WRITE},
	{"service_delete", METHOD_WRITE},
};

static const int passing[] = {
	SVCD_EBUSY,
	SVCD_ENOLEADER,
	SVCD_EUNKNOWN,
	SVCD_ESHUTDOWN,
	SVCD_ENOTREADY,
	SVCD_EAGAIN,
};

enum method_kind method_kind(const char *name)
{
	for (size_t i = 0; i < LENGTH(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].kind;
	return METHOD_ONCE;
}

bool error_is_passing(int code)
{
	for (size_t i = 0; i < LENGTH(passing); i++)
		if (passing[i] == code)
			return true;
	return false;
}

uint64_t retry_delay_ms(uint32_t tries, uint32_t retry_after_ms, struct rng *rng)
{
	struct backoff b = {.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS};
	uint64_t ms;

	b.tries = tries > 0 ? tries - 1 : 0;
	ms = backoff_next_ms(&b, rng);
	/* What the member asked for, and up to half of it more: it asked others too. */
	if (retry_after_ms > ms)
		ms = retry_after_ms + rng_below(rng, retry_after_ms / 2u + 1);
	return ms;
}
