/* Tables for people, by libsmartcols. Used by print.c only. */
#ifndef SVCCTL_PRINT_TABLE_H
#define SVCCTL_PRINT_TABLE_H

#include "svcctl/print.h"

void print_table(const struct view *v, const struct listing *l);

#endif
