#include "server/lease_ask.h"

#include "base/err.h"

void lease_ask_put(struct buf *question, enum lease_wish wish, uint64_t id)
{
	buf_put_u8(question, (uint8_t)wish);
	buf_put_be64(question, id);
}

int lease_ask_count(struct bytes question)
{
	size_t n = question.len / LEASE_ITEM_BYTES;

	if (question.len % LEASE_ITEM_BYTES != 0 || n > LEASE_ITEMS_MAX)
		return SVCD_EPROTOCOL;
	for (size_t i = 0; i < n; i++) {
		uint8_t wish = question.data[i * LEASE_ITEM_BYTES];

		if (wish < LEASE_RENEW || wish > LEASE_FORGET)
			return SVCD_EPROTOCOL;
	}
	return (int)n;
}

void lease_ask_at(struct bytes question, size_t i, enum lease_wish *wish, uint64_t *id)
{
	const uint8_t *item = question.data + i * LEASE_ITEM_BYTES;

	*wish = (enum lease_wish)item[0];
	*id = get_be64(item + 1);
}

int lease_answer_check(struct bytes answer, size_t n)
{
	return answer.len == 8 + 4 * n ? 0 : SVCD_EPROTOCOL;
}

uint64_t lease_answer_total(struct bytes answer)
{
	return get_be64(answer.data);
}

uint32_t lease_answer_at(struct bytes answer, size_t i)
{
	return get_be32(answer.data + 8 + 4 * i);
}
