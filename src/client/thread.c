#include "client/thread.h"

#include <errno.h>
#include <signal.h>

#include "svcd.h"

int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return 0;
	return rc == ENOMEM ? SVCD_ENOMEM : SVCD_ELIMIT;
}
