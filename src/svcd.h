/*
 * svcd.h - the public interface of libsvcd, the client library of the svcd registry.
 *
 * An application links libsvcd to register its instances, to resolve services, to watch
 * them, and to call any method of the protocol (svcd-protocol(7)). The library never
 * prints, never aborts its host, installs no signal handlers and has no global state.
 *
 * Threads. A client made without an event_base runs one thread of its own; every function
 * may then be called from any thread except from inside a callback where "not from a
 * callback" is said, and callbacks run on the library's thread. A client made on the
 * caller's event_base runs on the thread that runs that base; all functions are then
 * called on that thread, and those that wait (said so below) return SVCD_EINVAL.
 *
 * Errors. Functions return 0 or a negative enum svcd_error. Outputs are written on
 * success only.
 *
 * Ownership. Strings and structs passed in are copied. What "the caller frees" is said
 * where it is so. svcd_*_free(NULL) does nothing.
 *
 * Times are milliseconds, sizes bytes, unless a name says otherwise.
 */
#ifndef SVCD_H
#define SVCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVCD_API __attribute__((visibility("default")))

#define SVCD_VERSION "0.1.0"
#define SVCD_PROTOCOL_VERSION 1

#define SVCD_PORT_RPC 7820 /* SVC on a telephone's keys */
#define SVCD_PORT_PEER 7821
#define SVCD_PORT_HTTP 7880
#define SVCD_SOCKET_DEFAULT "/run/svcd/svcd.sock"

/*
 * X(identifier, code, name on the wire, general text)
 */
/* clang-format off */
#define SVCD_ERRORS(X)                                                                       \
	X(SVCD_EINTERNAL, -1, "internal", "internal error: a defect in svcd")                \
	X(SVCD_ENOMEM, -2, "no_memory", "out of memory")                                     \
	X(SVCD_EINVAL, -3, "invalid", "invalid argument")                                    \
	X(SVCD_ERANGE, -4, "out_of_range", "value out of range")                             \
	X(SVCD_ETOOBIG, -5, "too_big", "larger than the limit")                              \
	X(SVCD_ENOSERVICE, -6, "no_service", "no such service")                              \
	X(SVCD_ENOINSTANCE, -7, "no_instance", "no such instance")                           \
	X(SVCD_ENOLEASE, -8, "no_lease", "no such lease")                                    \
	X(SVCD_EEXISTS, -9, "exists", "exists already")                                      \
	X(SVCD_ESTALE, -10, "stale", "an older incarnation or revision than the current one") \
	X(SVCD_EGONE, -11, "gone", "was removed and does not come back by itself")           \
	X(SVCD_ECONFLICT, -12, "conflict", "conflicts with the current state")               \
	X(SVCD_EBUSY, -13, "busy", "too busy, retry later")                                  \
	X(SVCD_ETIMEOUT, -14, "timeout", "timed out")                                        \
	X(SVCD_EUNREACHABLE, -15, "unreachable", "no member can be reached")                 \
	X(SVCD_ENOLEADER, -16, "no_leader", "no leader, writes are not possible now")        \
	X(SVCD_EUNKNOWN, -17, "unknown_outcome", "outcome unknown, repeat with the same number") \
	X(SVCD_EDENIED, -18, "denied", "not allowed")                                        \
	X(SVCD_ENOMETHOD, -19, "no_method", "no such method")                                \
	X(SVCD_EPROTOCOL, -20, "protocol", "malformed message")                              \
	X(SVCD_EVERSION, -21, "version", "versions do not fit together")                     \
	X(SVCD_ECLOSED, -22, "closed", "connection closed")                                  \
	X(SVCD_ENOSPACE, -23, "no_space", "disk is full or nearly full")                     \
	X(SVCD_EIO, -24, "io", "input or output error")                                      \
	X(SVCD_ECORRUPT, -25, "corrupt", "stored data is damaged")                           \
	X(SVCD_EINUSE, -26, "in_use", "in use by another process")                           \
	X(SVCD_ESHUTDOWN, -27, "shutdown", "shutting down")                                  \
	X(SVCD_ELIMIT, -28, "limit", "a configured limit is reached")                        \
	X(SVCD_ECANCELLED, -29, "cancelled", "cancelled")                                    \
	X(SVCD_EAGAIN, -30, "again", "not complete yet")                                     \
	X(SVCD_ENOTREADY, -31, "not_ready", "not known yet")                                 \
	X(SVCD_EFLOOR, -32, "floor", "would take the service below its floor")               \
	X(SVCD_ENOTFOUND, -33, "not_found", "not found")
