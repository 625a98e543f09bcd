#include "health/target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MIN_DEFAULT 200
#define STATUS_MAX_DEFAULT 399

/* ---- judged */

static int refuse(const struct health_check *c, struct err *e, int code, const char *what)
{
	bool named = c->name.len > 0 && c->name.len <= CHECK_NAME_MAX &&
		bytes_is_text(c->name);

	return err_set(e, code, "check \"%.*s\": %s", named ? (int)c->name.len : 1,
		named ? (const char *)c->name.data : "?", what);
}

/* Goes into a request's first lines: a blank or a line's end there would be another
 * request. */
static bool is_visible_ascii(struct bytes v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] <= ' ' || v.data[i] >= 127)
			return false;
	return true;
}

static int check_texts_judge(const struct health_check *c, struct err *e)
{
	if (c->name.len == 0 || c->name.len > CHECK_NAME_MAX || !bytes_is_text(c->name))
		return refuse(
			c, e, SVCD_EINVAL, "its name is empty, too long or not text");
	if (c->address.len == 0)
		return refuse(c, e, SVCD_EINVAL, "it has no address");
	if (c->address.len > CHECK_ADDRESS_MAX)
		return refuse(c, e, SVCD_ETOOBIG, "its address is too long");
	if (!is_visible_ascii(c->address) || bytes_eq_str(c->address, "*"))
		return refuse(c, e, SVCD_EINVAL, "its address is not one");
	if (!is_visible_ascii(c->path) || (c->path.len > 0 && c->path.data[0] != '/'))
		return refuse(c, e, SVCD_EINVAL,
			"its path does not begin with / or has other than visible ASCII");
	if (!is_visible_ascii(c->host))
		return refuse(c, e, SVCD_EINVAL,
			"its host header has other than visible ASCII");
	return 0;
}

static uint16_t status_min_of(const struct health_check *c)
{
	return c->status_min != 0 ? c->status_min : STATUS_MIN_DEFAULT;
}

static uint16_t status_max_of(const struct health_check *c)
{
	return c->status_max != 0 ? c->status_max : STATUS_MAX_DEFAULT;
}

static bool interval_is_valid(uint32_t ms, uint32_t min)
{
	return ms >= min && ms <= CHECK_INTERVAL_MAX_MS;
}

static int check_numbers_judge(const struct health_check *c, struct err *e)
{
	const struct verdict_rule *r = &c->rule;

	if (c->port == 0 && !bytes_has_prefix(c->address, bytes_str("unix:")))
		return refuse(c, e, SVCD_EINVAL, "it has no port");
	if (r->rise == 0 || r->fall == 0)
		return refuse(c, e, SVCD_ERANGE, "rise and fall start at 1");
	if (!interval_is_valid(r->interval_ms, 1) ||
		!interval_is_valid(r->fast_interval_ms, 0) ||
		!interval_is_valid(r->slow_interval_ms, 0))
		return refuse(
			c, e, SVCD_ERANGE, "an interval is not within 1 ms and a day");
	if (c->timeout_ms == 0 || c->timeout_ms > CHECK_TIMEOUT_MAX_MS)
		return refuse(c, e, SVCD_ERANGE,
			"its timeout is not within 1 ms and 10 minutes");
	if (status_min_of(c) > status_max_of(c))
		return refuse(c, e, SVCD_EINVAL, "status_min is greater than status_max");
	return 0;
}

static int check_judge(const struct health_check *c, struct err *e)
{
	int rc = check_texts_judge(c, e);

	return rc != 0 ? rc : check_numbers_judge(c, e);
}

/* ---- made */

static size_t texts_bytes(const struct health_target *t)
{
	size_t bytes = t->key.len + 1;

	for (uint32_t i = 0; i < t->n_checks; i++) {
		const struct health_check *c = &t->checks[i];

		bytes += c->name.len + c->address.len + c->path.len + c->host.len + 4;
	}
	return bytes;
}

static char *target_texts(const struct target *t)
{
	return (char *)(uintptr_t)&t->checks[t->n_checks];
}

/* Appends to the texts; *end is how much of them there is. Returns where it is. */
static uint16_t put_text(struct target *t, size_t *end, struct bytes v)
{
	char *to = target_texts(t) + *end;
	size_t at = *end;

	if (v.len > 0)
		memcpy(to, v.data, v.len);
	to[v.len] = '\0';
	*end += v.len + 1;
	return (uint16_t)at;
}

static void rule_complete(struct verdict_rule *r, uint32_t timeout_ms)
{
	uint32_t stale_min_ms;

	if (r->fast_interval_ms == 0)
		r->fast_interval_ms = r->interval_ms;
	if (r->slow_interval_ms == 0)
		r->slow_interval_ms = r->interval_ms;
	stale_min_ms = verdict_stale_min_ms(r, timeout_ms);
	if (r->stale_after_ms < stale_min_ms)
		r->stale_after_ms = stale_min_ms;
}

