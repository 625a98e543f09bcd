/*
 * Numbers, durations, times and names as people write and read them. Pure.
 */
#ifndef SVCCTL_TEXT_H
#define SVCCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_CAP 32 /* room for what the formatters below write */

/* Decimal digits only, 0..max. */
bool text_parse_number(const char *text, uint64_t max, uint64_t *out);
/* "250ms" "5s" "1m30s" "2h" "1d"; a number alone only when it is 0. Milliseconds. */
bool text_parse_duration(const char *text, uint64_t *ms);

/* How long something is or has lasted: "now" "41s" "3m12s" "12m" "1h5m" "5h" "2d". */
char *text_age(uint64_t ms, char out[TEXT_CAP]);
/* A setting: "0" "250ms" "10s" "1h30m"; exact to two units. */
char *text_duration(uint64_t ms, char out[TEXT_CAP]);
/* Wall time, milliseconds since 1970, as RFC 3339 in UTC: "2026-11-23T10:41:07.123Z". */
char *text_time(uint64_t wall_ms, char out[TEXT_CAP]);
/* The same as the clock on the wall here: "10:41:07". */
char *text_clock(uint64_t wall_ms, char out[TEXT_CAP]);
char *text_bytes(uint64_t n, char out[TEXT_CAP]); /* "512 B" "38 MiB" "1.5 GiB" */
char *text_count(uint64_t n, char out[TEXT_CAP]); /* "1,204" */
uint64_t text_wall_now(void);                     /* milliseconds since 1970 */

/* Puts '?' in the place of what drives a terminal (C0, DEL, and C1 as UTF-8 has it).
 * Returns text. */
char *text_clean(char *text);

/* The candidate that was probably meant, or NULL. candidates ends with NULL. */
const char *text_suggest(const char *word, const char *const *candidates);

/* Whether word is one of the choices in "a|b|c". */
bool text_is_choice(const char *word, const char *choices);

#endif
