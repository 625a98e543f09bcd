/* What members ask the leader about leases, and what it answers: server/lease_ask.h. The
 * first byte says which of the two, and of how many items an answer is. */
#include <assert.h>

#include "server/lease_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is a question says the same when it is put again. */
static void take_question(struct bytes in)
{
	int n = lease_ask_count(in);
	struct buf again = {0};

	for (int i = 0; i < n; i++) {
		enum lease_wish wish;
		uint64_t id;

		lease_ask_at(in, (size_t)i, &wish, &id);
		assert(wish >= LEASE_RENEW && wish <= LEASE_FORGET);
		lease_ask_put(&again, wish, id);
	}
	assert(n < 0 || again.error != 0 || bytes_eq(buf_bytes(&again), in));
	buf_fini(&again);
}

static void take_answer(struct bytes in, size_t n)
{
	struct buf again = {0};

	if (lease_answer_check(in, n) != 0)
		return;
	buf_put_be64(&again, lease_answer_total(in));
	for (size_t i = 0; i < n; i++)
		buf_put_be32(&again, lease_answer_at(in, i));
	assert(bytes_eq(buf_bytes(&again), in));
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 0x80)
		take_answer(bytes_of(data + 1, size - 1), data[0] & 0x7f);
	else
		take_question(bytes_of(data + 1, size - 1));
	return 0;
}
