#include "server/evidence.h"

#include <stdlib.h>

#include "base/clock.h"
#include "catalog/keys.h"
#include "server/checks.h"
#include "server/control.h"
#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

/* Travels to the control thread and back. */
struct ask {
	struct mail mail; /* first */
	struct later later;
	struct worker *worker;
	struct head head; /* as of which the answer was read */
	struct key key;
	struct buf answer; /* the result as one map */
	struct buf seen;   /* the checks' evidence: name, map, name, map … */
	uint32_t n_seen;
};

static void ask_free(struct ask *a)
{
	buf_fini(&a->answer);
	buf_fini(&a->seen);
	free(a);
}

/* ---- on the control thread --------------------------------------------- */

static const char *state_name(enum check_state s)
{
	static const char *const names[] = {
		[CHECK_STARTING] = "starting",
		[CHECK_PASSING] = "passing",
		[CHECK_FAILING] = "failing",
		[CHECK_UNKNOWN] = "unknown",
	};

	return names[s];
}

static void seen_put(void *arg, const struct health_evidence *e)
{
	struct ask *a = arg;
	bool any = e->last_ms != 0;

	pack_str(&a->seen, e->check);
	pack_map(&a->seen, any ? 7 : 4);
	pack_kv_cstr(&a->seen, "state", state_name(e->state));
	pack_kv_u64(&a->seen, "passes", e->passes);
	pack_kv_u64(&a->seen, "failures", e->failures);
	pack_kv_u64(&a->seen, "streak", e->streak);
	if (any) {
		uint64_t now_ms = clock_now_ms();

		pack_kv_u64(&a->seen, "age_ms",
			now_ms > e->last_ms ? now_ms - e->last_ms : 0);
		pack_kv_u64(&a->seen, "took_us", e->took_us);
		pack_kv_cstr(&a->seen, "reason", e->reason != NULL ? e->reason : "");
	}
	a->n_seen++;
}

static void ask_come_back(struct mail *m);

static void ask_arrive(struct mail *m)
{
	struct ask *a = (struct ask *)m;
	struct control *c = a->worker->server->control;

	checks_evidence(control_checks(c), key_bytes(&a->key), seen_put, a);
	m->deliver = ask_come_back;
	mailbox_post(a->worker->box, m);
}

/* ---- back at the worker ------------------------------------------------ */

static void put_value(struct buf *out, struct value v);

static void put_map(struct buf *out, struct value map)
{
	struct value key;
	struct value val;

	for (uint32_t i = 0; i < map.n; i++) {
		value_pair(map, i, &key, &val);
		put_value(out, key);
		put_value(out, val);
	}
}

static void put_value(struct buf *out, struct value v)
{
	switch (v.type) {
	case VALUE_NIL:
		pack_nil(out);
		return;
	case VALUE_BOOL:
		pack_bool(out, v.boolean);
		return;
	case VALUE_UINT:
		pack_u64(out, v.u);
		return;
	case VALUE_INT:
		pack_i64(out, v.i);
		return;
	case VALUE_FLOAT:
		pack_double(out, v.f);
		return;
	case VALUE_STR:
		pack_str(out, v.s);
		return;
	case VALUE_BIN:
		pack_bin(out, v.s);
		return;
	case VALUE_ARRAY:
		pack_array(out, v.n);
		for (uint32_t i = 0; i < v.n; i++)
			put_value(out, value_at(v, i));
		return;
	case VALUE_MAP:
		pack_map(out, v.n);
		put_map(out, v);
		return;
	}
}

/* The evidence of the check of this name, raw; false: none. */
static bool seen_find(const struct ask *a, struct bytes name, struct bytes *map)
{
	struct bytes rest = buf_bytes(&a->seen);
	struct bytes wanted;
	struct buf packed = {0};
	bool found = false;

	pack_str(&packed, name);
	wanted = buf_bytes(&packed);
	for (uint32_t i = 0; i < a->n_seen && !found; i++) {
		size_t key_len = frame_value_len(rest);
		size_t map_len = frame_value_len(
			bytes_of(rest.data + key_len, rest.len - key_len));

		found = bytes_eq(bytes_of(rest.data, key_len), wanted);
		*map = bytes_of(rest.data + key_len, map_len);
		rest = bytes_of(
			rest.data + key_len + map_len, rest.len - key_len - map_len);
	}
	buf_fini(&packed);
	return found;
}

