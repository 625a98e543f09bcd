/*
 * Loaded into a member by LD_PRELOAD: its wall clock and its disk are what the test says,
 * by a file of struct shim that SVCD_FAULT_SHIM names and that both sides map. Monotonic
 * clocks are left alone.
 */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct shim *told;

__attribute__((constructor)) static void open_shim(void)
{
	const char *path = getenv("SVCD_FAULT_SHIM");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED
			 : mmap(NULL, sizeof *told, PROT_READ, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		told = p;
	if (fd >= 0)
		close(fd);
}

/* The C library's own function behind ours. */
static void *behind(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	static int (*real)(clockid_t, struct timespec *);
	int rc;

	if (real == NULL)
		*(void **)&real = behind("clock_gettime");
	rc = real(id, out);
	if (rc == 0 && told != NULL &&
		(id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		out->tv_sec += told->wall_step_s;
	return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

static void wait_for_disk(void)
{
	struct timespec pause = {0};
	int error = errno;

	if (told == NULL || told->sync_ms == 0)
		return;
	pause.tv_sec = told->sync_ms / 1000;
	pause.tv_nsec = told->sync_ms % 1000 * 1000000;
	nanosleep(&pause, NULL);
	errno = error;
}

int fsync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = behind("fsync");
	wait_for_disk();
	return real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = behind("fdatasync");
	wait_for_disk();
	return real(fd);
}
