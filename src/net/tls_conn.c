/*
 * TLS as a layer of a connection (struct conn_layer). The library reads from and writes
 * to the socket through a BIO of our own, because its own one may raise SIGPIPE.
 */
#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn_internal.h"
#include "net/tls_internal.h"

struct tls_conn {
	SSL *ssl;
	char peer_name[TLS_NAME_BYTES];
	char trouble[ERR_TEXT_MAX];
	bool failed; /* the library must not be called for this connection any more */
};

static struct tls_conn *tls_of(const struct conn *c)
{
	return c->layer_data;
}

/* ---- the socket, for the library */

static int socket_read(BIO *b, char *out, int cap)
{
	const struct conn *c = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	do
		n = recv(c->fd, out, (size_t)cap, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		BIO_set_retry_read(b);
	return (int)n;
}

static int socket_write(BIO *b, const char *data, int len)
{
	const struct conn *c = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	do
		n = send(c->fd, data, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		BIO_set_retry_write(b);
	return (int)n;
}

static long socket_ctrl(BIO *b, int cmd, long n, void *p)
{
	(void)b;
	(void)n;
	(void)p;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");

	if (m == NULL)
		return;
	if (BIO_meth_set_read(m, socket_read) && BIO_meth_set_write(m, socket_write) &&
		BIO_meth_set_ctrl(m, socket_ctrl))
		method = m;
	else
		BIO_meth_free(m);
}

/* ---- endings */

static void tls_fail(struct conn *c, int reason)
{
	struct tls_conn *tc = tls_of(c);

	tc->failed = true;
	if (tc->trouble[0] == '\0')
		tls_explain_failure(tc->trouble, sizeof(tc->trouble));
	ERR_clear_error();
	conn_end(c, reason);
}

/* After a call gave rv <= 0: what was in the way. SVCD_EAGAIN: nothing. */
static int tls_what(struct tls_conn *tc, int rv)
{
	switch (SSL_get_error(tc->ssl, rv)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return SVCD_EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return SVCD_ECLOSED;
	case SSL_ERROR_SYSCALL:
		return SVCD_EIO;
	default:
		return SVCD_EDENIED;
	}
}

/* The socket failed: as a plain connection would say it. */
static void tls_socket_failed(struct conn *c)
{
	int errnum = errno != 0 ? errno : ECONNRESET;
	int code = err_from_errno(errnum);

	tls_of(c)->failed = true;
	ERR_clear_error();
	conn_fail(c, errnum,
		code == SVCD_ECLOSED || code == SVCD_ETIMEOUT ? SVCD_ECLOSED : SVCD_EIO);
}

/* ---- the layer */

static void learn_peer_name(struct tls_conn *tc)
{
	X509 *cert = SSL_get0_peer_certificate(tc->ssl);

	if (cert != NULL)
		tls_certificate_name(cert, tc->peer_name);
}

static int layer_handshake(struct conn *c)
{
	struct tls_conn *tc = tls_of(c);
	int rv;

	ERR_clear_error();
	errno = 0;
	rv = SSL_do_handshake(tc->ssl);
	if (rv == 1) {
		learn_peer_name(tc);
		return 0;
	}
	c->layer_writes = SSL_want_write(tc->ssl) != 0;
	if (tls_what(tc, rv) == SVCD_EAGAIN)
		return SVCD_EAGAIN;
	tls_fail(c, SVCD_EDENIED);
	return -1;
}

static ssize_t recv_failed(struct conn *c, int rv)
{
	switch (tls_what(tls_of(c), rv)) {
	case SVCD_EAGAIN:
		return -1;
	case SVCD_ECLOSED:
		return 0;
	case SVCD_EIO:
		tls_socket_failed(c);
		return -1;
	default:
		/* With TLS 1.3 a dialler's handshake is done before the other side has
		 * looked at its certificate: a refusal comes here. */
		tls_fail(c, SVCD_EDENIED);
		return -1;
	}
}

/* Until the scratch buffer is full or the socket empty. */
static ssize_t layer_recv(struct conn *c)
{
	struct tls_conn *tc = tls_of(c);
	size_t got = 0;
	int rv = 1;

	c->more_in = false;
	ERR_clear_error();
	errno = 0;
	while (got < LOOP_SCRATCH_BYTES && rv > 0) {
		rv = SSL_read(
			tc->ssl, c->loop->scratch + got, (int)(LOOP_SCRATCH_BYTES - got));
		if (rv > 0)
			got += (size_t)rv;
	}
	if (got == 0)
		return recv_failed(c, rv);
	/* What stopped us is found again by the next call. */
	c->more_in = rv > 0 ? SSL_has_pending(tc->ssl) != 0
			    : tls_what(tc, rv) != SVCD_EAGAIN;
	return (ssize_t)got;
}

static ssize_t layer_send(struct conn *c, const uint8_t *data, size_t len)
{
	struct tls_conn *tc = tls_of(c);
	size_t sent = 0;
	int rv = 1;

	ERR_clear_error();
	errno = 0;
	while (sent < len && rv > 0) {
		size_t n = len - sent < INT32_MAX ? len - sent : INT32_MAX;

		rv = SSL_write(tc->ssl, data + sent, (int)n);
		if (rv > 0)
			sent += (size_t)rv;
	}
	if (rv > 0 || tls_what(tc, rv) == SVCD_EAGAIN)
		return (ssize_t)sent;
	if (tls_what(tc, rv) == SVCD_EIO)
		tls_socket_failed(c);
	else
		tls_fail(c, SVCD_EIO);
	return -1;
}

static void layer_say_end(struct conn *c)
{
	struct tls_conn *tc = tls_of(c);

	ERR_clear_error();
	if (!tc->failed)
		SSL_shutdown(tc->ssl);
	ERR_clear_error();
}

static void tls_conn_free(struct tls_conn *tc)
{
	if (tc == NULL)
		return;
	SSL_free(tc->ssl);
	free(tc);
}

static void layer_free(struct conn *c)
{
	tls_conn_free(tls_of(c));
}

static const struct conn_layer layer = {
	.handshake = layer_handshake,
	.recv = layer_recv,
	.send = layer_send,
	.say_end = layer_say_end,
	.free = layer_free,
};

/* ---- making */

/* Only here the library says which certificate it was: when the handshake has failed, it
 * is gone. */
static int on_verify(int ok, X509_STORE_CTX *check)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		check, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *tc = SSL_get_app_data(ssl);
	long error = X509_STORE_CTX_get_error(check);
	bool of_time = error == X509_V_ERR_CERT_HAS_EXPIRED ||
		error == X509_V_ERR_CERT_NOT_YET_VALID;

	if (!ok && tc->trouble[0] == '\0')
		tls_explain_verify(error,
			of_time ? X509_STORE_CTX_get_current_cert(check)
				: X509_STORE_CTX_get0_cert(check),
			tc->trouble, sizeof(tc->trouble));
	return ok;
}

static struct tls_conn *tls_conn_new(struct tls *t, bool dials)
{
	struct tls_conn *tc = calloc(1, sizeof(*tc));
	BIO *bio = NULL;

	pthread_once(&method_once, make_method);
	if (tc == NULL)
		return NULL;
	tc->ssl = tls_session(t);
	if (tc->ssl != NULL && method != NULL)
		bio = BIO_new(method);
	if (bio == NULL) {
		ERR_clear_error();
		tls_conn_free(tc);
		return NULL;
	}
	BIO_set_init(bio, 1);
	SSL_set_bio(tc->ssl, bio, bio);
	SSL_set_app_data(tc->ssl, tc);
	SSL_set_verify(tc->ssl, SSL_get_verify_mode(tc->ssl), on_verify);
	if (dials)
		SSL_set_connect_state(tc->ssl);
	else
		SSL_set_accept_state(tc->ssl);
	return tc;
}

struct conn *conn_dial_tls(struct loop *l, const struct net_addr *to, struct tls *t,
	const struct conn_events *ev, void *arg, struct err *e)
{
	struct tls_conn *tc = tls_conn_new(t, true);
	struct conn_layering with = {.layer = &layer, .data = tc};
	struct conn *c;

	if (tc == NULL) {
		err_set(e, SVCD_ENOMEM, "no memory for a connection to %s", to->text);
		return NULL;
	}
	c = conn_dial_layered(l, to, &with, ev, arg, e);
	if (c == NULL)
		tls_conn_free(tc);
	else
		BIO_set_data(SSL_get_wbio(tc->ssl), c);
	return c;
}

struct conn *conn_adopt_tls(
	struct loop *l, int fd, struct tls *t, const struct conn_events *ev, void *arg)
{
	struct tls_conn *tc = tls_conn_new(t, false);
	struct conn_layering with = {.layer = &layer, .data = tc};
	struct conn *c;

	if (tc == NULL) {
		close(fd);
		return NULL;
	}
	c = conn_adopt_layered(l, fd, &with, ev, arg);
	if (c == NULL)
		tls_conn_free(tc);
	else
		BIO_set_data(SSL_get_wbio(tc->ssl), c);
	return c;
}

const char *conn_peer_name(const struct conn *c)
{
	return c->layer == &layer ? tls_of(c)->peer_name : "";
}

const char *conn_tls_trouble(const struct conn *c)
{
	return c->layer == &layer ? tls_of(c)->trouble : "";
}
