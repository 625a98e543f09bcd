/*
 * One change made to an instance, or to each instance of a service.
 */
#ifndef SVCCTL_CHANGE_H
#define SVCCTL_CHANGE_H

#include "svcctl/ctl.h"
#include "svcctl/target.h"

struct change {
	const char *method; /* "update" or "deregister" */
	const char *asked;  /* for the question: "drain" */
	const char *done;   /* for the answer: "draining" */
	bool ask;           /* before it is done to several instances */
	/* Adds to {ns, service, id} what the method is to do; NULL: nothing to add. */
	void (*fill)(struct svcd_value *params, const struct args *a);
};

/* Finds the instances, asks when it must, makes the change and prints what was done. The
 * exit status; what is wrong has been reported. */
enum outcome change_run(struct ctl *c, const struct args *a, const struct target *t,
	const struct change *ch);

#endif
