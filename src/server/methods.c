#include "server/methods.h"

#include <stddef.h>

#include "server/barrier.h"
#include "server/hello.h"
#include "server/reads.h"
#include "server/grants.h"
#include "server/resolve.h"
#include "server/watching.h"
#include "server/writes.h"

/* Those that are called most come first. */
static const struct method methods[] = {
	{"resolve", method_resolve, METHOD_RAW},
	{"renew", method_renew, 0},
	{"ack", method_ack, METHOD_NOTIFY},
	{"register", method_register, 0},
	{"deregister", method_deregister, 0},
	{"update", method_update, 0},
	{"lease_grant", method_lease_grant, 0},
	{"lease_revoke", method_lease_revoke, 0},
	{"service_set", method_service_set, 0},
	{"service_delete", method_service_delete, 0},
	{"watch", method_watch, 0},
	{"unwatch", method_unwatch, 0},
	{"barrier", method_barrier, 0},
	{"get", method_get, 0},
	{"list", method_list, 0},
	{"history", method_history, 0},
	{"status", method_status, 0},
	{"ping", method_ping, 0},
	{"hello", method_hello, METHOD_HELLO},
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

const struct method *method_find(struct bytes name)
{
	for (size_t i = 0; i < METHODS; i++)
		if (bytes_eq_str(name, methods[i].name))
			return &methods[i];
	return NULL;
}

const struct method *method_at(size_t i)
{
	return i < METHODS ? &methods[i] : NULL;
}
