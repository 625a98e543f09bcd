/*
 * Lookups: the method that everybody calls.
 *
 * An answer that is kept is one copy of bytes behind a fresh head; nothing is parsed for
 * it. Otherwise the answer comes from one short read transaction and is kept, unless it
 * was asked for with min_rev. A lookup with a min_rev that this member has not reached
 * waits (parked), without holding anything but its parameters.
 */
#ifndef SVCD_SERVER_RESOLVE_H
#define SVCD_SERVER_RESOLVE_H

struct request;
struct worker;

void method_resolve(struct request *r);

/* Something was published: parked lookups may be answered. */
void resolve_unpark(struct worker *w);
void resolve_on_parking(void *worker); /* the timer worker.parking */
void resolve_forget(struct worker *w); /* the worker ends: all sessions are over */

#endif
