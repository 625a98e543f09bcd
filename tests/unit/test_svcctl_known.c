/* What a watcher of svcctl knows: what each event means beside it, and the conditions of
 * wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/condition.h"
#include "unit.h"

/* ---- events ------------------------------------------------------------ */

static struct svcd_value *instance(
	const char *id, const char *state, uint64_t rev, uint64_t incarnation)
{
	struct svcd_value *v = svcd_value_new_map();

	svcd_value_set_str(v, "id", id);
	svcd_value_set_str(v, "state", state);
	svcd_value_set_uint(v, "rev", rev);
	svcd_value_set_uint(v, "incarnation", incarnation);
	return v;
}

static struct svcd_value *gone(const char *id)
{
	struct svcd_value *v = svcd_value_new_map();

	svcd_value_set_str(v, "id", id);
	svcd_value_set_bool(v, "gone", true);
	svcd_value_set_str(v, "cause", "deregistered");
	return v;
}

/* What was told, as one line a happening: "registered web/a up". */
struct told {
	struct known known;
	char text[1024];
};

static void on_happening(void *arg, const struct happening *h)
{
	struct told *t = arg;
	size_t at = strlen(t->text);

	snprintf(t->text + at, sizeof(t->text) - at, "%s %s%s%s %s%s%s\n",
		happening_name(h->kind), h->service != NULL ? h->service : "",
		h->id != NULL ? "/" : "", h->id != NULL ? h->id : "",
		h->before != NULL ? h->before->state : "",
		h->before != NULL && h->after != NULL ? ">" : "",
		h->after != NULL ? h->after->state : "");
}

/* items ends with NULL and is taken. */
static void tell(
	struct told *t, const char *kind, const char *service, struct svcd_value **items)
{
	struct svcd_value *event = svcd_value_new_map(), *list = svcd_value_new_array();

	svcd_value_set_str(event, "kind", kind);
	if (service != NULL) {
		svcd_value_set_str(event, "ns", "default");
		svcd_value_set_str(event, "service", service);
	}
	for (; items != NULL && *items != NULL; items++)
		svcd_value_set(list, NULL, *items);
	svcd_value_set(event, strcmp(kind, "delta") == 0 ? "changes" : "instances", list);
	t->text[0] = '\0';
	known_apply(&t->known, event, on_happening, t);
	svcd_value_free(event);
}

#define ITEMS(...) ((struct svcd_value *[]){__VA_ARGS__, NULL})

START_TEST(the_first_snapshot_is_what_is_there)
{
	struct told t = {.text = ""};

	tell(&t, "snapshot", "web",
		ITEMS(instance("a", "up", 1, 1), instance("b", "down", 2, 2)));
	ck_assert_str_eq(t.text, "present web/a up\npresent web/b down\n");
	ck_assert(!t.known.synced);
	tell(&t, "synced", NULL, NULL);
	ck_assert_str_eq(t.text, "synced  \n");
	ck_assert(t.known.synced);
	known_fini(&t.known);
}
END_TEST

START_TEST(a_delta_tells_what_changed)
{
	struct told t = {.text = ""};

	tell(&t, "snapshot", "web",
		ITEMS(instance("a", "up", 1, 1), instance("c", "up", 2, 2)));
	tell(&t, "synced", NULL, NULL);
	tell(&t, "delta", "web",
		ITEMS(instance("a", "down", 3, 1), instance("b", "up", 4, 4),
			instance("c", "up", 5, 5)));
	ck_assert_str_eq(t.text,
		"changed web/a up>down\nregistered web/b up\nregistered web/c up>up\n");
	tell(&t, "delta", "web", ITEMS(gone("b"), gone("never-there")));
	ck_assert_str_eq(t.text, "removed web/b up\n");
	tell(&t, "delta", "web", ITEMS(instance("a", "down", 3, 1)));
	ck_assert_str_eq(t.text, "");
	known_fini(&t.known);
}
END_TEST

START_TEST(after_a_loss_only_differences_are_told)
{
	struct told t = {.text = ""};

	tell(&t, "snapshot", "web",
		ITEMS(instance("a", "up", 1, 1), instance("b", "up", 2, 2)));
	tell(&t, "snapshot", "old", ITEMS(instance("x", "up", 3, 3)));
	tell(&t, "synced", NULL, NULL);
	tell(&t, "lost", NULL, NULL);
	ck_assert_str_eq(t.text, "lost  \n");
	tell(&t, "snapshot", "web",
		ITEMS(instance("b", "drain", 5, 2), instance("c", "up", 6, 6)));
	ck_assert_str_eq(t.text,
		"changed web/b up>drain\nregistered web/c up\nremoved web/a up\n");
	tell(&t, "synced", NULL, NULL);
	ck_assert_str_eq(t.text, "removed old/x up\nservice_deleted old \nsynced  \n");
	ck_assert_ptr_null(known_find(&t.known, "default", "old"));
	known_fini(&t.known);
}
END_TEST

