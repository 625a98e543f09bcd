/*
 * Bytes in a test as hex: "93 01 a1 61"; blanks are ignored.
 */
#ifndef TESTS_UNIT_HEX_H
#define TESTS_UNIT_HEX_H

#include <check.h>
#include <string.h>

#include "base/bytes.h"

static inline uint8_t hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	ck_assert_msg(at != NULL, "not hex: '%c'", c);
	return (uint8_t)(at - digits);
}

/* Appends to b; the view is of what was appended and valid until b changes. */
static inline struct bytes hex(struct buf *b, const char *text)
{
	size_t start = b->len;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		buf_put_u8(b, (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1])));
		text++;
	}
	ck_assert_int_eq(b->error, 0);
	return bytes_of(b->data + start, b->len - start);
}

#endif
