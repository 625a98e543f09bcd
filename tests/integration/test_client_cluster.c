/* libsvcd and three real members: what a client has survives the death of the member that
 * it is connected to. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/scratch_dir.h"
#include "../unit/unit.h"
#include "members.h"
#include "record.h"

#define MEMBERS 3

static struct scratch scratch;
static struct member members[MEMBERS];
static struct record *states, *near_shown, *far_shown;

/* ---- members ----------------------------------------------------------- */

/* Its list begins with that member. */
static struct svcd_client *new_client(int first)
{
	struct svcd_options o = {.name = "cluster"};
	struct svcd_client *c;
	char servers[256];

	snprintf(servers, sizeof(servers), "%s,%s,%s", members[first].client,
		members[(first + 1) % MEMBERS].client,
		members[(first + 2) % MEMBERS].client);
	o.servers = servers;
	ck_assert_int_eq(svcd_client_new(&o, &c), 0);
	ck_assert_int_eq(svcd_client_wait(c, 10000), 0);
	return c;
}

/* How many vote, and which one leads by its name; -1: nobody. */
static unsigned count_voters(struct svcd_client *c, int *leader)
{
	struct svcd_value *result;
	const struct svcd_value *list;
	struct svcd_fault fault = {0};
	unsigned voters = 0;

	ck_assert_msg(svcd_call(c, "members", NULL, 10000, &result, &fault) == 0, "%s",
		fault.text);
	list = svcd_value_get(result, "members");
	*leader = -1;
	for (size_t i = 0; i < svcd_value_count(list); i++) {
		const struct svcd_value *m = svcd_value_at(list, i);

		voters += svcd_value_bool(svcd_value_get(m, "voter"), false);
		if (svcd_value_bool(svcd_value_get(m, "leader"), false))
			*leader = svcd_value_str(svcd_value_get(m, "name"), "?")[0] - 'a';
	}
	svcd_value_free(result);
	return voters;
}

static int await_leader(void)
{
	struct svcd_client *c = new_client(0);
	int leader;

	while (count_voters(c, &leader) < MEMBERS || leader < 0)
		poll(NULL, 0, 20);
	svcd_client_free(c);
	return leader;
}

static void begin(void)
{
	scratch_make(&scratch);
	for (int i = 0; i < MEMBERS; i++)
		member_start(&members[i], scratch.dir, (char)('a' + i),
			i > 0 ? members[0].peer : NULL);
	states = record_new();
	near_shown = record_new();
	far_shown = record_new();
}

static void end(void)
{
	record_free(states);
	record_free(near_shown);
	record_free(far_shown);
	for (int i = 0; i < MEMBERS; i++)
		member_end(&members[i], SIGKILL);
	scratch_remove(&scratch);
}

/* ---- tests ------------------------------------------------------------- */

static struct svcd_registration *register_web(struct svcd_client *c, const char *id)
{
	struct svcd_instance in = {.service = "web", .id = id, .weight = 1};
	struct svcd_register_options o = {.on_state = record_on_state, .arg = states};
	struct svcd_registration *r;
	struct svcd_fault fault = {0};

	ck_assert_int_eq(svcd_register(c, &in, &o, &r), 0);
	ck_assert_msg(svcd_registration_wait(r, 10000, &fault) == 0, "%s", fault.text);
	record_await(states, "registered");
	return r;
}

static size_t count_web(struct svcd_client *c)
{
	struct svcd_query q = {.service = "web"};
	struct svcd_fault fault = {0};
	const struct svcd_set *set;
	size_t n;

	ck_assert_msg(svcd_resolve(c, &q, 10000, &set, &fault) == 0, "%s", fault.text);
	n = set->n_instances;
	svcd_set_unref(set);
	return n;
}

/* What is shown, each time that it changes: outages are not told here. */
static void on_shown(void *arg, enum svcd_watch_event event, const struct svcd_set *set)
{
	char ids[128] = "";

	if (event != SVCD_WATCH_SNAPSHOT && event != SVCD_WATCH_CHANGE)
		return;
	for (size_t i = 0; i < set->n_instances; i++)
		strncat(ids, set->instances[i].id, sizeof(ids) - strlen(ids) - 1);
	record_put(arg, "%s", ids);
}

static void watch_web(struct svcd_client *c, struct record *r)
{
	struct svcd_watch *w; /* ends with the client */

	ck_assert_int_eq(svcd_watch(c, NULL, "web", on_shown, r, &w), 0);
}

/* _i 0: the member that dies leads. What it held goes on, changes of before and after
 * follow each other without anything between them. */
START_TEST(the_member_that_a_client_is_connected_to_dies)
{
	int leader = await_leader();
	int dies = _i == 0 ? leader : (leader + 1) % MEMBERS;
	struct svcd_client *client = new_client(dies);
	struct svcd_client *far = new_client((dies + 1) % MEMBERS);
	struct svcd_registration *a = register_web(client, "a");
	uint64_t incarnation = svcd_registration_incarnation(a);

	watch_web(client, near_shown);
	watch_web(far, far_shown);
	record_await(near_shown, "a");
	record_await(far_shown, "a"); /* that member may be behind */
	member_end(&members[dies], SIGKILL);
	register_web(far, "b");
	record_expect(near_shown, "ab");
	record_expect(far_shown, "ab");
	ck_assert_uint_eq(count_web(client), 2);
	ck_assert_uint_eq(count_web(far), 2);
	ck_assert_int_eq(svcd_registration_wait(a, 10000, NULL), 0);
	ck_assert_uint_eq(svcd_registration_incarnation(a), incarnation);
	ck_assert_int_eq(svcd_deregister(a, 10000), 0);
	record_expect(near_shown, "b");
	record_expect(far_shown, "b");
	svcd_client_free(client);
	svcd_client_free(far);
}
END_TEST

START_TEST(a_planned_stop_of_the_leader_disturbs_nobody)
{
	int leader = await_leader();
	struct svcd_client *client = new_client(leader);
	struct svcd_client *far = new_client((leader + 1) % MEMBERS);
	struct svcd_registration *a = register_web(client, "a");

	watch_web(far, far_shown);
	record_await(far_shown, "a");
	member_end(&members[leader], SIGTERM);
	register_web(client, "b");
	record_expect(far_shown, "ab");
	ck_assert_int_eq(svcd_registration_wait(a, 10000, NULL), 0);
	svcd_client_free(far);
	svcd_client_free(client);
}
END_TEST

/* A process that registers at that member, says so, and waits to be killed. */
static pid_t start_process(int member)
{
	int ready[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		register_web(new_client(member), "a");
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

/* A connection that ends takes its leases with it at once, whoever leads. */
START_TEST(who_dies_is_removed_by_way_of_any_member)
{
	pid_t pid = start_process(_i);
	struct svcd_client *far = new_client((_i + 1) % MEMBERS);

	watch_web(far, far_shown);
	record_await(far_shown, "a");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	record_expect(far_shown, "");
	svcd_client_free(far);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client and cluster");
	TCase *tc = unit_case(s, "cluster");

	if (!member_program_is_there()) {
		fprintf(stderr, "svcd is not built\n");
		return 77;
	}
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, the_member_that_a_client_is_connected_to_dies, 0, 2);
	tcase_add_test(tc, a_planned_stop_of_the_leader_disturbs_nobody);
	tcase_add_loop_test(tc, who_dies_is_removed_by_way_of_any_member, 0, MEMBERS);
	return unit_run(s);
}
