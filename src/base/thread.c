#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKGROUND_NICE 5 /* a weight of 335 to 1024, sched(7) */

void thread_background(const char *name)
{
	pthread_setname_np(pthread_self(), name);
	setpriority(PRIO_PROCESS, (id_t)gettid(), BACKGROUND_NICE); /* of a thread on
								       Linux */
}
