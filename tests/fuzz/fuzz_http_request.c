/*
 * Any bytes as an HTTP request: what is said of a beginning stays true whatever follows,
 * and what is taken lies within it.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "server/http_request.h"
#include "svcd.h"

static void check_taken(struct bytes in, const struct http_request *r)
{
	const uint8_t *end = in.data + in.len;

	REQUIRE(r->method.len > 0 && r->path.len > 0);
	REQUIRE(r->method.data >= in.data && r->method.data + r->method.len <= end);
	REQUIRE(r->path.data[0] == '/' || bytes_eq_str(r->path, "*"));
	if (!bytes_eq_str(r->path, "/"))
		REQUIRE(r->path.data >= in.data && r->path.data + r->path.len <= end);
	for (size_t i = 0; i < r->path.len; i++)
		REQUIRE(r->path.data[i] > ' ' && r->path.data[i] < 127);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request r = {BYTES_NONE, BYTES_NONE}, again;
	struct bytes in = bytes_of(data, size);
	int code = http_request_parse(in, &r);

	if (code == 0)
		check_taken(in, &r);
	else
		REQUIRE(r.method.data == NULL && r.path.data == NULL);
	if (code == SVCD_EAGAIN)
		REQUIRE(size <= HTTP_REQUEST_MAX);
	for (size_t n = 0; n <= size && n <= HTTP_REQUEST_MAX; n++) {
		int of_beginning = http_request_parse(bytes_of(data, n), &again);

		if (of_beginning == SVCD_EAGAIN)
			continue;
		REQUIRE(of_beginning == code);
		REQUIRE(code != 0 || bytes_eq(again.path, r.path));
		break;
	}
	return 0;
}