/* clang-format on */

enum svcd_error {
	SVCD_OK = 0,
#define SVCD_ERROR_ENUM(id, code, name, text) id = code,
	SVCD_ERRORS(SVCD_ERROR_ENUM)
#undef SVCD_ERROR_ENUM
};

SVCD_API const char *svcd_strerror(int error); /* general text; static */
/* name on the wire, "no_service"; static */
SVCD_API const char *svcd_error_name(int error);
SVCD_API const char *svcd_version(void); /* of the library that is linked */

/* ---- values: documents as the protocol carries them -------------------- */

enum svcd_type {
	SVCD_NIL,
	SVCD_BOOL,
	SVCD_UINT,
	SVCD_INT, /* negative numbers */
	SVCD_DOUBLE,
	SVCD_STRING,
	SVCD_BINARY,
	SVCD_ARRAY,
	SVCD_MAP
};

/* A tree of values. The root owns all of it; children are borrowed from it. */
struct svcd_value;

/* NULL when out of memory; caller frees */
SVCD_API struct svcd_value *svcd_value_new_map(void);
SVCD_API struct svcd_value *svcd_value_new_array(void); /* likewise */
SVCD_API void svcd_value_free(struct svcd_value *v);    /* a root only */

/* Setting: into a map under key (replaces), or with key NULL: appended to an array. 0,
 * SVCD_ENOMEM, SVCD_EINVAL (v is not a map / array). */
SVCD_API int svcd_value_set_str(struct svcd_value *v, const char *key, const char *text);
SVCD_API int svcd_value_set_uint(struct svcd_value *v, const char *key, uint64_t number);
SVCD_API int svcd_value_set_int(struct svcd_value *v, const char *key, int64_t number);
SVCD_API int svcd_value_set_bool(struct svcd_value *v, const char *key, bool truth);
/* Takes child (a root) in any case, also on error. */
SVCD_API int svcd_value_set(
	struct svcd_value *v, const char *key, struct svcd_value *child);

/* Reading; all accept NULL and wrong types and then give the fallback. */
SVCD_API enum svcd_type svcd_value_type(const struct svcd_value *v);
/* elements or pairs; 0 otherwise */
SVCD_API size_t svcd_value_count(const struct svcd_value *v);
SVCD_API const struct svcd_value *svcd_value_get(
	const struct svcd_value *map, const char *key);
/* element, or value of pair i */
SVCD_API const struct svcd_value *svcd_value_at(const struct svcd_value *v, size_t i);
/* key of pair i */
SVCD_API const char *svcd_value_key(const struct svcd_value *map, size_t i);
/* NUL-terminated */
SVCD_API const char *svcd_value_str(const struct svcd_value *v, const char *fallback);
/* Of binary data or text: the bytes, with *len; NULL and 0 for anything else */
SVCD_API const char *svcd_value_bytes(const struct svcd_value *v, size_t *len);
SVCD_API uint64_t svcd_value_uint(const struct svcd_value *v, uint64_t fallback);
SVCD_API int64_t svcd_value_int(const struct svcd_value *v, int64_t fallback);
SVCD_API double svcd_value_double(const struct svcd_value *v, double fallback);
SVCD_API bool svcd_value_bool(const struct svcd_value *v, bool fallback);

/* ---- client ------------------------------------------------------------ */

struct event_base;
struct svcd_client;

struct svcd_options {
	/* Members, comma separated: "unix:PATH", "tcp:HOST:PORT", "HOST", "HOST:PORT".
	 * NULL: the environment's SVCD_ADDR, else unix:/run/svcd/svcd.sock, else
	 * tcp:127.0.0.1:7820. */
	const char *servers;
	/* of the application, shown by the server; NULL: program name */
	const char *name;
	const char *token;           /* NULL: none */
	uint32_t connect_timeout_ms; /* per member; 0: 1000 */
	uint32_t request_timeout_ms; /* default deadline of a call; 0: 5000 */
	/* NULL: own thread. Otherwise borrowed, must outlive the client */
	struct event_base *event_base;
};