START_TEST(a_deleted_service_is_forgotten)
{
	struct told t = {.text = ""};

	tell(&t, "snapshot", "web", ITEMS(instance("a", "up", 1, 1)));
	tell(&t, "no_service", "web", NULL);
	ck_assert_str_eq(t.text, "removed web/a up\nservice_deleted web \n");
	tell(&t, "no_service", "web", NULL);
	ck_assert_str_eq(t.text, "");
	tell(&t, "from the future", "web", NULL);
	ck_assert_str_eq(t.text, "");
	known_fini(&t.known);
}
END_TEST

START_TEST(many_instances_in_any_order)
{
	struct told t = {.text = ""};
	const struct known_service *s;

	tell(&t, "snapshot", "web", NULL);
	for (unsigned i = 0; i < 500; i++) {
		char id[8];

		snprintf(id, sizeof(id), "%u", i * 7919 % 500);
		tell(&t, "delta", "web",
			ITEMS(instance(id, i % 2 ? "up" : "warm", i + 1, i + 1)));
	}
	s = known_find(&t.known, "default", "web");
	ck_assert_uint_eq(s->n, 500);
	ck_assert_uint_eq(known_count_up(s), 500);
	for (size_t i = 1; i < s->n; i++)
		ck_assert_int_lt(strcmp(s->instances[i - 1].id, s->instances[i].id), 0);
	ck_assert_ptr_nonnull(known_find_instance(s, "499"));
	ck_assert_ptr_null(known_find_instance(s, "500"));
	known_fini(&t.known);
}
END_TEST

/* ---- conditions -------------------------------------------------------- */

static const struct {
	const char *states; /* of instances a, b, c…; NULL: there is no service */
	const char *condition, *id;
	bool holds;
} rows[] = {
	{"up down", "healthy", NULL, true},
	{"warm", "healthy", NULL, true},
	{"pending", "healthy", NULL, false},
	{"down", "healthy", NULL, false},
	{"", "healthy", NULL, false},
	{NULL, "healthy", NULL, false},
	{"down drain", "unhealthy", NULL, true},
	{"down up", "unhealthy", NULL, false},
	{"", "unhealthy", NULL, false},
	{NULL, "unhealthy", NULL, false},
	{"down", "gone", NULL, false},
	{"", "gone", NULL, true},
	{NULL, "gone", NULL, true},
	{"up warm down", "count>=2", NULL, true},
	{"up warm down", "count>=3", NULL, false},
	{NULL, "count>=0", NULL, true},
	{"up down", "healthy", "a", true},
	{"up down", "healthy", "b", false},
	{"up down", "unhealthy", "b", true},
	{"up down", "unhealthy", "c", false},
	{"up down", "gone", "c", true},
	{"up down", "gone", "b", false},
	{NULL, "gone", "a", true},
	{NULL, "healthy", "a", false},
};

START_TEST(conditions_hold_or_not)
{
	struct told t = {.text = ""};
	struct condition c;
	char states[64], *save = NULL, id[] = "a";
	struct svcd_value *items[8] = {NULL};
	size_t n = 0;

	ck_assert(condition_parse(rows[_i].condition, &c));
	snprintf(states, sizeof(states), "%s",
		rows[_i].states != NULL ? rows[_i].states : "");
	for (char *w = strtok_r(states, " ", &save); w != NULL;
		w = strtok_r(NULL, " ", &save), id[0]++)
		items[n++] = instance(id, w, 1, 1);
	if (rows[_i].states != NULL)
		tell(&t, "snapshot", "web", items);
	ck_assert_msg(condition_holds(&c, known_find(&t.known, "default", "web"),
			      rows[_i].id) == rows[_i].holds,
		"row %d", _i);
	known_fini(&t.known);
}
END_TEST

START_TEST(other_conditions_are_refused)
{
	static const char *const wrong[] = {"", "health", "healthy ", "count", "count>",
		"count>=", "count>=x", "count>=-1", "count>3", "count=3"};
	struct condition c;

	for (size_t i = 0; i < LENGTH(wrong); i++)
		ck_assert_msg(!condition_parse(wrong[i], &c), "'%s'", wrong[i]);
}
END_TEST

static Suite *known_suite(void)
{
	Suite *s = suite_create("svcctl_known");
	TCase *t = unit_case(s, "known");

	tcase_add_test(t, the_first_snapshot_is_what_is_there);
	tcase_add_test(t, a_delta_tells_what_changed);
	tcase_add_test(t, after_a_loss_only_differences_are_told);
	tcase_add_test(t, a_deleted_service_is_forgotten);
	tcase_add_test(t, many_instances_in_any_order);
	tcase_add_loop_test(t, conditions_hold_or_not, 0, LENGTH(rows));
	tcase_add_test(t, other_conditions_are_refused);
	return s;
}

int main(void)
{
	return unit_run(known_suite());
}
