/*
 * An authority and a certificate for each member, made with openssl(1).
 */
#ifndef TESTS_FAULT_CLUSTER_TRUST_H
#define TESTS_FAULT_CLUSTER_TRUST_H

#include <stdbool.h>

/* Writes ca.pem, and m0.pem, m0.key … for n members named m0 … into dir. They are valid
 * for some weeks before and years after now (the first only where shim, as in member.h,
 * is not ""). False: openssl.log in dir says why. */
bool trust_make(const char *dir, int n, const char *shim);

#endif
