#include "replica/peer_hello.h"

#include <string.h>

#include "catalog/codec.h"
#include "replica/peer_codec.h"
#include "wire/peer_magic.h"

_Static_assert(PEER_MAGIC_AT == PEER_HEAD_BYTES, "clients look there");

/* ---- texts */

static void put_text(struct buf *out, const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	buf_put_u8(out, (uint8_t)len);
	buf_put(out, text, len);
}

/* out has room for max bytes and NUL. */
static void get_text(struct reader *in, char *out, size_t max)
{
	struct bytes v = read_bytes(in, read_u8(in));

	if (in->bad || v.len > max || !bytes_is_text(v)) {
		in->bad = true;
		return;
	}
	if (v.len > 0)
		memcpy(out, v.data, v.len);
	out[v.len] = '\0';
}

/* ---- what all protocols share */

static void put_start(
	struct buf *out, uint16_t protocol, const uint8_t nonce[PEER_NONCE_BYTES])
{
	buf_put(out, PEER_MAGIC, PEER_MAGIC_BYTES);
	buf_put_be16(out, protocol);
	buf_put(out, nonce, PEER_NONCE_BYTES);
}

static bool get_start(
	struct reader *in, uint16_t *protocol, uint8_t nonce[PEER_NONCE_BYTES])
{
	struct bytes m = read_bytes(in, PEER_MAGIC_BYTES);
	uint16_t p = read_be16(in);
	struct bytes n = read_bytes(in, PEER_NONCE_BYTES);

	if (in->bad || memcmp(m.data, PEER_MAGIC, PEER_MAGIC_BYTES) != 0)
		return false;
	*protocol = p;
	memcpy(nonce, n.data, PEER_NONCE_BYTES);
	return true;
}

/* ---- frames */

void peer_put_challenge(const uint8_t nonce[PEER_NONCE_BYTES], struct buf *out)
{
	put_start(out, PEER_PROTOCOL, nonce);
}

int peer_get_challenge(
	struct bytes body, uint16_t *protocol, uint8_t nonce[PEER_NONCE_BYTES])
{
	struct reader r = reader_of(body);

	/* What a later protocol may put behind is not ours to judge. */
	return get_start(&r, protocol, nonce) ? 0 : SVCD_EPROTOCOL;
}

void peer_put_hello(const struct peer_hello *h, struct buf *out)
{
	put_start(out, h->protocol, h->nonce);
	buf_put_u8(out, (uint8_t)h->channel);
	buf_put_be64(out, h->cluster);
	buf_put_be64(out, h->node);
	buf_put_be64(out, h->to);
	buf_put_be64(out, h->boot);
	buf_put_be64(out, h->serial);
	put_text(out, h->name, PEER_NAME_MAX);
	put_text(out, h->address, PEER_ADDRESS_BYTES - 1);
}

int peer_get_hello(struct bytes body, struct peer_hello *out)
{
	struct reader r = reader_of(body);
	struct peer_hello h = {0};
	uint8_t channel;

	if (!get_start(&r, &h.protocol, h.nonce))
		return SVCD_EPROTOCOL;
	if (h.protocol != PEER_PROTOCOL) {
		*out = h;
		return 0;
	}
	channel = read_u8(&r);
	h.channel = (enum peer_channel)channel;
	h.cluster = read_be64(&r);
	h.node = read_be64(&r);
	h.to = read_be64(&r);
	h.boot = read_be64(&r);
	h.serial = read_be64(&r);
	get_text(&r, h.name, PEER_NAME_MAX);
	get_text(&r, h.address, PEER_ADDRESS_BYTES - 1);
	if (!reader_done(&r) || channel >= PEER_CHANNELS)
		return SVCD_EPROTOCOL;
	*out = h;
	return 0;
}

void peer_put_welcome(const struct peer_welcome *w, struct buf *out)
{
	buf_put_be64(out, w->cluster);
	buf_put_be64(out, w->node);
	buf_put_be64(out, w->boot);
	put_text(out, w->name, PEER_NAME_MAX);
	put_text(out, w->address, PEER_ADDRESS_BYTES - 1);
}

int peer_get_welcome(struct bytes body, struct peer_welcome *out)
{
	struct reader r = reader_of(body);
	struct peer_welcome w = {0};

	w.cluster = read_be64(&r);
	w.node = read_be64(&r);
	w.boot = read_be64(&r);
	get_text(&r, w.name, PEER_NAME_MAX);
	get_text(&r, w.address, PEER_ADDRESS_BYTES - 1);
	if (!reader_done(&r))
		return SVCD_EPROTOCOL;
	*out = w;
	return 0;
}

void peer_put_refusal(const struct err *why, struct buf *out)
{
	buf_put_be16(out, (uint16_t)-why->code);
	put_text(out, why->text, ERR_TEXT_MAX - 1);
}

int peer_get_refusal(struct bytes body, struct err *out)
{
	struct reader r = reader_of(body);
	struct err e = {0};

	e.code = -(int)read_be16(&r);
	get_text(&r, e.text, ERR_TEXT_MAX - 1);
	if (!reader_done(&r) || e.code == 0)
		return SVCD_EPROTOCOL;
	*out = e;
	return 0;
}
