#include "svcctl/joining.h"

/* Without another one in reach it is as it was when it was last in touch. */
static bool has_company(const struct members *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (!member_truth(m->rows[i].v, "self") &&
			member_is_reachable(m->rows[i].v))
			return true;
	return false;
}

struct joining joining_of(const struct members *m)
{
	const struct svcd_value *self = m->self;
	struct joining j = {.stage = JOIN_DISCOVERING};

	if (self == NULL)
		return j;
	j.done = member_number(self, "snapshot_done");
	j.bytes = member_number(self, "snapshot_bytes");
	j.behind = member_behind(m, self);
	if (j.bytes > 0)
		j.stage = j.done < j.bytes ? JOIN_COPYING : JOIN_CHECKING;
	else if (!has_company(m))
		j.stage = JOIN_DISCOVERING;
	else if (member_truth(self, "voter") && !member_truth(self, "joining"))
		j.stage = JOIN_VOTER;
	else if (j.behind > 0 || member_truth(self, "joining"))
		j.stage = JOIN_CATCHING_UP;
	else
		j.stage = JOIN_STANDBY;
	return j;
}
