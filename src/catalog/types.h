/*
 * What the registry knows: services, instances, leases; their states and limits.
 *
 * Three states of an instance are never mixed: admin (people and the instance itself),
 * health (verdicts only), lifecycle. What load balancing reads is the effective state,
 * one pure function of the three and of the service's floor (effective.h).
 *
 * An instance record is {state, spec}: the spec is what the owner said, kept as the
 * msgpack map entries that clients receive (so an answer is a copy, not an encoding); the
 * state is ours.
 */
#ifndef SVCD_CATALOG_TYPES_H
#define SVCD_CATALOG_TYPES_H

#include "base/bytes.h"
#include "base/err.h"

/* All limits of the model in one table (also in svcd-protocol(7)). */
#define LIMIT_NAME 63 /* service and namespace: DNS label */
#define LIMIT_ID 128
#define LIMIT_ADDRESSES 8
#define LIMIT_ADDRESS 255
#define LIMIT_PORTS 16
#define LIMIT_TAGS 32
#define LIMIT_TAG 128
#define LIMIT_META_KEYS 64
#define LIMIT_META_KEY 64
#define LIMIT_META_BYTES 4096 /* keys and values of metadata in all */
#define LIMIT_VERSION 64
#define LIMIT_LOCALITY 63
#define LIMIT_CHECKS 8
#define LIMIT_REASON 256
#define LIMIT_ACTOR 128
#define LIMIT_SPEC_BYTES 16384
#define LIMIT_BATCH 1000        /* instances in one register or deregister */
#define LIMIT_SESSION_WINDOW 32 /* outcomes remembered per session */
#define LIMIT_PAGE 1000         /* items of a listing when the caller does not say */
#define LEASE_TTL_MIN_MS 1000
#define LEASE_TTL_MAX_MS 86400000
#define LEASE_TTL_DEFAULT_MS 10000
#define LIMIT_POLICY 64
#define LIMIT_MEMBERS 32 /* of the cluster */
#define LIMIT_MEMBER_ADDRESS 119
#define LIMIT_OWNER 128
#define LIMIT_SESSIONS 1000000   /* remembered at once; more new ones are refused */
#define LIMIT_FOR_MS 31536000000 /* a year: longest maintenance with an end */
#define WEIGHT_DEFAULT 100

enum admin_state { ADMIN_ENABLED, ADMIN_DRAINING, ADMIN_MAINTENANCE, ADMIN_COUNT };

enum health_state {
	HEALTH_STARTING, /* has checks, no verdict yet */
	HEALTH_PASSING,
	HEALTH_DEGRADED,
	HEALTH_FAILING,
	HEALTH_UNKNOWN, /* nobody could check it: stale */
	HEALTH_DAMPED,  /* passing, but flapped too much */
	HEALTH_COUNT
};

enum lifecycle {
	LIFE_REGISTERED,
	LIFE_EXPIRED /* lease ran out, held by the floor */,
	LIFE_GONE,
	LIFE_COUNT
};

enum effective_state {
	EFFECTIVE_UP,
	EFFECTIVE_WARM,    /* up, within the slow-start window */
	EFFECTIVE_PENDING, /* would be down, but the floor holds it: still handed out, and
			      marked */
	EFFECTIVE_DRAIN,
	EFFECTIVE_DOWN,
	EFFECTIVE_COUNT
};

/* Names as on the wire; NULL-safe lookups: -1 when unknown. Static strings. */
const char *admin_name(enum admin_state s);
const char *health_name(enum health_state s);
const char *lifecycle_name(enum lifecycle s);
const char *effective_name(enum effective_state s);
int admin_from_name(struct bytes name);
int health_from_name(struct bytes name);
int effective_from_name(struct bytes name);

struct instance_key {
	struct bytes ns, service, id;
};

struct service_key {
	struct bytes ns, service;
};

