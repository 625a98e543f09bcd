/*
 * The head of an HTTP/1.x request (RFC 9112): method and path. Pure; no memory of its
 * own.
 *
 * Stands here because libevent's evhttp neither bounds its connections nor takes one that
 * we accepted, and what is served needs no more than this: no body, one request a
 * connection.
 */
#ifndef SVCD_SERVER_HTTP_REQUEST_H
#define SVCD_SERVER_HTTP_REQUEST_H

#include "base/bytes.h"

#define HTTP_REQUEST_MAX ((size_t)8 << 10)

/* Views into what was parsed. */
struct http_request {
	struct bytes method; /* a token: "GET" */
	struct bytes path; /* as sent, without query and authority; begins with '/', or is
			      "*" */
};

/*
 * in: all that has come so far. 0; SVCD_EAGAIN: the head is not complete; SVCD_ETOOBIG:
 * it is longer than HTTP_REQUEST_MAX; SVCD_EPROTOCOL: not a request, or one that
 * section 3.2 and 5.1 say to refuse (no or several Host, folded lines, space before a
 * colon); SVCD_EVERSION: HTTP, but not 1.x. out is written on 0 only.
 */
int http_request_parse(struct bytes in, struct http_request *out);

#endif
