/*
 * Encoded configurations, as they come from other members and in checkpoints: what we
 * take for sound is what the engine decodes (it does not look at bounds itself), and says
 * the same.
 */
#include <assert.h>
#include <raft.h>
#include <stdlib.h>

#include "replica/driver.h"

#define MEMBERS 40

static void compare(struct bytes in, const struct driver_member *ours, size_t n)
{
	struct raft_buffer b = {.base = (void *)(uintptr_t)in.data, .len = in.len};
	struct raft_configuration c;
	int rc = raft_configuration_decode(&b, &c);

	if (rc != 0 || c.n != n)
		abort();
	for (unsigned i = 0; i < c.n; i++)
		if (c.servers[i].id != ours[i].node ||
			(c.servers[i].role == RAFT_VOTER) != ours[i].voter)
			abort();
	raft_configuration_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver_member members[MEMBERS];
	ssize_t n = driver_decode_members(bytes_of(data, size), members, MEMBERS);

	if (n > MEMBERS || n == 0)
		abort();
	if (n > 0)
		compare(bytes_of(data, size), members, (size_t)n);
	return 0;
}
