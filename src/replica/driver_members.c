/*
 * The members: reading and changing the configuration.
 *
 * Encoded configurations are the engine's: u8 version 1, le64 count, then each: le64 id,
 * address with NUL, u8 role; zeros up to a multiple of 8. The engine decodes without
 * looking at bounds, so whatever came from outside is checked here before.
 */
#include "replica/driver_internal.h"

#include <stdio.h>
#include <string.h>

#define FORMAT 1
#define ADDRESS_BYTES_MAX 256

/* Addresses live in the replicated tables: to the engine a member's address is its id as
 * text. */
const char *driver_address(uint64_t node, char out[24])
{
	snprintf(out, 24, "%016llx", (unsigned long long)node);
	return out;
}

struct raft_server *driver_server(const struct driver *d, uint64_t node)
{
	const struct raft_configuration *c = &d->core.configuration;

	for (unsigned i = 0; i < c->n; i++)
		if (c->servers[i].id == node)
			return &c->servers[i];
	return NULL;
}

/* ---- encoded configurations -------------------------------------------- */

static uint64_t get_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

struct server {
	uint64_t id;
	struct bytes address;
	uint8_t role;
};

/* Takes one from the front. */
static bool next_server(struct bytes *in, struct server *out)
{
	const uint8_t *text, *end;

	if (in->len < sizeof(uint64_t))
		return false;
	out->id = get_le64(in->data);
	text = in->data + sizeof(uint64_t);
	end = memchr(text, 0, in->len - sizeof(uint64_t));
	if (!end || end + 1 == in->data + in->len)
		return false;
	out->address = bytes_of(text, (size_t)(end - text));
	out->role = end[1];
	in->len -= (size_t)(end + 2 - in->data);
	in->data = end + 2;
	return out->id != 0 && out->address.len > 0 &&
		out->address.len <= ADDRESS_BYTES_MAX && out->role <= RAFT_SPARE;
}

static bool seen_before(const struct server *servers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (servers[i].id == servers[n].id ||
			bytes_eq(servers[i].address, servers[n].address))
			return true;
	return false;
}

/* How many; -1: damaged. */
static ssize_t parse(struct bytes in, struct server servers[MEMBERS_MAX])
{
	uint64_t n;

	if (in.len < 1 + sizeof(n) || in.data[0] != FORMAT)
		return -1;
	n = get_le64(in.data + 1);
	if (n == 0 || n > MEMBERS_MAX)
		return -1;
	in = bytes_of(in.data + 1 + sizeof(n), in.len - 1 - sizeof(n));
	for (uint64_t i = 0; i < n; i++)
		if (!next_server(&in, &servers[i]) || seen_before(servers, i))
			return -1;
	return (ssize_t)n;
}

bool driver_members_valid(struct bytes encoded)
{
	struct server servers[MEMBERS_MAX];

	return parse(encoded, servers) > 0;
}

int driver_parse_members(struct bytes encoded, struct raft_configuration *out)
{
	struct raft_buffer b = {
		.base = (void *)(uintptr_t)encoded.data, .len = encoded.len};

	if (!driver_members_valid(encoded))
		return SVCD_ECORRUPT;
	return raft_configuration_decode(&b, out) == 0 ? 0 : SVCD_ENOMEM;
}

ssize_t driver_decode_members(struct bytes encoded, struct driver_member *out, size_t max)
{
	struct server servers[MEMBERS_MAX];
	ssize_t n = parse(encoded, servers);

	for (ssize_t i = 0; i < n && (size_t)i < max; i++)
		out[i] = (struct driver_member){
			.node = servers[i].id, .voter = servers[i].role == RAFT_VOTER};
	return n;
}

static int put_encoded(const struct raft_configuration *c, struct buf *out)
{
	struct raft_buffer b;

	if (raft_configuration_encode(c, &b) != 0)
		return SVCD_ENOMEM;
	buf_put(out, b.base, b.len);
	raft_free(b.base);
	return out->error;
}

int driver_encode_sole(uint64_t node, struct buf *out)
{
	char address[24];
	struct raft_server self = {.id = node,
		.address = (char *)(uintptr_t)driver_address(node, address),
		.role = RAFT_VOTER};
	struct raft_configuration c = {.servers = &self, .n = 1};

	return put_encoded(&c, out);
}

/* ---- reading ----------------------------------------------------------- */

