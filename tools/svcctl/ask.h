/*
 * Questions before what cannot be taken back.
 */
#ifndef SVCCTL_ASK_H
#define SVCCTL_ASK_H

#include "svcctl/report.h"

/* what: "remove n2 from the cluster", of which a question is made. OUT_OK: yes;
 * OUT_FAILED: no, and "nothing was changed" is said; OUT_USAGE: there is nobody to ask,
 * which is reported with hint (the option that answers it). */
enum outcome ask_first(const char *hint, const char *what, ...)
	__attribute__((format(printf, 2, 3)));

#endif
