#include "svcctl/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define DURATION_MAX (UINT64_C(36500) * DAY)

static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = {{"d", DAY}, {"h", HOUR}, {"m", MINUTE}, {"s", SECOND}, {"ms", 1}};

#define N_UNITS (sizeof(units) / sizeof(units[0]))

/* Reads digits at *at; false when there are none or they are more than max. */
static bool take_digits(const char **at, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = *at;

	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = 10 * v + digit;
	}
	if (p == *at)
		return false;
	*at = p;
	*out = v;
	return true;
}

bool text_parse_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (!take_digits(&text, max, &v) || *text != '\0')
		return false;
	*out = v;
	return true;
}

static const struct unit *take_unit(const char **at)
{
	size_t len = strspn(*at, "dhms");

	for (size_t i = 0; i < N_UNITS; i++) {
		if (strlen(units[i].name) == len &&
			strncmp(*at, units[i].name, len) == 0) {
			*at += len;
			return &units[i];
		}
	}
	return NULL;
}

bool text_parse_duration(const char *text, uint64_t *ms)
{
	uint64_t sum = 0;

	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return true;
	}
	do {
		const struct unit *unit;
		uint64_t v;

		if (!take_digits(&text, UINT32_MAX, &v))
			return false;
		unit = take_unit(&text);
		if (unit == NULL)
			return false;
		sum += v * unit->ms;
		if (sum > DURATION_MAX)
			return false;
	} while (*text != '\0');
	*ms = sum;
	return true;
}

static char *put_two(
	char *out, uint64_t a, const char *a_unit, uint64_t b, const char *b_unit)
{
	if (b > 0)
		snprintf(out, TEXT_CAP, "%llu%s%llu%s", (unsigned long long)a, a_unit,
			(unsigned long long)b, b_unit);
	else
		snprintf(out, TEXT_CAP, "%llu%s", (unsigned long long)a, a_unit);
	return out;
}

char *text_age(uint64_t ms, char out[TEXT_CAP])
{
	if (ms < SECOND)
		return strcpy(out, "now");
	if (ms < MINUTE)
		return put_two(out, ms / SECOND, "s", 0, "");
	if (ms < 10 * MINUTE)
		return put_two(out, ms / MINUTE, "m", ms % MINUTE / SECOND, "s");
	if (ms < HOUR)
		return put_two(out, ms / MINUTE, "m", 0, "");
	if (ms < 10 * HOUR)
		return put_two(out, ms / HOUR, "h", ms % HOUR / MINUTE, "m");
	if (ms < DAY)
		return put_two(out, ms / HOUR, "h", 0, "");
	return put_two(out, ms / DAY, "d", 0, "");
}

char *text_duration(uint64_t ms, char out[TEXT_CAP])
{
	for (size_t i = 0; i + 1 < N_UNITS; i++) {
		if (ms >= units[i].ms)
			return put_two(out, ms / units[i].ms, units[i].name,
				ms % units[i].ms / units[i + 1].ms, units[i + 1].name);
	}
	return put_two(out, ms, ms > 0 ? "ms" : "", 0, "");
}

char *text_time(uint64_t wall_ms, char out[TEXT_CAP])
{
	time_t seconds = (time_t)(wall_ms / SECOND);
	char text[TEXT_CAP] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return strcpy(out, "");
	snprintf(out, TEXT_CAP, "%.22s.%03uZ", text, (unsigned)(wall_ms % SECOND));
	return out;
}

char *text_clock(uint64_t wall_ms, char out[TEXT_CAP])
{
	time_t seconds = (time_t)(wall_ms / SECOND);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
		strftime(out, TEXT_CAP, "%H:%M:%S", &tm) == 0)
		strcpy(out, "");
	return out;
}

char *text_bytes(uint64_t n, char out[TEXT_CAP])
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double v = (double)n;
	size_t i = 0;

	while (v >= 1024 && i + 1 < sizeof(names) / sizeof(names[0])) {
		v /= 1024;
		i++;
	}
	snprintf(out, TEXT_CAP, i > 0 && v < 9.95 ? "%.1f %s" : "%.0f %s", v, names[i]);
	return out;
}

char *text_count(uint64_t n, char out[TEXT_CAP])
{
	char digits[TEXT_CAP];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *to = out;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

char *text_clean(char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char *to = text;

	while (*from != '\0') {
		bool c1 = *from == 0xc2 && from[1] >= 0x80 && from[1] <= 0x9f;

		*to++ = c1 || *from < 0x20 || *from == 0x7f ? '?' : (char)*from;
		from += c1 ? 2 : 1;
	}
	*to = '\0';
	return text;
}

uint64_t text_wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool text_is_choice(const char *word, const char *choices)
{
	size_t len = strlen(word);

	while (*choices != '\0') {
		size_t n = strcspn(choices, "|");

		if (n == len && strncmp(word, choices, n) == 0)
			return true;
		choices += n + (choices[n] == '|');
	}
	return false;
}
