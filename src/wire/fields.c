/*
 * Three passes, so that nothing is written unless everything is well: match keys with
 * rows, check every row in the order of the table, store.
 */
#include "wire/value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 64

/* What one call works on. */
struct decoding {
	const struct field *rows;
	size_t n;
	const char *where;
	struct err *e;
	uint64_t given; /* bit i: row i has a value that is not nil */
	struct value values[ROWS_MAX];
};

static const struct {
	const char *expected;
	uint32_t accepted; /* bit per enum value_type */
	uint64_t max;      /* of the C type */
} kinds[] = {
	[FIELD_TEXT] = {"string", 1 << VALUE_STR, UINT64_MAX},
	[FIELD_BYTES] = {"binary", 1 << VALUE_STR | 1 << VALUE_BIN, UINT64_MAX},
	[FIELD_U64] = {"integer", 1 << VALUE_UINT | 1 << VALUE_INT, UINT64_MAX},
	[FIELD_U32] = {"integer", 1 << VALUE_UINT | 1 << VALUE_INT, UINT32_MAX},
	[FIELD_U16] = {"integer", 1 << VALUE_UINT | 1 << VALUE_INT, UINT16_MAX},
	[FIELD_BOOL] = {"boolean", 1 << VALUE_BOOL, UINT64_MAX},
	[FIELD_MAP] = {"map", 1 << VALUE_MAP, UINT64_MAX},
	[FIELD_ARRAY] = {"array", 1 << VALUE_ARRAY, UINT64_MAX},
	[FIELD_ANY] = {"value", UINT32_MAX, UINT64_MAX},
};

static uint64_t max_of(const struct field *row)
{
	uint64_t max = kinds[row->type].max;

	return row->max != 0 && row->max < max ? row->max : max;
}

/* "register.id" of where "register" and name "id"; either may be empty. Returns out. */
static char *path(char out[ERR_TEXT_MAX], const char *where, const char *name)
{
	snprintf(out, ERR_TEXT_MAX, "%s%s%s", where,
		*where != '\0' && *name != '\0' ? "." : "", name);
	return out;
}

/* "path: problem"; only the problem when there is no path. */
static int fail(const struct decoding *d, const char *name, const char *problem)
{
	char prefix[ERR_TEXT_MAX];

	err_set(d->e, SVCD_EINVAL, "%s", problem);
	if (*path(prefix, d->where, name) != '\0')
		err_prefix(d->e, "%s", prefix);
	return SVCD_EINVAL;
}

static int fail_type(const struct decoding *d, const char *name, const char *expected,
	enum value_type got)
{
	char problem[64];

	snprintf(problem, sizeof(problem), "expected %s, got %s", expected,
		value_type_name(got));
	return fail(d, name, problem);
}

static int check_number(
	const struct decoding *d, const struct field *row, const struct value *v)
{
	char problem[128];
	char number[24];

	if (v->type == VALUE_UINT && v->u >= row->min && v->u <= max_of(row))
		return 0;
	if (v->type == VALUE_UINT)
		snprintf(number, sizeof(number), "%" PRIu64, v->u);
	else
		snprintf(number, sizeof(number), "%" PRId64, v->i);
	snprintf(problem, sizeof(problem), "%s is not within %" PRIu64 "..%" PRIu64,
		number, row->min, max_of(row));
	return fail(d, row->name, problem);
}

/* len, in units such as "byte", against min and max of the row. */
static int check_length(
	const struct decoding *d, const struct field *row, uint64_t len, const char *unit)
{
	bool is_short = len < row->min;
	char problem[128];

	if (!is_short && len <= max_of(row))
		return 0;
	if (len == 0)
		return fail(d, row->name, "empty");
	snprintf(problem, sizeof(problem), "%" PRIu64 " %s%s, at %s %" PRIu64, len, unit,
		len == 1 ? "" : "s", is_short ? "least" : "most",
		is_short ? row->min : max_of(row));
	return fail(d, row->name, problem);
}

static int check_text(
	const struct decoding *d, const struct field *row, struct bytes text)
{
	int rv = check_length(d, row, text.len, "byte");

	if (rv == 0 && !bytes_is_text(text))
		return fail(d, row->name, "not valid UTF-8 text");
	return rv;
}

