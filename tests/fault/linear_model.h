/*
 * What one instance key of the registry does, as a sequential specification: the object
 * whose histories linear.h checks. Pure.
 *
 * The state knows whether the instance is there, with which value (clients write each
 * value once) and with which incarnation. The incarnation of a registration whose answer
 * was lost is not known: it is "open", greater than a floor, until somebody sees it.
 */
#ifndef TESTS_FAULT_LINEAR_MODEL_H
#define TESTS_FAULT_LINEAR_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum op_kind { OP_REGISTER, OP_UPDATE, OP_DEREGISTER, OP_READ };

enum op_result {
	RESULT_OK,
	RESULT_ABSENT,  /* there is none: no_instance, gone, no_service */
	RESULT_STALE,   /* another incarnation than the guard says */
	RESULT_UNKNOWN, /* took effect at some time after the call, or never */
};

struct linear_op {
	uint64_t call, ret; /* of one clock; ret is not looked at when the result is
			       unknown */
	enum op_kind kind;
	enum op_result result;
	uint64_t guard;       /* incarnation the caller named; 0: none */
	uint64_t value;       /* written or read */
	uint64_t incarnation; /* answered or read; 0: not told */
	uint32_t who;         /* for people */
};

/* Compared as bytes: without padding. At the start: all zero. */
struct linear_state {
	uint64_t value;       /* 0 when absent */
	uint64_t incarnation; /* open or absent: the greatest that it surely exceeds, or
				 had */
	uint32_t present, open;
};

/* Applies o as if it took effect now. False: it cannot have had this result here. Of an
 * unknown result only the effect is considered; without effect it may be left out
 * anyway. */
bool linear_step(struct linear_state *s, const struct linear_op *o);

const char *op_kind_name(enum op_kind k);
const char *op_result_name(enum op_result r);

#endif
