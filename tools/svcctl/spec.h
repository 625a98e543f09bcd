/*
 * What register is told on its command line, as svcd.h wants it. Pure; errors are
 * sentences.
 */
#ifndef SVCCTL_SPEC_H
#define SVCCTL_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "svcd.h"

#define SPEC_ERROR_MAX 256

/* Owns all that the instance points to. */
struct spec {
	struct svcd_instance instance;
	struct svcd_port *ports;
	struct svcd_pair *meta;
	struct svcd_check *checks;
	char **copies; /* texts that were taken apart */
	size_t n_copies;
};

/* "8080", "http=8080", "dns=53/udp", "https=443/tcp+tls" */
bool spec_add_port(struct spec *s, const char *text, char error[SPEC_ERROR_MAX]);
/* "key=value" */
bool spec_add_meta(struct spec *s, const char *text, char error[SPEC_ERROR_MAX]);
/* "http=/health,interval=5s,timeout=1s,rise=2,fall=3,port=http", "tcp" */
bool spec_add_check(struct spec *s, const char *text, char error[SPEC_ERROR_MAX]);

void spec_fini(struct spec *s); /* zero-initialised is fine */

/* The instance as the protocol's register takes it; caller frees. */
struct svcd_value *spec_value(const struct svcd_instance *i);

#endif
