#include "replica/peer_hello.h"

#include <string.h>

#include "replica/peer_cursor.h"

static const char magic[8] = {'s', 'v', 'c', 'd', 'p', 'e', 'e', 'r'};

/* ---- texts */

static void put_text(struct buf *out, const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	buf_put_u8(out, (uint8_t)len);
	buf_put(out, text, len);
}

/* out has room for max bytes and NUL. */
static void get_text(struct peer_cursor *c, char *out, size_t max)
{
	struct bytes v = peer_take(c, peer_take_u8(c));

	if (c->bad || v.len > max || !bytes_is_text(v)) {
		c->bad = true;
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
	buf_put(out, magic, sizeof(magic));
	buf_put_be16(out, protocol);
	buf_put(out, nonce, PEER_NONCE_BYTES);
}

static bool get_start(
	struct peer_cursor *c, uint16_t *protocol, uint8_t nonce[PEER_NONCE_BYTES])
{
	struct bytes m = peer_take(c, sizeof(magic));
	uint16_t p = peer_take_u16(c);
	struct bytes n = peer_take(c, PEER_NONCE_BYTES);

	if (c->bad || memcmp(m.data, magic, sizeof(magic)) != 0)
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
	struct peer_cursor c = peer_cursor(body);

	/* What a later protocol may put behind is not ours to judge. */
	return get_start(&c, protocol, nonce) ? 0 : SVCD_EPROTOCOL;
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
	struct peer_cursor c = peer_cursor(body);
	struct peer_hello h = {0};
	uint8_t channel;

	if (!get_start(&c, &h.protocol, h.nonce))
		return SVCD_EPROTOCOL;
	if (h.protocol != PEER_PROTOCOL) {
		*out = h;
		return 0;
	}
	channel = peer_take_u8(&c);
	h.channel = (enum peer_channel)channel;
	h.cluster = peer_take_u64(&c);
	h.node = peer_take_u64(&c);
	h.to = peer_take_u64(&c);
	h.boot = peer_take_u64(&c);
	h.serial = peer_take_u64(&c);
	get_text(&c, h.name, PEER_NAME_MAX);
	get_text(&c, h.address, PEER_ADDRESS_BYTES - 1);
	if (!peer_cursor_done(&c) || channel >= PEER_CHANNELS)
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
	struct peer_cursor c = peer_cursor(body);
	struct peer_welcome w = {0};

	w.cluster = peer_take_u64(&c);
	w.node = peer_take_u64(&c);
	w.boot = peer_take_u64(&c);
	get_text(&c, w.name, PEER_NAME_MAX);
	get_text(&c, w.address, PEER_ADDRESS_BYTES - 1);
	if (!peer_cursor_done(&c))
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
	struct peer_cursor c = peer_cursor(body);
	struct err e = {0};

	e.code = -(int)peer_take_u16(&c);
	get_text(&c, e.text, ERR_TEXT_MAX - 1);
	if (!peer_cursor_done(&c) || e.code == 0)
		return SVCD_EPROTOCOL;
	*out = e;
	return 0;
}
