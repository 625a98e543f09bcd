#include "replica/peer_codec.h"

#include <raft.h>
#include <stdlib.h>
#include <string.h>

#include "replica/crc32c.h"
#include "catalog/codec.h"
#include "svcd.h"

#define LENGTH_AND_CRC 8
#define COMMON_BYTES 9        /* version, term */
#define ENTRIES_HEAD_BYTES 28 /* of append entries, behind the common part */
#define ENTRY_BYTES 13        /* of the table of entries */

enum { FLAG_DISRUPT = 1, FLAG_GRANTED = 1, FLAG_PRE_VOTE = 2 };

/* ---- frames */

int peer_frame_next(
	struct bytes in, size_t max, bool checked, struct peer_frame *out, size_t *len)
{
	uint32_t n;

	if (in.len < LENGTH_AND_CRC)
		return SVCD_EAGAIN;
	n = get_be32(in.data);
	if (n == 0)
		return SVCD_EPROTOCOL;
	if (n - 1 > max)
		return SVCD_ETOOBIG;
	if (in.len - LENGTH_AND_CRC < n)
		return SVCD_EAGAIN;
	if (get_be32(in.data + 4) !=
		(checked ? crc32c(0, in.data + LENGTH_AND_CRC, n) : 0))
		return SVCD_ECORRUPT;
	out->kind = in.data[LENGTH_AND_CRC];
	out->body = bytes_of(in.data + PEER_HEAD_BYTES, n - 1);
	*len = LENGTH_AND_CRC + (size_t)n;
	return 0;
}

size_t peer_frame_begin(struct buf *out, uint8_t kind)
{
	size_t begin = out->len;

	buf_put_be64(out, 0);
	buf_put_u8(out, kind);
	return begin;
}

static void put_be32_at(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
}

void peer_frame_end(struct buf *out, size_t begin, bool checked)
{
	uint8_t *head;
	size_t n;

	if (out->error != 0)
		return;
	head = out->data + begin;
	n = out->len - begin - LENGTH_AND_CRC;
	put_be32_at(head, (uint32_t)n);
	if (checked)
		put_be32_at(head + 4, crc32c(0, head + LENGTH_AND_CRC, n));
}

/* ---- the engine's messages, out */

static void put_common(struct buf *out, uint8_t version, uint64_t term)
{
	buf_put_u8(out, version);
	buf_put_be64(out, term);
}

static void put_entries(
	const struct raft_append_entries *ae, unsigned first, unsigned n, struct buf *out)
{
	const struct raft_entry *e = ae->entries + first;

	put_common(out, ae->version, ae->term);
	buf_put_be64(out, ae->prev_log_index + first);
	buf_put_be64(out, first == 0 ? ae->prev_log_term : ae->entries[first - 1].term);
	buf_put_be64(out, ae->leader_commit);
	buf_put_be32(out, n);
	for (unsigned i = 0; i < n; i++) {
		buf_put_be64(out, e[i].term);
		buf_put_u8(out, (uint8_t)e[i].type);
		buf_put_be32(out, (uint32_t)e[i].buf.len);
	}
	for (unsigned i = 0; i < n; i++)
		buf_put(out, e[i].buf.base, e[i].buf.len);
}

static void put_entries_result(
	const struct raft_append_entries_result *r, struct buf *out)
{
	put_common(out, r->version, r->term);
	buf_put_be64(out, r->rejected);
	buf_put_be64(out, r->last_log_index);
	buf_put_be16(out, r->features);
	buf_put_be16(out, r->capacity);
}

static void put_vote(const struct raft_request_vote *v, struct buf *out)
{
	put_common(out, v->version, v->term);
	buf_put_be64(out, v->candidate_id);
	buf_put_be64(out, v->last_log_index);
	buf_put_be64(out, v->last_log_term);
	buf_put_u8(out,
		(v->disrupt_leader ? FLAG_DISRUPT : 0) |
			(v->pre_vote ? FLAG_PRE_VOTE : 0));
}

