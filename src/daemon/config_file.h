/*
 * The configuration file: YAML (a mapping of settings and of sections), read with libyaml
 * and typed by our own table, so that `no`, `010` and `1:30` are what the setting says
 * they are.
 */
#ifndef SVCD_DAEMON_CONFIG_FILE_H
#define SVCD_DAEMON_CONFIG_FILE_H

#include "daemon/problems.h"
#include "daemon/settings.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20)

/* Applies the text of a file to s; every mistake goes to p. set (one flag per row, may be
 * NULL) tells which settings the file gives. Bytes in, values out: no I/O. */
void config_parse(struct bytes text, struct settings *s, bool *set, struct problems *p);

/* Reads a file whole into out. 0 or an error with e filled: SVCD_ENOTFOUND, SVCD_EDENIED,
 * SVCD_ETOOBIG … */
int config_read(const char *path, struct buf *out, struct err *e);

#endif
