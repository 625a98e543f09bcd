#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	int code;
	const char *name;
	const char *text;
} errors[] = {
#define ERROR_ROW(id, code, name, text) {id, name, text},
	SVCD_ERRORS(ERROR_ROW)
#undef ERROR_ROW
		{SVCD_OK, "ok", "success"},
};

static const struct {
	int errnum;
	int code;
} errnos[] = {
	{0, SVCD_OK},
	{ENOMEM, SVCD_ENOMEM},
	{EINVAL, SVCD_EINVAL},
	{EDOM, SVCD_EINVAL},
	{ENAMETOOLONG, SVCD_EINVAL},
	{ERANGE, SVCD_ERANGE},
	{EOVERFLOW, SVCD_ERANGE},
	{E2BIG, SVCD_ETOOBIG},
	{EMSGSIZE, SVCD_ETOOBIG},
	{EFBIG, SVCD_ETOOBIG},
	{EEXIST, SVCD_EEXISTS},
	{EBUSY, SVCD_EBUSY},
	{ETXTBSY, SVCD_EBUSY},
	{ETIMEDOUT, SVCD_ETIMEOUT},
	{ECONNREFUSED, SVCD_EUNREACHABLE},
	{EHOSTUNREACH, SVCD_EUNREACHABLE},
	{EHOSTDOWN, SVCD_EUNREACHABLE},
	{ENETUNREACH, SVCD_EUNREACHABLE},
	{ENETDOWN, SVCD_EUNREACHABLE},
	{EADDRNOTAVAIL, SVCD_EUNREACHABLE},
	{EACCES, SVCD_EDENIED},
	{EPERM, SVCD_EDENIED},
	{EROFS, SVCD_EDENIED},
	{EPROTO, SVCD_EPROTOCOL},
	{EBADMSG, SVCD_EPROTOCOL},
	{EPIPE, SVCD_ECLOSED},
	{ECONNRESET, SVCD_ECLOSED},
	{ECONNABORTED, SVCD_ECLOSED},
	{ENOTCONN, SVCD_ECLOSED},
	{ESHUTDOWN, SVCD_ECLOSED},
	{ENOSPC, SVCD_ENOSPACE},
	{EDQUOT, SVCD_ENOSPACE},
	{EADDRINUSE, SVCD_EINUSE},
	{EMFILE, SVCD_ELIMIT},
	{ENFILE, SVCD_ELIMIT},
	{ECANCELED, SVCD_ECANCELLED},
	{EAGAIN, SVCD_EAGAIN},
	{EINPROGRESS, SVCD_EAGAIN},
	{EINTR, SVCD_EAGAIN},
	{ENOENT, SVCD_ENOTFOUND},
	{ENOTDIR, SVCD_ENOTFOUND},
};

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* How many bytes follow the first byte of a UTF-8 sequence. */
static size_t tail_length(char first)
{
	unsigned char c = (unsigned char)first;

	return c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
}

/* Removes the UTF-8 sequence that the cut at the end of text left incomplete. */
static void trim_broken_end(char *text, size_t len)
{
	size_t start = len;
	size_t tail = 0;

	while (start > 0 && tail < 3 && is_continuation(text[start - 1])) {
		start--;
		tail++;
	}
	if (start > 0 && tail_length(text[start - 1]) > tail)
		text[start - 1] = '\0';
}

static void format(char out[ERR_TEXT_MAX], const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static void format(char out[ERR_TEXT_MAX], const char *fmt, va_list args)
{
	int n = vsnprintf(out, ERR_TEXT_MAX, fmt, args);

	if (n < 0)
		out[0] = '\0';
	else if (n >= ERR_TEXT_MAX)
		trim_broken_end(out, ERR_TEXT_MAX - 1);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX]; /* the arguments may point into e->text */
	va_list args;

	if (e == NULL)
		return code;
	va_start(args, fmt);
	format(text, fmt, args);
	va_end(args);
	e->code = code;
	strcpy(e->text, text);
	return code;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	char prefix[ERR_TEXT_MAX];
	va_list args;

	if (e == NULL)
		return;
	va_start(args, fmt);
	format(prefix, fmt, args);
	va_end(args);
	err_set(e, e->code, "%s: %s", prefix, e->text);
}

const char *err_name(int code)
{
	for (size_t i = 0; i < LENGTH(errors); i++)
		if (errors[i].code == code)
			return errors[i].name;
	return "unknown";
}

const char *err_text(int code)
{
	for (size_t i = 0; i < LENGTH(errors); i++)
		if (errors[i].code == code)
			return errors[i].text;
	return "unknown";
}

int err_from_name(const char *name)
{
	for (size_t i = 0; i < LENGTH(errors); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].code;
	return SVCD_EINTERNAL;
}

int err_from_errno(int errnum)
{
	for (size_t i = 0; i < LENGTH(errnos); i++)
		if (errnos[i].errnum == errnum)
			return errnos[i].code;
	return SVCD_EIO;
}
