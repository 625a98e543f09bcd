/* Screens that more than one command shows. */
#ifndef SVCCTL_SCREENS_H
#define SVCCTL_SCREENS_H

#include "svcctl/ctl.h"
#include "svcctl/pages.h"

/* The answer of get for a service, in the format that was asked for. */
void print_service(const struct ctl *c, const struct pages *service);

#endif
