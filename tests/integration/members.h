/*
 * Members of a cluster as processes: the svcd that was built, on loopback, with ports
 * from the kernel.
 */
#ifndef TESTS_INTEGRATION_MEMBERS_H
#define TESTS_INTEGRATION_MEMBERS_H

#include <stdbool.h>
#include <sys/types.h>

struct member {
	pid_t pid; /* 0: it does not run */
	char data[400];
	char client[64], peer[64]; /* its addresses */
};

bool member_program_is_there(void);

/* Called name, with its data in dir; when join is not NULL it joins the cluster of the
 * member with that address. Returns when it is ready. */
void member_start(struct member *m, const char *dir, char name, const char *join);
/* Sends the signal and waits for the end; nothing when it does not run. */
void member_end(struct member *m, int sig);

#endif
