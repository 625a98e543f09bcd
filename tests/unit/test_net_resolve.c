/* net/resolve.h, with a getaddrinfo of our own that answers when it is told to. */
#include <dirent.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "net/resolve.h"
#include "test_net.h"

/* ---- the system's part */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held;
static int inside; /* threads that ask now */
static int asked;

int __wrap_getaddrinfo(const char *node, const char *service,
	const struct addrinfo *hints, struct addrinfo **res);
int __real_getaddrinfo(const char *node, const char *service,
	const struct addrinfo *hints, struct addrinfo **res);

static const struct {
	const char *name;
	int code;
	int rc;
	const char *words;
} fates[] = {
	{"nobody", EAI_NONAME, SVCD_ENOTFOUND, "no such host: nobody"},
	{"empty", EAI_NODATA, SVCD_ENOTFOUND, "host has no address: empty"},
	{"silent", EAI_AGAIN, SVCD_EUNREACHABLE,
		"no name server could tell the address: silent"},
	{"poor", EAI_MEMORY, SVCD_ENOMEM, "out of memory: poor"},
	{"broken", EAI_FAIL, SVCD_EUNREACHABLE, NULL},
};

static void wait_while_held(void)
{
	pthread_mutex_lock(&lock);
	asked++;
	inside++;
	pthread_cond_broadcast(&changed);
	while (held)
		pthread_cond_wait(&changed, &lock);
	inside--;
	pthread_mutex_unlock(&lock);
}

int __wrap_getaddrinfo(const char *node, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	wait_while_held();
	for (size_t i = 0; i < LENGTH(fates); i++)
		if (strcmp(fates[i].name, node) == 0)
			return fates[i].code;
	return __real_getaddrinfo("127.0.0.9", service, hints, res);
}

