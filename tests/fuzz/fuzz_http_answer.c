/*
 * Any bytes as an HTTP answer: the judgement does not depend on how the stream is cut, is
 * final, and its words are printable and fit.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "base/rng.h"
#include "health/http_answer.h"

/* In random pieces, or all at once when r is NULL. */
static enum http_answer_end run(struct http_answer *a, struct bytes in, struct rng *r)
{
	enum http_answer_end end = HTTP_ANSWER_MORE;

	http_answer_init(a);
	for (size_t at = 0, n; at < in.len && end == HTTP_ANSWER_MORE; at += n) {
		n = r == NULL ? in.len : 1 + rng_below(r, 9);
		if (n > in.len - at)
			n = in.len - at;
		end = http_answer_feed(a, bytes_of(in.data + at, n));
	}
	return end;
}

static void check_words(const struct http_answer *a)
{
	char words[160];

	http_answer_fault_text(a, words, sizeof(words));
	REQUIRE(strlen(words) > 0 && strlen(words) < 110);
	for (const char *c = words; *c != '\0'; c++)
		REQUIRE(*c >= ' ' && *c < 127);
}

static void check_end(struct http_answer *a, enum http_answer_end end, struct bytes in)
{
	uint16_t status = a->status;

	if (end == HTTP_ANSWER_BAD)
		check_words(a);
	if (end == HTTP_ANSWER_DONE)
		REQUIRE(status >= 101 && status <= 599 &&
			a->bytes <= HTTP_HEAD_BYTES_MAX);
	if (end == HTTP_ANSWER_MORE)
		REQUIRE(in.len <= HTTP_HEAD_BYTES_MAX && a->bytes == in.len);
	else
		REQUIRE(http_answer_feed(a, in) == end && a->status == status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct http_answer whole;
	struct http_answer pieces;
	enum http_answer_end end;
	struct rng r;

	rng_seed(&r, size == 0 ? 0 : bytes_hash(in));
	end = run(&whole, in, NULL);
	REQUIRE(run(&pieces, in, &r) == end);
	REQUIRE(whole.status == pieces.status && whole.fault == pieces.fault);
	REQUIRE(end == HTTP_ANSWER_MORE || whole.bytes == pieces.bytes);
	check_end(&whole, end, in);
	check_end(&pieces, end, in);
	return 0;
}
