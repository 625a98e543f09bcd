/*
 * Spans between the wall clock and what is noted by it: shown by status and metrics, and
 * never decided by.
 */
#ifndef SVCD_SERVER_REMAINS_H
#define SVCD_SERVER_REMAINS_H

#include "replica/replica.h"

struct tls;

/* Milliseconds until the certificate that this member shows to others expires; 0 when it
 * has. */
uint64_t certificate_left_ms(const struct tls *tls);

/* Of the newest checkpoint, in milliseconds. There has to be one. */
uint64_t checkpoint_age_ms(const struct replica_status *s);

#endif
