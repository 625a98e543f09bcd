/*
 * What OpenSSL says, for people who must do something about it.
 */
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>
#include <string.h>

#include "net/tls_internal.h"

/* "2026-11-23 15:04 UTC" */
static void put_time(const ASN1_TIME *t, char *out, size_t cap)
{
	struct tm tm = {0};

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
		strftime(out, cap, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(out, cap, "an unknown time");
}

static bool is_unknown_authority(long error)
{
	return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
		error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
		error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
		error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
		error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
		error == X509_V_ERR_CERT_SIGNATURE_FAILURE;
}

void tls_explain_verify(long error, X509 *cert, char *out, size_t cap)
{
	char name[TLS_NAME_BYTES] = "";
	char when[32];

	if (cert == NULL) {
		snprintf(out, cap, "%s", X509_verify_cert_error_string(error));
		return;
	}
	tls_certificate_name(cert, name);
	if (is_unknown_authority(error)) {
		snprintf(out, cap, "the certificate of \"%s\" is of an unknown authority",
			name);
	} else if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
		put_time(X509_get0_notAfter(cert), when, sizeof(when));
		snprintf(out, cap, "the certificate of \"%s\" expired on %s", name, when);
	} else if (error == X509_V_ERR_CERT_NOT_YET_VALID) {
		put_time(X509_get0_notBefore(cert), when, sizeof(when));
		snprintf(out, cap,
			"the certificate of \"%s\" is not valid before %s: is a clock wrong?",
			name, when);
	} else if (error == X509_V_ERR_INVALID_PURPOSE) {
		snprintf(out, cap,
			"the certificate of \"%s\" must be for both servers and clients",
			name);
	} else {
		snprintf(out, cap, "the certificate of \"%s\": %s", name,
			X509_verify_cert_error_string(error));
	}
}

/* Alerts are what the other side says; the rest we found ourselves. */
static const struct {
	int reason;
	const char *words;
} reasons[] = {
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "it showed no certificate"},
	{SSL_R_WRONG_VERSION_NUMBER, "it does not speak TLS"},
	{SSL_R_HTTP_REQUEST, "it does not speak TLS, but HTTP"},
	{SSL_R_UNSUPPORTED_PROTOCOL, "it does not speak TLS 1.3"},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "it does not speak TLS 1.3"},
	{SSL_R_TLSV1_ALERT_UNKNOWN_CA, "it does not know our certificate's authority"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "it finds our certificate expired"},
	{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "it wants a certificate from us"},
	{SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "it does not accept our certificate"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "it does not accept our certificate"},
	{SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
		"our certificate must be for both servers and clients"},
};

static const char *words_of_reason(int reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].reason == reason)
			return reasons[i].words;
	return NULL;
}

const char *tls_library_words(void)
{
	const char *words = ERR_reason_error_string(ERR_peek_last_error());

	return words != NULL ? words : "an unknown error of the library";
}

void tls_explain_failure(char *out, size_t cap)
{
	unsigned long first = ERR_peek_error();
	const char *words = words_of_reason(ERR_GET_REASON(first));

	if (words != NULL && ERR_GET_LIB(first) == ERR_LIB_SSL)
		snprintf(out, cap, "%s", words);
	else if (first == 0)
		snprintf(out, cap, "it closed the connection in the handshake of TLS");
	else
		snprintf(out, cap, "TLS: %s", tls_library_words());
	ERR_clear_error();
}
