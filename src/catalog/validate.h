/*
 * Words for what is wrong in a request: every message begins with the path of the field,
 * as in "register.instances[2].ports.http.port: 70000 is not within 1..65535".
 */
#ifndef SVCD_CATALOG_VALIDATE_H
#define SVCD_CATALOG_VALIDATE_H

#include "base/err.h"
#include "catalog/types.h"
#include "wire/value.h"

/* Where in the request we are: "method.list[index].part[part_index].name"; what is not
 * set is left out. */
struct where {
	const char *method;
	const char *list; /* NULL: none */
	uint32_t index;
	const char *part; /* NULL: none */
	bool in_array;    /* part[part_index] */
	uint32_t part_index;
	struct bytes name; /* below part; empty: none */
};

#define WHERE_TEXT_MAX 200

const char *where_text(const struct where *w, char out[WHERE_TEXT_MAX]);

/* fields_decode(), which is told the path only when something is wrong. */
int where_decode(const struct where *w, struct value map, const struct field *rows,
	size_t n, void *out, uint64_t *present, struct err *e);

/* Sets e to "path.field: sentence" and returns SVCD_EINVAL. field "" for the path itself.
 */
int where_refuse(const struct where *w, struct err *e, const char *field, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* A namespace, service or port name; 0 or where_refuse. */
int validate_label(
	const struct where *w, const char *field, struct bytes name, struct err *e);
/* Numeric IPv4 or IPv6, a host name, or "unix:/path". */
bool address_ok(struct bytes address);

#endif
