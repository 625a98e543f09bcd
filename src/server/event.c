#include "server/event.h"

#include "catalog/spec.h"
#include "wire/frame.h"
#include "wire/pack.h"

#define LONG_ARRAY 0xdd

/* An event taken apart: what every part repeats, and the list. */
struct large {
	struct bytes head; /* entries before the list */
	uint32_t n;        /* of them */
	struct bytes name;
	struct bytes elements;
};

static void pack_whole(struct buf *out, struct bytes entries, uint32_t n)
{
	pack_notification(out, "event");
	pack_map(out, n);
	pack_raw(out, entries);
}

/* The list is the last entry, in the long form whatever its length (catalog/answer.h). */
static bool large_open(struct large *l, struct bytes entries, uint32_t n)
{
	struct bytes rest = entries;
	struct bytes value;

	for (l->n = 0; l->n + 1 < n; l->n++)
		if (!mp_text(&rest, &l->name) || !mp_value(&rest, &value))
			return false;
	l->head = bytes_of(entries.data, entries.len - rest.len);
	if (!mp_text(&rest, &l->name) || rest.len < 5 || rest.data[0] != LONG_ARRAY)
		return false;
	l->elements = bytes_of(rest.data + 5, rest.len - 5);
	return true;
}

/* Takes as many elements off the front as fit into one part; at least one. */
static struct bytes part_take(struct large *l, uint32_t *n)
{
	const uint8_t *start = l->elements.data;
	size_t bytes_left = EVENT_BYTES_MAX - l->head.len;
	uint32_t items_left = EVENT_ITEMS_MAX;

	for (*n = 0; l->elements.len > 0; (*n)++) {
		size_t len = frame_value_len(l->elements);
		uint32_t items = spec_items(bytes_of(l->elements.data, len));

		if (len == 0 || (*n > 0 && (len > bytes_left || items > items_left)))
			break;
		bytes_left -= len < bytes_left ? len : bytes_left;
		items_left -= items < items_left ? items : items_left;
		l->elements = bytes_of(l->elements.data + len, l->elements.len - len);
	}
	return bytes_of(start, (size_t)(l->elements.data - start));
}

static void pack_part(struct buf *out, struct large *l, uint32_t part)
{
	uint32_t n;
	struct bytes elements = part_take(l, &n);
	bool more = l->elements.len > 0;

	if (n == 0)
		buf_fail(out, SVCD_EINTERNAL);
	pack_notification(out, "event");
	pack_map(out, l->n + 2 + more);
	pack_raw(out, l->head);
	pack_kv_u64(out, "part", part);
	if (more)
		pack_kv_bool(out, "more", true);
	pack_str(out, l->name);
	pack_array(out, n);
	pack_raw(out, elements);
}

/* An item takes a byte at least, so the items of a small event need no counting. */
static bool is_large(struct large *l, struct bytes entries, uint32_t n)
{
	if (entries.len <= EVENT_ITEMS_MAX || !large_open(l, entries, n))
		return false;
	return entries.len > EVENT_BYTES_MAX || spec_items(l->elements) > EVENT_ITEMS_MAX;
}

void event_pack(struct buf *out, struct bytes entries, uint32_t n)
{
	struct large l;

	if (!is_large(&l, entries, n)) {
		pack_whole(out, entries, n);
		return;
	}
	for (uint32_t part = 0; l.elements.len > 0 && out->error == 0; part++)
		pack_part(out, &l, part);
}