static void describe_peer(
	const struct driver *d, const struct peer *p, struct driver_member *m)
{
	m->heard_ms = p->heard_ms;
	m->incomplete = p->lack_term == raft_current_term(&d->core);
	if (m->incomplete)
		m->match = p->has;
}

static struct driver_member describe(const struct driver *d, const struct raft_server *s)
{
	struct driver_member m = {.node = s->id, .voter = s->role == RAFT_VOTER};
	raft_index match;

	if (!driver_leads(d))
		return m;
	if (raft_match_index(&d->core, s->id, &match) == 0)
		m.match = match;
	if (s->id == d->o.node)
		m.heard_ms = d->now_ms;
	for (size_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].node == s->id)
			describe_peer(d, &d->peers[i], &m);
	return m;
}

size_t driver_members(const struct driver *d, struct driver_member *out, size_t max)
{
	const struct raft_configuration *c = &d->core.configuration;

	for (unsigned i = 0; i < c->n && i < max; i++)
		out[i] = describe(d, &c->servers[i]);
	return c->n;
}

/* ---- changing ---------------------------------------------------------- */

/* M1: a member outside of its own newest configuration does not stand for election, so a
 * leader that took itself out could leave nobody who can win. That also keeps the last
 * voter: it is the leader. */
static int allowed(const struct driver *d, enum driver_change change, uint64_t node)
{
	const struct raft_server *s = driver_server(d, node);
	bool voter = s && s->role == RAFT_VOTER;

	switch (change) {
	case DRIVER_ADD_STANDBY:
		if (s)
			return SVCD_EEXISTS;
		return d->core.configuration.n < MEMBERS_MAX ? 0 : SVCD_ELIMIT;
	case DRIVER_PROMOTE:
		if (!s)
			return SVCD_ENOTFOUND;
		return voter ? SVCD_EEXISTS : 0;
	case DRIVER_DEMOTE:
		if (!s)
			return SVCD_ENOTFOUND;
		if (!voter)
			return SVCD_EEXISTS;
		return node == d->o.node ? SVCD_ECONFLICT : 0;
	case DRIVER_REMOVE:
		if (!s)
			return SVCD_EEXISTS;
		return node == d->o.node ? SVCD_ECONFLICT : 0;
	}
	return SVCD_EINVAL;
}

/* In the order of the present one, one member different: by the position of a member the
 * engine finds what it knows of it, and it takes that over only when the number differs.
 */
static int encode_changed(
	const struct driver *d, enum driver_change change, uint64_t node, struct buf *out)
{
	const struct raft_configuration *old = &d->core.configuration;
	struct raft_server servers[MEMBERS_MAX];
	struct raft_configuration c = {.servers = servers};
	char address[24];

	for (unsigned i = 0; i < old->n; i++) {
		struct raft_server s = old->servers[i];

		if (s.id == node && change == DRIVER_REMOVE)
			continue;
		if (s.id == node)
			s.role = change == DRIVER_PROMOTE ? RAFT_VOTER : RAFT_STANDBY;
		servers[c.n++] = s;
	}
	if (change == DRIVER_ADD_STANDBY)
		servers[c.n++] = (struct raft_server){.id = node,
			.address = (char *)(uintptr_t)driver_address(node, address),
			.role = RAFT_STANDBY};
	return put_encoded(&c, out);
}

static int propose_changed(
	struct driver *d, enum driver_change change, uint64_t node, void *ticket)
{
	struct buf payload = {0};
	int rc = encode_changed(d, change, node, &payload);

	if (rc == 0)
		rc = journal_room(d->o.journal, 1, payload.len);
	if (rc == 0)
		rc = driver_propose(d, RAFT_CHANGE, buf_bytes(&payload), ticket);
	buf_fini(&payload);
	return rc;
}

int driver_change(struct driver *d, uint64_t now_ms, enum driver_change change,
	uint64_t node, void *ticket)
{
	int rc;

	driver_set_now(d, now_ms);
	if (!driver_leads(d))
		return SVCD_ENOLEADER;
	if (d->core.configuration_uncommitted_index != 0)
		return SVCD_EBUSY;
	rc = allowed(d, change, node);
	if (rc != 0)
		return rc;
	if (!driver_may_submit(d))
		return SVCD_EAGAIN; /* M2: not before an entry of our term is committed */
	return propose_changed(d, change, node, ticket);
}