static void put_vote_result(const struct raft_request_vote_result *r, struct buf *out)
{
	put_common(out, r->version, r->term);
	buf_put_u8(out,
		(r->vote_granted ? FLAG_GRANTED : 0) | (r->pre_vote ? FLAG_PRE_VOTE : 0));
	buf_put_be16(out, r->features);
	buf_put_be16(out, r->capacity);
}

static void put_timeout_now(const struct raft_timeout_now *t, struct buf *out)
{
	put_common(out, t->version, t->term);
	buf_put_be64(out, t->last_log_index);
	buf_put_be64(out, t->last_log_term);
}

uint8_t peer_raft_kind(const struct raft_message *m)
{
	bool travels = m->type >= RAFT_APPEND_ENTRIES && m->type <= RAFT_TIMEOUT_NOW &&
		m->type != RAFT_INSTALL_SNAPSHOT;

	return travels ? (uint8_t)(PEER_RAFT_FIRST + m->type) : 0;
}

size_t peer_raft_bytes(const struct raft_message *m, unsigned first, unsigned n)
{
	const struct raft_append_entries *ae = &m->append_entries;
	size_t bytes = COMMON_BYTES + ENTRIES_HEAD_BYTES; /* others are smaller */

	if (m->type != RAFT_APPEND_ENTRIES)
		return bytes;
	for (unsigned i = first; i < first + n; i++)
		bytes += ENTRY_BYTES + ae->entries[i].buf.len;
	return bytes;
}

unsigned peer_raft_fits(const struct raft_message *m, unsigned first, size_t max)
{
	const struct raft_append_entries *ae = &m->append_entries;
	size_t bytes = COMMON_BYTES + ENTRIES_HEAD_BYTES;
	unsigned n = 0;

	if (m->type != RAFT_APPEND_ENTRIES)
		return 0;
	while (first + n < ae->n_entries) {
		bytes += ENTRY_BYTES + ae->entries[first + n].buf.len;
		if (bytes > max && n > 0)
			break;
		n++;
	}
	return n;
}

void peer_put_raft(
	const struct raft_message *m, unsigned first, unsigned n, struct buf *out)
{
	switch (m->type) {
	case RAFT_APPEND_ENTRIES:
		put_entries(&m->append_entries, first, n, out);
		return;
	case RAFT_APPEND_ENTRIES_RESULT:
		put_entries_result(&m->append_entries_result, out);
		return;
	case RAFT_REQUEST_VOTE:
		put_vote(&m->request_vote, out);
		return;
	case RAFT_REQUEST_VOTE_RESULT:
		put_vote_result(&m->request_vote_result, out);
		return;
	case RAFT_TIMEOUT_NOW:
		put_timeout_now(&m->timeout_now, out);
		return;
	default:
		buf_fail(out, SVCD_EINVAL);
	}
}

/* ---- in */

void peer_entries_fini(struct peer_entries *e)
{
	free(e->table);
	*e = (struct peer_entries){0};
}

static int entries_reserve(struct peer_entries *e, size_t n)
{
	struct raft_entry *table;

	if (n <= e->room)
		return 0;
	table = realloc(e->table, n * sizeof(*table));
	if (table == NULL)
		return SVCD_ENOMEM;
	e->table = table;
	e->room = n;
	return 0;
}

/* The table; all but the payloads. */
static bool get_entry_head(struct reader *in, struct raft_entry *e)
{
	uint8_t type;

	e->term = read_be64(in);
	type = read_u8(in);
	e->type = type;
	e->buf.len = read_be32(in);
	e->batch = NULL;
	return type >= RAFT_COMMAND && type <= RAFT_CHANGE;
}

static bool get_entry_payload(struct reader *in, struct raft_entry *e)
{
	struct bytes v = read_bytes(in, e->buf.len);

	memcpy(&e->buf.base, &v.data, sizeof(v.data)); /* the engine only reads it */
	return !in->bad;
}

static int get_entries(
	struct reader *in, struct raft_append_entries *ae, struct peer_entries *entries)
{
	size_t n;
	int rc;

