/*
 * Certificates and keys from files, checked before they are used.
 */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls_internal.h"

/* What a reload replaces. */
struct tls_current {
	pthread_mutex_t lock;
	SSL_CTX *ctx;
};

struct tls {
	struct tls_current *current;
	char *ca, *cert, *key;
};

/* ---- names and times */

static void copy_name(const ASN1_STRING *s, char out[TLS_NAME_BYTES])
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, s);

	if (len > 0 && len < TLS_NAME_BYTES &&
		bytes_is_text(bytes_of(utf8, (size_t)len))) {
		memcpy(out, utf8, (size_t)len);
		out[len] = '\0';
	}
	OPENSSL_free(utf8);
}

static void dns_name(X509 *cert, char out[TLS_NAME_BYTES])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && out[0] == '\0'; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			copy_name(name->d.dNSName, out);
	}
	GENERAL_NAMES_free(names);
}

static void common_name(X509 *cert, char out[TLS_NAME_BYTES])
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at >= 0)
		copy_name(
			X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), out);
}

void tls_certificate_name(X509 *cert, char out[TLS_NAME_BYTES])
{
	out[0] = '\0';
	dns_name(cert, out);
	if (out[0] == '\0')
		common_name(cert, out);
}

int64_t tls_certificate_seconds(X509 *cert)
{
	int days = 0;
	int seconds = 0;

	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) != 1)
		return -1;
	return (int64_t)days * 86400 + seconds;
}

/* ---- reading files */

static int tls_open(const char *path, const char *what, FILE **out, struct err *e)
{
	*out = fopen(path, "re");
	if (*out != NULL)
		return 0;
	return err_set(e, err_from_errno(errno), "cannot read %s %s: %s", what, path,
		strerror(errno));
}

