/*
 * Cells that several listings have, and the table of an instance's columns.
 */
#ifndef SVCCTL_COLUMNS_H
#define SVCCTL_COLUMNS_H

#include "svcctl/print.h"

/* By the column's key. */
cell_fn cell_text;
cell_fn cell_number;
cell_fn cell_age;  /* "41s"; RFC 3339 for machines */
cell_fn cell_list; /* an array of text, joined by commas */
/* Of any row. */
cell_fn cell_ns;
cell_fn cell_service;
cell_fn cell_id;
/* Of an instance. */
cell_fn cell_address; /* HOST:PORT of its first port */
cell_fn cell_ports;   /* "http=8080,metrics=9090/udp" */
cell_fn cell_zone;
cell_fn cell_meta;
cell_fn cell_checks;
cell_fn cell_note; /* why it is not simply up */

paint_fn paint_state; /* of an instance's effective state */
enum paint paint_of_state(const char *state);

/* Of a map with the counts of a service. "up": all of them; "degraded": some; "down":
 * none though there should be; "drain": nobody new is let in; "empty". */
const char *service_state(const struct svcd_value *counts);

/* What `ls SERVICE`, `get` and `resolve -o wide` print. */
extern const struct column instance_columns[];

/* Writes "HOST:PORT" ("[HOST]:PORT" for IPv6) of the port called name, or of the first
 * one; HOST alone when there are no ports. False when there is no such port, and nothing
 * is written. */
bool put_endpoint(FILE *out, const struct svcd_value *instance, const char *port_name);

/* Text that came over the network, without bytes that drive a terminal. */
void put_clean(FILE *out, const char *text);

/* How long ago a time of a row was, from its key; 0 when it is not there or in the
 * future. */
uint64_t age_of(const struct view *v, const struct svcd_value *map, const char *key);

#endif
