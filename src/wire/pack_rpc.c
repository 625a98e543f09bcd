/* Heads of the three messages of MessagePack-RPC, and the error response. */
#include "wire/frame.h"
#include "wire/pack.h"

void pack_request(struct buf *b, uint32_t id, const char *method)
{
	pack_array(b, 4);
	pack_u64(b, FRAME_REQUEST);
	pack_u64(b, id);
	pack_cstr(b, method);
	pack_array(b, 1);
}

void pack_notification(struct buf *b, const char *method)
{
	pack_array(b, 3);
	pack_u64(b, FRAME_NOTIFICATION);
	pack_cstr(b, method);
	pack_array(b, 1);
}

void pack_result(struct buf *b, uint32_t id)
{
	pack_array(b, 4);
	pack_u64(b, FRAME_RESPONSE);
	pack_u64(b, id);
	pack_nil(b);
}

/* The sentence of e, or the general text of its code when it has none or it is not text.
 */
static struct bytes sentence(const struct err *e)
{
	struct bytes text = bytes_str(e->text);

	if (text.len == 0 || !bytes_is_text(text))
		return bytes_str(err_text(e->code));
	return text;
}

void pack_error(struct buf *b, uint32_t id, const struct err *e, uint32_t retry_after_ms,
	const char *leader)
{
	pack_array(b, 4);
	pack_u64(b, FRAME_RESPONSE);
	pack_u64(b, id);
	pack_map(b, 3u + (retry_after_ms != 0) + (leader != NULL));
	pack_kv_i64(b, "code", e->code);
	pack_kv_cstr(b, "name", err_name(e->code));
	pack_kv_str(b, "text", sentence(e));
	if (retry_after_ms != 0)
		pack_kv_u64(b, "retry_after_ms", retry_after_ms);
	if (leader != NULL)
		pack_kv_cstr(b, "leader", leader);
	pack_nil(b);
}
