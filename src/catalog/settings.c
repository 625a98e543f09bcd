#include "catalog/settings.h"

void settings_put(struct buf *out, const struct settings *s)
{
	put_varint(out, s->given);
	put_varint(out, s->floor);
	put_varint(out, s->floor_percent);
	put_varint(out, s->slow_start_ms);
	put_varint(out, s->dns_ttl_s);
	put_blob(out, s->policy);
	put_blob(out, s->owner);
}

void settings_read(struct reader *r, struct settings *out)
{
	out->given = read_varint_max(r, (1 << SETTING_COUNT) - 1);
	out->floor = (uint32_t)read_varint_max(r, UINT32_MAX);
	out->floor_percent = (uint32_t)read_varint_max(r, 100);
	out->slow_start_ms = (uint32_t)read_varint_max(r, UINT32_MAX);
	out->dns_ttl_s = (uint32_t)read_varint_max(r, UINT32_MAX);
	out->policy = read_blob(r, LIMIT_POLICY);
	out->owner = read_blob(r, LIMIT_OWNER);
}
