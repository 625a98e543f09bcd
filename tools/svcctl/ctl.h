/*
 * One run of svcctl: the global options, and the client, which connects when it is first
 * used.
 */
#ifndef SVCCTL_CTL_H
#define SVCCTL_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "svcctl/args.h"
#include "svcctl/view.h"
#include "svcd.h"

#define TIMEOUT_DEFAULT_MS 5000
#define TIMEOUT_WAIT_MS 60000 /* of commands that wait for something to happen */

struct ctl {
	const char *servers; /* NULL: the library's default */
	const char *ns;
	uint32_t timeout_ms;
	bool has_timeout; /* it was asked for */
	bool quiet, verbose;
	char *token; /* NULL: none */
	struct view view;
	struct svcd_client *client; /* NULL: not connected yet */
};

/* Reads the global options and the environment. OUT_OK, or it has been reported. ctl_fini
 * in any case. */
enum outcome ctl_init(struct ctl *c, const struct args *a);
void ctl_fini(struct ctl *c);

/* A client that has begun to connect; the first call makes it. OUT_OK, or it has been
 * reported. */
enum outcome ctl_open(struct ctl *c);
/* The same, and a member has answered. */
enum outcome ctl_connect(struct ctl *c);

/*
 * Calls a method. params may be NULL. 0 with *result, which the caller frees, or an enum
 * svcd_error with fault filled; nothing is reported (with --verbose what it took).
 * Connects first.
 */
int ctl_ask(struct ctl *c, const char *method, const struct svcd_value *params,
	struct svcd_value **result, struct svcd_fault *fault);
/* The same, and params is freed. */
int ctl_call(struct ctl *c, const char *method, struct svcd_value *params,
	struct svcd_value **result, struct svcd_fault *fault);

/* Reports why a call failed, with a hint where one helps. Returns the exit status. */
enum outcome ctl_fail(const struct ctl *c, const struct svcd_fault *fault);

/* The addresses that are tried, for messages: "unix:/run/svcd/svcd.sock,
 * tcp:127.0.0.1:7820". */
const char *ctl_servers(const struct ctl *c);
/* Several were named: which of them answers may change at any time. */
bool ctl_has_several(const struct ctl *c);

/* A map with the namespace in it; die when out of memory, as all params_ functions. */
struct svcd_value *params_new(const struct ctl *c);
void params_text(struct svcd_value *params, const char *key, const char *text); /* NULL:
										   left
										   out */
void params_number(struct svcd_value *params, const char *key, uint64_t number);
void params_truth(struct svcd_value *params, const char *key, bool truth);
void params_child(struct svcd_value *params, const char *key,
	struct svcd_value *child); /* takes it */

#endif
