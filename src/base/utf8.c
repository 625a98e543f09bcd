#include "base/bytes.h"

/* First bytes of the sequences of RFC 3629, section 4, and what may follow each. */
struct lead {
	uint8_t first;
	uint8_t last;
	uint8_t tail; /* bytes that follow */
	uint8_t second_min;
	uint8_t second_max;
};

static const struct lead leads[] = {
	{0xc2, 0xc2, 1, 0xa0, 0xbf}, /* from 0x80 on: U+0080..9F are control characters */
	{0xc3, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, /* below: overlong */
	{0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, /* above: surrogates */
	{0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf}, /* below: overlong */
	{0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f}, /* above: beyond
								     U+10FFFF */
};

static bool is_printable(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

static const struct lead *find_lead(uint8_t c)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (c >= leads[i].first && c <= leads[i].last)
			return &leads[i];
	return NULL;
}

static size_t multi_byte_length(const uint8_t *p, size_t len)
{
	const struct lead *lead = find_lead(p[0]);

	if (lead == NULL || len < lead->tail + 1u)
		return 0;
	if (p[1] < lead->second_min || p[1] > lead->second_max)
		return 0;
	for (size_t i = 2; i <= lead->tail; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return lead->tail + 1u;
}

size_t bytes_text_char(struct bytes a)
{
	if (a.len == 0)
		return 0;
	if (a.data[0] < 0x80)
		return is_printable(a.data[0]);
	return multi_byte_length(a.data, a.len);
}

bool bytes_is_text(struct bytes a)
{
	while (a.len > 0) {
		size_t n = is_printable(a.data[0]) ? 1 : bytes_text_char(a);

		if (n == 0)
			return false;
		a.data += n;
		a.len -= n;
	}
	return true;
}
