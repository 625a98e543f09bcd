/* Records of the members, and the commands that change them. */
#include "catalog/member.h"

#include "base/text.h"
#include "catalog/codec.h"
#include "catalog/command_head.h"
#include "catalog/keys.h"
#include "catalog/read.h"

#define FORMAT 1
#define FLAG_STANDBY 1

static void put_fields(struct buf *out, const struct member *m)
{
	buf_put_u8(out, m->standby ? FLAG_STANDBY : 0);
	put_blob(out, m->name);
	put_blob(out, m->peer);
	put_blob(out, m->client);
}

void member_encode(struct buf *out, const struct member *m)
{
	buf_put_u8(out, FORMAT);
	put_fields(out, m);
}

bool member_decode(struct bytes record, struct member *out)
{
	struct reader r = reader_of(record);
	uint8_t format = read_u8(&r), flags = read_u8(&r);

	out->standby = (flags & FLAG_STANDBY) != 0;
	out->name = read_blob(&r, LIMIT_NAME);
	out->peer = read_blob(&r, LIMIT_MEMBER_ADDRESS);
	out->client = read_blob(&r, LIMIT_MEMBER_ADDRESS);
	return reader_done(&r) && format == FORMAT && flags <= FLAG_STANDBY;
}

/* ---- commands ---------------------------------------------------------- */

int command_member_set(
	const struct member *m, struct bytes actor, struct bytes reason, struct buf *out)
{
	size_t mark = out->len;

	if (m->node == 0 || !text_is_dns_label(m->name) ||
		m->peer.len > LIMIT_MEMBER_ADDRESS ||
		m->client.len > LIMIT_MEMBER_ADDRESS)
		return SVCD_EINVAL;
	command_begin(out, COMMAND_MEMBER_SET, NULL, actor);
	buf_put_be64(out, m->node);
	put_fields(out, m);
	put_blob(out, text_cut(reason, LIMIT_REASON));
	return command_finish(out, mark, 0, NULL);
}

int command_member_remove(
	uint64_t node, struct bytes actor, struct bytes reason, struct buf *out)
{
	size_t mark = out->len;

	command_begin(out, COMMAND_MEMBER_REMOVE, NULL, actor);
	buf_put_be64(out, node);
	put_blob(out, text_cut(reason, LIMIT_REASON));
	return command_finish(out, mark, 0, NULL);
}

/* ---- reading ----------------------------------------------------------- */

bool catalog_get_member(struct tables *t, uint64_t node, struct member *out)
{
	struct bytes record;
	struct key key;

	key_u64(&key, node);
	if (!table_get(t, TABLE_NODE, key_bytes(&key), &record))
		return false;
	out->node = node;
	return read_or_corrupt(t, member_decode(record, out));
}

void catalog_each_member(
	struct tables *t, bool (*fn)(void *arg, const struct member *m), void *arg)
{
	struct bytes key, record;
	bool more = table_seek(t, TABLE_NODE, BYTES_NONE, false, &key, &record);

	while (more) {
		struct member m = {0};

		if (!read_or_corrupt(t, key.len == 8 && member_decode(record, &m)))
			return;
		m.node = get_be64(key.data);
		more = fn(arg, &m) && table_next(t, TABLE_NODE, &key, &record);
	}
}
