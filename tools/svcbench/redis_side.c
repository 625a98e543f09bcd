/* What is said to Redis: the same record as JSON in a hash, and bytes as long as the
 * answer to a lookup. */
#include <stdio.h>
#include <string.h>

#include "svcbench/sides.h"

static struct message request;

static bool installed(const struct bench_options *o)
{
	return o->redis != NULL;
}

const struct rival rival_redis = {"redis", installed};

size_t redis_answer(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	(void)l;
	return resp_answer(p, n, failed);
}

static void start_durable(struct peer *p, const struct bench_options *o)
{
	peer_start_redis(p, o, true);
}

static void put_hset(struct link *l, uint64_t i)
{
	char key[32], field[32], record[512];
	const char *argv[] = {"HSET", key, field, record};

	snprintf(key, sizeof key, "reg:%06llu", (unsigned long long)(i / 10));
	snprintf(field, sizeof field, "%08llu", (unsigned long long)i);
	json_instance(record, sizeof record, i / 10, i);
	resp_command(&request, 4, argv, NULL);
	link_put(l, request.data, request.len);
}

const struct load redis_hset = {
	.start = start_durable, .answer = redis_answer, .put = put_hset};

/* ---- lookup ------------------------------------------------------------ */

static void start_in_memory(struct peer *p, const struct bench_options *o)
{
	peer_start_redis(p, o, false);
}

static void fill(const struct peer *p)
{
	static unsigned char answer[64];
	static struct message all;
	char key[32];
	const char *argv[] = {"SET", key, (const char *)lookup_sample};
	size_t len[] = {0, 0, lookup_sample_len};

	for (unsigned i = 0; i < LOOKUP_SERVICES; i += FILL_BATCH) {
		all.len = 0;
		for (unsigned k = i; k < i + FILL_BATCH; k++) {
			snprintf(key, sizeof key, "list:%06u", k);
			resp_command(&request, 3, argv, len);
			message_put(&all, request.data, request.len);
		}
		if (ask(p, &redis_get, &all, FILL_BATCH, answer, sizeof answer) == 0)
			give_up("filling Redis: an answer is an error");
	}
}

static void put_get(struct link *l, uint64_t i)
{
	char key[32];
	const char *argv[] = {"GET", key};

	(void)i;
	snprintf(key, sizeof key, "list:%06llu", (unsigned long long)random_service());
	resp_command(&request, 2, argv, NULL);
	link_put(l, request.data, request.len);
}

const struct load redis_get = {
	.start = start_in_memory, .fill = fill, .answer = redis_answer, .put = put_get};
