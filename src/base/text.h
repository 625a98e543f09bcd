/*
 * Small text helpers: names, numbers, durations, did-you-mean.
 */
#ifndef SVCD_BASE_TEXT_H
#define SVCD_BASE_TEXT_H

#include "base/bytes.h"

/* DNS label (RFC 1123): 1..63 of a-z 0-9 '-', not first or last '-'. Upper case is
 * refused. */
bool text_is_dns_label(struct bytes name);

/* Decimal without sign, spaces or leading '+'. 0 or SVCD_EINVAL / SVCD_ERANGE (outside
 * min..max). */
int text_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* "250ms" "10s" "5m" "2h" "1d" to milliseconds; a bare number is refused except 0. 0 or
 * SVCD_EINVAL. */
int text_parse_duration_ms(const char *text, uint64_t *out);

/* "64KiB" "16MiB" "4GiB" or plain bytes. 0 or SVCD_EINVAL. */
int text_parse_size(const char *text, uint64_t *out);

/* "250ms", "10s", "5m", "1h30m", "2d3h": two units at most. Returns out; cap >= 16. */
char *text_format_duration(uint64_t ms, char *out, size_t cap);

/* The candidate nearest to word by Damerau-Levenshtein distance (optimal string
 * alignment), or NULL when none is within a third of its length + 1. candidates ends with
 * NULL. */
const char *text_did_you_mean(const char *word, const char *const *candidates);

/* v between double quotes: valid text as it is, the rest as \" \\ \n \r \t \xNN; "..."
 * stands for what comes after max bytes of v. For logs and messages that repeat what a
 * peer said. */
void text_put_escaped(struct buf *out, struct bytes v, size_t max);

/* v as a C string, cut off at its first NUL or at cap. Returns out. */
char *text_copy(char *out, size_t cap, struct bytes v);

/* 16 lower-case hex digits and NUL. */
char *text_hex64(uint64_t v, char out[17]);

#endif