static void hold(bool yes)
{
	pthread_mutex_lock(&lock);
	held = yes;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_for_inside(int n)
{
	pthread_mutex_lock(&lock);
	while (inside < n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static int threads_now(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	ck_assert_ptr_nonnull(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* ---- our part */

static struct loop *loop;
static struct resolver *resolver;

static int answers;
static int last_rc;
static char last_text[200];

static void on_answer(void *arg, int rc, const struct net_addr *to, const char *words)
{
	ck_assert(loop_on_thread(loop));
	ck_assert_ptr_eq(arg, &answers);
	last_rc = rc;
	strcpy(last_text, rc == 0 ? to->text : words);
	answers++;
}

static struct resolve *ask(const char *name)
{
	return resolve_start(resolver, name, 80, on_answer, &answers);
}

static void up(void)
{
	loop = loop_new();
	resolver = resolver_new(loop);
	ck_assert_ptr_nonnull(resolver);
}

static void down(void)
{
	hold(false);
	resolver_free(resolver);
	loop_free(loop);
}

static const struct {
	const char *host;
	const char *text;
} numeric[] = {
	{"127.0.0.1", "tcp:127.0.0.1:80"},
	{"localhost", "tcp:127.0.0.1:80"},
	{"::1", "tcp:[::1]:80"},
	{"2001:db8::0:1", "tcp:[2001:db8::1]:80"},
	{"*", NULL},
	{"", NULL},
	{"db1", NULL},
	{"127.1", NULL},
	{"127.0.0.1:81", NULL},
	{"unix:/x", NULL},
	{"a-name-that-is-longer-than-any-numeric-address.and-goes-on-and-on.example.invalid",
		NULL},
};

START_TEST(numeric_hosts_are_done_at_once)
{
	struct net_addr a;
	bool done = resolve_numeric(numeric[_i].host, 80, &a);

	ck_assert_int_eq(done, numeric[_i].text != NULL);
	if (done)
		ck_assert_str_eq(a.text, numeric[_i].text);
}
END_TEST

START_TEST(a_name_becomes_an_address)
{
	ck_assert_ptr_nonnull(ask("db1"));
	ck_assert_int_eq(answers, 0);
	run_until(loop, &answers, 1);
	ck_assert_int_eq(last_rc, 0);
	ck_assert_str_eq(last_text, "tcp:127.0.0.9:80");
}
END_TEST

START_TEST(a_failure_has_its_words)
{
	ck_assert_ptr_nonnull(ask(fates[_i].name));
	run_until(loop, &answers, 1);
	ck_assert_int_eq(last_rc, fates[_i].rc);
	if (fates[_i].words != NULL)
		ck_assert_str_eq(last_text, fates[_i].words);
}
END_TEST

START_TEST(several_ask_at_once)
{
	hold(true);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_nonnull(ask("db1"));
	wait_for_inside(4);
	ck_assert_int_eq(asked, 4);
	hold(false);
	run_until(loop, &answers, 20);
	ck_assert_int_eq(asked, 20);
}
END_TEST

START_TEST(an_idle_thread_does_not_hold_up_others)
{
	ask("db1");
	run_until(loop, &answers, 1);
	hold(true);
	for (int i = 0; i < 4; i++)
		ask("db1");
	wait_for_inside(4);
	hold(false);
	run_until(loop, &answers, 5);
}
END_TEST

START_TEST(questions_are_bounded)
{
	hold(true);
	for (int i = 0; i < RESOLVE_WAITING_MAX; i++)
		ck_assert_ptr_nonnull(ask("db1"));
	ck_assert_ptr_null(ask("db1"));
	hold(false);
	run_until(loop, &answers, RESOLVE_WAITING_MAX);
	ck_assert_ptr_nonnull(ask("db1"));
	run_until(loop, &answers, RESOLVE_WAITING_MAX + 1);
}
END_TEST

/* While it waits, while it is asked, and when the answer is in the mailbox already. */
START_TEST(a_cancelled_question_is_not_answered)
{
	struct resolve *q[6];

	hold(true);
	for (size_t i = 0; i < LENGTH(q); i++)
		q[i] = ask("db1");
	wait_for_inside(4);
	for (size_t i = 0; i < LENGTH(q) - 1; i++)
		resolve_cancel(q[i]);
	hold(false);
	run_until(loop, &answers, 1);
	ck_assert_int_eq(asked, 5);
	ck_assert_int_eq(answers, 1);
}
END_TEST

/* The thread that is in the middle of it frees what is left. */
START_TEST(a_resolver_goes_while_it_is_asked)
{
	int threads;

	hold(true);
	for (int i = 0; i < 10; i++)
		ask("db1");
	wait_for_inside(4);
	threads = threads_now();
	resolver_free(resolver);
	resolver = NULL;
	hold(false);
	while (threads_now() > threads - 4) /* they are detached: nobody else can tell */
		sched_yield();
	ck_assert_int_eq(answers, 0);
}
END_TEST

static void free_resolver(void *arg, int rc, const struct net_addr *to, const char *words)
{
	(void)rc;
	(void)to;
	(void)words;
	resolver_free(resolver);
	resolver = NULL;
	++*(int *)arg;
}

START_TEST(an_answer_may_free_the_resolver)
{
	for (int i = 0; i < 8; i++)
		ck_assert_ptr_nonnull(
			resolve_start(resolver, "db1", 80, free_resolver, &answers));
	run_until(loop, &answers, 1);
	ck_assert_int_eq(answers, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_resolve");
	TCase *tc = unit_case(s, "resolve");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_loop_test(tc, numeric_hosts_are_done_at_once, 0, LENGTH(numeric));
	tcase_add_test(tc, a_name_becomes_an_address);
	tcase_add_loop_test(tc, a_failure_has_its_words, 0, LENGTH(fates));
	tcase_add_test(tc, several_ask_at_once);
	tcase_add_test(tc, an_idle_thread_does_not_hold_up_others);
	tcase_add_test(tc, questions_are_bounded);
	tcase_add_test(tc, a_cancelled_question_is_not_answered);
	tcase_add_test(tc, a_resolver_goes_while_it_is_asked);
	tcase_add_test(tc, an_answer_may_free_the_resolver);
	return unit_run(s);
}