/* Who or what changed something last; every visible change has one (promise 8). */
enum cause_kind {
	CAUSE_REGISTERED,   /* by its owner */
	CAUSE_UPDATED,      /* spec or weight changed */
	CAUSE_ADMIN,        /* drain, undrain, maintenance */
	CAUSE_CHECK,        /* a health verdict */
	CAUSE_DEREGISTERED, /* by its owner or an operator */
	CAUSE_LEASE_EXPIRED,
	CAUSE_LEASE_CLOSED, /* session ended, registration asked to be dropped then */
	CAUSE_LEASE_REVOKED,
	CAUSE_TAKEN_OVER, /* same id registered under another lease */
	CAUSE_FLOOR,      /* held or released by the floor */
	CAUSE_WARMED,     /* slow start over */
	CAUSE_TIMER,      /* maintenance over */
	CAUSE_SERVICE,    /* service settings changed */
	CAUSE_MEMBER,     /* a member of the cluster joined, changed or left */
	CAUSE_COUNT
};

const char *cause_name(enum cause_kind k);

struct instance_state {
	uint64_t incarnation; /* revision of the command that registered it */
	uint64_t rev;         /* revision of its last visible change */
	uint64_t lease;       /* 0: permanent */
	enum admin_state admin;
	enum health_state health;
	enum lifecycle life;
	enum effective_state effective;
	bool warming; /* within slow start since it became passing */
	uint16_t weight;
	uint8_t tier;
	bool has_checks;
	uint64_t registered_wall_ms;
	uint64_t health_rev;     /* revision at which health became what it is */
	uint64_t since_wall_ms;  /* of the last change of the effective state */
	uint64_t admin_until_ms; /* cluster time at which maintenance ends; 0: open end */
	enum cause_kind cause;   /* of the last visible change */
	struct bytes actor;      /* who; <= LIMIT_ACTOR */
	struct bytes reason;     /* evidence or words; <= LIMIT_REASON */
	/* kept apart, so that a later change of another kind does not hide them */
	bool admin_self;          /* the instance itself set its admin state */
	struct bytes admin_actor; /* who set the admin state; empty when enabled */
	struct bytes admin_reason;
	struct bytes health_reason; /* evidence of the last verdict */
	uint64_t warm_until_ms;     /* cluster time; 0 unless warming */
	uint64_t expired_rev; /* revision at which the lease ended; 0 unless LIFE_EXPIRED
			       */
	uint32_t event_n;     /* its last event has the key (rev, event_n) */
};

/* A stored instance. Views into the transaction. */
struct instance {
	struct instance_key key;
	struct instance_state state;
	uint32_t spec_n;     /* map entries in spec: addresses, ports, locality, version,
				tags, meta … */
	struct bytes spec;   /* msgpack, public */
	struct bytes checks; /* msgpack array of check maps, or empty: for get and the
				health module */
};

struct service {
	struct service_key key;
	uint64_t rev;    /* last visible change of the service or any of its instances */
	uint64_t digest; /* sum of the instances' hashes mod 2^64 */
	uint32_t count;  /* instances registered */
	uint32_t by_effective[EFFECTIVE_COUNT];
	uint32_t failed;   /* those that health or lease takes down, held (pending) or not
			      (down) */
	uint32_t vanished; /* removed because their lease expired, and not forgotten yet
			    */
	uint64_t known_from; /* deltas from this revision on can be told (older removals
				are compacted) */
	uint32_t event_n;    /* its last event has the key (rev, event_n) */
	/* settings (service_set) */
	bool configured;
	uint32_t floor;         /* min_available as a count … */
	uint8_t floor_percent;  /* … or percent of registered and vanished; the larger
				   demand holds */
	uint32_t slow_start_ms; /* 0: none */
	uint32_t dns_ttl_s;
	struct bytes policy; /* balancing policy published to clients */
	struct bytes owner;
};

struct lease {
	uint64_t id; /* revision that granted it */
	uint64_t ttl_ms;
	bool drop_on_close;
	uint64_t granted_wall_ms;
	struct bytes owner; /* client name and address as of the grant */
};

#endif
