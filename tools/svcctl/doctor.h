/*
 * What is wrong with a cluster, judged from what its members say. Pure.
 */
#ifndef SVCCTL_DOCTOR_H
#define SVCCTL_DOCTOR_H

#include "svcctl/members.h"

/* A member, and what it said when it was asked itself. */
struct patient {
	const struct svcd_value *member; /* as the connected member sees it */
	const struct svcd_value *status; /* NULL: it did not answer, or was not asked */
	struct members view;             /* its own; empty: likewise */
	char trouble[256];               /* why it did not answer; "" when it did */
};

struct clinic {
	const struct members *members; /* as the connected one sees them */
	struct patient *patients;      /* one for each, in the same order */
	size_t n;
};

/* The thresholds, and why: svcctl(1) tells them. */
#define DOCTOR_CLOCK_WARN_MS 500
#define DOCTOR_CLOCK_FAIL_MS 10000
#define DOCTOR_SYNC_WARN_US 20000
#define DOCTOR_SYNC_FAIL_US 200000
#define DOCTOR_RTT_WARN_US 20000
#define DOCTOR_RTT_FAIL_US 100000
#define DOCTOR_BEHIND_WARN 10000
#define DOCTOR_FREE_WARN_BYTES ((uint64_t)1 << 30)
#define DOCTOR_LOG_WARN_BYTES ((uint64_t)512 << 20)
#define DOCTOR_CERT_WARN_MS ((uint64_t)14 * 86400000)

/* An array of maps {level: "ok"|"warn"|"fail", check, member?, finding, advice?}; caller
 * frees. *failed: whether one of them is fail. */
struct svcd_value *doctor_judge(const struct clinic *k, bool *failed);

#endif
