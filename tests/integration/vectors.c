#include "vectors.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/notation.h"
#include "../unit/repack.h"
#include "../unit/unit.h"
#include "wire/pack.h"

#define COLUMNS 110

static struct arena *arena;
static bool identities_fixed;

/* ---- writing hex ------------------------------------------------------- */

struct hex_out {
	struct buf *out;
	size_t line; /* where it began */
	bool mask;   /* what varies */
};

/* One value's head, or text: a word of hex. */
static void put_word(struct hex_out *h, struct bytes v, bool mask)
{
	if (h->out->len - h->line + 1 + 2 * v.len > COLUMNS &&
		h->out->len - h->line > 10) {
		h->line = h->out->len + 1;
		buf_printf(h->out, "\n ");
	}
	buf_put_u8(h->out, ' ');
	for (size_t i = 0; i < v.len; i++) {
		if (mask)
			buf_printf(h->out, "?\?");
		else
			buf_printf(h->out, "%02x", v.data[i]);
	}
}

static bool varies(struct bytes key)
{
	static const char *const keys[] = {
		"wall_ms", "since", "at", "digest", "index", "bytes", "cluster", "node"};
	size_t n = LENGTH(keys) - (identities_fixed ? 2 : 0);

	for (size_t i = 0; i < n; i++)
		if (bytes_eq_str(key, keys[i]))
			return true;
	return false;
}

/* Length of the head of a value: what is not text, elements or pairs. */
static size_t head_len(uint8_t first)
{
	static const uint8_t lens[] = {1, 0, 1, 1, 2, 3, 5, 0, 0, 0, 5, 9, 2, 3, 5, 9, 2,
		3, 5, 9, 0, 0, 0, 0, 0, 2, 3, 5, 3, 5, 3, 5};

	return first >= 0xc0 && first < 0xe0 ? lens[first - 0xc0] : 1;
}

static struct bytes put_value(
	struct hex_out *h, struct bytes in, struct value v, bool mask);

static struct bytes put_elements(struct hex_out *h, struct bytes in, struct value v)
{
	for (uint32_t i = 0; i < v.n; i++) {
		struct value key;
		struct value val;

		if (v.type == VALUE_ARRAY) {
			in = put_value(h, in, value_at(v, i), false);
			continue;
		}
		value_pair(v, i, &key, &val);
		in = put_value(h, in, key, false);
		in = put_value(h, in, val, h->mask && varies(key.s));
	}
	return in;
}

static struct bytes put_value(
	struct hex_out *h, struct bytes in, struct value v, bool mask)
{
	size_t head = head_len(in.data[0]);

	put_word(h, bytes_of(in.data, head), mask && v.type != VALUE_STR);
	in = bytes_of(in.data + head, in.len - head);
	if (v.type == VALUE_STR || v.type == VALUE_BIN) {
		if (v.s.len > 0)
			put_word(h, v.s, mask);
		return bytes_of(in.data + v.s.len, in.len - v.s.len);
	}
	return v.type == VALUE_ARRAY || v.type == VALUE_MAP ? put_elements(h, in, v) : in;
}

static void put_message(struct buf *out, char direction, struct bytes message)
{
	struct hex_out h = {.out = out, .line = out->len, .mask = direction == '<'};
	struct value v;

	buf_put_u8(out, (uint8_t)direction);
	ck_assert_int_eq(value_parse(arena, message, &v), 0);
	put_value(&h, message, v, false);
	buf_put_u8(out, '\n');
	arena_reset(arena);
}

/* ---- reading files ----------------------------------------------------- */

/* A file's lines with what goes on joined, one after the other. */
struct lines {
	struct buf text;
	size_t at;
};

static void lines_read(struct lines *l, const struct vectors *x, const char *name)
{
	char path[1400];
	char line[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", x->folder, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	*l = (struct lines){0};
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == ' ' && l->text.len > 0)
			l->text.len--; /* instead of its end */
		buf_put(&l->text, line, strlen(line) + 1);
	}
	fclose(file);
}

