/* msgpack and RESP by hand. */
#include "svcbench/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void message_put(struct message *m, const void *data, size_t n)
{
	if (m->len + n > sizeof m->data) {
		fputs("svcbench: error: a request is too long\n", stderr);
		exit(1);
	}
	memcpy(m->data + m->len, data, n);
	m->len += n;
}

static void put_be(struct message *m, unsigned char tag, uint64_t v, unsigned bytes)
{
	unsigned char out[9] = {tag};

	for (unsigned i = 0; i < bytes; i++)
		out[1 + i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
	message_put(m, out, 1 + bytes);
}

void mp_map(struct message *m, uint32_t n)
{
	if (n < 16)
		put_be(m, (unsigned char)(0x80 | n), 0, 0);
	else
		put_be(m, 0xde, n, 2);
}

void mp_array(struct message *m, uint32_t n)
{
	if (n < 16)
		put_be(m, (unsigned char)(0x90 | n), 0, 0);
	else
		put_be(m, 0xdc, n, 2);
}

void mp_str(struct message *m, const char *text)
{
	size_t n = strlen(text);

	if (n < 32)
		put_be(m, (unsigned char)(0xa0 | n), 0, 0);
	else if (n < 256)
		put_be(m, 0xd9, n, 1);
	else
		put_be(m, 0xda, n, 2);
	message_put(m, text, n);
}

void mp_uint(struct message *m, uint64_t v)
{
	if (v < 128)
		put_be(m, (unsigned char)v, 0, 0);
	else if (v < 1u << 16)
		put_be(m, 0xcd, v, 2);
	else if (v < (uint64_t)1 << 32)
		put_be(m, 0xce, v, 4);
	else
		put_be(m, 0xcf, v, 8);
}

void mp_request(struct message *m, unsigned id, const char *method)
{
	m->len = 0;
	mp_array(m, 4);
	mp_uint(m, 0);
	mp_uint(m, id);
	mp_str(m, method);
	mp_array(m, 1);
}

void mp_hello(struct message *m)
{
	mp_request(m, 0, "hello");
	mp_map(m, 2);
	mp_str(m, "version");
	mp_uint(m, 1);
	mp_str(m, "client");
	mp_str(m, "svcbench");
}

static const char *const tags[] = {"v1.42.0", "canary", "grpc"};
static const char *const meta[][2] = {{"git", "3f2a91c07be4"}, {"proto", "h2c"},
	{"team", "payments"}, {"owner", "core"}, {"rack", "r17"}};

static void address_of(char out[16], uint64_t instance)
{
	snprintf(out, 16, "10.%u.%u.%u", (unsigned)(instance >> 16) & 255,
		(unsigned)(instance >> 8) & 255, (unsigned)instance & 255);
}

void mp_instance(struct message *m, uint64_t service, uint64_t instance)
{
	char text[64];

	mp_map(m, 8);
	mp_str(m, "id");
	snprintf(text, sizeof text, "svc-%06llu-inst-%08llu", (unsigned long long)service,
		(unsigned long long)instance);
	mp_str(m, text);
	mp_str(m, "service");
	snprintf(text, sizeof text, "svc-%06llu", (unsigned long long)service);
	mp_str(m, text);
	mp_str(m, "addresses");
	mp_array(m, 1);
	address_of(text, instance);
	mp_str(m, text);
	mp_str(m, "ports");
	mp_map(m, 1);
	mp_str(m, "grpc");
	mp_map(m, 1);
	mp_str(m, "port");
	mp_uint(m, 20000 + instance % 10000);
	mp_str(m, "weight");
	mp_uint(m, 100);
	mp_str(m, "locality");
	mp_map(m, 1);
	mp_str(m, "zone");
	mp_str(m, "eu-west-1a");
	mp_str(m, "tags");
	mp_array(m, 3);
	for (int i = 0; i < 3; i++)
		mp_str(m, tags[i]);
	mp_str(m, "meta");
	mp_map(m, 5);
	for (int i = 0; i < 5; i++) {
		mp_str(m, meta[i][0]);
		mp_str(m, meta[i][1]);
	}
}

int json_instance(char *out, size_t cap, uint64_t service, uint64_t instance)
{
	char address[16];

	address_of(address, instance);
	return snprintf(out, cap,
		"{\"id\":\"svc-%06llu-inst-%08llu\",\"service\":\"svc-%06llu\","
		"\"addr\":\"%s\",\"port\":%u,"
		"\"weight\":100,\"zone\":\"eu-west-1a\",\"tags\":[\"v1.42.0\",\"canary\",\"grpc\"],"
		"\"meta\":{\"git\":\"3f2a91c07be4\",\"proto\":\"h2c\","
		"\"team\":\"payments\",\"owner\":\"core\","
		"\"rack\":\"r17\"}}",
		(unsigned long long)service, (unsigned long long)instance,
		(unsigned long long)service, address,
		20000 + (unsigned)(instance % 10000));
}

uint64_t message_be(const unsigned char *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* Bytes of the header at p with its body (strings, numbers); *items: values that follow
 * it. 0: not whole. */
static size_t mp_step(const unsigned char *p, size_t n, uint64_t *items)
{
	static const unsigned char wide[] = {/* c4 */ 1, 2, 4, 0, 0, 0, /* ca */ 4, 8,
		/* cc */ 1, 2, 4, 8,
		/* d0 */ 1, 2, 4, 8, 0, 0, 0, 0, 0, /* d9 */ 1, 2, 4, /* dc */ 2, 4,
		/* de */ 2, 4};
	unsigned char c = *p;
	unsigned bytes;
	uint64_t v;

	*items = 0;
	if (c < 0x80 || c >= 0xe0)
		return 1;
	if (c < 0xa0) {
		*items = c < 0x90 ? 2u * (c & 15) : c & 15;
		return 1;
	}
	if (c < 0xc0)
		return 1 + (size_t)(c & 31) <= n ? 1 + (size_t)(c & 31) : 0;
	if (c < 0xc4)
		return 1;
	bytes = wide[c - 0xc4];
	if (n < 1 + bytes)
		return 0;
	v = message_be(p + 1, bytes);
	if (c >= 0xdc) {
		*items = c >= 0xde ? 2 * v : v;
		return 1 + bytes;
	}
	if (c <= 0xc6 || c >= 0xd9)
		return 1 + bytes + v <= n ? 1 + bytes + (size_t)v : 0;
	return 1 + bytes;
}

size_t mp_skip(const unsigned char *p, size_t n)
{
	uint64_t left = 1, items;
	size_t pos = 0;

	while (left > 0) {
		size_t step = pos < n ? mp_step(p + pos, n - pos, &items) : 0;

		if (step == 0)
			return 0;
		pos += step;
		left += items - 1;
	}
	return pos;
}

size_t mp_message(const unsigned char *p, size_t n, unsigned *kind, bool *failed)
{
	size_t len = mp_skip(p, n), id;

	if (len == 0)
		return 0;
	*kind = p[1];
	*failed = false;
	if (*kind == 1) {
		id = mp_skip(p + 2, n - 2);
		*failed = p[2 + id] != 0xc0;
	}
	return len;
}

static uint64_t uint_at(const unsigned char *at, uint64_t fallback)
{
	if (at[0] < 0x80)
		return at[0];
	if (at[0] >= 0xcc && at[0] <= 0xcf)
		return message_be(at + 1, 1u << (at[0] - 0xcc));
	return fallback;
}

uint64_t mp_answer_id(const unsigned char *p)
{
	return uint_at(p + 2, UINT64_MAX);
}

uint64_t mp_find_uint(
	const unsigned char *p, size_t n, const char *key, uint64_t fallback)
{
	size_t key_len = strlen(key);
	const unsigned char *at = memmem(p, n, key, key_len);

	return at == NULL ? fallback : uint_at(at + key_len, fallback);
}

void resp_command(struct message *m, int argc, const char *const *argv, const size_t *len)
{
	char head[32];

	m->len = 0;
	message_put(m, head, (size_t)snprintf(head, sizeof head, "*%d\r\n", argc));
	for (int i = 0; i < argc; i++) {
		size_t n = len != NULL && len[i] != 0 ? len[i] : strlen(argv[i]);

		message_put(m, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", n));
		message_put(m, argv[i], n);
		message_put(m, "\r\n", 2);
	}
}

size_t resp_answer(const unsigned char *p, size_t n, bool *failed)
{
	const unsigned char *eol = memchr(p, '\n', n);
	size_t used;
	long v;

	if (eol == NULL)
		return 0;
	used = (size_t)(eol - p) + 1;
	switch (p[0]) {
	case '+':
	case ':':
		return used;
	case '$':
		v = strtol((const char *)p + 1, NULL, 10);
		if (v < 0)
			return used;
		return used + (size_t)v + 2 <= n ? used + (size_t)v + 2 : 0;
	case '*':
		v = strtol((const char *)p + 1, NULL, 10);
		while (v-- > 0) {
			size_t one = used < n ? resp_answer(p + used, n - used, failed)
					      : 0;

			if (one == 0)
				return 0;
			used += one;
		}
		return used;
	default:
		*failed = true;
		return used;
	}
}
