/*
 * What the checks of one instance have seen, for the method get: asked of the control
 * thread.
 */
#ifndef SVCD_SERVER_EVIDENCE_H
#define SVCD_SERVER_EVIDENCE_H

#include "base/bytes.h"

struct request;

/* Asks; the answer to r (n map entries, copied) is then sent later, with the evidence put
 * into its checks. False: not asked, answer now. */
bool evidence_ask(struct request *r, uint32_t n, struct bytes entries);

#endif
