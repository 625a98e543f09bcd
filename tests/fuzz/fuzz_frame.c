/*
 * A stream of any bytes: where frames end does not depend on how the stream is cut, and
 * what a frame comes apart into lies within it.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "base/rng.h"
#include "svcd.h"
#include "wire/frame.h"
#include "wire/pack.h"

/* What became of a stream. */
struct outcome {
	int verdict;
	size_t frames;
	size_t bytes; /* in those frames */
};

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.len == 0 ||
		(part.data >= whole.data &&
			part.data + part.len <= whole.data + whole.len);
}

/* The parts of a frame, packed again by us, come apart into the same parts. */
static void check_again(const struct frame *f)
{
	struct buf b = {0};
	struct frame again;

	pack_array(&b, f->kind == FRAME_NOTIFICATION ? 3 : 4);
	pack_u64(&b, f->kind);
	if (f->kind != FRAME_NOTIFICATION)
		pack_u64(&b, f->id);
	if (f->kind == FRAME_RESPONSE)
		pack_raw(&b, f->error);
	else
		pack_str(&b, f->method);
	pack_raw(&b, f->body);
	REQUIRE(b.error == 0 && frame_value_len(buf_bytes(&b)) == b.len);
	REQUIRE(frame_parse(buf_bytes(&b), &again) == 0);
	REQUIRE(again.kind == f->kind && again.id == f->id);
	REQUIRE(bytes_eq(again.method, f->method) && bytes_eq(again.error, f->error));
	REQUIRE(bytes_eq(again.body, f->body));
	buf_fini(&b);
}

static void check_message(struct bytes message)
{
	struct frame f;

	REQUIRE(frame_value_len(message) == message.len);
	if (frame_parse(message, &f) != 0)
		return;
	REQUIRE(lies_within(f.method, message) && lies_within(f.error, message));
	REQUIRE(lies_within(f.body, message));
	REQUIRE(frame_value_len(f.body) == f.body.len);
	REQUIRE(f.kind != FRAME_RESPONSE || frame_value_len(f.error) == f.error.len);
	check_again(&f);
}

/* Feeds in, of which more is there after every call: all at once when r is NULL, else in
 * random pieces. */
static struct outcome run(struct bytes in, uint32_t max_bytes, struct rng *r)
{
	struct frame_scan scan = {.max_bytes = max_bytes};
	struct outcome o = {.verdict = SVCD_EAGAIN};
	size_t there = r == NULL ? in.len : 0;
	size_t len;

	for (;;) {
		o.verdict = frame_find(
			&scan, bytes_of(in.data + o.bytes, there - o.bytes), &len);
		if (o.verdict == 0) {
			REQUIRE(len > 0 && len <= there - o.bytes);
			check_message(bytes_of(in.data + o.bytes, len));
			o.bytes += len;
			o.frames++;
		} else if (o.verdict == SVCD_EAGAIN && there < in.len) {
			there += 1 +
				rng_below(r, in.len - there < 8 ? in.len - there : 8);
		} else {
			return o;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t limits[] = {0, 1, 7, 64, 300, UINT32_MAX};
	struct bytes in = bytes_of(data, size);
	struct rng r;

	rng_seed(&r, bytes_hash(in));
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct outcome whole = run(in, limits[i], NULL);
		struct outcome pieces = run(in, limits[i], &r);

		REQUIRE(whole.verdict == pieces.verdict);
		REQUIRE(whole.frames == pieces.frames && whole.bytes == pieces.bytes);
	}
	frame_parse(in, &(struct frame){0}); /* also of what no scanner has seen */
	return 0;
}