	ae->prev_log_index = read_be64(in);
	ae->prev_log_term = read_be64(in);
	ae->leader_commit = read_be64(in);
	n = read_be32(in);
	if (in->bad || n > reader_left(in) / ENTRY_BYTES)
		return SVCD_EPROTOCOL;
	rc = entries_reserve(entries, n);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (!get_entry_head(in, &entries->table[i]))
			return SVCD_EPROTOCOL;
	for (size_t i = 0; i < n; i++)
		if (!get_entry_payload(in, &entries->table[i]))
			return SVCD_EPROTOCOL;
	ae->entries = n > 0 ? entries->table : NULL;
	ae->n_entries = (unsigned)n;
	return 0;
}

static void get_entries_result(struct reader *in, struct raft_append_entries_result *r)
{
	r->rejected = read_be64(in);
	r->last_log_index = read_be64(in);
	r->features = read_be16(in);
	r->capacity = read_be16(in);
}

/* Two of them at most. One that we do not know would change what the rest means. */
static uint8_t get_flags(struct reader *in)
{
	uint8_t flags = read_u8(in);

	if (flags > (FLAG_GRANTED | FLAG_PRE_VOTE))
		in->bad = true;
	return flags;
}

static void get_vote(struct reader *in, struct raft_request_vote *v)
{
	uint8_t flags;

	v->candidate_id = read_be64(in);
	v->last_log_index = read_be64(in);
	v->last_log_term = read_be64(in);
	flags = get_flags(in);
	v->disrupt_leader = (flags & FLAG_DISRUPT) != 0;
	v->pre_vote = (flags & FLAG_PRE_VOTE) != 0;
}

static void get_vote_result(struct reader *in, struct raft_request_vote_result *r)
{
	uint8_t flags = get_flags(in);

	r->vote_granted = (flags & FLAG_GRANTED) != 0;
	r->pre_vote = (flags & FLAG_PRE_VOTE) != 0;
	r->features = read_be16(in);
	r->capacity = read_be16(in);
}

static void get_timeout_now(struct reader *in, struct raft_timeout_now *t)
{
	t->last_log_index = read_be64(in);
	t->last_log_term = read_be64(in);
}

static int get_rest(
	struct reader *in, struct peer_entries *entries, struct raft_message *m)
{
	uint8_t version = read_u8(in);
	uint64_t term = read_be64(in);

	switch (m->type) {
	case RAFT_APPEND_ENTRIES:
		m->append_entries.version = version;
		m->append_entries.term = term;
		return get_entries(in, &m->append_entries, entries);
	case RAFT_APPEND_ENTRIES_RESULT:
		m->append_entries_result.version = version;
		m->append_entries_result.term = term;
		get_entries_result(in, &m->append_entries_result);
		return 0;
	case RAFT_REQUEST_VOTE:
		m->request_vote.version = version;
		m->request_vote.term = term;
		get_vote(in, &m->request_vote);
		return 0;
	case RAFT_REQUEST_VOTE_RESULT:
		m->request_vote_result.version = version;
		m->request_vote_result.term = term;
		get_vote_result(in, &m->request_vote_result);
		return 0;
	case RAFT_TIMEOUT_NOW:
		m->timeout_now.version = version;
		m->timeout_now.term = term;
		get_timeout_now(in, &m->timeout_now);
		return 0;
	default:
		return SVCD_EPROTOCOL;
	}
}

int peer_get_raft(uint8_t kind, struct bytes body, struct peer_entries *entries,
	struct raft_message *out)
{
	struct reader r = reader_of(body);
	struct raft_message m;
	int rc;

	memset(&m, 0, sizeof(m));
	if (kind <= PEER_RAFT_FIRST || kind > PEER_RAFT_FIRST + RAFT_TIMEOUT_NOW)
		return SVCD_EPROTOCOL;
	m.type = (enum raft_message_type)(kind - PEER_RAFT_FIRST);
	rc = get_rest(&r, entries, &m);
	if (rc == 0 && !reader_done(&r))
		rc = SVCD_EPROTOCOL;
	if (rc == 0)
		*out = m;
	return rc;
}
