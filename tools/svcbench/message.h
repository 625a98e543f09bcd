/*
 * What is sent: msgpack-rpc for svcd, written and skipped by hand as svcd-protocol(7)
 * tells, and RESP for Redis. The record is the same for both: an instance of some 250
 * bytes.
 */
#ifndef SVCBENCH_MESSAGE_H
#define SVCBENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message {
	unsigned char data[1 << 20];
	size_t len;
};

void message_put(struct message *m, const void *data, size_t n); /* appends */
/* The big-endian number in the first bytes (1 to 8) of p. */
uint64_t message_be(const unsigned char *p, unsigned bytes);

void mp_map(struct message *m, uint32_t n);
void mp_array(struct message *m, uint32_t n);
void mp_str(struct message *m, const char *text);
void mp_uint(struct message *m, uint64_t v);
/* [0, id, method, [ … the map follows */
void mp_request(struct message *m, unsigned id, const char *method);
void mp_hello(struct message *m);
/* One instance of the benchmark's fleet, as register wants it. */
void mp_instance(struct message *m, uint64_t service, uint64_t instance);

/* Id of the request that a whole message answers. */
uint64_t mp_answer_id(const unsigned char *p);

/* Length of the value at p, 0 when it is not whole. */
size_t mp_skip(const unsigned char *p, size_t n);
/* Length of the message at p (0: not whole); *kind 0..2, *failed: a response with an
 * error. */
size_t mp_message(const unsigned char *p, size_t n, unsigned *kind, bool *failed);
/* The unsigned number under a key anywhere in the message, by search for the key's bytes;
 * fallback when absent. */
uint64_t mp_find_uint(
	const unsigned char *p, size_t n, const char *key, uint64_t fallback);

void resp_command(
	struct message *m, int argc, const char *const *argv, const size_t *len);
size_t resp_answer(const unsigned char *p, size_t n, bool *failed);
/* The same record as JSON text, as a registry on Redis would keep it. */
int json_instance(char *out, size_t cap, uint64_t service, uint64_t instance);

#endif
