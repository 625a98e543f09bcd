/*
 * What goes to standard error, and the exit statuses. Standard output carries results
 * only.
 */
#ifndef SVCCTL_REPORT_H
#define SVCCTL_REPORT_H

#include <stdbool.h>

/* X(identifier, status, meaning): the documented exit statuses. */
#define OUTCOMES(X) \
	X(OUT_OK, 0, "done") \
	X(OUT_FAILED, 1, "failed for a reason that is not in this list") \
	X(OUT_USAGE, 2, "the command line has a mistake, or a value was refused") \
	X(OUT_NOT_FOUND, 3, "no such service or instance") \
	X(OUT_CONFLICT, 4, \
		"conflicts with the current state: exists already, floor, stale") \
	X(OUT_FALSE, 5, "the condition is false, or there is nothing to hand out") \
	X(OUT_TIMEOUT, 6, "timed out") \
	X(OUT_DENIED, 7, "not allowed") \
	X(OUT_UNREACHABLE, 8, "no registry can be reached") \
	X(OUT_NO_LEADER, 9, "the registry has no leader, so nothing can be written now")

enum outcome {
#define OUTCOME_ENUM(id, status, text) id = status,
	OUTCOMES(OUTCOME_ENUM)
#undef OUTCOME_ENUM
};

enum outcome outcome_of(int error); /* of an enum svcd_error */

/* Colour on standard error, and whether notes are wanted. */
void report_setup(bool color, bool quiet);

/* A line of progress is on the terminal: the next report takes its place. */
void report_line_open(bool open);

/* One line each, without newline: "svcctl: error: …", "hint: …", "svcctl: …" (a note;
 * none when quiet). */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* report_error and OUT_USAGE, for a return statement. */
enum outcome report_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
