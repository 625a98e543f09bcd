#include "server/methods.h"

#include <stddef.h>

#include "server/backup.h"
#include "server/barrier.h"
#include "server/grants.h"
#include "server/hello.h"
#include "server/members.h"
#include "server/reads.h"
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
	{"status", method_status, METHOD_ALWAYS},
	{"ping", method_ping, METHOD_ALWAYS},
	{"members", method_members, METHOD_ALWAYS},
	{"member_change", method_member_change, METHOD_ALWAYS},
	{"member_join", method_member_join, METHOD_ALWAYS},
	{"backup_open", method_backup_open, 0},
	{"backup_read", method_backup_read, 0},
	{"backup_close", method_backup_close, METHOD_ALWAYS},
	{"hello", method_hello, METHOD_HELLO | METHOD_ALWAYS},
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
