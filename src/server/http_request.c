#include "server/http_request.h"

#include <string.h>
#include <strings.h>

#include "svcd.h"

/* RFC 9110 section 5.6.2 */
static bool is_token_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z') ||
		(c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct bytes v)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_token_char(v.data[i]))
			return false;
	return v.len > 0;
}

static bool is_visible(struct bytes v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] <= ' ' || v.data[i] >= 127)
			return false;
	return v.len > 0;
}

/* Up to the first c; what follows stays in rest. False, with all of it: there is none. */
static bool split(struct bytes *rest, uint8_t c, struct bytes *head)
{
	const uint8_t *at = rest->len > 0 ? memchr(rest->data, c, rest->len) : NULL;

	if (at == NULL) {
		*head = *rest;
		*rest = BYTES_NONE;
		return false;
	}
	*head = bytes_of(rest->data, (size_t)(at - rest->data));
	*rest = bytes_of(at + 1, rest->len - head->len - 1);
	return true;
}

/* Section 2.2: a lone LF ends a line, too; a CR elsewhere is not accepted. */
static bool take_line(struct bytes *rest, struct bytes *line)
{
	struct bytes before = *rest;

	if (!split(rest, '\n', line)) {
		*rest = before;
		return false;
	}
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	return true;
}

/* "http://host[/path][?query]", what a proxy is sent and everybody has to take: what
 * stands before the path, or 0. */
static size_t authority_length(struct bytes target)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;
	size_t at = n;

	if (target.len < n || strncasecmp((const char *)target.data, scheme, n) != 0)
		return 0;
	while (at < target.len && target.data[at] != '/' && target.data[at] != '?')
		at++;
	return at > n ? at : 0;
}

/* Section 3.2: origin-form, absolute-form, or "*". */
static bool take_path(struct bytes target, struct bytes *path)
{
	size_t n = authority_length(target);

	target = bytes_of(target.data + n, target.len - n);
	if (n > 0 && (target.len == 0 || target.data[0] == '?'))
		target = bytes_str("/");
	split(&target, '?', path);
	return (path->len > 0 && path->data[0] == '/') || bytes_eq_str(*path, "*");
}

static int take_version(struct bytes version)
{
	if (version.len != 8 || memcmp(version.data, "HTTP/", 5) != 0 ||
		version.data[5] < '0' || version.data[5] > '9' ||
		version.data[6] != '.' || version.data[7] < '0' || version.data[7] > '9')
		return SVCD_EPROTOCOL;
	return version.data[5] == '1' ? 0 : SVCD_EVERSION;
}

static int take_request_line(struct bytes line, struct http_request *r, bool *needs_host)
{
	struct bytes target;
	int rc;

	if (!split(&line, ' ', &r->method) || !is_token(r->method) ||
		!split(&line, ' ', &target) || !is_visible(target))
		return SVCD_EPROTOCOL;
	rc = take_version(line);
	*needs_host = rc == 0 && line.data[7] != '0';
	return rc != 0 || take_path(target, &r->path) ? rc : SVCD_EPROTOCOL;
}

static bool is_value(struct bytes v)
{
	for (size_t i = 0; i < v.len; i++)
		if ((v.data[i] < ' ' && v.data[i] != '\t') || v.data[i] == 127)
			return false;
	return true;
}

static bool take_header(struct bytes line, unsigned *hosts)
{
	struct bytes name;

	if (!split(&line, ':', &name) || !is_token(name) || !is_value(line))
		return false;
	*hosts += name.len == 4 && strncasecmp((const char *)name.data, "host", 4) == 0;
	return true;
}

static int take_head(struct bytes rest, struct http_request *r)
{
	struct bytes line = BYTES_NONE;
	bool needs_host = false;
	unsigned hosts = 0;
	int rc;

	/* Section 2.2: an empty line before the request is ignored. */
	do {
		if (!take_line(&rest, &line))
			return SVCD_EAGAIN;
	} while (line.len == 0);
	rc = take_request_line(line, r, &needs_host);
	while (rc == 0) {
		if (!take_line(&rest, &line))
			return SVCD_EAGAIN;
		if (line.len == 0)
			break;
		if (!take_header(line, &hosts))
			return SVCD_EPROTOCOL;
	}
	if (rc == 0 && (hosts > 1 || (needs_host && hosts == 0)))
		return SVCD_EPROTOCOL;
	return rc;
}

int http_request_parse(struct bytes in, struct http_request *out)
{
	bool beyond = in.len > HTTP_REQUEST_MAX;
	struct http_request r = {0};
	int rc;

	if (beyond)
		in.len = HTTP_REQUEST_MAX;
	rc = take_head(in, &r);
	if (rc == SVCD_EAGAIN && beyond)
		return SVCD_ETOOBIG;
	if (rc == 0)
		*out = r;
	return rc;
}