static const char *lines_next(struct lines *l)
{
	const char *line = (const char *)l->text.data + l->at;

	if (l->at >= l->text.len)
		return NULL;
	l->at += strlen(line) + 1;
	return line;
}

/* The next message that the server sends, of any kind, as it came. */
static struct bytes next_message(struct rpc *c)
{
	static struct buf kept;

	buf_clear(&kept);
	rpc_take_raw(c, &kept);
	return buf_bytes(&kept);
}

static void say(struct buf *packed, const char *text)
{
	struct buf loose = {0};
	struct value v;

	notation_pack(&loose, text);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&loose), &v), 0);
	buf_clear(packed);
	repack(packed, v);
	buf_fini(&loose);
	arena_reset(arena);
}

/* ---- checking ---------------------------------------------------------- */

static int digit(char ch)
{
	return ch <= '9' ? ch - '0' : ch - 'a' + 10;
}

static void expect(const char *name, const char *hex, struct bytes message)
{
	size_t i = 0;

	for (const char *at = hex; *at != '\0'; at++) {
		if (*at == ' ')
			continue;
		ck_assert_msg(
			i < message.len, "%s: the message ends before: %s", name, at);
		if (*at != '?')
			ck_assert_msg(
				message.data[i] == (digit(at[0]) << 4 | digit(at[1])),
				"%s: byte %zu is %02x, expected: %s", name, i,
				message.data[i], at);
		at++;
		i++;
	}
	ck_assert_msg(i == message.len, "%s: %zu bytes more than expected", name,
		message.len - i);
}

static void become(const struct vectors *x, const char *name, const char *what)
{
	ck_assert_msg(x->become != NULL && x->become(x->conn, what),
		"%s: what is \"is %s\"?", name, what);
}

static void replay(const struct vectors *x, const char *name)
{
	struct buf said = {0};
	struct lines l;
	const char *line;

	for (lines_read(&l, x, name); (line = lines_next(&l)) != NULL;) {
		if (strncmp(line, "say ", 4) == 0) {
			say(&said, line + 4);
		} else if (line[0] == '>') {
			expect(name, line + 1, buf_bytes(&said));
			rpc_raw(x->conn, buf_bytes(&said));
		} else if (line[0] == '<') {
			expect(name, line + 1, next_message(x->conn));
		} else if (strncmp(line, "is ", 3) == 0) {
			become(x, name, line + 3);
		} else {
			ck_assert_msg(line[0] == '#', "%s: what is \"%s\"?", name, line);
		}
	}
	buf_fini(&said);
	buf_fini(&l.text);
}

static void update(const struct vectors *x, const char *name)
{
	struct buf out = {0};
	struct buf said = {0};
	struct lines l;
	const char *line;
	char path[1400];
	FILE *file;

	for (lines_read(&l, x, name); (line = lines_next(&l)) != NULL;) {
		if (line[0] == '<')
			put_message(&out, '<', next_message(x->conn));
		if (line[0] == '<' || line[0] == '>')
			continue;
		buf_printf(&out, "%s\n", line);
		if (strncmp(line, "is ", 3) == 0)
			become(x, name, line + 3);
		if (strncmp(line, "say ", 4) != 0)
			continue;
		say(&said, line + 4);
		put_message(&out, '>', buf_bytes(&said));
		rpc_raw(x->conn, buf_bytes(&said));
	}
	snprintf(path, sizeof(path), "%s/%s", x->folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fwrite(out.data, 1, out.len, file);
	fclose(file);
	buf_fini(&out);
	buf_fini(&said);
	buf_fini(&l.text);
}

void vectors_init(struct vectors *x, struct rpc *conn, bool identities)
{
	const char *top = getenv("top_srcdir");

	*x = (struct vectors){.conn = conn};
	snprintf(x->folder, sizeof(x->folder), "%s/tests/vectors",
		top != NULL ? top : ".");
	arena = arena_new();
	identities_fixed = identities;
}

void vectors_fini(struct vectors *x)
{
	arena_free(arena);
	x->conn = NULL;
}

void vectors_run(const struct vectors *x, const char *name)
{
	if (getenv("VECTORS_UPDATE") != NULL)
		update(x, name);
	else
		replay(x, name);
}
