#include "server/reply.h"

#include <string.h>

#include "wire/pack.h"

static uint8_t *put_be(uint8_t *p, uint64_t v, unsigned n)
{
	while (n-- > 0)
		*p++ = (uint8_t)(v >> (8 * n));
	return p;
}

static uint8_t *put_text(uint8_t *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

#define PUT(p, text) put_text((p), (text), sizeof(text) - 1)

/* By hand, because every lookup comes here: fixed widths, one look at the buffer. */
void reply_result(struct buf *out, uint32_t id, const struct head *head, uint32_t n,
	struct bytes entries)
{
	uint8_t *start = buf_reserve(out, 80 + entries.len);
	uint8_t *p = start;

	if (p == NULL)
		return;
	p = PUT(p, "\x94\x01\xce");
	p = put_be(p, id, 4);
	p = PUT(p, "\xc0\xde");
	p = put_be(p, n + HEAD_ENTRIES + head->no_quorum, 2);
	p = PUT(p, "\xa3rev\xcf");
	p = put_be(p, head->rev, 8);
	p = PUT(p,
		"\xa6"
		"age_ms\xce");
	p = put_be(p, head->age_ms, 4);
	p = PUT(p, "\xa6source");
	p = head->leader ? PUT(p, "\xa6leader")
			 : PUT(p,
				   "\xa8"
				   "follower");
	if (head->no_quorum)
		p = PUT(p, "\xa6quorum\xc2");
	if (entries.len > 0)
		memcpy(p, entries.data, entries.len);
	out->len += (size_t)(p - start) + entries.len;
}

uint32_t retry_after_ms(int code)
{
	static const struct {
		int code;
		uint32_t ms;
	} rows[] = {
		{SVCD_EBUSY, 50},
		{SVCD_EUNKNOWN, 50},
		{SVCD_ENOTREADY, 50},
		{SVCD_ENOLEADER, 50},
		{SVCD_ESHUTDOWN, 500},
		{SVCD_ELIMIT, 1000},
		{SVCD_ENOMEM, 1000},
		{SVCD_ENOSPACE, 5000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return rows[i].ms;
	return 0;
}

bool error_names_leader(int code)
{
	return code == SVCD_ENOLEADER || code == SVCD_EUNKNOWN || code == SVCD_EBUSY ||
		code == SVCD_ENOTREADY || code == SVCD_ESHUTDOWN || code == SVCD_ECORRUPT;
}

void reply_error(struct buf *out, uint32_t id, const struct err *e, const char *leader)
{
	pack_error(
		out, id, e, retry_after_ms(e->code), leader[0] != '\0' ? leader : NULL);
}
