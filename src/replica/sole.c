#include "replica/sole.h"

#include "catalog/member.h"
#include "replica/driver.h"
#include "replica/payload.h"

struct writing {
	const struct sole *s;
	struct buf *payload;
	struct buf command;
	uint32_t n;
	int rc;
};

static bool put(struct writing *w, int rc)
{
	w->rc = rc;
	if (rc != 0)
		return false;
	payload_put(w->payload, buf_bytes(&w->command));
	w->n++;
	return true;
}

static bool put_removal(struct writing *w, uint64_t node)
{
	buf_clear(&w->command);
	return put(w,
		command_member_remove(node, bytes_str(w->s->actor),
			bytes_str(w->s->reason), &w->command));
}

static bool put_member(void *arg, const struct member *m)
{
	struct writing *w = arg;

	if (m->node != w->s->node)
		return put_removal(w, m->node);
	buf_clear(&w->command);
	return put(w,
		command_member_set(
			m, bytes_str(w->s->actor), bytes_str(w->s->reason), &w->command));
}

/* To apply the removal of who has no record does nothing. */
static void put_logged(struct writing *w, struct tables *t)
{
	struct member m;

	for (size_t i = 0; i < w->s->n_logged && w->rc == 0; i++)
		if (w->s->logged[i] != w->s->node &&
			!catalog_get_member(t, w->s->logged[i], &m))
			put_removal(w, w->s->logged[i]);
}

int sole_commands(struct tables *t, const struct sole *s, struct buf *payload)
{
	struct stamp stamp = {.time_ms = catalog_time_ms(t), .wall_ms = s->wall_ms};
	struct writing w = {.s = s, .payload = payload};

	payload_begin(payload, &stamp);
	catalog_each_member(t, put_member, &w);
	put_logged(&w, t);
	payload_end(payload, w.n);
	buf_fini(&w.command);
	if (w.rc != 0)
		return w.rc;
	return t->error ? t->error : payload->error;
}

int sole_append(struct journal *j, uint64_t term, const struct sole *s,
	struct bytes commands, struct err *e)
{
	uint64_t index = journal_last(j) + 1;
	struct buf members = {0};
	int rc = driver_encode_sole(s->node, &members);
	struct journal_entry entries[] = {
		{index, term, ENTRY_COMMANDS, commands},
		{index + 1, term, ENTRY_MEMBERS, buf_bytes(&members)},
	};

	if (rc == 0)
		rc = journal_append(j, entries, sizeof(entries) / sizeof(entries[0]));
	if (rc == 0)
		journal_sync(j);
	buf_fini(&members);
	return rc == 0 ? 0
		       : err_set(e, rc, "the log cannot be written: %s", err_text(rc));
}
