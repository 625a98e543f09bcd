/* `register -- COMMAND`: runs a child and keeps it registered while it runs. */
#ifndef SVCCTL_RUNNER_H
#define SVCCTL_RUNNER_H

#include "svcctl/ctl.h"

struct run_order {
	const struct svcd_instance *instance;
	char *const *argv;
	uint32_t ttl_ms; /* 0: the registry's default */
	bool keep;
	uint64_t grace_ms; /* draining, before a signal is passed on */
};

/* The exit status of the child, 128 + signal; 126 or 127 when it cannot be started. */
int runner_run(struct ctl *c, const struct run_order *o);

#endif
