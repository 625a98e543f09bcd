/*
 * What tls.c (files and contexts), tls_words.c (errors in words) and tls_conn.c
 * (connections) share. Not for other folders.
 */
#ifndef SVCD_NET_TLS_INTERNAL_H
#define SVCD_NET_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "net/tls.h"

#define TLS_NAME_BYTES 64

/* A connection's part in the current files; it keeps them. NULL: no memory. */
SSL *tls_session(struct tls *t);

/* First DNS name, else the common name; "" when there is none that can be shown. */
void tls_certificate_name(X509 *cert, char out[TLS_NAME_BYTES]);
int64_t tls_certificate_seconds(X509 *cert); /* until it ends */

/* Why a certificate is not good: X509_V_ERR_… about cert, which may be NULL. */
void tls_explain_verify(long error, X509 *cert, char *out, size_t cap);
/* Why the handshake or a later call failed: the errors of this thread, which are then
 * forgotten. */
void tls_explain_failure(char *out, size_t cap);
/* The newest error of the queue, as the library has it. */
const char *tls_library_words(void);

#endif
