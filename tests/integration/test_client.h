/*
 * A client of a fake registry, as the tests of the client begin and end with it.
 */
#ifndef TESTS_INTEGRATION_TEST_CLIENT_H
#define TESTS_INTEGRATION_TEST_CLIENT_H

#include "../unit/unit.h"
#include "client/client.h"
#include "fake.h"
#include "record.h"

static struct fake *fake;
static struct record *record;
static struct svcd_client *client;

/* Short pauses, so that nobody waits for a back-off. */
static const struct client_tuning quick = {
	.backoff_min_ms = 1, .backoff_max_ms = 20, .seed = 1};

static inline struct svcd_client *client_of(
	const char *servers, const struct client_tuning *tuning)
{
	struct svcd_options o = {.servers = servers, .name = "test"};
	struct svcd_client *c = NULL;

	ck_assert_int_eq(client_new(&o, tuning, &c), 0);
	return c;
}

static inline void begin_without_client(void)
{
	fake = fake_start();
	record = record_new();
}

static inline void begin(void)
{
	begin_without_client();
	client = client_of(fake_addr(fake), &quick);
}

static inline void end(void)
{
	svcd_client_free(client);
	client = NULL;
	fake_stop(fake);
	record_free(record);
}

#endif