/* Makes a client and starts to connect in the background; it reconnects by itself for as
 * long as it lives (jittered exponential back-off 50 ms .. 5 s, and the server's
 * retry_after). 0, SVCD_EINVAL (a server address does not parse), SVCD_ENOMEM. options
 * may be NULL. */
SVCD_API int svcd_client_new(
	const struct svcd_options *options, struct svcd_client **client);

/* Ends all registrations (as svcd_deregister does, waiting at most 1 s for the answers),
 * watches and calls (their callbacks get SVCD_ECANCELLED before this returns), then
 * frees. Not from a callback. */
SVCD_API void svcd_client_free(struct svcd_client *client);

/* Waits until a member has answered the hello, or until each was tried and none took us:
 * then SVCD_EUNREACHABLE, SVCD_EDENIED or SVCD_EVERSION (svcd_client_trouble says more;
 * the client goes on trying). SVCD_ETIMEOUT: neither came in time. Waits; own thread
 * only. */
SVCD_API int svcd_client_wait(struct svcd_client *client, uint32_t timeout_ms);

/* What went wrong last with the connection, as a sentence; "" when all is well. Copies
 * into out. */
SVCD_API void svcd_client_trouble(struct svcd_client *client, char *out, size_t cap);

/* ---- calls ------------------------------------------------------------- */

/* Why a call failed, in the server's words. */
struct svcd_fault {
	int code;                /* enum svcd_error */
	char text[256];          /* one sentence, without newline */
	uint32_t retry_after_ms; /* 0: not said */
};

/*
 * Calls a method of the protocol and waits for the result. params is a map, borrowed, or
 * NULL for an empty one. Writes ("register", "update" …) are given a session and sequence
 * number and are retried by the library until the deadline, so they are applied once.
 * timeout_ms 0: the client's default. On success *result (a root; caller frees) is set;
 * result may be NULL. On failure fault (may be NULL) is filled. Waits; own thread only;
 * not from a callback.
 */
SVCD_API int svcd_call(struct svcd_client *client, const char *method,
	const struct svcd_value *params, uint32_t timeout_ms, struct svcd_value **result,
	struct svcd_fault *fault);

/* The same without waiting. done is called exactly once (result is borrowed for the time
 * of the call, NULL on failure). 0 when done will be called; otherwise an error and it
 * will not. */
typedef void svcd_call_fn(
	void *arg, const struct svcd_fault *fault, const struct svcd_value *result);
SVCD_API int svcd_call_async(struct svcd_client *client, const char *method,
	const struct svcd_value *params, uint32_t timeout_ms, svcd_call_fn *done,
	void *arg);

/* ---- instances --------------------------------------------------------- */

struct svcd_port {
	const char *name; /* "http", "grpc" …; NULL: "default" */
	uint16_t number;  /* 1..65535 */
	/* "tcp" (default) or "udp", or an application protocol such as "h2c" */
	const char *protocol;
	bool tls;
};

struct svcd_pair {
	const char *key;
	const char *value;
};

/* Health check that the registry runs. Zero means the default in brackets. */
struct svcd_check {
	const char *name;        /* [type] unique within the instance */
	const char *type;        /* "tcp" or "http" */
	const char *port;        /* port name [the first port] */
	const char *path;        /* http: ["/"] */
	const char *host_header; /* http: [address:port] */
	uint16_t status_min;     /* http: [200] */
	uint16_t status_max;     /* http: [399] */
	uint32_t interval_ms;    /* [5000] 100..3600000, while steady */
	/* [interval/5, at least 200] while the verdict is changing */
	uint32_t fast_interval_ms;
	uint32_t slow_interval_ms; /* [interval] while down */
	uint32_t timeout_ms;       /* [1000] 10..60000 */
	uint32_t rise;             /* [2] passes that make it passing, 1..100 */
	uint32_t fall;             /* [3] failures that make it failing, 1..100 */
};

/* An instance: what a server says of itself (the first half), what the registry adds (the
 * second). */
