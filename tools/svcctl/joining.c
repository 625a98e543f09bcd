#include "svcctl/joining.h"

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
