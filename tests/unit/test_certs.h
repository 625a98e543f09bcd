/*
 * Authorities and certificates for the tests of TLS, made anew by each run.
 */
#ifndef TESTS_UNIT_TEST_CERTS_H
#define TESTS_UNIT_TEST_CERTS_H

#include <check.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/tls.h"

#define CERT_DAY 86400L

struct cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* Where the PEM files lie. */
struct cert_dir {
	char path[32];
};

struct cert_spec {
	const char *name;  /* common name */
	const char *dns;   /* subjectAltName, as "DNS:a,DNS:b"; NULL: none */
	const char *usage; /* extended key usage; NULL: any */
	long from_s, to_s; /* from now; both 0: a day before to a day behind */
	bool authority;
};

static inline void cert_extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(ext);
	ck_assert_int_eq(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* by NULL: signs itself. */
static inline struct cert cert_make(const struct cert_spec *s, const struct cert *by)
{
	static long serial = 1;
	struct cert c = {X509_new(), EVP_EC_gen("P-256")};
	bool given = s->from_s != 0 || s->to_s != 0;
	X509_NAME *name;

	ck_assert(c.x509 != NULL && c.key != NULL);
	X509_set_version(c.x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c.x509), given ? s->from_s : -CERT_DAY);
	X509_gmtime_adj(X509_getm_notAfter(c.x509), given ? s->to_s : CERT_DAY);
	X509_set_pubkey(c.x509, c.key);
	name = X509_get_subject_name(c.x509);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_UTF8, (const unsigned char *)s->name, -1, -1, 0);
	X509_set_issuer_name(c.x509, by == NULL ? name : X509_get_subject_name(by->x509));
	if (s->authority)
		cert_extend(c.x509, NID_basic_constraints, "critical,CA:TRUE");
	if (s->dns != NULL)
		cert_extend(c.x509, NID_subject_alt_name, s->dns);
	if (s->usage != NULL)
		cert_extend(c.x509, NID_ext_key_usage, s->usage);
	ck_assert_int_gt(
		X509_sign(c.x509, by == NULL ? c.key : by->key, EVP_sha256()), 0);
	return c;
}

static inline struct cert cert_authority(const char *name)
{
	struct cert_spec s = {.name = name, .authority = true};

	return cert_make(&s, NULL);
}

static inline struct cert cert_member(const char *name, const struct cert *by)
{
	char dns[80];
	struct cert_spec s = {.name = "not this one", .dns = dns};

	snprintf(dns, sizeof(dns), "DNS:%s,DNS:other.example", name);
	return cert_make(&s, by);
}

static inline void cert_free(struct cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
}

/* ---- files */

static inline void cert_dir_up(struct cert_dir *d)
{
	strcpy(d->path, "/tmp/svcd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(d->path));
}

static inline char *cert_path(const struct cert_dir *d, const char *file, char out[96])
{
	snprintf(out, 96, "%s/%s", d->path, file);
	return out;
}

static inline void cert_write_text(
	const struct cert_dir *d, const char *file, const char *text)
{
	char path[96];
	FILE *f = fopen(cert_path(d, file, path), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void cert_write(
	const struct cert_dir *d, const char *file, const struct cert *c)
{
	char path[96];
	FILE *f = fopen(cert_path(d, file, path), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, c->x509), 1);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void cert_write_key(
	const struct cert_dir *d, const char *file, const struct cert *c)
{
	char path[96];
	FILE *f = fopen(cert_path(d, file, path), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL), 1);
	ck_assert_int_eq(fclose(f), 0);
}

/* NAME.ca, NAME.cert, NAME.key */
static inline void cert_write_all(const struct cert_dir *d, const char *name,
	const struct cert *ca, const struct cert *c)
{
	char file[32];

	snprintf(file, sizeof(file), "%s.ca", name);
	cert_write(d, file, ca);
	snprintf(file, sizeof(file), "%s.cert", name);
	cert_write(d, file, c);
	snprintf(file, sizeof(file), "%s.key", name);
	cert_write_key(d, file, c);
}

static inline int cert_try(const struct cert_dir *d, const char *ca, const char *cert,
	const char *key, struct tls **out, struct err *e)
{
	char path[3][96];
	struct tls_options o = {
		.ca = cert_path(d, ca, path[0]),
		.cert = cert_path(d, cert, path[1]),
		.key = cert_path(d, key, path[2]),
	};

	return tls_new(&o, out, e);
}

/* Of the files that cert_write_all wrote under name. */
static inline struct tls *cert_tls(const struct cert_dir *d, const char *name)
{
	char file[3][32];
	struct tls *t = NULL;
	struct err e = {0};

	snprintf(file[0], 32, "%s.ca", name);
	snprintf(file[1], 32, "%s.cert", name);
	snprintf(file[2], 32, "%s.key", name);
	ck_assert_msg(cert_try(d, file[0], file[1], file[2], &t, &e) == 0, "%s", e.text);
	return t;
}

static inline void cert_dir_down(struct cert_dir *d)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", d->path);
	ck_assert_int_eq(system(command), 0);
}

#endif
