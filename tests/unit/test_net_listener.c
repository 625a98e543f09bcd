/* net/conn.h: listeners. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "test_net.h"

static struct loop *loop;
static char dir[32];
static char path[64];
static char unix_text[80];

static void world_up(void)
{
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	raw_socket_path(dir, path);
	snprintf(unix_text, sizeof(unix_text), "unix:%s", path);
}

static void world_down(void)
{
	loop_free(loop);
	raw_remove_dir(dir, path);
}

static int accepted;

static void on_accept(int fd, void *arg)
{
	int flags = fcntl(fd, F_GETFL);

	(void)arg;
	accepted++;
	ck_assert(flags & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static struct listener *listen_on(const char *text, struct err *e)
{
	struct net_addr at = addr_of(text);

	*e = (struct err){0};
	return listener_new(loop, &at, 256, on_accept, NULL, e);
}

static struct listener *must_listen_on(const char *text)
{
	struct err e;
	struct listener *ls = listen_on(text, &e);

	ck_assert_msg(ls != NULL, "%s", e.text);
	return ls;
}

START_TEST(a_listener_knows_the_port_that_the_kernel_chose)
{
	static const char *const begins[] = {"tcp:127.0.0.1:", "tcp:*:"};
	struct listener *ls;
	struct net_addr at;
	char text[32];
	uint16_t port;

	snprintf(text, sizeof(text), "%s0", begins[_i]);
	ls = must_listen_on(text);
	listener_addr(ls, &at);
	ck_assert_ptr_eq(strstr(at.text, begins[_i]), at.text);
	port = (uint16_t)atoi(at.text + strlen(begins[_i]));
	ck_assert_uint_ne(port, 0);
	snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", port);
	at = addr_of(text);
	close(raw_connect(&at));
	run_until(loop, &accepted, 1);
	listener_free(ls);
}
END_TEST

START_TEST(more_peers_than_one_round_takes_are_all_accepted)
{
	enum { PEERS = 150 };
	struct listener *ls = must_listen_on(unix_text);
	struct net_addr at;
	int fd[PEERS];

	listener_addr(ls, &at);
	for (int i = 0; i < PEERS; i++)
		fd[i] = raw_connect(&at);
	run_until(loop, &accepted, 1);
	ck_assert_int_eq(accepted, 64);
	run_until(loop, &accepted, PEERS);
	for (int i = 0; i < PEERS; i++)
		close(fd[i]);
	listener_free(ls);
}
END_TEST

START_TEST(an_address_in_use_is_named)
{
	struct listener *ls = must_listen_on(_i == 0 ? "tcp:127.0.0.1:0" : unix_text);
	char expected[160];
	struct net_addr at;
	struct err e;

	listener_addr(ls, &at);
	ck_assert_ptr_null(listen_on(at.text, &e));
	ck_assert_int_eq(e.code, SVCD_EINUSE);
	snprintf(expected, sizeof(expected), "%s is in use by another process", at.text);
	ck_assert_str_eq(e.text, expected);

	/* The first one is unharmed. */
	close(raw_connect(&at));
	run_until(loop, &accepted, 1);
	listener_free(ls);
}
END_TEST

START_TEST(an_address_that_is_not_ours_is_named)
{
	struct err e;

	ck_assert_ptr_null(listen_on("tcp:192.0.2.1:80", &e));
	ck_assert_str_eq(e.text,
		"cannot listen on tcp:192.0.2.1:80: Cannot assign requested address");
	ck_assert_ptr_null(listen_on("unix:/nonexistent/s", &e));
	ck_assert_int_eq(e.code, SVCD_ENOTFOUND);
}
END_TEST

/* As a killed process leaves it. */
static void leave_stale_socket(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
}

START_TEST(a_stale_unix_socket_is_taken_over)
{
	struct listener *ls;
	struct net_addr at;

	leave_stale_socket();
	ls = must_listen_on(unix_text);
	listener_addr(ls, &at);
	close(raw_connect(&at));
	run_until(loop, &accepted, 1);
	listener_free(ls);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_not_touched)
{
	char expected[160];
	struct err e;

	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_ptr_null(listen_on(unix_text, &e));
	ck_assert_int_eq(e.code, SVCD_EINUSE);
	snprintf(expected, sizeof(expected), "%s exists and is not a socket", unix_text);
	ck_assert_str_eq(e.text, expected);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(freeing_leaves_the_socket_of_a_successor)
{
	struct listener *first = must_listen_on(unix_text);
	struct listener *second;

	unlink(path);
	second = must_listen_on(unix_text);
	listener_free(first);
	ck_assert_int_eq(access(path, F_OK), 0);
	listener_free(second);
	ck_assert_int_ne(access(path, F_OK), 0);
	listener_free(NULL);
}
END_TEST

START_TEST(the_umask_decides_about_the_socket_file)
{
	struct listener *ls;
	struct stat st;

	umask(0117);
	ls = must_listen_on(unix_text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	listener_free(ls);
}
END_TEST

static struct listener *freed_by_accept;

static void on_accept_free(int fd, void *arg)
{
	(void)arg;
	accepted++;
	close(fd);
	listener_free(freed_by_accept);
}

START_TEST(accepting_may_free_the_listener)
{
	struct net_addr at = addr_of(unix_text);
	struct err e;
	int fd[2];

	freed_by_accept = listener_new(loop, &at, 8, on_accept_free, NULL, &e);
	fd[0] = raw_connect(&at);
	fd[1] = raw_connect(&at);
	run_until(loop, &accepted, 1);
	run_for(loop, 2);
	ck_assert_int_eq(accepted, 1);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

static void count_rounds(void *arg)
{
	++*(int *)arg;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

START_TEST(without_descriptors_accepting_waits_and_recovers)
{
	struct listener *ls = must_listen_on(unix_text);
	struct rlimit all;
	struct rlimit none;
	struct timer t;
	struct net_addr at;
	int rounds = 0;
	int fd;

	listener_addr(ls, &at);
	fd = raw_connect(&at);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)fd, .rlim_max = all.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(timer_init(&t, loop, stop_loop, loop), 0);
	timer_set(&t, 250);
	loop_on_idle(loop, count_rounds, &rounds);
	loop_run(loop);
	timer_fini(&t);
	ck_assert_int_eq(accepted, 0);
	ck_assert_int_ge(rounds, 4); /* it tries again */
	ck_assert_int_le(rounds, 12);

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	run_until(loop, &accepted, 1);
	close(fd);
	listener_free(ls);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_listener");
	TCase *tc = unit_case(s, "listener");

	tcase_add_checked_fixture(tc, world_up, world_down);
	tcase_add_loop_test(tc, a_listener_knows_the_port_that_the_kernel_chose, 0, 2);
	tcase_add_test(tc, more_peers_than_one_round_takes_are_all_accepted);
	tcase_add_loop_test(tc, an_address_in_use_is_named, 0, 2);
	tcase_add_test(tc, an_address_that_is_not_ours_is_named);
	tcase_add_test(tc, a_stale_unix_socket_is_taken_over);
	tcase_add_test(tc, a_file_that_is_no_socket_is_not_touched);
	tcase_add_test(tc, freeing_leaves_the_socket_of_a_successor);
	tcase_add_test(tc, the_umask_decides_about_the_socket_file);
	tcase_add_test(tc, accepting_may_free_the_listener);
	tcase_add_test(tc, without_descriptors_accepting_waits_and_recovers);
	return unit_run(s);
}
