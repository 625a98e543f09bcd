#include "catalog/command_head.h"

#include "catalog/ref.h"

int write_params_check(const struct where *w, const struct write_params *p, struct err *e)
{
	if ((p->session == 0) == (p->seq == 0))
		return 0;
	return p->session == 0 ? where_refuse(w, e, "session", "missing, seq needs it")
			       : where_refuse(w, e, "seq", "missing, session needs it");
}

struct bytes text_cut(struct bytes v, size_t max)
{
	if (v.len <= max)
		return v;
	while (max > 0 && (v.data[max] & 0xc0) == 0x80)
		max--;
	return bytes_of(v.data, max);
}

void command_begin(struct buf *out, enum command_kind kind, const struct write_params *p,
	struct bytes actor)
{
	buf_put_u8(out, COMMAND_FORMAT);
	buf_put_u8(out, (uint8_t)kind);
	put_varint(out, p != NULL ? p->session : 0);
	put_varint(out, p != NULL ? p->seq : 0);
	put_blob(out, text_cut(actor, LIMIT_ACTOR));
}

int command_finish(struct buf *out, size_t mark, int rv, struct err *e)
{
	if (rv == 0 && out->error != 0)
		rv = err_set(e, out->error, "%s", err_text(out->error));
	if (rv != 0)
		out->len = mark;
	return rv;
}