static int check_value(
	const struct decoding *d, const struct field *row, const struct value *v)
{
	if ((kinds[row->type].accepted >> v->type & 1) == 0)
		return fail_type(d, row->name, kinds[row->type].expected, v->type);
	switch (row->type) {
	case FIELD_TEXT:
		return check_text(d, row, v->s);
	case FIELD_BYTES:
		return check_length(d, row, v->s.len, "byte");
	case FIELD_U64:
	case FIELD_U32:
	case FIELD_U16:
		return check_number(d, row, v);
	case FIELD_MAP:
		return check_length(d, row, v->n, "pair");
	case FIELD_ARRAY:
		return check_length(d, row, v->n, "element");
	case FIELD_BOOL:
	case FIELD_ANY:
		break;
	}
	return 0;
}

static bool is_given(const struct decoding *d, size_t i)
{
	return (d->given >> i & 1) != 0;
}

static int check(const struct decoding *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct field *row = &d->rows[i];
		int rv = 0;

		if (is_given(d, i))
			rv = check_value(d, row, &d->values[i]);
		else if (row->required)
			rv = fail(d, row->name, "missing");
		if (rv != 0)
			return rv;
	}
	return 0;
}

static void store(const struct field *row, const struct value *v, char *to)
{
	switch (row->type) {
	case FIELD_TEXT:
	case FIELD_BYTES:
		memcpy(to, &v->s, sizeof(v->s));
		break;
	case FIELD_U64:
		memcpy(to, &v->u, sizeof(v->u));
		break;
	case FIELD_U32:
		memcpy(to, &(uint32_t){(uint32_t)v->u}, sizeof(uint32_t));
		break;
	case FIELD_U16:
		memcpy(to, &(uint16_t){(uint16_t)v->u}, sizeof(uint16_t));
		break;
	case FIELD_BOOL:
		memcpy(to, &v->boolean, sizeof(v->boolean));
		break;
	case FIELD_MAP:
	case FIELD_ARRAY:
	case FIELD_ANY:
		memcpy(to, v, sizeof(*v));
		break;
	}
}

/* The row of that name, or n. */
static size_t find_row(const struct decoding *d, const size_t *lengths, struct bytes name)
{
	size_t i = 0;

	while (i < d->n &&
		(lengths[i] != name.len ||
			memcmp(d->rows[i].name, name.data, name.len) != 0))
		i++;
	return i;
}

/* Fills d->values and d->given. */
static int match(struct decoding *d, struct value map)
{
	size_t lengths[ROWS_MAX];
	uint64_t seen = 0;

	for (size_t i = 0; i < d->n; i++)
		lengths[i] = strlen(d->rows[i].name);
	for (uint32_t k = 0; k < map.n; k++) {
		struct value key;
		struct value v;
		size_t i;

		value_pair(map, k, &key, &v);
		i = key.type == VALUE_STR ? find_row(d, lengths, key.s) : d->n;
		if (i == d->n)
			continue;
		if ((seen >> i & 1) != 0)
			return fail(d, d->rows[i].name, "given twice");
		seen |= UINT64_C(1) << i;
		d->given |= (uint64_t)(v.type != VALUE_NIL) << i;
		d->values[i] = v;
	}
	return 0;
}

int fields_decode(struct value map, const struct field *rows, size_t n, void *out,
	uint64_t *present, const char *where, struct err *e)
{
	struct decoding d; /* values of rows that are not given stay undefined */
	int rv;

	assert(n <= ROWS_MAX);
	d.rows = rows;
	d.n = n;
	d.where = where;
	d.e = e;
	d.given = 0;
	if (map.type != VALUE_MAP)
		return fail_type(&d, "", "map", map.type);
	rv = match(&d, map);
	if (rv == 0)
		rv = check(&d);
	if (rv != 0)
		return rv;
	for (size_t i = 0; i < n; i++)
		if (is_given(&d, i))
			store(&rows[i], &d.values[i], (char *)out + rows[i].offset);
	if (present != NULL)
		*present = d.given;
	return 0;
}
