/*
 * Mutual TLS (OpenSSL): both sides show a certificate of the same authority. The only
 * home of <openssl/...>. TLS 1.3 only.
 */
#ifndef SVCD_NET_TLS_H
#define SVCD_NET_TLS_H

#include "net/conn.h"

struct tls;

/* PEM files. cert may hold a chain, own certificate first. */
struct tls_options {
	const char *ca, *cert, *key;
};

/* Reads and checks the files: SVCD_EINVAL, SVCD_ENOTFOUND, SVCD_EDENIED … with e naming
 * the file and what is wrong in it (not a certificate, key does not fit, expired …). */
int tls_new(const struct tls_options *o, struct tls **out, struct err *e);
void tls_free(struct tls *t); /* connections that use it may outlive it; NULL is fine */
/* Reads the files again: connections made from now on use them. On an error the old ones
 * stay; SVCD_EINVAL also when the certificate has not the name given (as tls_name; NULL:
 * any will do). Any thread. */
int tls_reload(struct tls *t, const char *name, struct err *e);

/* Who the certificate says we are: first DNS name of its subjectAltName, else the common
 * name. */
const char *tls_name(const struct tls *t, char out[64]);
/* Until our certificate ends; negative: it has. */
int64_t tls_valid_for_s(const struct tls *t);

/* As conn_dial and conn_adopt. on_open comes when the handshake is done and the peer's
 * certificate was found good (on both sides); until then nothing is delivered. A failed
 * handshake closes with SVCD_EDENIED. */
struct conn *conn_dial_tls(struct loop *l, const struct net_addr *to, struct tls *t,
	const struct conn_events *ev, void *arg, struct err *e);
struct conn *conn_adopt_tls(
	struct loop *l, int fd, struct tls *t, const struct conn_events *ev, void *arg);

/* Name in the peer's certificate (as tls_name); "" without TLS or before on_open. */
const char *conn_peer_name(const struct conn *c);
/* In on_close: what failed in the handshake, in words; "" when nothing did. */
const char *conn_tls_trouble(const struct conn *c);

#endif
