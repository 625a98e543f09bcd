/*
 * Any bytes as commands: none crashes, none leaves the catalog other than sound, and two
 * members that batch differently end with the same bytes.
 *
 * Input: commands one after the other, each behind its length (be16); a length with the
 * top bit set lets so many seconds pass before a tick.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "../unit/mem_tables.h"
#include "catalog/catalog.h"
#include "catalog/query.h"

#define PASS 0x8000

struct member {
	struct mem_tables t;
	struct catalog *c;
	struct outcome out;
};

static void member_init(struct member *m)
{
	struct catalog_options o = {
		.history_bytes = 3000, .tombstone_ms = 5000, .session_ms = 9000};

	*m = (struct member){0};
	mem_tables_init(&m->t);
	m->c = catalog_new(&o);
	REQUIRE(m->c != NULL);
}

static void member_fini(struct member *m)
{
	catalog_free(m->c);
	mem_tables_fini(&m->t);
	buf_fini(&m->out.incarnations);
}

static void apply(struct member *m, const struct stamp *now, struct bytes command,
	struct changes *c)
{
	REQUIRE(catalog_apply(m->c, &m->t.base, now, command, &m->out, c) == 0);
	REQUIRE(m->out.code <= 0);
	REQUIRE((m->out.code == 0) == (m->out.rev != 0) || m->out.repeated);
}

/* Both members; what is told to watchers can be encoded. */
static void apply_both(struct member *m, const struct stamp *now, struct bytes command)
{
	struct changes *changes = changes_new();
	struct buf out = {0};
	uint32_t n = 0;

	REQUIRE(changes != NULL);
	apply(&m[0], now, command, changes);
	apply(&m[1], now, command, NULL);
	REQUIRE(m[0].out.code == m[1].out.code && m[0].out.rev == m[1].out.rev);
	REQUIRE(changes_finish(changes) == 0);
	for (size_t i = 0; i < changes_services(changes); i++)
		query_change(changes, changes_service(changes, i), &out, &n);
	REQUIRE(out.error == 0);
	buf_fini(&out);
	changes_free(changes);
}

static void check(struct member *m)
{
	struct err e = {0};

	REQUIRE(catalog_check(&m->t.base, &e) == 0);
}

static void run(struct member *m, struct bytes in)
{
	struct stamp now = {.time_ms = 1000, .wall_ms = 1700000000000};
	struct buf tick = {0};

	REQUIRE(command_tick(&tick) == 0);
	while (in.len >= 2) {
		size_t len = get_be16(in.data);

		in = bytes_of(in.data + 2, in.len - 2);
		if ((len & PASS) != 0) {
			now.time_ms += (len & 63) * 1000;
			apply_both(m, &now, buf_bytes(&tick));
			continue;
		}
		len = len < in.len ? len : in.len;
		apply_both(m, &now, bytes_of(in.data, len));
		in = bytes_of(in.data + len, in.len - len);
	}
	buf_fini(&tick);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct member m[2];

	member_init(&m[0]);
	member_init(&m[1]);
	REQUIRE(catalog_begin(m[1].c, &m[1].t.base, NULL) == 0);
	run(m, bytes_of(data, size));
	REQUIRE(catalog_end(m[1].c) == 0);
	check(&m[0]);
	check(&m[1]);
	REQUIRE(mem_tables_len(&m[0].t, TABLE_META) == 0 ||
		mem_tables_differ(&m[0].t, &m[1].t) == TABLE_COUNT);
	member_fini(&m[0]);
	member_fini(&m[1]);
	return 0;
}
