/*
 * The methods of the protocol as a table: name, handler, when it may be called.
 */
#ifndef SVCD_SERVER_METHODS_H
#define SVCD_SERVER_METHODS_H

#include "base/bytes.h"

struct request;

enum method_flag {
	METHOD_RAW = 1,    /* the handler parses the parameters itself */
	METHOD_HELLO = 2,  /* may be called before hello */
	METHOD_NOTIFY = 4, /* may be a notification */
	METHOD_ALWAYS = 8, /* says nothing of the catalog: also when that may be wrong */
};

struct method {
	const char *name;
	void (*handle)(struct request *r);
	unsigned flags;
};

const struct method *method_find(struct bytes name); /* NULL: there is none */
const struct method *method_at(size_t i);            /* NULL behind the last one */

#endif
