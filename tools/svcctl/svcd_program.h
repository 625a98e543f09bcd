/*
 * The program svcd, which knows the formats of its files: svcctl runs it for what is done
 * without a registry.
 *
 * It is $SVCD when that is set, else the one beside svcctl or in ../sbin, else the first
 * in PATH.
 */
#ifndef SVCCTL_SVCD_PROGRAM_H
#define SVCCTL_SVCD_PROGRAM_H

#include <stdbool.h>

#include "svcctl/report.h"

/* What is run; without a slash it is looked for in PATH. Caller frees. */
char *svcd_program(void);

/* Runs it with arguments (ends with NULL, without its own name) and waits. Its output is
 * ours; what it says as "svcd: error:" reaches the user as it is. OUT_OK, or OUT_FAILED:
 * said by it, or by us when it cannot be run. *status, when not NULL, is its exit status.
 */
enum outcome svcd_run(const char *const *arguments, int *status);

/* The same, with what it writes to standard output in *text, which the caller frees.
 * quiet: its standard error goes nowhere, and that it cannot be run is not reported. */
enum outcome svcd_read(
	const char *const *arguments, bool quiet, char **text, int *status);

#endif