static void put_check(const struct ask *a, struct buf *out, struct value check)
{
	struct value name;
	struct bytes seen;
	bool any = value_find(check, "name", &name) && name.type == VALUE_STR &&
		seen_find(a, name.s, &seen);

	if (check.type != VALUE_MAP) {
		put_value(out, check);
		return;
	}
	pack_map(out, check.n + any);
	put_map(out, check);
	if (any) {
		pack_cstr(out, "evidence");
		pack_raw(out, seen);
	}
}

static void put_instance(const struct ask *a, struct buf *out, struct value instance)
{
	struct value key;
	struct value val;

	if (instance.type != VALUE_MAP) {
		put_value(out, instance);
		return;
	}
	pack_map(out, instance.n);
	for (uint32_t i = 0; i < instance.n; i++) {
		value_pair(instance, i, &key, &val);
		put_value(out, key);
		if (key.type != VALUE_STR || !bytes_eq_str(key.s, "checks") ||
			val.type != VALUE_ARRAY) {
			put_value(out, val);
			continue;
		}
		pack_array(out, val.n);
		for (uint32_t k = 0; k < val.n; k++)
			put_check(a, out, value_at(val, k));
	}
}

/* The entries of the answer with the evidence in their places; returns their number. */
static uint32_t put_answer(const struct ask *a, struct buf *out, struct value answer)
{
	struct value key;
	struct value val;

	for (uint32_t i = 0; i < answer.n; i++) {
		value_pair(answer, i, &key, &val);
		put_value(out, key);
		if (key.type != VALUE_STR || !bytes_eq_str(key.s, "instances") ||
			val.type != VALUE_ARRAY) {
			put_value(out, val);
			continue;
		}
		pack_array(out, val.n);
		for (uint32_t k = 0; k < val.n; k++)
			put_instance(a, out, value_at(val, k));
	}
	return answer.n;
}

static void ask_answer(struct ask *a, struct session *s)
{
	struct worker *w = a->worker;
	struct value answer;
	uint32_t n;
	struct err e;

	buf_clear(&w->entries);
	if (value_parse(w->arena, buf_bytes(&a->answer), &answer) != 0 ||
		answer.type != VALUE_MAP) {
		err_set(&e, SVCD_EINTERNAL, "an answer of our own is unreadable");
		session_error(s, a->later.id, &e);
		return;
	}
	n = put_answer(a, &w->entries, answer);
	session_result(s, a->later.id, &a->head, n, buf_bytes(&w->entries));
}

static void ask_come_back(struct mail *m)
{
	struct ask *a = (struct ask *)m;
	struct session *s = later_end(&a->later);

	if (s != NULL)
		ask_answer(a, s);
	arena_reset(a->worker->arena);
	ask_free(a);
}

/* ---- asked for --------------------------------------------------------- */

static const struct field key_fields[] = {
	{"ns", FIELD_TEXT, offsetof(struct instance_key, ns), false, 1, LIMIT_NAME},
	{"service", FIELD_TEXT, offsetof(struct instance_key, service), true, 1,
		LIMIT_NAME},
	{"id", FIELD_TEXT, offsetof(struct instance_key, id), true, 1, LIMIT_ID},
};

bool evidence_ask(struct request *r, uint32_t n, struct bytes entries)
{
	struct worker *w = r->session->worker;
	struct instance_key key = {.ns = bytes_str("default")};
	struct ask *a;

	if (!w->server->options.checks_enabled ||
		fields_decode(r->params, key_fields, 3, &key, NULL, "get", NULL) != 0)
		return false;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return false;
	a->worker = w;
	a->head = w->head;
	if (r->rev > a->head.rev)
		a->head.rev = r->rev;
	key_instance(&a->key, &key);
	pack_map(&a->answer, n);
	pack_raw(&a->answer, entries);
	if (a->answer.error != 0) {
		ask_free(a);
		return false;
	}
	later_begin(&a->later, r, LATER_SOON);
	a->mail.deliver = ask_arrive;
	mailbox_post(control_box(w->server->control), &a->mail);
	return true;
}
