/* Numbers with units, as text. */
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "svcd.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first. */
static const struct unit durations[] = {
	{"d", 86400000},
	{"h", 3600000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
	{NULL, 0},
};

static const struct unit sizes[] = {
	{"", 1},
	{"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20},
	{"GiB", UINT64_C(1) << 30},
	{NULL, 0},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *p and moves it behind them. SVCD_EINVAL: no digit; SVCD_ERANGE: over
 * 64 bits. */
static int take_number(const char **p, uint64_t *out)
{
	uint64_t v = 0;
	bool overflow = false;

	if (!is_digit(**p))
		return SVCD_EINVAL;
	for (; is_digit(**p); (*p)++) {
		overflow |= __builtin_mul_overflow(v, 10, &v);
		overflow |= __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v);
	}
	if (overflow)
		return SVCD_ERANGE;
	*out = v;
	return 0;
}

int text_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *p = text;
	uint64_t v = 0;
	int rv;

	if (text == NULL)
		return SVCD_EINVAL;
	rv = take_number(&p, &v);
	if (*p != '\0')
		return SVCD_EINVAL;
	if (rv == 0 && (v < min || v > max))
		rv = SVCD_ERANGE;
	if (rv == 0)
		*out = v;
	return rv;
}

/* The unit whose name is the text up to the next digit or the end; moves *p behind it. */
static const struct unit *take_unit(const struct unit *units, const char **p)
{
	size_t len = strcspn(*p, "0123456789");

	for (; units->name != NULL; units++) {
		if (strlen(units->name) != len || strncmp(*p, units->name, len) != 0)
			continue;
		*p += len;
		return units;
	}
	return NULL;
}

/* Adds "10s" at *p to *sum. *units is moved behind the unit that was used: each once,
 * largest first. */
static int take_amount(const struct unit **units, const char **p, uint64_t *sum)
{
	const struct unit *unit;
	uint64_t v;

	if (take_number(p, &v) != 0)
		return SVCD_EINVAL;
	unit = take_unit(*units, p);
	if (unit == NULL || __builtin_mul_overflow(v, unit->factor, &v))
		return SVCD_EINVAL;
	if (__builtin_add_overflow(*sum, v, sum))
		return SVCD_EINVAL;
	*units = unit + 1;
	return 0;
}

int text_parse_duration_ms(const char *text, uint64_t *out)
{
	const struct unit *units = durations;
	const char *p = text;
	uint64_t sum = 0;

	if (text == NULL)
		return SVCD_EINVAL;
	if (strcmp(text, "0") == 0) {
		*out = 0;
		return 0;
	}
	do {
		if (take_amount(&units, &p, &sum) != 0)
			return SVCD_EINVAL;
	} while (*p != '\0');
	*out = sum;
	return 0;
}

int text_parse_size(const char *text, uint64_t *out)
{
	const struct unit *units = sizes;
	const char *p = text;
	uint64_t sum = 0;

	if (text == NULL || take_amount(&units, &p, &sum) != 0 || *p != '\0')
		return SVCD_EINVAL;
	*out = sum;
	return 0;
}

/* cap >= 16 holds "99999999d23h"; beyond that the hours are left out. */
#define DAYS_ALONE UINT64_C(100000000)

char *text_format_duration(uint64_t ms, char *out, size_t cap)
{
	const struct unit *unit = durations;
	uint64_t more;

	assert(cap >= 16);
	while (unit->factor > 1 && ms < unit->factor)
		unit++;
	snprintf(out, cap, "%" PRIu64 "%s", ms / unit->factor, unit->name);
	more = unit->factor > 1 ? ms % unit->factor / unit[1].factor : 0;
	if (more > 0 && ms / unit->factor < DAYS_ALONE)
		snprintf(out + strlen(out), cap - strlen(out), "%" PRIu64 "%s", more,
			unit[1].name);
	return out;
}
