/*
 * The head of an HTTP/1.x answer (RFC 9112), read as it comes: status line and headers,
 * no body.
 *
 * Takes bytes in pieces of any size and keeps only the start of the present line, so that
 * a peer cannot make it grow. Interim answers (1xx but 101) are skipped. No I/O, no
 * memory of its own.
 */
#ifndef SVCD_HEALTH_HTTP_ANSWER_H
#define SVCD_HEALTH_HTTP_ANSWER_H

#include "base/bytes.h"

#define HTTP_HEAD_BYTES_MAX \
	16384 /* status lines and headers, interim answers included \
	       */
#define HTTP_LINE_KEPT 48

enum http_answer_end {
	HTTP_ANSWER_MORE, /* not complete yet */
	HTTP_ANSWER_DONE, /* status is valid */
	HTTP_ANSWER_BAD,  /* http_answer_fault says why */
};

enum http_answer_step {
	HTTP_STEP_STATUS,
	HTTP_STEP_HEADERS,
	HTTP_STEP_DONE,
	HTTP_STEP_BAD
};

enum http_answer_fault {
	HTTP_FAULT_NONE,
	HTTP_FAULT_NOT_HTTP,
	HTTP_FAULT_HEADER,
	HTTP_FAULT_TOO_BIG
};

struct http_answer {
	enum http_answer_step step;
	enum http_answer_fault fault; /* the line is still collected for its words */
	uint16_t status;              /* of the last complete status line; 0: none yet */
	uint32_t bytes;               /* of the head so far */
	uint32_t line_len;            /* of the present line, without its end */
	bool named; /* the present header line had its colon, or continues another one */
	bool cr;    /* the last byte was a CR */
	char line[HTTP_LINE_KEPT]; /* its first bytes */
};

void http_answer_init(struct http_answer *a);

/* Once it says DONE or BAD it goes on saying so. What comes after the head is ignored. */
enum http_answer_end http_answer_feed(struct http_answer *a, struct bytes in);

/* "not an HTTP answer: 'SSH-2.0-OpenSSH_9.2'": printable ASCII whatever came. Only after
 * BAD. Returns out. */
char *http_answer_fault_text(const struct http_answer *a, char *out, size_t cap);

#endif