/* There is nobody to ask. */
static int no_passphrase(char *out, int cap, int writing, void *arg)
{
	(void)out;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

static int load_authorities(SSL_CTX *ctx, const char *path, struct err *e)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	FILE *f;
	X509 *cert;
	int rc = tls_open(path, "the authority's certificate", &f, e);
	int n = 0;

	if (rc != 0)
		return rc;
	while ((cert = PEM_read_X509(f, NULL, no_passphrase, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
	}
	fclose(f);
	ERR_clear_error();
	return n > 0 ? 0
		     : err_set(e, SVCD_EINVAL,
			       "%s holds no certificate of an authority (PEM)", path);
}

static int load_certificates(SSL_CTX *ctx, const char *path, struct err *e)
{
	FILE *f;
	X509 *cert;
	int rc = tls_open(path, "the certificate", &f, e);
	int n = 0;

	if (rc != 0)
		return rc;
	while ((cert = PEM_read_X509(f, NULL, no_passphrase, NULL)) != NULL) {
		int ok = n == 0 ? SSL_CTX_use_certificate(ctx, cert)
				: SSL_CTX_add1_chain_cert(ctx, cert);

		X509_free(cert);
		n++;
		if (ok != 1)
			rc = err_set(e, SVCD_EINVAL, "certificate %d of %s: %s", n, path,
				tls_library_words());
	}
	fclose(f);
	ERR_clear_error();
	if (n == 0)
		return err_set(e, SVCD_EINVAL, "%s holds no certificate (PEM)", path);
	return rc;
}

static int load_key(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	EVP_PKEY *key;
	FILE *f;
	int rc = tls_open(o->key, "the key", &f, e);

	if (rc != 0)
		return rc;
	key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	fclose(f);
	if (key == NULL) {
		ERR_clear_error();
		return err_set(e, SVCD_EINVAL,
			"%s holds no private key without a passphrase (PEM)", o->key);
	}
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		rc = err_set(e, SVCD_EINVAL,
			"the key %s is not that of the certificate %s", o->key, o->cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

/* Others will look at it in the same way: better said here than by their refusal. */
static int check_own(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	STACK_OF(X509) *chain = NULL;
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	X509 *cert = SSL_CTX_get0_certificate(ctx);
	char words[ERR_TEXT_MAX];
	int rc = 0;

	SSL_CTX_get0_chain_certs(ctx, &chain);
	if (check == NULL ||
		X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ctx), cert, chain) !=
			1) {
		rc = err_set(e, SVCD_ENOMEM, "no memory for TLS");
	} else if (X509_verify_cert(check) != 1) {
		tls_explain_verify(
			X509_STORE_CTX_get_error(check), cert, words, sizeof(words));
		rc = err_set(
			e, SVCD_EINVAL, "%s, checked with %s: %s", o->cert, o->ca, words);
	}
	X509_STORE_CTX_free(check);
	ERR_clear_error();
	return rc;
}

/* No session is resumed: each connection shows its certificate. Buffers are given back
 * while a connection is idle. */
static void set_options(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static int load_all(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	char name[TLS_NAME_BYTES];
	int rc = load_authorities(ctx, o->ca, e);

	if (rc == 0)
		rc = load_certificates(ctx, o->cert, e);
	if (rc == 0)
		rc = load_key(ctx, o, e);
	if (rc == 0)
		rc = check_own(ctx, o, e);
	if (rc != 0)
		return rc;
	tls_certificate_name(SSL_CTX_get0_certificate(ctx), name);
	if (name[0] == '\0')
		return err_set(e, SVCD_EINVAL,
			"%s names nobody: it needs a DNS name (subjectAltName) of at most "
			"%d bytes",
			o->cert, TLS_NAME_BYTES - 1);
	return 0;
}

static int make_context(const struct tls_options *o, SSL_CTX **out, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	int rc;

	ERR_clear_error();
	if (ctx == NULL)
		return err_set(e, SVCD_ENOMEM, "no memory for TLS");
	set_options(ctx);
	rc = load_all(ctx, o, e);
	if (rc != 0)
		SSL_CTX_free(ctx);
	else
		*out = ctx;
	return rc;
}

/* ---- life */

static struct tls_current *current_new(void)
{
	struct tls_current *now = calloc(1, sizeof(*now));

	if (now != NULL)
		pthread_mutex_init(&now->lock, NULL);
	return now;
}

static void current_free(struct tls_current *now)
{
	if (now == NULL)
		return;
	SSL_CTX_free(now->ctx);
	pthread_mutex_destroy(&now->lock);
	free(now);
}

/* The caller frees its reference. */
static SSL_CTX *current_context(const struct tls *t)
{
	SSL_CTX *ctx;

	pthread_mutex_lock(&t->current->lock);
	ctx = t->current->ctx;
	SSL_CTX_up_ref(ctx);
	pthread_mutex_unlock(&t->current->lock);
	return ctx;
}

/* Returns what was there. */
static SSL_CTX *current_replace(const struct tls *t, SSL_CTX *ctx)
{
	SSL_CTX *old;

	pthread_mutex_lock(&t->current->lock);
	old = t->current->ctx;
	t->current->ctx = ctx;
	pthread_mutex_unlock(&t->current->lock);
	return old;
}

int tls_new(const struct tls_options *o, struct tls **out, struct err *e)
{
	struct tls *t = calloc(1, sizeof(*t));
	int rc = 0;

	if (t == NULL)
		return err_set(e, SVCD_ENOMEM, "no memory for TLS");
	t->current = current_new();
	t->ca = strdup(o->ca);
	t->cert = strdup(o->cert);
	t->key = strdup(o->key);
	if (t->current == NULL || t->ca == NULL || t->cert == NULL || t->key == NULL)
		rc = err_set(e, SVCD_ENOMEM, "no memory for TLS");
	else
		rc = make_context(o, &t->current->ctx, e);
	if (rc != 0)
		tls_free(t);
	else
		*out = t;
	return rc;
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	current_free(t->current);
	free(t->ca);
	free(t->cert);
	free(t->key);
	free(t);
}

int tls_reload(struct tls *t, const char *name, struct err *e)
{
	struct tls_options o = {.ca = t->ca, .cert = t->cert, .key = t->key};
	SSL_CTX *ctx;
	char found[64];
	int rc = make_context(&o, &ctx, e);

	if (rc != 0)
		return rc;
	tls_certificate_name(SSL_CTX_get0_certificate(ctx), found);
	if (name != NULL && strcmp(found, name) != 0) {
		SSL_CTX_free(ctx);
		return err_set(e, SVCD_EINVAL,
			"%s is the certificate of \"%s\", not of \"%s\"", t->cert, found,
			name);
	}
	SSL_CTX_free(current_replace(t, ctx));
	return 0;
}

SSL *tls_session(struct tls *t)
{
	SSL_CTX *ctx = current_context(t);
	SSL *ssl = SSL_new(ctx);

	SSL_CTX_free(ctx);
	return ssl;
}

const char *tls_name(const struct tls *t, char out[64])
{
	SSL_CTX *ctx = current_context(t);

	tls_certificate_name(SSL_CTX_get0_certificate(ctx), out);
	SSL_CTX_free(ctx);
	return out;
}

int64_t tls_valid_for_s(const struct tls *t)
{
	SSL_CTX *ctx = current_context(t);
	int64_t seconds = tls_certificate_seconds(SSL_CTX_get0_certificate(ctx));

	SSL_CTX_free(ctx);
	return seconds;
}
