/*
 * The only place that asks for the time. Cores take now_ms as an argument.
 * Monotonic time is CLOCK_BOOTTIME: it goes on while the machine sleeps. Wall time is for
 * display only; nothing is ever decided by it.
 */
#ifndef SVCD_BASE_CLOCK_H
#define SVCD_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_now_ms(void);
uint64_t clock_now_us(void);
uint64_t clock_wall_ms(void); /* Unix epoch */

/* RFC 3339 in UTC with milliseconds, "2026-11-23T12:00:00.123Z"; cap >= 25. Returns out. */
char *clock_format_wall(uint64_t wall_ms, char *out, size_t cap);

/* This boot's identity (/proc/sys/kernel/random/boot_id); "" when it is not known. */
void clock_boot_id(char out[37]);

#endif
