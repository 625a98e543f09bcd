/*
 * consistency "current": the state is first made as new as the request, then the request
 * is answered as if it came now.
 */
#ifndef SVCD_SERVER_CURRENT_H
#define SVCD_SERVER_CURRENT_H

#include <stdbool.h>

struct request;

/* True: the request was taken (or refused) and its method returns; it is called again
 * when the state is current. */
bool current_take(struct request *r);

#endif