struct svcd_instance {
	const char *ns;      /* NULL: "default" */
	const char *service; /* a DNS label */
	/* 1..128 bytes, stable over restarts; NULL in svcd_register: HOST-PID-N */
	const char *id;
	/* numeric or host names, in order of preference; none: the address from which the
	 * registration came */
	const char *const *addresses;
	size_t n_addresses;
	const struct svcd_port *ports;
	size_t n_ports;
	uint16_t weight; /* 0 is legal: only when nothing else is there */
	uint8_t tier;    /* lower tiers first */
	const char *region, *zone, *rack, *host; /* locality; NULL: not said */
	const char *version;
	const char *const *tags;
	size_t n_tags;
	const struct svcd_pair *meta;
	size_t n_meta;
	const struct svcd_check *checks; /* register only */
	size_t n_checks;

	/* read only */
	const char *state; /* effective: "up" "warm" "pending" "drain" "down" */
	/* "starting" "passing" "degraded" "failing" "unknown" "damped" */
	const char *health;
	const char *admin; /* "enabled" "draining" "maintenance" */
	uint64_t incarnation;
	uint64_t revision; /* of its last visible change */
};

#define SVCD_WEIGHT_DEFAULT 100

/* ---- registering ------------------------------------------------------- */

struct svcd_registration;

enum svcd_registration_state {
	SVCD_REGISTERING, /* not confirmed yet, or again after an outage */
	SVCD_REGISTERED,  /* confirmed; the lease is being renewed */
	/* the server refuses for good (see fault); nothing more is tried */
	SVCD_REFUSED,
	/* somebody removed it on purpose; it is not registered again by itself */
	SVCD_REMOVED,
	SVCD_DEREGISTERED /* by svcd_client_free (svcd_deregister tells it by returning)
			   */
};

struct svcd_register_options {
	uint32_t ttl_ms; /* 0: the server's default (10 s) */
	/* a closed connection drops the instance only after the TTL (default: at once
	 * when the connection ends cleanly) */
	bool keep_on_close;
	/* State changes; may be NULL. fault is NULL unless there is something to say. */
	void (*on_state)(void *arg, struct svcd_registration *r,
		enum svcd_registration_state state, const struct svcd_fault *fault);
	void *arg;
};

/*
 * Registers an instance and keeps it registered: renews its lease, registers again after
 * an outage or a restart of the registry. Returns at once; progress through on_state. 0,
 * SVCD_EINVAL, SVCD_ENOMEM. The handle is the caller's until svcd_deregister.
 */
SVCD_API int svcd_register(struct svcd_client *client,
	const struct svcd_instance *instance, const struct svcd_register_options *options,
	struct svcd_registration **registration);

/* Waits until it is confirmed. 0, SVCD_ETIMEOUT, or why it was refused (fault may be
 * NULL). Waits. */
SVCD_API int svcd_registration_wait(
	struct svcd_registration *r, uint32_t timeout_ms, struct svcd_fault *fault);
SVCD_API const char *svcd_registration_id(const struct svcd_registration *r);
/* 0: not yet */
SVCD_API uint64_t svcd_registration_incarnation(const struct svcd_registration *r);

/* Stops new traffic to it while calls in flight end; it stays registered. 0 when the
 * request was queued. */
SVCD_API int svcd_drain(struct svcd_registration *r, const char *reason);
SVCD_API int svcd_undrain(struct svcd_registration *r);
/* Changes what it says of itself (NULL or empty fields of instance are emptied too; ns,
 * service and id must be the same). Survives reconnects. */
SVCD_API int svcd_registration_update(
	struct svcd_registration *r, const struct svcd_instance *instance);

/* Removes the instance and frees the handle. timeout_ms: how long to wait for the answer,
 * 0: not at all (it is still sent). on_state is not called any more. With a timeout on
 * the library's own thread: SVCD_EINVAL, and nothing is done; SVCD_ENOMEM likewise. After
 * any other result the handle is gone. */
SVCD_API int svcd_deregister(struct svcd_registration *r, uint32_t timeout_ms);

/* ---- resolving and watching -------------------------------------------- */

