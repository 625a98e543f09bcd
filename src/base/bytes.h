/*
 * Views of bytes that somebody else owns, and a growing buffer that we own.
 *
 * struct bytes never owns: its header says where it came from and how long it lives.
 * struct buf is bounded and has a sticky error: put, put, put, then look at b->error
 * once. After an error every put is a no-op, so a half-made message is never sent by
 * accident.
 */
#ifndef SVCD_BASE_BYTES_H
#define SVCD_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define BYTES_NONE ((struct bytes){NULL, 0})

struct bytes bytes_of(const void *data, size_t len);
struct bytes bytes_str(const char *text); /* without the NUL; NULL gives BYTES_NONE */
bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_eq_str(struct bytes a, const char *text);
int bytes_cmp(struct bytes a, struct bytes b); /* memcmp order, shorter first */
bool bytes_has_prefix(struct bytes a, struct bytes prefix);

/* XXH3 64 bit; seed 0 in the first: stable over restarts and hosts. */
uint64_t bytes_hash(struct bytes a);
uint64_t bytes_hash_seed(struct bytes a, uint64_t seed);

/* Strict UTF-8 (RFC 3629: no overlong forms, no surrogates) without control characters
 * (U+0000..1F, 7F..9F: the last ones drive terminals too). */
bool bytes_is_text(struct bytes a);
size_t bytes_text_char(struct bytes a); /* length of the first one; 0: there is none */

/* Growing buffer. max bounds len; 0 means BUF_MAX_DEFAULT. Zero-initialised is valid. */
#define BUF_MAX_DEFAULT ((size_t)64 << 20)

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max;
	int error; /* sticky: SVCD_ENOMEM or SVCD_ETOOBIG */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);           /* frees; leaves b valid and empty */
void buf_clear(struct buf *b);          /* len = 0, error = 0, keeps the memory */
void buf_fail(struct buf *b, int code); /* sets the sticky error unless there is one */

/* Room for n more bytes, NULL with the error set. Does not change len. */
uint8_t *buf_reserve(struct buf *b, size_t n);

void buf_put(struct buf *b, const void *data, size_t n);
void buf_put_bytes(struct buf *b, struct bytes v);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_be16(struct buf *b, uint16_t v);
void buf_put_be32(struct buf *b, uint32_t v);
void buf_put_be64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void buf_drop_front(struct buf *b, size_t n); /* removes the first n bytes; n <= len */
struct bytes buf_bytes(const struct buf *b);  /* view, valid until the next change */

uint16_t get_be16(const uint8_t *p);
uint32_t get_be32(const uint8_t *p);
uint64_t get_be64(const uint8_t *p);

/* Reference-counted immutable bytes: one encoding for many receivers and threads. */
struct shared {
	_Atomic uint32_t refs;
	size_t len;
	uint8_t data[];
};

/* Copies; the caller has the one reference. NULL when out of memory. */
struct shared *shared_new(struct bytes v);
struct shared *shared_ref(struct shared *s);
void shared_unref(struct shared *s); /* NULL is fine */

#endif
