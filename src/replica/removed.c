#include "replica/removed.h"

#include <string.h>

#include "replica/driver.h"

#define KEY bytes_str("removed")
#define CONFIG_MAX 64 /* members of a configuration */

struct config {
	struct driver_member members[CONFIG_MAX];
	size_t n;
};

static int config_read(struct bytes encoded, struct config *out)
{
	ssize_t n = encoded.len > 0
		? driver_decode_members(encoded, out->members, CONFIG_MAX)
		: 0;

	if (n < 0)
		return SVCD_ECORRUPT;
	out->n = (size_t)n < CONFIG_MAX ? (size_t)n : CONFIG_MAX;
	return 0;
}

static bool config_has(const struct config *c, uint64_t node)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->members[i].node == node)
			return true;
	return false;
}

size_t removed_read(struct tables *t, uint64_t out[REMOVED_MAX])
{
	struct bytes v;
	size_t n = 0;

	if (!table_get(t, TABLE_META, KEY, &v))
		return 0;
	for (; n < REMOVED_MAX && (n + 1) * 8 <= v.len; n++)
		out[n] = get_be64(v.data + n * 8);
	return n;
}

static int write_list(struct tables *t, const uint64_t *ids, size_t n)
{
	struct buf value = {0};
	int rc;

	for (size_t i = 0; i < n; i++)
		buf_put_be64(&value, ids[i]);
	rc = value.error;
	if (rc == 0)
		table_put(t, TABLE_META, KEY, buf_bytes(&value));
	buf_fini(&value);
	return rc == 0 ? t->error : rc;
}

/* Those that went first, then the ones of before that did not come back. */
int removed_note(struct tables *t, struct bytes before, struct bytes after)
{
	uint64_t known[REMOVED_MAX], now[CONFIG_MAX + REMOVED_MAX];
	size_t n_known = removed_read(t, known), n = 0;
	struct config was, is;
	int rc = config_read(before, &was);

	if (rc == 0)
		rc = config_read(after, &is);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < was.n; i++)
		if (!config_has(&is, was.members[i].node))
			now[n++] = was.members[i].node;
	for (size_t i = 0; i < n_known; i++)
		if (!config_has(&is, known[i]))
			now[n++] = known[i];
	if (n > REMOVED_MAX)
		n = REMOVED_MAX;
	if (n == n_known && memcmp(now, known, n * sizeof(now[0])) == 0)
		return 0;
	return write_list(t, now, n);
}

void removed_clear(struct tables *t)
{
	table_del(t, TABLE_META, KEY);
}
