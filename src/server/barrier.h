/*
 * barrier: waits until every live watcher of a service has applied a revision.
 *
 * Each worker tallies its own watchers; the worker that was asked collects. A worker says
 * once that its watchers are done; the counts in the answer are of the moment of the
 * answer. A service whose revision is older than the one asked for had no visible change
 * by it: then its own revision counts.
 */
#ifndef SVCD_SERVER_BARRIER_H
#define SVCD_SERVER_BARRIER_H

#include <stdbool.h>

struct request;
struct worker;

void method_barrier(struct request *r);
/* Ends barriers that nobody waits for any more; all, when the worker ends. */
void barriers_sweep(struct worker *w, bool all);

#endif
