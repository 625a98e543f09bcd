/*
 * What members say to each other, beside the engine's messages. The first byte says what
 * the rest is: a beat, outcomes, proposals, a change of the members. What can be read is
 * written again and read back to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "replica/beats.h"
#include "replica/words.h"

static void try_beat(struct bytes in)
{
	struct buf first = {0}, second = {0};
	struct beat b;

	if (beat_decode(in, &b) != 0)
		return;
	beat_encode(&first, &b);
	REQUIRE(first.error == 0 && beat_decode(buf_bytes(&first), &b) == 0);
	beat_encode(&second, &b);
	REQUIRE(bytes_eq(buf_bytes(&first), buf_bytes(&second)));
	buf_fini(&first);
	buf_fini(&second);
}

static void try_outcomes(struct bytes in)
{
	struct reader r = reader_of(in), again;
	struct outcome o = {0}, back = {0};
	struct buf b = {0};

	while (!reader_done(&r) && outcome_decode(&r, &o)) {
		REQUIRE(o.code <= 0 && strlen(o.text) < sizeof(o.text));
		buf_clear(&b);
		outcome_encode(&b, &o);
		again = reader_of(buf_bytes(&b));
		REQUIRE(outcome_decode(&again, &back) && reader_done(&again));
		REQUIRE(back.code == o.code && back.rev == o.rev);
		REQUIRE(bytes_eq(
			buf_bytes(&o.incarnations), buf_bytes(&back.incarnations)));
	}
	buf_fini(&o.incarnations);
	buf_fini(&back.incarnations);
	buf_fini(&b);
}

static void try_proposals(struct bytes in)
{
	uint32_t n = proposals_count(in);
	struct reader r = reader_of(in);
	struct buf b = {0};
	uint64_t id;

	for (uint32_t i = 0; i < n; i++) {
		struct bytes command = proposals_next(&r, &id);

		REQUIRE(!r.bad);
		proposals_put(&b, id, command);
	}
	if (n > 0)
		REQUIRE(reader_done(&r) && bytes_eq(buf_bytes(&b), in));
	buf_fini(&b);
}

static void try_change(struct bytes in)
{
	struct change_request q, back;
	struct buf b = {0};

	if (!change_request_read(in, &q))
		return;
	change_request_put(&b, &q);
	REQUIRE(b.error == 0 && change_request_read(buf_bytes(&b), &back));
	REQUIRE(back.op == q.op && back.node == q.node && bytes_eq(back.name, q.name));
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct bytes in) = {
		try_beat, try_outcomes, try_proposals, try_change};

	if (size > 0)
		tries[data[0] % 4](bytes_of(data + 1, size - 1));
	return 0;
}
