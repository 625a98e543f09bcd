/*
 * Results as documents: what -o json, yaml and csv print.
 *
 * A document has the fields of svcd-protocol(7) with their types, except: times are RFC
 * 3339, digests are hexadecimal text (they need all 64 bits).
 */
#ifndef SVCCTL_JSON_H
#define SVCCTL_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "svcd.h"

#define JSON_API_VERSION "svcd/v1"

/* key is the one under which v stands, "" for none. Never NULL. */
json_t *json_of(const struct svcd_value *v, const char *key);
json_t *json_new_document(void); /* {"apiVersion": "svcd/v1"} */

/* Copies the fields of the map v into the object, except `without` (may be NULL). */
void json_take_fields(json_t *object, const struct svcd_value *v, const char *without);

/* Sets a field; they take the value. NULL or "": left out. */
void json_put(json_t *object, const char *key, json_t *value);
void json_put_text(json_t *object, const char *key, const char *text);
void json_put_number(json_t *object, const char *key, uint64_t number);
void json_put_time(json_t *object, const char *key, uint64_t wall_ms);

/* Output: indented with a final newline; in one line with a newline; YAML, as one
 * document ("---" before it when it is one of many); "field,value" lines. */
void json_print(FILE *out, const json_t *document);
void json_print_line(FILE *out, const json_t *document);
void yaml_print(FILE *out, const json_t *document, bool one_of_many);
void csv_print_fields(FILE *out, const json_t *document, bool headers);

/* A field of RFC 4180, quoted when needed. */
void csv_put(FILE *out, const char *text);

#endif