static void check_fill(
	struct check *c, const struct health_check *from, struct target *t, size_t *end)
{
	c->rule = from->rule;
	rule_complete(&c->rule, from->timeout_ms);
	c->timeout_ms = from->timeout_ms;
	c->port = from->port;
	c->status_min = status_min_of(from);
	c->status_max = status_max_of(from);
	c->name = put_text(t, end, from->name);
	c->address = put_text(t, end, from->address);
	c->path = put_text(t, end, from->path);
	c->host = put_text(t, end, from->host);
}

static int check_add(struct target *t, uint8_t index, const struct health_check *from,
	size_t *end, struct err *e)
{
	struct check *c = &t->checks[index];
	int rc = check_judge(from, e);
	int row;

	if (rc != 0)
		return rc;
	row = probe_type_row(from->type, e);
	if (row < 0) {
		err_prefix(e, "check \"%.*s\"", (int)from->name.len,
			(const char *)from->name.data);
		return row;
	}
	for (uint8_t i = 0; i < index; i++)
		if (bytes_eq_str(
			    from->name, check_text(&t->checks[i], t->checks[i].name)))
			return refuse(from, e, SVCD_EINVAL,
				"there is another one of that name");
	c->type = (uint8_t)row;
	check_fill(c, from, t, end);
	return 0;
}

static int target_fill(struct target *t, const struct health_target *from, struct err *e)
{
	size_t end = 0;
	int rc = 0;

	t->incarnation = from->incarnation;
	t->reported = from->initial;
	t->key_len = (uint32_t)from->key.len;
	put_text(t, &end, from->key);
	for (uint8_t i = 0; i < t->n_checks; i++)
		t->checks[i].index = i;
	for (uint8_t i = 0; i < t->n_checks && rc == 0; i++)
		rc = check_add(t, i, &from->checks[i], &end, e);
	return rc;
}

int target_new(const struct health_target *from, struct target **out, struct err *e)
{
	size_t texts = texts_bytes(from);
	struct target *t;
	int rc;

	if (from->n_checks == 0 || from->n_checks > TARGET_CHECKS_MAX)
		return err_set(e, SVCD_EINVAL, "%u checks, not within 1 and %d",
			from->n_checks, TARGET_CHECKS_MAX);
	if (texts > TARGET_TEXT_MAX)
		return err_set(
			e, SVCD_ETOOBIG, "the texts of the checks are %zu bytes", texts);
	t = calloc(1, sizeof(*t) + from->n_checks * sizeof(struct check) + texts);
	if (t == NULL)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	t->n_checks = (uint8_t)from->n_checks;
	rc = target_fill(t, from, e);
	if (rc != 0) {
		free(t);
		return rc;
	}
	*out = t;
	return 0;
}

/* ---- asked */

struct bytes target_key(const struct target *t)
{
	return bytes_of(target_texts(t), t->key_len);
}

struct target *check_target(const struct check *c)
{
	const struct check *first = c - c->index;

	return (struct target *)((uintptr_t)first - offsetof(struct target, checks));
}

const char *check_text(const struct check *c, uint16_t offset)
{
	return target_texts(check_target(c)) + offset;
}

void check_spec(const struct check *c, struct probe_spec *out)
{
	*out = (struct probe_spec){
		.address = check_text(c, c->address),
		.path = check_text(c, c->path),
		.host = check_text(c, c->host),
		.port = c->port,
		.status_min = c->status_min,
		.status_max = c->status_max,
		.timeout_ms = c->timeout_ms,
	};
}

static bool text_same(
	const struct check *a, uint16_t at, const struct check *b, uint16_t bt)
{
	return strcmp(check_text(a, at), check_text(b, bt)) == 0;
}

static bool rule_same(const struct verdict_rule *a, const struct verdict_rule *b)
{
	return a->rise == b->rise && a->fall == b->fall &&
		a->interval_ms == b->interval_ms &&
		a->fast_interval_ms == b->fast_interval_ms &&
		a->slow_interval_ms == b->slow_interval_ms &&
		a->stale_after_ms == b->stale_after_ms;
}

bool check_same(const struct check *a, const struct check *b)
{
	return a->type == b->type && a->port == b->port &&
		a->timeout_ms == b->timeout_ms && a->status_min == b->status_min &&
		a->status_max == b->status_max && rule_same(&a->rule, &b->rule) &&
		text_same(a, a->name, b, b->name) &&
		text_same(a, a->address, b, b->address) &&
		text_same(a, a->path, b, b->path) && text_same(a, a->host, b, b->host);
}

struct check *target_find(struct target *t, const char *name)
{
	for (uint8_t i = 0; i < t->n_checks; i++)
		if (strcmp(check_text(&t->checks[i], t->checks[i].name), name) == 0)
			return &t->checks[i];
	return NULL;
}
