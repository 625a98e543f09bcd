#include "base/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LEN 36
#define WALL_MAX_MS UINT64_C(253402300799999) /* the last of year 9999 */

static uint64_t read_us(clockid_t id)
{
	struct timespec ts;
	int rv = clock_gettime(id, &ts);

	assert(rv == 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_now_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

uint64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

uint64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

char *clock_format_wall(uint64_t wall_ms, char *out, size_t cap)
{
	uint64_t ms = wall_ms < WALL_MAX_MS ? wall_ms : WALL_MAX_MS;
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	assert(cap >= 25);
	gmtime_r(&seconds, &tm);
	n = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, cap - n, ".%03uZ", (unsigned)(ms % 1000));
	return out;
}

void clock_boot_id(char out[37])
{
	int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, BOOT_ID_LEN);

	if (fd >= 0)
		close(fd);
	out[n == BOOT_ID_LEN ? BOOT_ID_LEN : 0] = '\0';
}
