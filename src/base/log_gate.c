#include "base/log_gate.h"

void log_gate_init(struct log_gate *g, uint32_t per_second)
{
	*g = (struct log_gate){.per_second = per_second};
}

static void begin_second(struct log_gate *g, uint64_t now_ms)
{
	if (now_ms - g->start_ms < 1000)
		return;
	g->start_ms = now_ms;
	g->passed = 0;
}

bool log_gate_pass(struct log_gate *g, uint64_t now_ms)
{
	begin_second(g, now_ms);
	if (g->passed < g->per_second) {
		g->passed++;
		return true;
	}
	g->held++;
	return false;
}

uint64_t log_gate_report(struct log_gate *g, uint64_t now_ms)
{
	uint64_t held = g->held;

	if (held == 0 || now_ms - g->start_ms < 1000)
		return 0;
	begin_second(g, now_ms);
	g->held = 0;
	return held;
}