/* What an empty list means (promise: it is never an error in disguise). */
enum svcd_presence {
	SVCD_PRESENT,      /* there are instances in the answer */
	SVCD_NONE_MATCH,   /* instances exist, the query excludes all of them */
	SVCD_NONE_HEALTHY, /* instances exist, none may be used */
	SVCD_NO_INSTANCES, /* the service is known, nobody is registered */
	SVCD_NO_SERVICE    /* no such service */
};

enum svcd_source {
	SVCD_FROM_LEADER,
	SVCD_FROM_FOLLOWER,
	/* this library's last good set; the registry cannot be reached */
	SVCD_FROM_CACHE,
	SVCD_FROM_DISK
};

/* One answer: an immutable, reference-counted set. */
struct svcd_set {
	const char *ns, *service;
	uint64_t revision; /* of the service */
	uint64_t age_ms;   /* upper bound of how old this knowledge was when it arrived */
	enum svcd_source source;
	enum svcd_presence presence;
	/* usable ones first: up, warm, pending, then the others if asked for */
	size_t n_instances;
	const struct svcd_instance *instances;
};

SVCD_API const struct svcd_set *svcd_set_ref(const struct svcd_set *set);
SVCD_API void svcd_set_unref(const struct svcd_set *set); /* NULL is fine */

struct svcd_query {
	const char *ns; /* NULL: "default" */
	const char *service;
	bool all_states;         /* also drain and down */
	const char *const *tags; /* all of them */
	size_t n_tags;
	const char *version;          /* equal */
	const char *zone;             /* equal */
	const struct svcd_pair *meta; /* all equal */
	size_t n_meta;
	uint32_t limit; /* 0: no limit of its own */
	/* wait until the member has this revision (read your writes) */
	uint64_t min_revision;
};

/* One lookup. A missing service is success with presence SVCD_NO_SERVICE. *set: the
 * caller unrefs. Waits. */
SVCD_API int svcd_resolve(struct svcd_client *client, const struct svcd_query *query,
	uint32_t timeout_ms, const struct svcd_set **set, struct svcd_fault *fault);

struct svcd_watch;

enum svcd_watch_event {
	SVCD_WATCH_SNAPSHOT, /* the whole set: at first, and after a gap */
	SVCD_WATCH_CHANGE,   /* one revision later */
	/* no member reachable: set is the last good one (NULL: there is none yet), it
	   stays in use; its source is SVCD_FROM_CACHE now */
	SVCD_WATCH_LOST,
	SVCD_WATCH_BACK,   /* reachable again, nothing had changed */
	SVCD_WATCH_REFUSED /* the server will not have it watched (svcd_watch_fault); set
			      as for LOST */
};

/* set is borrowed for the time of the call (svcd_set_ref keeps it). It holds the usable
 * instances, as svcd_resolve gives them by default. Revisions never go backwards within a
 * cluster. */
typedef void svcd_watch_fn(
	void *arg, enum svcd_watch_event event, const struct svcd_set *set);

/* Watches one service until svcd_unwatch. 0, SVCD_EINVAL, SVCD_ENOMEM. */
SVCD_API int svcd_watch(struct svcd_client *client, const char *ns, const char *service,
	svcd_watch_fn *on_event, void *arg, struct svcd_watch **watch);
/* The current set, at once, from memory; NULL before the first snapshot. The caller
 * unrefs. */
SVCD_API const struct svcd_set *svcd_watch_get(struct svcd_watch *watch);
/* Why it is not up to date: 0 (all is well), or a code with fault (may be NULL) filled.
 */
SVCD_API int svcd_watch_fault(struct svcd_watch *watch, struct svcd_fault *fault);
/* no callback any more once this returned */
SVCD_API void svcd_unwatch(struct svcd_watch *watch);

/* Raw events as the protocol carries them, for tools: services whose name starts with
 * prefix ("" for all) in ns (NULL: all). event is borrowed for the time of the call. The
 * library adds {kind: "lost", text} when no member can be reached; afterwards everything
 * comes again as snapshots. */
typedef void svcd_event_fn(void *arg, const struct svcd_value *event);
SVCD_API int svcd_watch_raw(struct svcd_client *client, const char *ns,
	const char *prefix, svcd_event_fn *on_event, void *arg,
	struct svcd_watch **watch);

#ifdef __cplusplus
}
#endif

#endif
