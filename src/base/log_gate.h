/*
 * Lets a bounded number of log lines through, and says how many it held back. Pure.
 */
#ifndef SVCD_BASE_LOG_GATE_H
#define SVCD_BASE_LOG_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct log_gate {
	uint32_t per_second;
	uint32_t passed; /* in the second that began at start_ms */
	uint64_t start_ms;
	uint64_t held; /* since the last report */
};

void log_gate_init(struct log_gate *g, uint32_t per_second);
/* True when a line may be written now. */
bool log_gate_pass(struct log_gate *g, uint64_t now_ms);
/* What was held back until now, once a second has passed; 0 otherwise. */
uint64_t log_gate_report(struct log_gate *g, uint64_t now_ms);

#endif
