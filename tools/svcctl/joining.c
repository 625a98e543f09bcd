#include "svcctl/joining.h"

/* It shows with the member that sends it. */
static void find_checkpoint(const struct members *m, struct joining *j)
{
	for (size_t i = 0; i < m->n && j->bytes == 0; i++) {
		j->done = member_number(m->rows[i].v, "snapshot_done");
		j->bytes = member_number(m->rows[i].v, "snapshot_bytes");
	}
}

struct joining joining_of(const struct members *m)
{
	const struct svcd_value *self = m->self;
	struct joining j = {.stage = JOIN_DISCOVERING};

	if (self == NULL)
		return j;
	find_checkpoint(m, &j);
	j.behind = member_behind(m, self);
	if (j.bytes > 0 && j.done < j.bytes)
		j.stage = JOIN_COPYING;
	else if (m->n < 2)
		j.stage = JOIN_DISCOVERING;
	else if (member_truth(self, "voter") && !member_truth(self, "joining"))
		j.stage = JOIN_VOTER;
	else if (j.behind > 0 || member_truth(self, "joining"))
		j.stage = JOIN_CATCHING_UP;
	else
		j.stage = JOIN_STANDBY;
	return j;
}
