/*
 * Threads that work in the background.
 */
#ifndef SVCD_BASE_THREAD_H
#define SVCD_BASE_THREAD_H

/*
 * Names the calling thread (at most 15 bytes) and lets all other threads go first: for
 * long work that nobody waits for by the millisecond, while others do on these
 * processors. It still gets its part when they are busy: a third of what another thread
 * gets. Where the system refuses, nothing changes.
 */
void thread_background(const char *name);

#endif
