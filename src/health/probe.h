/*
 * One look at a target: a probe in flight, and the table of what kinds there are.
 *
 * A probe exists only while it runs. It is started, says at each step what it is doing,
 * and ends once through probe_end, whatever happened, with an outcome and words. It sets
 * no timer: its owner has the deadlines of all probes in one heap and calls
 * probe_timeout.
 *
 * A new kind is one file with a struct probe_type, and its row in probe.c. Its struct
 * begins with struct probe. Kinds that talk over a connection use probe_dial,
 * probe_on_close and probe_hang_up and write only what they say and how they judge the
 * answer.
 */
#ifndef SVCD_HEALTH_PROBE_H
#define SVCD_HEALTH_PROBE_H

#include "base/err.h"
#include "net/conn.h"
#include "net/resolve.h"

enum probe_outcome {
	PROBE_PASSED,
	PROBE_FAILED,
	PROBE_TIMED_OUT, /* failed, unless this member itself was late */
	PROBE_NOT_RUN,   /* says nothing of the target: no descriptor, no memory, no name
			    server */
};

/* What to look at. NUL-terminated texts, borrowed from the check. */
struct probe_spec {
	const char *address; /* numeric host, host name or "unix:/path" */
	const char *path;    /* http; "" is "/" */
	const char *host;    /* http Host header; "" is address:port */
	uint16_t port;
	uint16_t status_min, status_max;
	uint32_t timeout_ms; /* for words only */
};

#define PROBE_REASON_MAX 160 /* bytes with NUL */

struct probe_result {
	enum probe_outcome outcome;
	uint32_t took_us;
	char reason[PROBE_REASON_MAX]; /* "status 503"; printable, one line */
};

/* What all probes of a loop share; belongs to their owner. */
struct probe_world {
	struct loop *loop;
	struct resolver *names; /* made when the first host name is met */
	/* owner is what probe_new got. The probe is gone already. May be called from
	 * within probe_start. */
	void (*on_end)(struct probe_world *w, void *owner, const struct probe_result *r);
};

struct probe_type;

/* conn_dial or conn_knock */
typedef struct conn *probe_dial_fn(struct loop *l, const struct net_addr *to,
	const struct conn_events *ev, void *arg, struct err *e);

struct probe {
	const struct probe_type *type;
	struct probe_world *world;
	void *owner;
	struct probe_spec spec;
	uint64_t started_us;
	const char *doing;    /* "connecting": for the words of a timeout */
	struct conn *conn;    /* or NULL */
	struct resolve *name; /* or NULL */
	probe_dial_fn *dial;  /* this and ev are kept while the name is looked up */
	const struct conn_events *ev; /* of conn */
	bool heard;                   /* bytes of an answer have come */
};

struct probe_type {
	const char *name;
	size_t bytes; /* of its struct */
	void (*start)(struct probe *p);
	void (*cancel)(struct probe *p); /* lets go of everything; also part of each
					    ending */
	/* What it does, for a verdict's words: "GET /health". NULL: the reasons need no
	 * such words. */
	void (*describe)(const struct probe_spec *spec, char *out, size_t cap);
};

extern const struct probe_type probe_tcp;
extern const struct probe_type probe_http;

/* Rows are numbered from 0. */
const struct probe_type *probe_type_at(uint32_t row);
/* The row of a name, or SVCD_EINVAL with e set. */
int probe_type_row(struct bytes name, struct err *e);

/* ---- for the owner */

struct probe *probe_new(struct probe_world *w, const struct probe_type *type,
	const struct probe_spec *spec, void *owner); /* NULL: out of memory */
void probe_start(struct probe *p);                   /* once; p may be gone afterwards */
void probe_timeout(struct probe *p); /* ends it: "timed out after 1000 ms (connecting)" */
void probe_cancel(struct probe *p);  /* ends it without a call */
/* The check moved in memory: an equal spec with texts at another place. */
void probe_adopt(struct probe *p, const struct probe_spec *spec, void *owner);

/* ---- for the kinds */

/* The one ending: frees p, then tells the owner. */
void probe_end(struct probe *p, enum probe_outcome outcome, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Finds the address and connects. ev's callbacks get p, or NULL when it is over; on_open
 * follows, or an ending. */
void probe_dial(struct probe *p, probe_dial_fn *dial, const struct conn_events *ev);
void probe_on_close(struct conn *c, int reason, void *arg); /* for ev->on_close */
void probe_hang_up(struct probe *p);                        /* for a type's cancel */

#endif
